#include "tests/sim/joins/join_law.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 16384u
#define NONE UINT32_MAX

void mr_join_law_init(mr_join_law *law, int64_t delay_ms)
{
    *law = (mr_join_law){.delay_ms = delay_ms,
                         .rows = calloc(ROWS_MAX, sizeof(mr_join_law_row)),
                         .pairs = calloc(ROWS_MAX * ROWS_MAX / 8, 1)};
    MR_ASSERT(law->rows != NULL && law->pairs != NULL);
    for (uint32_t p = 0; p < MR_JOIN_LAW_PARTITIONS; p++)
        law->partition_ms[p] = INT64_MIN;
    for (uint32_t k = 0; k < MR_JOIN_LAW_KEYS_MAX; k++)
        law->last_of_key[k] = NONE;
}

void mr_join_law_release(mr_join_law *law)
{
    free(law->rows);
    free(law->pairs);
}

uint32_t mr_join_law_sent(mr_join_law *law, uint32_t key, int64_t time_ms)
{
    MR_ASSERT(law->rows_count < ROWS_MAX && key < MR_JOIN_LAW_KEYS_MAX);
    int64_t *partition = &law->partition_ms[key % MR_JOIN_LAW_PARTITIONS];
    law->rows[law->rows_count] = (mr_join_law_row){.key = key,
                                                   .time_ms = time_ms,
                                                   .watermark_ms = *partition,
                                                   .before_of_key = law->last_of_key[key]};
    law->last_of_key[key] = law->rows_count;
    if (time_ms - law->delay_ms > *partition)
        *partition = time_ms - law->delay_ms;
    return law->rows_count++;
}

static bool fits(const mr_join_law_row *left, const mr_join_law_row *right)
{
    return left->key == right->key && left->time_ms >= right->time_ms - MR_JOIN_LAW_REACH_MS &&
           left->time_ms <= right->time_ms + MR_JOIN_LAW_REACH_MS;
}

static bool is_seen(const mr_join_law *law, uint32_t left, uint32_t right)
{
    size_t at = (size_t)left * ROWS_MAX + right;
    return (law->pairs[at / 8] >> at % 8 & 1) != 0;
}

static bool fail(const char *line, const char *what, char *why, size_t size)
{
    snprintf(why, size, "result `%s` %s", line, what);
    return false;
}

bool mr_join_law_take(mr_join_law *law, const char *line, char *why, size_t size)
{
    uint32_t key, left, right;
    int64_t left_time, right_time;
    int fields = sscanf(line, "k%" SCNu32 "|%" SCNd64 "|%" SCNu32 "|%" SCNd64 "|%" SCNu32, &key,
                        &left_time, &left, &right_time, &right);
    law->results++;
    if (fields < 3 || fields == 4 || left >= law->rows_count)
        return fail(line, "is malformed", why, size);
    mr_join_law_row *row = &law->rows[left];
    if (row->key != key || row->time_ms != left_time)
        return fail(line, "has a left row that was never sent", why, size);
    if (fields == 3) {
        if (row->is_padded && !law->is_repeating)
            return fail(line, "was padded twice", why, size);
        row->is_padded = true;
        return true;
    }
    if (right >= law->rows_count || law->rows[right].time_ms != right_time ||
        !fits(row, &law->rows[right]))
        return fail(line, "is no pair", why, size);
    if (is_seen(law, left, right) && !law->is_repeating)
        return fail(line, "came twice", why, size);
    size_t at = (size_t)left * ROWS_MAX + right;
    law->pairs[at / 8] = (uint8_t)(law->pairs[at / 8] | 1u << at % 8);
    row->is_matched = true;
    return true;
}

/* The one that came first was kept when the other came. */
static bool must_meet(const mr_join_law *law, uint32_t left, uint32_t right)
{
    uint32_t first = left < right ? left : right, second = left < right ? right : left;
    int64_t over = law->rows[first].time_ms + MR_JOIN_LAW_REACH_MS;
    bool meets_backwards = !law->is_unordered || law->rows[second].time_ms + MR_JOIN_LAW_REACH_MS >
                                                     law->rows[first].watermark_ms;
    return meets_backwards && !law->has_idle && fits(&law->rows[left], &law->rows[right]) &&
           over > law->rows[second].watermark_ms;
}

bool mr_join_law_holds(const mr_join_law *law, char *why, size_t size)
{
    for (uint32_t left = 0; left < law->rows_count; left++) {
        const mr_join_law_row *row = &law->rows[left];
        if (row->is_matched ? row->is_padded && !law->is_repeating : !row->is_padded) {
            snprintf(why, size, "row %" PRIu32 " (k%" PRIu32 ", %" PRId64 " ms) is %s", left,
                     row->key, row->time_ms, row->is_matched ? "matched and padded" : "lost");
            return false;
        }
        for (uint32_t right = law->last_of_key[row->key]; right != NONE;
             right = law->rows[right].before_of_key)
            if (must_meet(law, left, right) && !is_seen(law, left, right)) {
                snprintf(why, size, "rows %" PRIu32 " and %" PRIu32 " of k%" PRIu32 " never met",
                         left, right, row->key);
                return false;
            }
    }
    return true;
}
