/*
 * Goal: a partition of the state topic that is nobody's task (an upgrade that was broken off added
 * it) costs no task, though the log does not answer when it is asked about.
 * Method: a windowed SQL job of three tasks on the simulated log, whose state topic has two
 * partitions more; the question fails at the first assignment, and at a later one.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TASKS 3
#define FAILURES 3
#define STEPS_MAX 200000
#define JOB                                                                                      \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA        \
    ", 'topic' = 'in', 'partitioned-by' = 'id');"                                                \
    "CREATE TABLE dst (id INT, e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "INSERT INTO dst SELECT id, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE src, "              \
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, id;"

/* The log of worker 0, which does not answer what the group has committed so many times. */
typedef struct mute {
    mr_log_class log_class;
    const mr_log_class *inner;
    uint32_t failures;
} mute;

static mr_status group_offsets(mr_log *log, const char *group, mr_log_offset *offsets,
                               uint32_t count, mr_arena *arena, mr_error *err)
{
    mute *m = (mute *)((uintptr_t)log->class - offsetof(mute, log_class));
    if (m->failures == 0 || strcmp(offsets[0].topic, "job.state") != 0)
        return m->inner->group_offsets(log, group, offsets, count, arena, err);
    m->failures--;
    return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY, "no answer");
}

static void start_mute(sql_world *w, mute *m)
{
    sql_start(w, 0, false);
    mr_log *log = w->worker[0].log;
    *m = (mute){.log_class = *log->class, .inner = log->class};
    m->log_class.group_offsets = group_offsets;
    log->class = &m->log_class;
}

static void put_all(sql_world *w, int second)
{
    char value[96];
    for (int32_t p = 0; p < TASKS; p++) {
        snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:00:%02d\"}", p, second);
        sql_put(w, "in", p, value);
    }
}

/* Workers `first` to `last` in turn, one step each, until a claim holds. */
#define STEP_UNTIL(w, first, last, claim)                                            \
    do {                                                                             \
        for (uint32_t s_ = 0; !(claim); s_++) {                                      \
            cr_assert_lt(s_, STEPS_MAX, "%s\n%s", #claim, (w)->log);                 \
            uint32_t k_ = (first) + s_ % ((last) - (first) + 1);                     \
            cr_assert(sql_step((w), k_), "%u: %s", k_, (w)->worker[k_].err.message); \
        }                                                                            \
    } while (0)

static bool runs(const sql_world *w, uint32_t k)
{
    return w->worker[k].stats.phase == MR_WORKER_RUN;
}

/* A row of each task was committed, and then the topic has grown. */
static void open_world(sql_world *w)
{
    sql_open(w, 3, JOB);
    w->job->plan.tasks_count = TASKS;
    sql_topic(w, "in", TASKS);
    sql_topic(w, "out", 1);
    put_all(w, 1);
    sql_start(w, 0, false);
    STEP_UNTIL(w, 0, 0,
               w->worker[0].stats.records_in == TASKS && !w->worker[0].stats.has_open_epoch);
    sql_stop(w, 0);
    mr_sim_grow(&w->world, "job.state", TASKS + 2); /* one for each of two workers */
}

static bool has_all(sql_world *w)
{
    const char *rows = sql_values(w, "out");
    return strstr(rows, "\"id\":0") && strstr(rows, "\"id\":1") && strstr(rows, "\"id\":2");
}

static void close_world(sql_world *w, uint32_t workers)
{
    put_all(w, 2);
    put_all(w, 12);
    STEP_UNTIL(w, 0, workers - 1, has_all(w));
    const char *rows = sql_values(w, "out");
    for (int id = 0; id < TASKS; id++) {
        char row[96];
        snprintf(row, sizeof row, "{\"id\":%d,\"e\":\"2024-01-01 00:00:10\",\"n\":2}", id);
        const char *found = strstr(rows, row);
        cr_expect(found != NULL && strstr(found + 1, row) == NULL, "%s in %s", row, rows);
    }
    for (uint32_t k = 0; k < workers; k++)
        sql_stop(w, k);
    sql_close(w);
}

Test(surplus, no_answer_at_the_first_assignment_costs_no_task)
{
    sql_world w;
    mute m;
    open_world(&w);
    start_mute(&w, &m);
    STEP_UNTIL(&w, 0, 0, w.worker[0].stats.phase == MR_WORKER_JOIN); /* it has asked before */
    m.failures = FAILURES;
    STEP_UNTIL(&w, 0, 0, runs(&w, 0));
    cr_expect_eq(m.failures, 0);
    cr_expect_eq(w.worker[0].stats.tasks, TASKS, "%s", w.log);
    close_world(&w, 1);
}

Test(surplus, no_answer_at_a_later_assignment_keeps_no_task_of_another)
{
    sql_world w;
    mute m;
    open_world(&w);
    start_mute(&w, &m);
    STEP_UNTIL(&w, 0, 0, runs(&w, 0) && w.worker[0].stats.tasks == TASKS);
    m.failures = FAILURES;
    sql_start(&w, 1, false);
    STEP_UNTIL(&w, 0, 1, runs(&w, 0) && runs(&w, 1) && w.worker[1].stats.tasks > 0);
    cr_expect_eq(w.worker[0].stats.tasks + w.worker[1].stats.tasks, TASKS, "%s", w.log);
    close_world(&w, 2);
}
