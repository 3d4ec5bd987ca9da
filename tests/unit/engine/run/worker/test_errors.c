/*
 * Goal: t$errors holds each row that died under the policy of t exactly once, whatever the stage,
 * and nothing else. Method: SQL jobs on the simulated log; t$errors goes to a topic.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SRC                                                                      \
    "CREATE TABLE src (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, " \
    "CONSTRAINT small CHECK (v < 1000)) WITH (" SQL_KAFKA ", 'topic' = 'in');"
#define TWIN "CREATE TABLE twin (id INT, v INT) WITH (" SQL_KAFKA ", 'topic' = 'twin');"
#define DST "CREATE TABLE dst (id INT, n BIGINT NOT NULL) WITH (" SQL_KAFKA ", 'topic' = 'out');"
#define DEAD                                                               \
    "CREATE TABLE dead (stage STRING, who STRING, `at` BIGINT, v STRING) " \
    "WITH (" SQL_KAFKA ", 'topic' = 'dead');"
#define ERRORS_OF(table)                                              \
    "INSERT INTO dead SELECT error_stage, error_operator, `offset`, " \
    "CAST(record_value AS STRING) FROM " table "$errors;"
#define SUMS                                                                   \
    "CREATE VIEW sums AS SELECT id, SUM(v) AS s FROM TABLE(TUMBLE(TABLE src, " \
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;"
#define AT(id, v, second) "{\"id\":" id ",\"v\":" v ",\"ts\":\"2024-01-01 00:00:" second "\"}"

static void open_with(sql_world *w, const char *script)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "dead", 1);
}

/* "stage who at v; .." of the topic `dead`, in any order: each must be there, and no more. */
static void expect_dead(sql_world *w, const char *const *expected)
{
    const char *got = sql_values(w, "dead");
    size_t count = 0, found = 0;
    for (const char *at = got; (at = strstr(at, "{\"stage\"")) != NULL; at++)
        count++;
    for (; expected[found] != NULL; found++) {
        const char *first = strstr(got, expected[found]);
        cr_expect_not_null(first, "no %s in\n%s", expected[found], got);
        if (first != NULL)
            cr_expect_null(strstr(first + 1, expected[found]), "twice %s in\n%s", expected[found],
                           got);
    }
    cr_expect_eq(count, found, "%zu rows, want %zu:\n%s", count, found, got);
}

#define EXPECT_DEAD(w, ...) expect_dead((w), (const char *const[]){__VA_ARGS__, NULL})
#define ROW(stage, who, at, v) \
    "{\"stage\":\"" stage "\",\"who\":\"" who "\",\"at\":" at ",\"v\":\"" v "\"}"

Test(errors_relation, holds_rows_that_died_at_every_stage_of_reading)
{
    sql_world w;
    open_with(&w, SRC DST DEAD ERRORS_OF(
                      "src") "INSERT INTO dst SELECT id, 10 / v FROM src WHERE 5 / id > 0;");
    sql_put(&w, "in", 0, "{broken");
    sql_put(&w, "in", 0, AT("1", "5000", "01"));
    sql_put(&w, "in", 0, AT("0", "1", "02"));
    sql_put(&w, "in", 0, AT("1", "0", "03"));
    sql_put(&w, "in", 0, AT("1", "5", "04"));
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1,\"n\":2}");
    EXPECT_DEAD(&w, ROW("decode", "src", "0", "{broken"),
                "{\"stage\":\"process\",\"who\":\"src\",\"at\":1,",
                "{\"stage\":\"process\",\"who\":\"dst/where\",\"at\":2,",
                "{\"stage\":\"process\",\"who\":\"dst/insert\",\"at\":3,");
    sql_close(&w);
}

Test(errors_relation, holds_results_that_died_behind_a_window_as_text)
{
    sql_world w;
    open_with(&w,
              SRC DST DEAD ERRORS_OF("src") SUMS "INSERT INTO dst SELECT id, 100 / s FROM sums;");
    sql_put(&w, "in", 0, AT("1", "5", "01"));
    sql_put(&w, "in", 0, AT("2", "5", "01"));
    sql_put(&w, "in", 0, AT("2", "-5", "02"));
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1,\"n\":20}");
    const char *got = sql_values(&w, "dead");
    cr_expect_not_null(strstr(got, "\\\"id\\\":2"), "%s", got);
    cr_expect_not_null(strstr(got, "\\\":0}"), "%s", got); /* the sum, by its inner name */
    EXPECT_DEAD(&w, "{\"stage\":\"process\",\"who\":\"dst/insert\",\"at\":null,");
    sql_close(&w);
}

Test(errors_relation, holds_results_that_died_while_a_window_fired)
{
    sql_world w;
    open_with(&w, SRC DST DEAD ERRORS_OF("src") SUMS "INSERT INTO dst SELECT id, s FROM sums;");
    for (int i = 0; i < 4; i++) /* SUM(INT) is INT */
        sql_put(&w, "in", 0, AT("7", "-2000000000", "01"));
    sql_put(&w, "in", 0, AT("8", "1", "01"));
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":8,\"n\":1}");
    const char *got = sql_values(&w, "dead");
    cr_expect_not_null(
        strstr(got, "\\\"id\\\":7,\\\"window_start\\\":\\\"2024-01-01 00:00:00.000\\\""), "%s",
        got);
    EXPECT_DEAD(&w, "{\"stage\":\"process\",\"who\":\"sums/window\",\"at\":null,");
    sql_close(&w);
}

Test(errors_relation, of_a_written_table_holds_what_could_not_be_written_to_it)
{
    sql_world w;
    open_with(&w, SRC DST DEAD ERRORS_OF("dst") "INSERT INTO dst SELECT id, v FROM src;");
    sql_put(&w, "in", 0, "{broken");
    sql_put(&w, "in", 0, "{\"id\":1}");
    sql_put(&w, "in", 0, "{\"id\":2,\"v\":2}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":2,\"n\":2}");
    EXPECT_DEAD(&w, ROW("encode", "dst", "1", "{\\\"id\\\":1}"));
    sql_close(&w);
}

Test(errors_relation, of_a_table_that_only_reads_leaves_out_what_a_sink_could_not_write)
{
    sql_world w;
    open_with(&w, SRC DST DEAD ERRORS_OF("src") "INSERT INTO dst SELECT id, v FROM src;");
    sql_put(&w, "in", 0, "{\"id\":1}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "");
    sql_expect(&w, "dead", "");
    sql_close(&w);
}

Test(errors_relation, holds_what_the_log_refused_once_though_the_epoch_ran_twice)
{
    sql_world w;
    sql_open(&w, 1, SRC DST DEAD ERRORS_OF("dst") "INSERT INTO dst SELECT id, v FROM src;");
    static const char *const small[] = {"max.message.bytes", "16", NULL};
    mr_error err;
    mr_log *log = w.world.outside;
    cr_assert_eq(log->class->create_topic(log, "out", 1, small, &err), MR_OK);
    sql_topic(&w, "in", 1);
    sql_topic(&w, "dead", 1);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":2}");
    sql_put(&w, "in", 0, "{\"id\":1000,\"v\":200}");
    sql_put(&w, "in", 0, "{\"id\":3,\"v\":4}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1,\"n\":2} {\"id\":3,\"n\":4}");
    EXPECT_DEAD(&w, ROW("sink", "dst", "1", "{\\\"id\\\":1000,\\\"v\\\":200}"));
    sql_close(&w);
}

Test(errors_relation, belongs_to_one_table_where_another_reads_the_same_record)
{
    sql_world w;
    open_with(&w, SRC TWIN DST DEAD ERRORS_OF("twin") "INSERT INTO dst SELECT id, 1 / v FROM src;"
                                                      "INSERT INTO dst SELECT id, v FROM twin;");
    sql_topic(&w, "twin", 1);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_put(&w, "twin", 0, "{\"id\":1,\"v\":0}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":1,\"n\":0}");
    sql_expect(&w, "dead", "");
    sql_close(&w);
}

Test(errors_relation, below_a_union_belongs_to_the_table_that_the_row_came_from)
{
    sql_world w;
    open_with(
        &w, SRC
        "CREATE TABLE more (id INT, v INT) WITH (" SQL_KAFKA
        ", 'topic' = 'more');" DST DEAD ERRORS_OF(
            "more") "CREATE VIEW both_of AS SELECT id, v FROM src UNION ALL SELECT id, v FROM more;"
                    "INSERT INTO dst SELECT id, 8 / v FROM both_of;");
    sql_topic(&w, "more", 1);
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_put(&w, "more", 0, "{\"id\":2,\"v\":0}");
    sql_put(&w, "more", 0, "{\"id\":3,\"v\":4}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":3,\"n\":2}");
    EXPECT_DEAD(&w, ROW("process", "dst/insert", "0", "{\\\"id\\\":2,\\\"v\\\":0}"));
    sql_close(&w);
}

/* The union is in the middle of a batch when a row below it dies and comes in by its other side. */
Test(errors_relation, may_flow_into_the_node_that_the_row_died_under)
{
    sql_world w;
    open_with(&w, SRC DST "CREATE VIEW mixed AS SELECT id, v FROM src UNION ALL "
                          "SELECT 99, 1 FROM src$errors;"
                          "INSERT INTO dst SELECT id, 8 / v FROM mixed;");
    sql_put(&w, "in", 0, "{\"id\":1,\"v\":0}");
    sql_put(&w, "in", 0, "{\"id\":2,\"v\":1}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":2,\"n\":8} {\"id\":99,\"n\":8}");
    sql_close(&w);
}

Test(errors_relation, goes_round_no_circle)
{
    sql_world w;
    open_with(&w, SRC DST "INSERT INTO dst SELECT id, v FROM src;"
                          "INSERT INTO dst SELECT 1, CAST(NULL AS BIGINT) FROM dst$errors;");
    sql_put(&w, "in", 0, "{\"id\":1}");
    sql_put(&w, "in", 0, "{\"id\":2,\"v\":2}");
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", "{\"id\":2,\"n\":2}");
    sql_close(&w);
}
