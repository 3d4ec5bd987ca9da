/*
 * Goal: a budget that state does not keep to is said, and told in time: state that must stay in
 * memory ends the job behind a commit, a share that slices alone fill makes no epochs of one batch.
 * Method: SQL jobs on the simulated log with small limits; commits counted, results and the log
 * read.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TABLES                                                                                \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) " \
    "WITH (" SQL_KAFKA ", 'topic' = 'in');"                                                   \
    "CREATE TABLE dst (id INT NOT NULL, n BIGINT NOT NULL) WITH (" SQL_KAFKA ", 'topic' = 'out');"
#define COUNT_IN(window)                                            \
    TABLES "INSERT INTO dst SELECT id, COUNT(*) FROM TABLE(" window \
           ") GROUP BY id, window_start, window_end;"
#define SESSIONS COUNT_IN("SESSION(TABLE src PARTITION BY id, DESCRIPTOR(ts), INTERVAL '1' HOUR)")
#define SECONDS COUNT_IN("TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' SECOND)")
#define KEYS 600

static void open_with(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    for (int i = 0; i < KEYS; i++) {
        char row[128];
        snprintf(row, sizeof row, "{\"id\":%d,\"ts\":\"2024-01-01 00:%02d:%02d\"}", i, i / 60,
                 i % 60);
        sql_put(w, "in", 0, row);
    }
    w->fetch_rows_max = 10;
}

static uint32_t count(const char *text, const char *what)
{
    uint32_t found = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        found++;
    return found;
}

Test(memory, state_that_must_stay_ends_the_job_behind_a_commit_and_goes_on_with_more)
{
    sql_world w;
    open_with(&w, SESSIONS);
    w.memory_bytes = 40000;
    w.state_bytes_max = 15000;
    sql_run(&w, 0, true, MR_E_BUDGET);
    const sql_worker *at = &w.worker[0];
    uint64_t rows = at->stats.records_in;
    cr_assert(rows > 0 && rows < KEYS, "%llu rows in", (unsigned long long)rows);
    cr_expect_eq(at->stats.phase, MR_WORKER_STOPPED);
    cr_expect_not(at->stats.has_open_epoch);
    cr_expect(strstr(at->err.message, "session") != NULL, "%s", at->err.message);
    cr_expect_eq(count(w.log, "state stays in memory"), 1, "%s", w.log);
    sql_run(&w, 0, true, MR_E_BUDGET); /* nothing is read that would not fit either */
    cr_expect_lt(w.worker[0].stats.records_in, rows + 2 * w.fetch_rows_max);
    w.memory_bytes = 4000000;
    sql_run(&w, 0, true, MR_OK);
    cr_expect_eq(w.worker[0].stats.records_in, KEYS);
    cr_expect_eq(count(sql_values(&w, "out"), "\"n\":1}"), KEYS);
    sql_close(&w);
}

Test(memory, a_share_that_slices_alone_fill_is_told_once_and_makes_no_epoch_of_each_batch)
{
    sql_world w;
    open_with(&w, SECONDS);
    w.memory_bytes = 400000;
    w.state_bytes_max = 150000;
    sql_run(&w, 0, true, MR_OK);
    cr_expect_eq(count(sql_values(&w, "out"), "\"n\":1}"), KEYS);
    cr_expect_eq(count(w.log, "memory budget too small"), 1, "%s", w.log);
    cr_expect(strstr(w.log, "code=MR2004") != NULL);
    cr_expect_gt(w.worker[0].stats.entries_left, 0);
    cr_expect_lt(w.worker[0].stats.commits, KEYS / 10 / 2, "%llu commits",
                 (unsigned long long)w.worker[0].stats.commits);
    sql_close(&w);
}
