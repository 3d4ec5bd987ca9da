/*
 * Goal: when too many rows die the job stops, and nothing that was done is lost: the rows before
 * and the dead letters are committed, a start goes on behind them. Under 'fail' it stops before
 * anything of the open epoch is committed, at the row, every time.
 * Method: SQL jobs on the simulated log, results and dead letters read from their topics.
 */
#include "engine/base/assert.h"
#include "engine/run/dead/dead_letter.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define SRC(options)                                                                             \
    "CREATE TABLE src (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA \
    ", 'topic' = 'in'" options ");"
#define DLQ ", 'errors.deadletterqueue.topic.name' = 'dlq'"
#define DST(options) \
    "CREATE TABLE dst (id INT, n BIGINT NOT NULL) WITH (" SQL_KAFKA ", 'topic' = 'out'" options ");"
#define AT(id, v, second) "{\"id\":" id ",\"v\":" v ",\"ts\":\"2024-01-01 00:00:" second "\"}"

static void open_with(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "dlq", 1);
}

Test(budget, stops_with_rows_and_dead_letters_committed_and_goes_on_behind_them)
{
    sql_world w;
    open_with(&w, SRC(DLQ ", 'errors.budget' = '10 % of 20'")
                      DST("") "INSERT INTO dst SELECT id, v FROM src;");
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":1}");
    for (int i = 0; i < 3; i++)
        sql_put(&w, "in", 0, "{broken");
    sql_run(&w, 0, true, MR_E_ROWS_BUDGET);
    sql_expect(&w, "out", "{\"id\":1,\"n\":1}");
    sql_expect(&w, "dlq", "{broken {broken {broken");
    sql_put(&w, "in", 0, "{\"id\":2,\"v\":2}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1,\"n\":1} {\"id\":2,\"n\":2}");
    sql_expect(&w, "dlq", "{broken {broken {broken");
    sql_close(&w);
}

Test(budget, counts_results_that_die_while_a_window_fires)
{
    sql_world w;
    open_with(
        &w,
        SRC(DLQ ", 'errors.budget' = '10 % of 20'") DST(
            "") "INSERT INTO dst SELECT id, SUM(v) FROM TABLE(TUMBLE(TABLE src, "
                "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;");
    for (int i = 0; i < 2; i++) { /* each of three sums leaves its type */
        sql_put(&w, "in", 0, AT("1", "2000000000", "01"));
        sql_put(&w, "in", 0, AT("2", "2000000000", "01"));
        sql_put(&w, "in", 0, AT("3", "2000000000", "01"));
    }
    sql_put(&w, "in", 0, AT("4", "4", "01"));
    sql_put(&w, "in", 0, AT("4", "4", "25"));
    sql_run(&w, 0, false, MR_E_ROWS_BUDGET);
    sql_expect(&w, "out", "{\"id\":4,\"n\":4}");
    cr_expect_eq(strlen(sql_header(&w, "dlq", 2, "__millrace.errors.code")), 6);
    cr_expect_eq(w.worker[0].stats.dead, 3);
    sql_run(&w, 0, true, MR_OK); /* the counts go on from the epoch record */
    cr_expect_eq(w.worker[0].stats.dead, 3);
    cr_expect_eq(w.worker[0].stats.rows_out, 2);
    sql_close(&w);
}

Test(budget, of_one_table_adds_up_over_its_stages)
{
    sql_world w;
    open_with(&w, SRC(DLQ ", 'errors.budget' = '10 % of 20'")
                      DST("") "INSERT INTO dst SELECT id, 1 / v FROM src WHERE 1 / id > 0;");
    sql_put(&w, "in", 0, "{broken");
    sql_put(&w, "in", 0, "{\"id\":0,\"v\":1}");
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_run(&w, 0, true, MR_E_ROWS_BUDGET);
    sql_close(&w);
}

Test(budget, of_a_written_table_counts_rows_that_could_not_be_written)
{
    sql_world w;
    open_with(&w,
              SRC("") DST(
                  DLQ ", 'errors.budget' = '50 % of 4'") "INSERT INTO dst SELECT id, v FROM src;");
    for (int i = 0; i < 3; i++)
        sql_put(&w, "in", 0, "{\"id\":1}");
    sql_run(&w, 0, true, MR_E_ROWS_BUDGET);
    sql_expect(&w, "dlq", "{\"id\":1} {\"id\":1} {\"id\":1}");
    sql_close(&w);
}

Test(budget, that_is_not_used_up_lets_the_job_finish)
{
    sql_world w;
    open_with(&w, SRC(DLQ ", 'errors.budget' = '10 % of 20'")
                      DST("") "INSERT INTO dst SELECT id, v FROM src;");
    sql_put(&w, "in", 0, "{broken");
    sql_put(&w, "in", 0, "{broken");
    sql_run(&w, 0, true, MR_OK);
    sql_close(&w);
}

static const char *const failing[] = {
    SRC(", 'errors.mode' = 'fail'") DST("") "INSERT INTO dst SELECT id, v FROM src;",
    SRC(", 'errors.mode' = 'fail'") DST("") "INSERT INTO dst SELECT id, 12 / v FROM src;",
    SRC("") DST(", 'errors.mode' = 'fail'") "INSERT INTO dst SELECT id, v FROM src;",
};
static const char *const rows[] = {"{broken", "{\"id\":3,\"v\":0}", "{\"id\":3}"};

Test(mode_fail, commits_nothing_of_the_open_epoch_and_stops_at_the_row_again)
{
    for (size_t i = 0; i < MR_LENGTH(failing); i++) {
        sql_world w;
        open_with(&w, failing[i]);
        sql_put(&w, "in", 0, "{\"id\":12,\"v\":12}");
        sql_start(&w, 0, false);
        while (w.worker[0].stats.commits == 0 || w.worker[0].stats.has_open_epoch)
            cr_assert(sql_step(&w, 0));
        const char *before = sql_values(&w, "out");
        sql_put(&w, "in", 0, "{\"id\":1,\"v\":1}");
        sql_put(&w, "in", 0, rows[i]);
        while (sql_step(&w, 0))
            ;
        cr_expect_eq(w.worker[0].status, MR_E_ROWS_FAIL, "%zu: MR%d", i, w.worker[0].status);
        cr_expect_not_null(strstr(w.worker[0].err.message, "in[0]@2"), "%s",
                           w.worker[0].err.message);
        sql_stop(&w, 0);
        sql_expect(&w, "out", before);
        sql_run(&w, 0, true, MR_E_ROWS_FAIL);
        sql_expect(&w, "out", before);
        sql_close(&w);
    }
}
