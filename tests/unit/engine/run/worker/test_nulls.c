/*
 * Goal: a NULL key or value of a record, an empty one, and the NULL of a column are three things
 * and stay so on their way through a job. Method: SQL jobs on the simulated log; the records that
 * come out are compared with NULL as `~`.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

#define KAFKA                                                         \
    "'connector' = 'kafka', 'properties.bootstrap.servers' = 'h:1', " \
    "'scan.startup.mode' = 'earliest-offset'"

static void put_part(mr_buffer *text, const char *bytes, uint32_t length)
{
    mr_buffer_printf(text, bytes == NULL ? "~" : "<%.*s>", (int)length, bytes);
}

static void put_record(void *context, const mr_record *record)
{
    mr_buffer *text = context;
    put_part(text, record->key, record->key_length);
    put_part(text, record->value, record->value_length);
    mr_buffer_printf(text, " ");
}

static void expect(sql_world *w, const char *topic, const char *expected)
{
    mr_buffer text = {0};
    mr_sim_each(&w->world, topic, 0, put_record, &text);
    mr_buffer_put(&text, "", 1);
    cr_expect_str_eq(text.data, expected, "%s holds\n  %s\nwant\n  %s", topic, text.data, expected);
    mr_buffer_release(&text);
}

static void put(sql_world *w, const char *key, const char *value)
{
    mr_sim_put(&w->world, "in", 0, key, value, 1704067200000);
}

static void run(sql_world *w, const char *script, const char *const (*records)[2], size_t count)
{
    sql_open(w, 1, script);
    sql_topic(w, "in", 1);
    sql_topic(w, "out", 1);
    sql_topic(w, "dead", 1);
    for (size_t i = 0; i < count; i++)
        put(w, records[i][0], records[i][1]);
    sql_run(w, 0, true, MR_OK);
}

static const char *const EVERY_KIND[][2] = {
    {"a", NULL}, {NULL, NULL}, {"b", ""}, {"", "{\"v\":1}"}, {NULL, "{\"v\":null}"}, {"c", "null"}};
#define COUNT (sizeof EVERY_KIND / sizeof EVERY_KIND[0])

Test(nulls, a_json_value_of_null_is_no_row_and_an_empty_one_is_dead)
{
    sql_world w;
    run(&w,
        "CREATE TABLE t (v INT) WITH (" KAFKA ", 'topic' = 'in', 'format' = 'json', "
        "'errors.deadletterqueue.topic.name' = 'dead');"
        "CREATE TABLE o (v INT) WITH (" KAFKA ", 'topic' = 'out', 'format' = 'json');"
        "INSERT INTO o SELECT v FROM t;",
        EVERY_KIND, COUNT);
    expect(&w, "out", "~<{\"v\":1}> ~<{\"v\":null}> ");
    expect(&w, "dead", "<b><> <c><null> ");
    sql_close(&w);
}

Test(nulls, a_raw_value_of_null_is_a_row_and_comes_out_as_null_again)
{
    sql_world w;
    run(&w,
        "CREATE TABLE t (k STRING, v STRING) WITH (" KAFKA ", 'topic' = 'in', "
        "'value.format' = 'raw', 'key.format' = 'raw', 'key.fields' = 'k', "
        "'value.fields-include' = 'EXCEPT_KEY');"
        "CREATE TABLE o (k STRING, v STRING) WITH (" KAFKA ", 'topic' = 'out', "
        "'value.format' = 'raw', 'key.format' = 'raw', 'key.fields' = 'k', "
        "'value.fields-include' = 'EXCEPT_KEY');"
        "INSERT INTO o SELECT k, v FROM t;",
        EVERY_KIND, COUNT);
    expect(&w, "out", "<a>~ ~~ <b><> <><{\"v\":1}> ~<{\"v\":null}> <c><null> ");
    sql_close(&w);
}

Test(nulls, an_empty_text_is_not_null_though_nothing_was_written_before_it)
{
    static const char *const empty[][2] = {{"", ""}};
    sql_world w;
    run(&w,
        "CREATE TABLE t (k STRING, v STRING) WITH (" KAFKA ", 'topic' = 'in', "
        "'value.format' = 'raw', 'key.format' = 'raw', 'key.fields' = 'k', "
        "'value.fields-include' = 'EXCEPT_KEY');"
        "CREATE TABLE o (k STRING, v STRING) WITH (" KAFKA ", 'topic' = 'out', "
        "'value.format' = 'raw', 'key.format' = 'raw', 'key.fields' = 'k', "
        "'value.fields-include' = 'EXCEPT_KEY');"
        "INSERT INTO o SELECT k, v FROM t;",
        empty, 1);
    expect(&w, "out", "<><> ");
    sql_close(&w);
}

Test(nulls, columns_of_a_key_that_is_null_are_null)
{
    static const char *const records[][2] = {{"{\"k\":1,\"l\":null}", "{\"v\":1}"},
                                             {NULL, "{\"v\":2}"},
                                             {"{}", "{\"v\":3}"},
                                             {"", "{\"v\":4}"}};
    sql_world w;
    run(&w,
        "CREATE TABLE t (k INT, l INT, v INT) WITH (" KAFKA ", 'topic' = 'in', "
        "'value.format' = 'json', 'key.format' = 'json', 'key.fields' = 'k;l', "
        "'value.fields-include' = 'EXCEPT_KEY', 'errors.deadletterqueue.topic.name' = 'dead');"
        "CREATE TABLE o (v INT, k INT, l INT) WITH (" KAFKA ", 'topic' = 'out', "
        "'value.format' = 'json', 'key.format' = 'json', 'key.fields' = 'l;k');"
        "INSERT INTO o SELECT v, k, l FROM t;",
        records, 4);
    expect(&w, "out",
           "<{\"l\":null,\"k\":1}><{\"v\":1,\"k\":1,\"l\":null}> "
           "<{\"l\":null,\"k\":null}><{\"v\":2,\"k\":null,\"l\":null}> "
           "<{\"l\":null,\"k\":null}><{\"v\":3,\"k\":null,\"l\":null}> ");
    expect(&w, "dead", "<><{\"v\":4}> ");
    const char *why = sql_header(&w, "dead", 0, "__streams.errors.message");
    cr_expect(why != NULL && strncmp(why, "key: json: ", 11) == 0, "says which part: %s", why);
    sql_close(&w);
}
