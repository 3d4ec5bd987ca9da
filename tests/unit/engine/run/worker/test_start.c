/*
 * Goal: a job starts from the offsets it was given when they are in the partition, its end
 * included, and does not start from others. Method: SQL jobs on the simulated log, some of it
 * trimmed.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

static void open_at(sql_world *w, const char *offsets)
{
    char script[600];
    snprintf(script, sizeof script,
             "CREATE TABLE src (id INT) WITH ('connector' = 'kafka', 'topic' = 'in', "
             "'properties.bootstrap.servers' = 'h:1', 'format' = 'json', 'scan.startup.mode' = "
             "'specific-offsets', 'scan.startup.specific-offsets' = '%s');"
             "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
             "INSERT INTO dst SELECT id FROM src;",
             offsets);
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_put(w, "in", 0, "{\"id\":0}");
    sql_put(w, "in", 0, "{\"id\":1}");
    sql_put(w, "in", 0, "{\"id\":2}");
    sql_put(w, "in", 0, "{\"id\":3}");
    mr_error err;
    mr_log *log = w->world.outside;
    cr_assert_eq(log->class->trim(log, "in", 0, 1, &err), MR_OK);
}

static void expect_start(const char *offsets, const char *rows)
{
    sql_world w;
    open_at(&w, offsets);
    sql_run(&w, 0, true, MR_OK);
    sql_expect(&w, "out", rows);
    sql_close(&w);
}

static void expect_refusal(const char *offsets, const char *reason)
{
    sql_world w;
    open_at(&w, offsets);
    sql_run(&w, 0, true, MR_E_KAFKA_START_OFFSET);
    cr_expect_not_null(strstr(w.worker[0].err.message, reason), "%s", w.worker[0].err.message);
    sql_expect(&w, "out", "");
    sql_close(&w);
}

Test(start, is_at_the_offset_that_was_given)
{
    expect_start("partition:0,offset:1", "{\"id\":1} {\"id\":2} {\"id\":3}");
    expect_start("partition:0,offset:3", "{\"id\":3}");
    expect_start("partition:0,offset:4", "");
    expect_start("partition:7,offset:4", "{\"id\":1} {\"id\":2} {\"id\":3}");
}

Test(start, is_refused_where_the_offset_is_not_there)
{
    expect_refusal("partition:0,offset:5", "offset 5 of in[0], which has 1 to 4");
    expect_refusal("partition:0,offset:0", "offset 0 of in[0], which has 1 to 4");
}
