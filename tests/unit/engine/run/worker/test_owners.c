/*
 * Goal: who takes a task over fences the dead worker that had it, where that left something open,
 * so that readers go on at once and not when the broker's timeout has passed; and nobody who lives
 * is fenced when tasks change hands in peace.
 * Method: a job of two stages on the simulated log, with a transaction timeout of ten minutes and
 * rows so large that frames are full long before an epoch ends; worker 0 dies behind the first of
 * them. The same with one stage, whose reader waits for rows of a sink.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS 300
#define ROW_BYTES 8000
#define STEPS_MAX 20000
#define SOON_MS 5000 /* beyond the session timeout; the transaction's is ten minutes */
#define SESSION_MS 10000
#define PATIENCE_MS 500
#define INTERVAL_MS 1000
#define LOOKS_MS 250 /* what looking costs beside */

#define TABLES                                                               \
    "SET 'parallelism.default' = '2'; SET 'transaction.timeout' = '10 min';" \
    "CREATE TABLE src (id INT, text STRING, ts TIMESTAMP(3), "               \
    "WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA ", 'topic' = 'in');"          \
    "CREATE TABLE dst (id INT, n INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"

static const char STAGES[] =
    TABLES "INSERT INTO dst SELECT id, CHAR_LENGTH(text) FROM ("
           "SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts) AS n FROM src) WHERE n = 1;";
static const char STAGE[] = TABLES "INSERT INTO dst SELECT id, CHAR_LENGTH(text) FROM src;";

static const char ALONE[] =
    "SET 'transaction.timeout' = '10 min';"
    "CREATE TABLE src (id INT, text STRING, ts TIMESTAMP(3), "
    "WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA ", 'topic' = 'in');"
    "CREATE TABLE dst (id INT, n INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
    "INSERT INTO dst SELECT id, CHAR_LENGTH(text) FROM src;";

static int64_t now_ms(const sql_world *w)
{
    const mr_clock *clock = mr_sim_clock(&w->world);
    return clock->monotonic_us(clock) / 1000;
}

/* Each a ms newer than the one before. */
static void put_rows(sql_world *w, int32_t partition, int first, int count, int second)
{
    static char value[ROW_BYTES + 100], text[ROW_BYTES + 1];
    memset(text, 'x', ROW_BYTES);
    for (int i = 0; i < count; i++) {
        snprintf(value, sizeof value,
                 "{\"id\":%d,\"text\":\"%s\",\"ts\":\"2024-01-01 00:00:%02d.%03d\"}", first + i,
                 text, second, i);
        sql_put(w, "in", partition, value);
    }
}

/* Something stands in the topic that no reader may have yet. */
static bool is_open(sql_world *w, const char *topic, int32_t partition)
{
    mr_error err;
    mr_log_ends ends = {.topic = topic, .partition = partition};
    mr_status status = w->world.outside->class->ends(w->world.outside, &ends, 1, &err);
    cr_assert(status == MR_OK || status == MR_E_KAFKA_TOPIC_MISSING, "%s", err.message);
    return status == MR_OK && ends.stable < ends.high;
}

static void count(void *context, const mr_record *record)
{
    (void)record;
    ++*(uint32_t *)context;
}

static uint32_t rows_out(sql_world *w)
{
    uint32_t rows = 0;
    (void)mr_sim_each(&w->world, "out", 0, count, &rows);
    return rows;
}

static bool both_run(const sql_world *w)
{
    for (uint32_t k = 0; k < 2; k++)
        if (w->worker[k].stats.phase != MR_WORKER_RUN || w->worker[k].stats.tasks == 0 ||
            w->worker[k].stats.has_open_epoch)
            return false;
    return w->worker[0].stats.tasks == w->worker[1].stats.tasks;
}

static void open_both(sql_world *w, const char *script)
{
    sql_open(w, 2, script);
    sql_topic(w, "in", 2);
    sql_topic(w, "out", 1);
    w->fetch_rows_max = 20;
    for (uint32_t k = 0; k < 2; k++)
        sql_start(w, k, false);
    for (uint32_t s = 0; !both_run(w); s++) {
        cr_assert_lt(s, STEPS_MAX, "they never share the tasks");
        cr_assert(sql_step(w, s % 2), "%s", w->worker[s % 2].err.message);
    }
}

/* Worker 0 dies with something open in the topic, and nothing of the epoch in the state log. */
static void kill_amid_epoch(sql_world *w, const char *topic, int32_t partition)
{
    uint64_t commits = w->worker[0].stats.commits;
    for (uint32_t s = 0; !is_open(w, topic, partition); s++) {
        cr_assert_lt(s, STEPS_MAX, "nothing was written");
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
    }
    cr_assert_eq(w->worker[0].stats.commits, commits, "an epoch ended");
    for (int32_t task = 0; task < 2; task++)
        cr_assert_not(is_open(w, "job.state", task), "the seal had begun");
    mr_sim_kill_at(&w->world, 0, 1, MR_MEMORY_CRASH_DRAWN);
    while (sql_step(w, 0))
        ;
    cr_assert_eq(w->worker[0].status, MR_E_CRASHED);
    sql_stop(w, 0);
}

static void expect_takeover(sql_world *w, uint32_t tasks, uint32_t rows)
{
    int64_t died_ms = now_ms(w);
    while (rows_out(w) < rows) {
        cr_assert(sql_step(w, 1), "%s", w->worker[1].err.message);
        cr_assert_lt(now_ms(w) - died_ms, SESSION_MS + SOON_MS,
                     "%" PRIu32 " rows, %" PRIu32 " tasks", rows_out(w), w->worker[1].stats.tasks);
    }
    cr_expect_eq(w->worker[1].stats.tasks, tasks);
    cr_expect_eq(w->worker[1].stats.owners_fenced, 1);
    cr_expect_eq(rows_out(w), rows, "some came twice");
}

Test(worker_owners, are_fenced_where_their_full_frames_hold_a_receiver)
{
    sql_world w;
    open_both(&w, STAGES);
    put_rows(&w, 0, 0, ROWS, 1);
    put_rows(&w, 1, ROWS, 1, 2);
    kill_amid_epoch(&w, "job.exchange.0", 1);
    expect_takeover(&w, 4, ROWS);
    sql_close(&w);
}

Test(worker_owners, are_fenced_where_their_rows_hold_the_readers_of_a_sink)
{
    sql_world w;
    open_both(&w, STAGE);
    put_rows(&w, 0, 0, ROWS, 1);
    kill_amid_epoch(&w, "out", 0);
    expect_takeover(&w, 2, ROWS);
    sql_close(&w);
}

/* From now on three aborts in a row of each writer are told to some partitions only, or to none. */
static void let_hang(sql_world *w)
{
    pthread_mutex_lock(&w->world.cluster->lock);
    w->world.cluster->options.hanging = 1000000;
    pthread_mutex_unlock(&w->world.cluster->lock);
}

/* Worker 0 dies amid rows, and how its transaction ends is told to few. */
static void die_and_hang(sql_world *w)
{
    open_both(w, STAGE);
    put_rows(w, 0, 0, ROWS, 1);
    kill_amid_epoch(w, "out", 0);
    let_hang(w);
}

Test(worker_owners, whose_transactions_hang_hold_nobody_for_long)
{
    sql_world w;
    die_and_hang(&w);
    int64_t died_ms = now_ms(&w);
    while (rows_out(&w) < ROWS || is_open(&w, "out", 0)) {
        cr_assert(sql_step(&w, 1), "%s", w.worker[1].err.message);
        cr_assert_lt(now_ms(&w) - died_ms, SESSION_MS + 2 * SOON_MS, "%" PRIu32 " rows",
                     rows_out(&w));
    }
    cr_expect_gt(w.worker[1].stats.owners_fenced, 1);
    cr_expect_eq(rows_out(&w), ROWS, "some came twice");
    sql_close(&w);
}

/* A log where another heir is always the first to write under the dead worker's id. */
static mr_log_class contested;
static const mr_log_class *uncontested;
static uint32_t contests;

static mr_status open_contested(mr_log *log, const mr_writer_options *options,
                                mr_log_writer **writer, mr_error *err)
{
    contests++;
    *writer = NULL;
    (void)log;
    (void)options;
    return mr_error_set_recovery(err, MR_E_KAFKA_FENCED, MR_RECOVERY_WRITER, "another is at it");
}

Test(worker_owners, may_have_two_heirs_and_neither_loses_his_own_epoch)
{
    sql_world w;
    die_and_hang(&w);
    while (w.worker[1].stats.tasks < 2 || w.worker[1].stats.phase != MR_WORKER_RUN)
        cr_assert(sql_step(&w, 1), "%s", w.worker[1].err.message);
    uncontested = w.worker[1].log->class;
    contested = *uncontested;
    contested.open_writer = open_contested;
    w.worker[1].log->class = &contested;
    uint64_t aborts = w.worker[1].stats.aborts, restores = w.worker[1].stats.restores;
    for (uint32_t s = 0; contests < 2 && s < STEPS_MAX; s++)
        cr_assert(sql_step(&w, 1), "%s", w.worker[1].err.message);
    w.worker[1].log->class = uncontested;
    cr_expect_eq(contests, 2);
    cr_expect_eq(w.worker[1].stats.tasks, 2);
    cr_expect_eq(w.worker[1].stats.aborts, aborts);
    cr_expect_eq(w.worker[1].stats.restores, restores);
    sql_close(&w);
}

/* How long the heir, who had no task before, needs from the assignment on until it runs, and until
 * what stood open at its owner's death does no more. */
static int64_t heir_ms(sql_world *w, const char *held)
{
    mr_error err;
    int64_t given_ms = -1;
    mr_log_ends then = {.topic = held}, now = {.topic = held};
    cr_assert_eq(w->world.outside->class->ends(w->world.outside, &then, 1, &err), MR_OK);
    while (now.stable <= then.stable || w->worker[1].stats.phase != MR_WORKER_RUN) {
        cr_assert(sql_step(w, 1), "%s", w->worker[1].err.message);
        cr_assert_eq(w->world.outside->class->ends(w->world.outside, &now, 1, &err), MR_OK);
        if (given_ms < 0 && w->worker[1].stats.tasks > 0)
            given_ms = now_ms(w);
    }
    return now_ms(w) - given_ms;
}

/* Worker 0 has the only task, and dies so many port calls behind the first row that it wrote. */
static void die_alone(sql_world *w, uint64_t calls)
{
    sql_open(w, 2, ALONE);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    w->fetch_rows_max = 20;
    sql_start(w, 0, false);
    put_rows(w, 0, 0, ROWS, 1);
    for (uint32_t s = 0; !is_open(w, "out", 0); s++) {
        cr_assert_lt(s, STEPS_MAX, "nothing was written");
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
    }
    mr_sim_kill_at(&w->world, 0, calls, MR_MEMORY_CRASH_DRAWN);
    while (sql_step(w, 0))
        ;
    sql_stop(w, 0);
}

Test(worker_owners, that_died_amid_rows_keep_an_heir_waiting_for_one_clock)
{
    sql_world w;
    die_alone(&w, 1);
    cr_assert_not(is_open(&w, "job.state", 0));
    sql_start(&w, 1, false);
    int64_t ms = heir_ms(&w, "out");
    cr_expect_leq(ms, INTERVAL_MS + PATIENCE_MS + LOOKS_MS, "%" PRId64 " ms", ms);
    cr_expect_eq(w.worker[1].stats.owners_fenced, 1);
    sql_close(&w);
}

Test(worker_owners, that_died_amid_a_seal_are_fenced_before_anything_else_is_waited_for)
{
    sql_world w;
    for (uint64_t calls = 1;; calls++) {
        cr_assert_lt(calls, STEPS_MAX, "it never died amid its seal");
        die_alone(&w, calls);
        if (is_open(&w, "job.state", 0))
            break;
        sql_close(&w);
    }
    sql_start(&w, 1, false);
    int64_t ms = heir_ms(&w, "job.state");
    cr_expect_leq(ms, PATIENCE_MS + LOOKS_MS, "%" PRId64 " ms", ms);
    sql_close(&w);
}

Test(worker_owners, leave_nothing_open_behind_a_job_that_finishes)
{
    sql_world w;
    die_alone(&w, 1);
    cr_assert(is_open(&w, "out", 0));
    let_hang(&w);
    sql_start(&w, 1, true);
    while (sql_step(&w, 1))
        ;
    cr_expect_eq(w.worker[1].stats.phase, MR_WORKER_FINISHED, "%s", w.worker[1].err.message);
    sql_stop(&w, 1);
    cr_expect_not(is_open(&w, "out", 0));
    cr_expect_eq(rows_out(&w), ROWS);
    sql_close(&w);
}

/* The second leaves, and comes back, while the others have full frames open. */
Test(worker_owners, live_on_where_tasks_change_hands_in_peace)
{
    sql_world w;
    open_both(&w, STAGES);
    for (int round = 0; round < 6; round++) {
        put_rows(&w, 0, round * 2 * ROWS, ROWS, round);
        put_rows(&w, 1, (round * 2 + 1) * ROWS, ROWS, round);
        if (round % 2 == 0) {
            mr_worker_request_stop(w.worker[1].worker);
        } else {
            sql_stop(&w, 1);
            sql_start(&w, 1, false);
        }
        for (uint32_t s = 0; s < 400; s++) {
            cr_assert(sql_step(&w, 0), "%s", w.worker[0].err.message);
            if (round % 2 == 0 || s % 3 == 0) /* it looks when the other is at work again */
                (void)sql_step(&w, 1);
            cr_assert_eq(w.worker[1].status, MR_OK, "%s", w.worker[1].err.message);
        }
        cr_expect_eq(w.worker[0].stats.aborts + w.worker[1].stats.aborts, 0);
        cr_expect_eq(w.worker[0].stats.owners_fenced + w.worker[1].stats.owners_fenced, 0);
    }
    for (uint32_t s = 0; rows_out(&w) < 12 * ROWS; s++) {
        cr_assert_lt(s, STEPS_MAX, "%" PRIu32 " rows", rows_out(&w));
        cr_assert(sql_step(&w, s % 2), "%s", w.worker[s % 2].err.message);
    }
    cr_expect_eq(rows_out(&w), 12 * ROWS);
    cr_expect_eq(w.worker[0].stats.owners_fenced + w.worker[1].stats.owners_fenced, 0);
    sql_close(&w);
}
