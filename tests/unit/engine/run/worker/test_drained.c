/*
 * Goal: who has taken all that came to it through an exchange commits then, not only when the
 * interval has passed, so that rows do not wait a whole interval in each stage; and epochs do not
 * become tiny by it, though workers that feed one another could go on so for ever.
 * Method: a job of two stages on the simulated log, rows at a steady pace in virtual time. Two
 * workers, each with a task of both stages; then one that has all tasks, and hears of nobody.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MS 1000
#define TICK_MS 25
#define TICKS 1600
#define SETTLING 80 /* ticks that are not counted: groups form */
#define SLACK 8     /* commits of claims, of the rebalance */
#define START_MS INT64_C(1704067200000)

static const char JOB[] =
    "SET 'parallelism.default' = '2';"
    "SET 'execution.checkpointing.interval' = '1 s';"
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA
    ", 'topic' = 'in');"
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
    "INSERT INTO dst SELECT id FROM ("
    "SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts) AS n FROM src) WHERE n = 1;";

typedef struct pace {
    sql_world w;
    int64_t began_ms;
    uint32_t put, seen;
    int64_t took_ms[2 * TICKS];
    bool is_seen[2 * TICKS];
} pace;

static int64_t now_ms(const pace *p)
{
    const mr_clock *clock = mr_sim_clock(&p->w.world);
    return clock->monotonic_us(clock) / 1000;
}

/* A row in each partition, a tick apart in event time, at its moment. */
static void put_due(pace *p)
{
    while (p->put < TICKS && p->began_ms + (int64_t)p->put * TICK_MS <= now_ms(p)) {
        int64_t at = (int64_t)p->put * TICK_MS;
        for (int32_t partition = 0; partition < 2; partition++) {
            char value[96];
            snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:%02d:%02d.%03d\"}",
                     (int)p->put * 2 + partition, (int)(at / 60000), (int)(at / 1000 % 60),
                     (int)(at % 1000));
            sql_put(&p->w, "in", partition, value);
        }
        p->put++;
    }
}

static void see(void *context, const mr_record *record)
{
    pace *p = context;
    int id = 0;
    cr_assert_eq(sscanf(record->value, "{\"id\":%d", &id), 1);
    if (p->is_seen[id])
        return;
    p->is_seen[id] = true;
    p->seen++;
    p->took_ms[id] = now_ms(p) - p->began_ms - (int64_t)(id / 2) * TICK_MS;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool all_run(const pace *p, uint32_t workers)
{
    for (uint32_t k = 0; k < workers; k++)
        if (p->w.worker[k].stats.phase != MR_WORKER_RUN ||
            p->w.worker[k].stats.tasks != 4 / workers)
            return false;
    return true;
}

static void step_all(pace *p, uint32_t workers)
{
    for (uint32_t k = 0; k < workers; k++) {
        cr_assert(sql_step(&p->w, k), "%s", p->w.worker[k].err.message);
        put_due(p);
        (void)mr_sim_each(&p->w.world, "out", 0, see, p);
    }
}

/* Runs the job; what it commits in the time of the ticks comes back, of the busiest worker. */
static uint64_t run(pace *p, uint32_t workers)
{
    memset(p, 0, sizeof *p);
    sql_open(&p->w, workers, JOB);
    sql_topic(&p->w, "in", 2);
    sql_topic(&p->w, "out", 1);
    p->began_ms = INT64_MAX / 2;
    for (uint32_t k = 0; k < workers; k++)
        sql_start(&p->w, k, false);
    while (!all_run(p, workers))
        step_all(p, workers);
    p->began_ms = now_ms(p);
    while (p->seen < 2 * TICKS) {
        step_all(p, workers);
        cr_assert_lt(now_ms(p) - p->began_ms, 3 * TICKS * TICK_MS, "%" PRIu32 " rows came",
                     p->seen);
    }
    uint64_t most = 0;
    for (uint32_t k = 0; k < workers; k++)
        most = p->w.worker[k].stats.commits > most ? p->w.worker[k].stats.commits : most;
    sql_close(&p->w);
    qsort(p->took_ms + SETTLING, 2 * TICKS - SETTLING, sizeof *p->took_ms, compare);
    return most;
}

static int64_t part_of(const pace *p, uint32_t percent)
{
    return p->took_ms[SETTLING + (2 * TICKS - SETTLING - 1) * percent / 100];
}

Test(worker_drained, commits_before_the_interval_is_over_where_frames_came)
{
    pace *p = malloc(sizeof *p);
    uint64_t commits = run(p, 2);
    int64_t p50 = part_of(p, 50), p99 = part_of(p, 99);
    cr_expect_lt(p50, INTERVAL_MS / 2, "p50 %" PRId64, p50);
    cr_expect_lt(p99, INTERVAL_MS, "p99 %" PRId64, p99);
    cr_expect_leq(commits, 4 * TICKS * TICK_MS / INTERVAL_MS + SLACK);
    free(p);
}

Test(worker_drained, keeps_to_the_interval_where_no_frames_come_from_others)
{
    pace *p = malloc(sizeof *p);
    uint64_t commits = run(p, 1);
    int64_t p99 = part_of(p, 99);
    cr_expect_lt(p99, INTERVAL_MS + 200, "p99 %" PRId64, p99);
    cr_expect_leq(commits, TICKS * TICK_MS / INTERVAL_MS + SLACK);
    free(p);
}
