#include "engine/time/timers.h"

#include "engine/base/assert.h"

#include <stdbool.h>
#include <stdlib.h>

#define SIGN_BIT (UINT64_C(1) << 63)
#define CAPACITY_FIRST 16u
#define CAPACITY_KEPT 256u /* of an empty bucket: timers pass through many of them */

static uint64_t to_unsigned(int64_t ms)
{
    return (uint64_t)ms ^ SIGN_BIT;
}

static int64_t to_ms(uint64_t due)
{
    return (int64_t)(due ^ SIGN_BIT);
}

static void count_bytes(const mr_timers *timers, size_t bytes)
{
    if (timers->budget != NULL)
        mr_budget_add(timers->budget, MR_BUDGET_TABLES, (int64_t)bytes);
}

void mr_timers_init(mr_timers *timers, mr_budget *budget)
{
    *timers = (mr_timers){.budget = budget};
}

void mr_timers_release(mr_timers *timers)
{
    size_t bytes = (size_t)timers->whats_capacity * (sizeof(void *) + sizeof(uint32_t));
    for (uint32_t b = 0; b < MR_LENGTH(timers->buckets); b++) {
        bytes += (size_t)timers->buckets[b].capacity * sizeof(mr_timer);
        free(timers->buckets[b].timers);
    }
    free(timers->whats);
    free(timers->free_numbers);
    count_bytes(timers, (size_t)0 - bytes);
    *timers = (mr_timers){.budget = timers->budget};
}

static uint32_t new_number(mr_timers *timers, void *what)
{
    if (timers->free_count > 0) {
        uint32_t number = timers->free_numbers[--timers->free_count];
        timers->whats[number] = what;
        return number;
    }
    if (timers->whats_count == timers->whats_capacity) {
        uint32_t capacity =
            timers->whats_capacity != 0 ? timers->whats_capacity * 2 : CAPACITY_FIRST;
        timers->whats = realloc(timers->whats, capacity * sizeof *timers->whats);
        timers->free_numbers =
            realloc(timers->free_numbers, capacity * sizeof *timers->free_numbers);
        MR_ASSERT(timers->whats != NULL && timers->free_numbers != NULL);
        count_bytes(timers, (size_t)(capacity - timers->whats_capacity) *
                                (sizeof(void *) + sizeof(uint32_t)));
        timers->whats_capacity = capacity;
    }
    timers->whats[timers->whats_count] = what;
    return timers->whats_count++;
}

static void put(mr_timers *timers, mr_timer timer)
{
    uint64_t differs = timer.due ^ timers->last;
    uint32_t b = differs == 0 ? 0 : 64u - (uint32_t)__builtin_clzll(differs);
    mr_timers_bucket *bucket = &timers->buckets[b];
    if (bucket->count == bucket->capacity) {
        uint32_t capacity = bucket->capacity != 0 ? bucket->capacity * 2 : CAPACITY_FIRST;
        bucket->timers = realloc(bucket->timers, capacity * sizeof *bucket->timers);
        MR_ASSERT(bucket->timers != NULL);
        count_bytes(timers, (size_t)(capacity - bucket->capacity) * sizeof(mr_timer));
        bucket->capacity = capacity;
    }
    bucket->timers[bucket->count++] = timer;
    if (b > 0)
        timers->used |= UINT64_C(1) << (b - 1);
}

uint32_t mr_timers_add(mr_timers *timers, int64_t due_ms, void *what)
{
    mr_timer timer = {.due = to_unsigned(due_ms), .number = new_number(timers, what)};
    MR_ASSERT(what != NULL && timer.due >= timers->last);
    put(timers, timer);
    return timer.number;
}

void mr_timers_cancel(mr_timers *timers, uint32_t number)
{
    MR_ASSERT(number < timers->whats_count && timers->whats[number] != NULL);
    timers->whats[number] = NULL;
}

/* Bucket b lies at or before the limit in part: time moves on to its first timer, or to the limit,
 * and its timers go to lower buckets. */
static void open_bucket(mr_timers *timers, uint32_t b, uint64_t limit)
{
    mr_timers_bucket opened = timers->buckets[b];
    uint64_t first = limit;
    for (uint32_t i = 0; i < opened.count; i++)
        if (opened.timers[i].due < first)
            first = opened.timers[i].due;
    timers->last = first;
    timers->used &= ~(UINT64_C(1) << (b - 1));
    timers->buckets[b].count = 0;
    for (uint32_t i = 0; i < opened.count; i++)
        put(timers, opened.timers[i]);
    MR_ASSERT(timers->buckets[b].count == 0);
    if (opened.capacity <= CAPACITY_KEPT)
        return;
    free(opened.timers);
    count_bytes(timers, (size_t)0 - opened.capacity * sizeof(mr_timer));
    timers->buckets[b] = (mr_timers_bucket){0};
}

static void *take(mr_timers *timers)
{
    mr_timers_bucket *now = &timers->buckets[0];
    while (now->count > 0) {
        uint32_t number = now->timers[--now->count].number;
        void *what = timers->whats[number];
        timers->free_numbers[timers->free_count++] = number;
        if (what != NULL)
            return what;
    }
    return NULL;
}

void *mr_timers_next(mr_timers *timers, int64_t limit_ms, int64_t *due_ms)
{
    uint64_t limit = to_unsigned(limit_ms);
    for (;;) {
        if (timers->last > limit)
            return NULL;
        void *what = take(timers);
        if (what != NULL) {
            *due_ms = to_ms(timers->last);
            return what;
        }
        if (timers->used == 0)
            return NULL;
        uint32_t b = (uint32_t)__builtin_ctzll(timers->used) + 1;
        uint64_t bit = UINT64_C(1) << (b - 1);
        uint64_t bucket_start = (timers->last | bit) & ~(bit - 1);
        if (bucket_start > limit)
            return NULL;
        open_bucket(timers, b, limit);
    }
}
