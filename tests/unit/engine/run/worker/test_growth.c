/*
 * Goal: partitions added to a topic are found while the job runs, read from their start, and move
 * the watermark neither back nor hold it; keys that moved with them stop the job. Method: SQL jobs
 * on the simulated log, whose topics grow in virtual time; a process that dies while it takes them
 * in.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 20000
#define JOB(options)                                                                             \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA        \
    ", 'topic' = 'in'" options ");"                                                              \
    "CREATE TABLE dst (id INT, e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "CREATE TABLE late (id INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"                         \
    "EXECUTE STATEMENT SET BEGIN "                                                               \
    "INSERT INTO dst SELECT id, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE src, "              \
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, id;"              \
    "INSERT INTO late SELECT id FROM src$late; END;"
#define FOUND_MS 31000 /* "within 30 s", and what it takes to read a row */

static void put(sql_world *w, int32_t partition, int id, int second)
{
    char value[96];
    snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 00:%02d:%02d\"}", id, second / 60,
             second % 60);
    sql_put(w, "in", partition, value);
}

static void open_world(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "late", 1);
}

static bool step(sql_world *w, int64_t ms)
{
    for (int64_t s = 0; s < ms / 20; s++) {
        if (!sql_step(w, 0))
            return false;
        mr_sim_pass(&w->world, 20);
    }
    return true;
}

static void stop(sql_world *w)
{
    mr_worker_request_stop(w->worker[0].worker);
    for (uint32_t s = 0; sql_step(w, 0); s++)
        cr_assert_lt(s, STEPS_MAX);
    sql_stop(w, 0);
}

#define WINDOW(id, end, n) "{\"id\":" id ",\"e\":\"2024-01-01 00:" end "\",\"n\":" n "}"

Test(growth, an_added_partition_is_read_from_its_start_within_30_s)
{
    sql_world w;
    open_world(&w, JOB(""));
    put(&w, 0, 1, 1);
    put(&w, 0, 1, 12);
    sql_start(&w, 0, false);
    cr_assert(step(&w, 1000));
    sql_expect(&w, "out", WINDOW("1", "00:10", "1"));
    mr_sim_grow(&w.world, "in", 3);
    put(&w, 2, 2, 13); /* before anybody knows of it */
    cr_assert(step(&w, FOUND_MS), "%s", w.worker[0].err.message);
    cr_expect_not_null(strstr(w.log, "partitions added job="), "%s", w.log);
    put(&w, 0, 1, 25);
    put(&w, 2, 2, 26);
    cr_assert(step(&w, 3000));
    sql_expect(
        &w, "out",
        WINDOW("1", "00:10", "1") " " WINDOW("1", "00:20", "1") " " WINDOW("2", "00:20", "1"));
    sql_expect(&w, "late", "");
    stop(&w);
    sql_close(&w);
}

Test(growth, a_worker_without_any_input_finds_its_first)
{
    sql_world w;
    sql_open(&w, 2,
             "SET 'parallelism.default' = '2'; CREATE TABLE src (id INT) WITH (" SQL_KAFKA
             ", 'topic' = 'in'); CREATE TABLE dst (id INT) WITH (" SQL_KAFKA
             ", 'topic' = 'out'); INSERT INTO dst SELECT id FROM src;");
    sql_topic(&w, "in", 1);
    sql_topic(&w, "out", 1);
    for (uint32_t k = 0; k < 2; k++)
        sql_start(&w, k, false);
    for (int64_t ms = 0; ms < 2 * FOUND_MS; ms += 20) {
        if (ms == FOUND_MS) {
            mr_sim_grow(&w.world, "in", 2);
            sql_put(&w, "in", 1, "{\"id\":1}");
        }
        for (uint32_t k = 0; k < 2; k++)
            cr_assert(sql_step(&w, k), "%s", w.worker[k].err.message);
        mr_sim_pass(&w.world, 20);
    }
    sql_expect(&w, "out", "{\"id\":1}");
    for (uint32_t k = 0; k < 2; k++)
        sql_stop(&w, k);
    sql_close(&w);
}

Test(growth, an_empty_partition_does_not_hold_the_watermark)
{
    sql_world w;
    open_world(&w, JOB("")); /* no idle timeout: one that held it would do so for ever */
    put(&w, 0, 1, 1);
    sql_start(&w, 0, false);
    cr_assert(step(&w, 1000));
    mr_sim_grow(&w.world, "in", 2);
    cr_assert(step(&w, FOUND_MS));
    cr_assert_not_null(strstr(w.log, "partitions added job="), "%s", w.log);
    put(&w, 0, 1, 12);
    cr_assert(step(&w, 2000));
    sql_expect(&w, "out", WINDOW("1", "00:10", "1"));
    stop(&w);
    /* Nor does one that came while nobody ran. */
    mr_sim_grow(&w.world, "in", 4);
    sql_start(&w, 0, false);
    put(&w, 0, 1, 23);
    cr_assert(step(&w, 2000));
    sql_expect(&w, "out", WINDOW("1", "00:10", "1") " " WINDOW("1", "00:20", "1"));
    stop(&w);
    sql_close(&w);
}

Test(growth, an_older_row_of_a_new_partition_is_late_and_pulls_nothing_back)
{
    sql_world w;
    open_world(&w, JOB(""));
    put(&w, 0, 1, 1);
    put(&w, 0, 1, 12);
    sql_start(&w, 0, false);
    cr_assert(step(&w, 1000));
    mr_sim_grow(&w.world, "in", 2);
    put(&w, 1, 7, 5); /* of the window that has fired */
    cr_assert(step(&w, FOUND_MS));
    sql_expect(&w, "late", "{\"id\":7}");
    put(&w, 0, 1, 25);
    put(&w, 1, 7, 25);
    cr_assert(step(&w, 2000));
    sql_expect(&w, "out", WINDOW("1", "00:10", "1") " " WINDOW("1", "00:20", "1"));
    stop(&w);
    sql_close(&w);
}

Test(growth, keys_that_moved_with_it_stop_the_job_with_its_work_committed)
{
    sql_world w;
    open_world(&w, JOB(", 'partitioned-by' = 'id'"));
    w.job->plan.tasks_follow_partitions = true; /* as the command says once it knows the topic */
    put(&w, 0, 1, 1);
    put(&w, 0, 1, 12);
    sql_start(&w, 0, false);
    cr_assert(step(&w, 1000));
    mr_sim_grow(&w.world, "in", 2);
    cr_assert_not(step(&w, FOUND_MS));
    cr_expect_eq(w.worker[0].status, MR_E_STATE_TASKS, "MR%d", w.worker[0].status);
    cr_expect_not_null(strstr(w.worker[0].err.message, "from 1 to 2 partitions"), "%s",
                       w.worker[0].err.message);
    sql_stop(&w, 0);
    sql_expect(&w, "out", WINDOW("1", "00:10", "1"));
    sql_close(&w);
}

/* Steps of workers `first` to `last`, until this time of the world's clock. */
static void step_until(sql_world *w, uint32_t first, uint32_t last, int64_t ms)
{
    const mr_clock *clock = mr_sim_clock(&w->world);
    while (clock->monotonic_us(clock) < ms * 1000) {
        for (uint32_t k = first; k <= last; k++)
            cr_assert(sql_step(w, k), "%" PRIu32 ": %s", k, w->worker[k].err.message);
        mr_sim_pass(&w->world, 20);
    }
}

/* Two workers and one task. The first has it, finds partitions that were added, commits a row of
 * one and goes; the second, which started late, has not looked yet. Returns the time. */
static int64_t hand_over_a_partition(sql_world *w, bool is_bounded)
{
    sql_open(w, 2,
             "CREATE TABLE src (id INT) WITH (" SQL_KAFKA ", 'topic' = 'in'); CREATE TABLE dst "
             "(id INT) WITH (" SQL_KAFKA ", 'topic' = 'out'); INSERT INTO dst SELECT id FROM src;");
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_put(w, "in", 0, "{\"id\":1}");
    const mr_clock *clock = mr_sim_clock(&w->world);
    int64_t began_ms = clock->monotonic_us(clock) / 1000;
    sql_start(w, 0, false);
    step_until(w, 0, 0, began_ms + 15000);
    sql_start(w, 1, is_bounded);
    step_until(w, 0, 1, began_ms + 18000);
    mr_sim_grow(&w->world, "in", 3);
    sql_put(w, "in", 2, "{\"id\":2}");
    step_until(w, 0, 1, began_ms + 24000);
    stop(w);
    sql_expect(w, "out", "{\"id\":1} {\"id\":2}");
    const char *added = strstr(w->log, "partitions added job=");
    cr_assert(added != NULL && strstr(added + 1, "partitions added job=") == NULL, "%s", w->log);
    return began_ms + 24000;
}

Test(growth, a_worker_that_takes_the_task_over_knows_what_its_commit_knows)
{
    sql_world w;
    int64_t now_ms = hand_over_a_partition(&w, false);
    sql_put(&w, "in", 0, "{\"id\":3}"); /* so that it commits before it looks */
    step_until(&w, 1, 1, now_ms + 2 * FOUND_MS);
    sql_put(&w, "in", 1, "{\"id\":4}");
    step_until(&w, 1, 1, now_ms + 3 * FOUND_MS);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2} {\"id\":3} {\"id\":4}");
    sql_stop(&w, 1);
    sql_close(&w);
}

Test(growth, a_bounded_worker_reads_the_partitions_its_commit_knows_to_their_ends)
{
    sql_world w;
    hand_over_a_partition(&w, true);
    sql_put(&w, "in", 2, "{\"id\":3}");
    for (uint32_t s = 0; sql_step(&w, 1); s++) {
        cr_assert_lt(s, STEPS_MAX);
        mr_sim_pass(&w.world, 20);
    }
    cr_assert_eq(w.worker[1].status, MR_OK, "%s", w.worker[1].err.message);
    sql_expect(&w, "out", "{\"id\":1} {\"id\":2} {\"id\":3}");
    sql_stop(&w, 1);
    sql_close(&w);
}
