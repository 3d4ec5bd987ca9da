/*
 * Goal: what a job may take is dealt out whole, and to nobody more than is there.
 * Method: limits from the least to 64 GiB, numbers of tasks and inputs; the parts are added up.
 */
#include "jobs/engine/shares.h"

#include <criterion/criterion.h>

static int64_t sum_of(const mr_shares *shares, uint32_t tasks, uint32_t inputs)
{
    return (int64_t)shares->state_bytes + 8 * (int64_t)shares->dirty_bytes +
           (int64_t)shares->staged_bytes + (int64_t)shares->cache_bytes +
           2 * (int64_t)shares->memtable_bytes * tasks +
           (int64_t)shares->input_queue_kb * 1024 * inputs +
           (int64_t)shares->writer_queue_kb * 1024;
}

Test(shares, come_to_no_more_than_the_limit)
{
    for (int64_t limit = 256 << 20; limit <= (int64_t)64 << 30; limit *= 2)
        for (uint32_t tasks = 1; tasks <= 8; tasks *= 2)
            for (uint32_t inputs = 1; inputs <= 128; inputs *= 4) {
                mr_shares shares = mr_shares_of(limit, tasks, inputs);
                cr_assert_leq(sum_of(&shares, tasks, inputs), limit - limit / 16);
            }
}

Test(shares, are_what_is_fast_where_there_is_plenty)
{
    mr_shares shares = mr_shares_of((int64_t)8 << 30, 1, 4);
    cr_assert_eq(shares.input_queue_kb, 4096);
    cr_assert_eq(shares.writer_queue_kb, 32768);
    cr_assert_eq(shares.memtable_bytes, 8 << 20);
    cr_assert_eq(shares.dirty_bytes, 64 << 20);
    cr_assert_eq(shares.staged_bytes, 16 << 20);
}

Test(shares, default_to_half_of_what_there_is)
{
    cr_assert_geq(mr_shares_default(), MR_MEMORY_LEAST);
    mr_shares shares = mr_shares_of(0, 1, 1);
    cr_assert_eq(shares.limit_bytes, mr_shares_default());
}
