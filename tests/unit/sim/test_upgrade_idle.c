/*
 * Goal: what tasks of several stages know of each other without rows goes over an upgrade too: how
 * far the job had come while some partitions were silent, and that these need not be waited for.
 * Method: two of the four partitions fall silent early; the others bring the job on. Behind the
 * upgrade windows must fire without a row of the silent ones; or rows of these come first, of
 * windows that have fired long ago: each is late, once, whichever stage looks at it.
 */
#include "engine/base/assert.h"
#include "tests/unit/sim/staged.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#define SILENT_MS 40 /* from here on */
#define IDLE_MS 40
#define STEPS_MAX 8000

static const mr_move moves[] = {{{2, 2}, {2, 2}}, {{2, 2}, {4, 5}}, {{4, 2}, {2, 5}},
                                {{1, 0}, {4, 3}}, {{1, 2}, {1, 3}}, {{1, 4}, {4, 7}}};

static void put(mr_rig *r, uint32_t key, int64_t time_ms)
{
    char value[64];
    snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, time_ms, 5);
    mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value, MR_TIME_NONE);
    mr_sim_law_sent(r->law, key, time_ms, 5);
}

/* Rows of the partitions that still speak, until so many results more have come. */
static void feed_until(mr_staged *s, uint64_t results)
{
    mr_rig *r = &s->r;
    mr_rig_start(r, 0, false);
    r->stats = (mr_worker_stats){0};
    for (uint32_t n = 0; r->stats.rows_out < results; n++) {
        cr_assert_lt(n, STEPS_MAX, "nothing fires: %" PRIu64 " results", r->stats.rows_out);
        for (uint32_t key = 0; n % 20 == 0 && key < MR_SIM_KEYS; key++)
            if (key % MR_SIM_PARTITIONS < 2 || r->time_ms < SILENT_MS)
                put(r, key, r->time_ms);
        r->time_ms += n % 60 == 0 ? 10 : n % 20 == 0 ? 4 : 0; /* sessions end, too */
        cr_assert(mr_rig_step(r, 0), "MR%d %s", r->err.status, r->err.message);
    }
    mr_worker_request_stop(r->seats[0].worker);
    mr_rig_step_until(r, 0, MR_WORKER_STOPPED);
    mr_rig_stop(r, 0);
    mr_sim_pass(&r->world, 60000);
}

static void set_up(mr_staged *s, uint64_t seed, const mr_move *move)
{
    const mr_sim_job_options options = {
        .is_hop = seed % 3 == 1, .is_session = seed % 3 == 2, .idle_timeout_ms = IDLE_MS};
    mr_staged_set_up(s, seed, move, &options, seed % 2 == 0);
    feed_until(s, 300);
    cr_assert_gt(s->r.time_ms, SILENT_MS + 100);
    mr_staged_upgrade(s);
    s->r.config.plan = &s->other.plan;
}

Test(upgrade_idle, windows_fire_without_a_row_of_partitions_that_were_silent_before_it)
{
    for (uint64_t seed = 0; seed < 3 * MR_LENGTH(moves); seed++) {
        mr_staged s;
        set_up(&s, seed, &moves[seed / 3]);
        feed_until(&s, 100);
        mr_staged_finish(&s, seed);
        mr_staged_tear_down(&s);
    }
}

Test(upgrade_idle, rows_of_windows_that_have_fired_are_late_for_tasks_that_were_not_there)
{
    for (uint64_t seed = 0; seed < 3 * MR_LENGTH(moves); seed++) {
        mr_staged s;
        set_up(&s, seed, &moves[seed / 3]);
        for (uint32_t key = 0; key < MR_SIM_KEYS; key++)
            if (key % MR_SIM_PARTITIONS >= 2)
                put(&s.r, key, SILENT_MS + 20 + key);
        feed_until(&s, 100);
        mr_staged_finish(&s, seed);
        cr_expect_eq(s.r.law->rows_late, MR_SIM_KEYS / 2, "seed %" PRIu64 ": %" PRId64 " late",
                     seed, s.r.law->rows_late);
        mr_staged_tear_down(&s);
    }
}
