/*
 * Goal: a task that stays with its worker over a rebalance stays open: neither its state log nor
 * its local store is read again, and it goes on from where it was; one that was another's meanwhile
 * is restored. Method: a windowed SQL job of three tasks and two workers on the simulated log; the
 * calls of the first one that read state are counted.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TASKS 3
#define STEPS_MAX 200000
#define JOB                                                                                      \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA        \
    ", 'topic' = 'in', 'partitioned-by' = 'id');"                                                \
    "CREATE TABLE dst (id INT, e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "INSERT INTO dst SELECT id, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE src, "              \
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, id;"

/* -- counting what reads state -- */

typedef struct counted {
    mr_store_factory factory;
    mr_store_factory *inner;
    mr_log_class log_class;
    const mr_log_class *log_inner;
    mr_reader_class reader_class;
    const mr_reader_class *reader_inner;
    uint32_t opened[TASKS]; /* local stores */
    uint32_t read[TASKS];   /* partitions of the state log, from anywhere */
} counted;

static mr_status open_store(mr_store_factory *factory, const char *job, uint32_t task,
                            mr_local_store **store, mr_error *err)
{
    counted *c = (counted *)factory;
    c->opened[task]++;
    return c->inner->open(c->inner, job, task, store, err);
}

static mr_status add_input(mr_log_reader *reader, uint32_t input, const char *topic,
                           int32_t partition, int64_t offset, mr_error *err)
{
    counted *c = (counted *)((uintptr_t)reader->class - offsetof(counted, reader_class));
    c->read[partition] += strcmp(topic, "job.state") == 0;
    return c->reader_inner->add(reader, input, topic, partition, offset, err);
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    counted *c = (counted *)((uintptr_t)log->class - offsetof(counted, log_class));
    mr_status status = c->log_inner->open_reader(log, reader, err);
    if (status != MR_OK)
        return status;
    c->reader_inner = (*reader)->class;
    c->reader_class = *c->reader_inner;
    c->reader_class.add = add_input;
    (*reader)->class = &c->reader_class;
    return MR_OK;
}

static void start_counted(sql_world *w, counted *c)
{
    *c = (counted){.factory = {.open = open_store}, .inner = mr_sim_stores(&w->world, 0)};
    w->stores = &c->factory;
    sql_start(w, 0, false);
    mr_log *log = w->worker[0].log;
    c->log_inner = log->class;
    c->log_class = *log->class;
    c->log_class.open_reader = open_reader;
    log->class = &c->log_class;
}

/* -- the world -- */

static void put(sql_world *w, int32_t partition, int second)
{
    char value[96];
    snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:00:%02d\"}", partition,
             second);
    sql_put(w, "in", partition, value);
}

static void put_all(sql_world *w, int second)
{
    for (int32_t p = 0; p < TASKS; p++)
        put(w, p, second);
}

static void step(sql_world *w, uint32_t k)
{
    cr_assert(sql_step(w, k), "worker %u: %s", k, w->worker[k].err.message);
}

/* Workers `first` to `last` in turn, one step each, until a claim holds. */
#define STEP_UNTIL(w, first, last, claim)                            \
    do {                                                             \
        for (uint32_t s_ = 0; !(claim); s_++) {                      \
            cr_assert_lt(s_, STEPS_MAX, "%s\n%s", #claim, (w)->log); \
            step((w), (first) + s_ % ((last) - (first) + 1));        \
        }                                                            \
    } while (0)

static bool runs(const sql_world *w, uint32_t k)
{
    return w->worker[k].stats.phase == MR_WORKER_RUN;
}

/* Worker 0 owns all, has seen a row of each, and committed it. */
static void open_world(sql_world *w, counted *c)
{
    sql_open(w, 3, JOB);
    w->job->plan.tasks_count = TASKS; /* one a partition, as the command line does it */
    sql_topic(w, "in", TASKS);
    sql_topic(w, "out", 1);
    start_counted(w, c);
    put_all(w, 1);
    const mr_worker_stats *stats = &w->worker[0].stats;
    STEP_UNTIL(w, 0, 0, stats->records_in == TASKS && !stats->has_open_epoch);
}

static uint32_t count(const char *text, const char *part)
{
    uint32_t found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        found++;
    return found;
}

/* Each task counts `n` rows in its first window. */
static void expect_counts(sql_world *w, int n)
{
    char row[96];
    const char *rows = sql_values(w, "out");
    cr_expect_eq(count(rows, "\"id\""), TASKS, "%s", rows);
    for (int id = 0; id < TASKS; id++) {
        snprintf(row, sizeof row, "{\"id\":%d,\"e\":\"2024-01-01 00:00:10\",\"n\":%d}", id, n);
        cr_expect_eq(count(rows, row), 1, "%s in %s", row, rows);
    }
}

/* The first windows close. */
static void close_windows(sql_world *w, uint32_t workers, int n)
{
    put_all(w, 12);
    STEP_UNTIL(w, 0, workers - 1, count(sql_values(w, "out"), "\"id\"") >= TASKS);
    expect_counts(w, n);
    for (uint32_t k = 0; k < workers; k++)
        sql_stop(w, k);
    sql_close(w);
}

Test(kept, task_that_stays_is_neither_restored_nor_read_again)
{
    sql_world w;
    counted before, now;
    open_world(&w, &now);
    before = now;
    uint64_t restores = w.worker[0].stats.restores;
    sql_start(&w, 1, false);
    put_all(&w, 2); /* work that the revoke commits */
    STEP_UNTIL(&w, 0, 1, runs(&w, 0) && runs(&w, 1) && w.worker[1].stats.tasks > 0);
    cr_expect_eq(w.worker[0].stats.restores, restores);
    cr_expect_gt(w.worker[0].stats.kept, 0);
    cr_expect_eq(w.worker[0].stats.tasks + w.worker[1].stats.tasks, TASKS);
    for (uint32_t t = 0; t < TASKS; t++) {
        cr_expect_eq(now.opened[t], before.opened[t], "store of task %u was opened again", t);
        cr_expect_eq(now.read[t], before.read[t], "log of task %u was read again", t);
    }
    close_windows(&w, 2, 2);
}

Test(kept, task_that_comes_back_is_restored_and_those_beside_it_are_kept)
{
    sql_world w;
    counted before, now;
    open_world(&w, &now);
    sql_start(&w, 1, false);
    STEP_UNTIL(&w, 0, 1, runs(&w, 0) && runs(&w, 1) && w.worker[1].stats.tasks > 0);
    put_all(&w, 2);
    before = now;
    uint64_t kept = w.worker[0].stats.kept;
    uint32_t had = w.worker[0].stats.tasks;
    STEP_UNTIL(&w, 1, 1, w.worker[1].stats.records_in > 0 && !w.worker[1].stats.has_open_epoch);
    sql_stop(&w, 1);
    STEP_UNTIL(&w, 0, 0, runs(&w, 0) && w.worker[0].stats.tasks == TASKS);
    uint32_t read = 0;
    for (uint32_t t = 0; t < TASKS; t++)
        read += now.opened[t] != before.opened[t];
    cr_expect_eq(w.worker[0].stats.kept, kept + had);
    cr_expect_eq(read, TASKS - had);
    sql_start(&w, 1, false);
    close_windows(&w, 2, 2);
}

/* Worker 1 lives, and nobody steps it: the group waits for it. */
Test(kept, who_waits_for_the_group_says_so)
{
    sql_world w;
    counted now;
    open_world(&w, &now);
    sql_start(&w, 1, false);
    STEP_UNTIL(&w, 0, 1, runs(&w, 0) && runs(&w, 1) && w.worker[1].stats.tasks > 0);
    cr_expect_null(strstr(w.log, "waits for the group"), "%s", w.log);
    sql_start(&w, 2, false);
    step(&w, 2);
    step(&w, 2);
    STEP_UNTIL(&w, 0, 0, w.worker[0].stats.phase == MR_WORKER_JOIN);
    STEP_UNTIL(&w, 0, 0, strstr(w.log, "waits for the group since 30 s") != NULL);
    close_windows(&w, 3, 1);
    cr_expect_null(strstr(w.log, "since 90 s"), "%s", w.log);
}

/* Worker 0 has released its tasks and stands still: others have them, and it is not told. */
Test(kept, task_that_was_anothers_meanwhile_is_restored)
{
    sql_world w;
    counted before, now;
    open_world(&w, &now);
    const mr_worker_stats *stats = &w.worker[0].stats;
    sql_start(&w, 1, false);
    STEP_UNTIL(&w, 0, 1, runs(&w, 0) && runs(&w, 1) && w.worker[1].stats.tasks > 0);
    uint64_t kept = stats->kept;
    sql_start(&w, 2, false);
    step(&w, 2);
    step(&w, 2);
    STEP_UNTIL(&w, 0, 0, stats->phase == MR_WORKER_JOIN); /* until worker 1 has released its own */
    cr_assert_gt(stats->tasks, 0, "they do not stay open");
    mr_memory_process_stop(mr_sim_process(&w.world, 0));
    mr_sim_pass(&w.world, 15000);
    put_all(&w, 2);
    STEP_UNTIL(&w, 1, 2, w.worker[1].stats.records_in + w.worker[2].stats.records_in == 2 * TASKS);
    STEP_UNTIL(&w, 1, 2, !w.worker[1].stats.has_open_epoch && !w.worker[2].stats.has_open_epoch);
    mr_memory_process_resume(mr_sim_process(&w.world, 0));
    before = now;
    STEP_UNTIL(&w, 0, 2, runs(&w, 0) && stats->tasks > 0 && runs(&w, 1) && runs(&w, 2));
    cr_expect_eq(stats->kept, kept);
    cr_expect_eq(stats->outdated, stats->tasks);
    uint32_t read = 0;
    for (uint32_t t = 0; t < TASKS; t++)
        read += now.opened[t] != before.opened[t];
    cr_expect_eq(read, stats->tasks);
    close_windows(&w, 3, 2);
}

Test(kept, lost_assignment_drops_all)
{
    sql_world w;
    counted before, now;
    open_world(&w, &now);
    before = now;
    mr_memory_process_stop(mr_sim_process(&w.world, 0));
    mr_sim_pass(&w.world, 30000);
    mr_memory_process_resume(mr_sim_process(&w.world, 0));
    put_all(&w, 2);
    STEP_UNTIL(&w, 0, 0, runs(&w, 0) && w.worker[0].stats.records_in == 2 * TASKS);
    cr_expect_eq(w.worker[0].stats.kept, 0);
    for (uint32_t t = 0; t < TASKS; t++)
        cr_expect_gt(now.opened[t], before.opened[t]);
    sql_start(&w, 1, false);
    close_windows(&w, 2, 2);
}
