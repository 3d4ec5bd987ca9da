/* Goal: timers come out in order of time, each once, cancelled ones never, whatever the times are.
 * Method: against a plain array that is searched. */
#include "engine/time/timers.h"

#include <criterion/criterion.h>

#define PLAYED 4000

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 27);
}

typedef struct known {
    int64_t due;
    uint32_t number;
    bool is_waiting;
} known;

typedef struct play {
    mr_timers timers;
    known all[PLAYED];
    uint32_t count, waiting;
    uint64_t random;
    int64_t passed, range;
} play;

static void add(play *p)
{
    known *k = &p->all[p->count++];
    k->due = p->passed + 1 + (int64_t)(next_random(&p->random) % (uint64_t)p->range);
    k->is_waiting = true;
    k->number = mr_timers_add(&p->timers, k->due, k);
    p->waiting++;
}

static void cancel(play *p)
{
    known *k = &p->all[next_random(&p->random) % p->count];
    if (!k->is_waiting)
        return;
    mr_timers_cancel(&p->timers, k->number);
    k->is_waiting = false;
    p->waiting--;
}

/* All that is due by `limit`, in order; nothing that the array has is left out. */
static void move_on(play *p, int64_t limit)
{
    int64_t due = 0, before = p->passed;
    known *k;
    while ((k = mr_timers_next(&p->timers, limit, &due)) != NULL) {
        cr_assert(k->is_waiting);
        cr_assert(due == k->due && due <= limit && due >= before);
        before = due;
        k->is_waiting = false;
        p->waiting--;
    }
    for (uint32_t i = 0; i < p->count; i++)
        cr_assert(!p->all[i].is_waiting || p->all[i].due > limit);
    p->passed = limit;
}

static void run(uint64_t seed)
{
    static const int64_t ranges[] = {3, 1000, 100000, INT64_C(1) << 40};
    static const int64_t starts[] = {-100000, 0, INT64_C(1700000000000), -(INT64_C(1) << 61)};
    static play p;
    p = (play){.random = seed, .range = ranges[seed % 4], .passed = starts[seed / 4 % 4]};
    mr_timers_init(&p.timers, NULL);
    while (p.count < PLAYED) {
        uint64_t choice = next_random(&p.random) % 40;
        if (choice == 0)
            move_on(&p, p.passed + 1 + (int64_t)(next_random(&p.random) % (uint64_t)p.range) / 2);
        else if (choice < 5 && p.count > 0)
            cancel(&p);
        else
            add(&p);
    }
    move_on(&p, INT64_MAX);
    cr_assert(p.waiting == 0);
    mr_timers_release(&p.timers);
}

Test(timers, come_in_order_of_time_and_each_once)
{
    for (uint64_t seed = 0; seed < 32; seed++)
        run(seed);
}

Test(timers, the_ends_of_time_are_times)
{
    int what = 0;
    int64_t due = 0;
    mr_timers timers;
    mr_timers_init(&timers, NULL);
    mr_timers_add(&timers, INT64_MAX, &what);
    mr_timers_add(&timers, INT64_MIN, &what);
    cr_assert(mr_timers_next(&timers, INT64_MIN, &due) == &what && due == INT64_MIN);
    cr_assert(mr_timers_next(&timers, INT64_MAX - 1, &due) == NULL);
    cr_assert(mr_timers_next(&timers, INT64_MAX, &due) == &what && due == INT64_MAX);
    mr_timers_release(&timers);
}

Test(timers, give_their_memory_back_to_the_budget)
{
    mr_budget budget = {0};
    int what = 0;
    int64_t due;
    mr_timers timers;
    mr_timers_init(&timers, &budget);
    for (int64_t t = 0; t < 1000; t++)
        mr_timers_add(&timers, t, &what);
    cr_assert(mr_budget_used(&budget) >= 1000 * (int64_t)sizeof(mr_timer));
    int64_t full = mr_budget_used(&budget);
    for (int64_t t = 0; t < 100000; t++) { /* one out, one in: nothing grows for ever */
        cr_assert(mr_timers_next(&timers, t, &due) == &what);
        mr_timers_add(&timers, t + 1000, &what);
    }
    cr_assert(mr_budget_used(&budget) < 4 * full);
    mr_timers_release(&timers);
    cr_assert(mr_budget_used(&budget) == 0);
}

Test(timers, asked_for_an_earlier_time_than_before_give_nothing)
{
    mr_timers timers;
    mr_timers_init(&timers, NULL);
    int what[2];
    int64_t due = 0;
    mr_timers_add(&timers, 10, &what[0]);
    mr_timers_add(&timers, 10, &what[1]);
    cr_expect_not_null(mr_timers_next(&timers, 10, &due));
    cr_expect_null(mr_timers_next(&timers, 9, &due));
    cr_expect_not_null(mr_timers_next(&timers, 10, &due));
    cr_expect_eq(due, 10);
    cr_expect_null(mr_timers_next(&timers, INT64_MAX, &due));
    mr_timers_release(&timers);
}
