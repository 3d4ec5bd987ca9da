/*
 * Goal: a table's own words hold on a real Kafka: what becomes of rows that fail, where reading
 * starts, where it ends. Method: small scripts over topics of a few records, each expected record
 * written out.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS INT64_C(1704067200000)

static void feed(script *s, const char *topic, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kafka_put_committed(s->writer, topic, 0, values[i]);
}

/* --- rows that fail -------------------------------------------------------------------- */

/* A source with a constraint, one sink. `action` follows the CHECK; `more` is more of the script.
 * */
static void write_checked(script *s, const char *in, const char *dead, const char *out,
                          const char *action, const char *more)
{
    script_write(s,
                 "CREATE TABLE src (id INT, v INT, CONSTRAINT positive CHECK (v > 0) %s) "
                 "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json', "
                 "'scan.startup.mode' = 'earliest-offset', "
                 "'errors.deadletterqueue.topic.name' = '%s');\n"
                 "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\n%s",
                 action, in, dead, out, more);
}

static const char *const MIXED[] = {"{\"id\":1,\"v\":1}", "{broken", "{\"id\":2,\"v\":-1}",
                                    "{\"id\":3,\"v\":3}"};

Test(tables, rows_that_fail_are_rows_of_a_topic)
{
    script s;
    script_open(&s, "errors");
    const char *in = kafka_topic(s.log, "in", 1), *dead = kafka_topic(s.log, "dead", 1);
    const char *out = kafka_topic(s.log, "out", 1), *broken = kafka_topic(s.log, "broken", 1);
    char more[900], expected[600];
    snprintf(more, sizeof more,
             "CREATE TABLE broken (code STRING, stage STRING, place STRING, v STRING) "
             "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n"
             "EXECUTE STATEMENT SET BEGIN\nINSERT INTO dst SELECT id FROM src;\n"
             "INSERT INTO broken SELECT error_code, error_stage, topic || '@' || "
             "CAST(`offset` AS STRING), CAST(record_value AS STRING) FROM src$errors;\nEND;",
             broken);
    write_checked(&s, in, dead, out, "", more);
    feed(&s, in, MIXED, 4);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, out, 2, "{\"id\":1} {\"id\":3}");
    /* Each record of the feed takes an offset, and the marker of its transaction another. */
    snprintf(expected, sizeof expected,
             "{\"code\":\"MR3110\",\"stage\":\"decode\",\"place\":\"%s@2\",\"v\":\"{broken\"} "
             "{\"code\":\"MR3003\",\"stage\":\"process\",\"place\":\"%s@4\","
             "\"v\":\"{\\\"id\\\":2,\\\"v\\\":-1}\"}",
             in, in);
    script_expect_topic(&s, broken, 2, expected);
    script_expect_topic(&s, dead, 2, "{broken {\"id\":2,\"v\":-1}");
    script_close(&s);
}

Test(tables, a_constraint_may_drop_what_violates_it)
{
    script s;
    script_open(&s, "drop");
    const char *in = kafka_topic(s.log, "in", 1), *dead = kafka_topic(s.log, "dead", 1);
    const char *out = kafka_topic(s.log, "out", 1);
    write_checked(&s, in, dead, out, "ON VIOLATION DROP", "INSERT INTO dst SELECT id FROM src;");
    feed(&s, in, MIXED, 4);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, out, 2, "{\"id\":1} {\"id\":3}");
    script_expect_topic(&s, dead, 1, "{broken");
    script_expect_said(&s, "4 rows in, 2 out, 1 filtered, 0 late, 1 dead");
    script_close(&s);
}

Test(tables, a_constraint_may_stop_the_job_and_names_the_record)
{
    script s;
    char place[200];
    script_open(&s, "fail");
    const char *in = kafka_topic(s.log, "in", 1), *dead = kafka_topic(s.log, "dead", 1);
    const char *out = kafka_topic(s.log, "out", 1);
    write_checked(&s, in, dead, out, "ON VIOLATION FAIL", "INSERT INTO dst SELECT id FROM src;");
    feed(&s, in, MIXED + 2, 2);
    /* The row that stops it stops it again: nothing of its epoch is committed, nothing is lost. */
    for (int run = 0; run < 2; run++) {
        script_run(&s, 1, "--bounded");
        script_expect_said(&s, "MR3001");
        snprintf(place, sizeof place, "%s[0]@0", in);
        script_expect_said(&s, place);
        script_expect_said(&s, "positive");
    }
    cr_expect_eq(kafka_end(s.log, out, 0), 0);
    script_close(&s);
}

/* --- where reading starts and ends ------------------------------------------------------ */

/* Ids 0..5 at offsets 0..5, one a second from FIRST_MS on; the marker is offset 6. */
static const char *six_records(script *s)
{
    const char *topic = kafka_topic(s->log, "six", 1);
    mr_error err;
    kafka_begin(s->writer);
    for (int i = 0; i < 6; i++) {
        char value[32];
        int length = snprintf(value, sizeof value, "{\"id\":%d}", i);
        mr_log_record record = {
            .value = value, .value_length = (size_t)length, .timestamp_ms = FIRST_MS + i * 1000};
        OK(s->writer->class->produce(s->writer, topic, 0, &record, 1, &err), err);
    }
    kafka_commit(s->writer);
    return topic;
}

static void commit_for_group(script *s, const char *group, const char *topic, int64_t offset)
{
    mr_error err;
    mr_log_member *member = kafka_member(s->log, group, NULL, topic);
    mr_log_offset at = {.topic = topic, .partition = 0, .offset = offset};
    OK(member->class->commit(member, &at, 1, &err), err);
    member->class->close(member);
}

static void write_pass(script *s, const char *in, const char *out, const char *options)
{
    script_write(s,
                 "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', %s);\n"
                 "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT id FROM src;",
                 in, options, out);
}

/* The ids first..last, as records. */
static void expect_ids(script *s, const char *topic, int first, int last)
{
    char expected[200] = "";
    for (int i = first; i <= last; i++) {
        size_t at = strlen(expected);
        snprintf(expected + at, sizeof expected - at, "%s{\"id\":%d}", i > first ? " " : "", i);
    }
    script_expect_topic(s, topic, (uint32_t)(last - first + 1), expected);
}

typedef struct reading {
    const char *options; /* %s: a group that stands at offset 2 */
    const char *flag;
    int first, last;
} reading;

static void check_reading(const reading *r)
{
    script s;
    char options[400];
    script_open(&s, "reading");
    const char *in = six_records(&s), *out = kafka_topic(s.log, "out", 1);
    const char *group = kafka_name("readers");
    if (strstr(r->options, "%s") != NULL)
        commit_for_group(&s, group, in, 2);
    /* Not `printf`: the text is a constant of this file with at most one %s. */
    const char *hole = strstr(r->options, "%s");
    snprintf(options, sizeof options, "%.*s%s%s",
             (int)(hole ? (size_t)(hole - r->options) : strlen(r->options)), r->options,
             hole ? group : "", hole ? hole + 2 : "");
    write_pass(&s, in, out, options);
    script_run(&s, 0, r->flag);
    expect_ids(&s, out, r->first, r->last);
    script_close(&s);
}

#define START "'scan.startup.mode' = "
#define BOUND "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = "

Test(tables, reading_starts_where_the_startup_mode_says, .timeout = 400)
{
    static const reading all[] = {
        {START "'earliest-offset'", "--bounded", 0, 5},
        {START "'timestamp', 'scan.startup.timestamp-millis' = '1704067203000'", "--bounded", 3, 5},
        {START "'timestamp', 'scan.startup.timestamp-millis' = '1704067202999'", "--bounded", 3, 5},
        {START "'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:4'",
         "--bounded", 4, 5},
        {START "'group-offsets', 'properties.group.id' = '%s'", "--bounded", 2, 5},
        {START "'group-offsets', 'properties.group.id' = 'never-seen'", "--bounded", 0, 5},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_reading(&all[i]);
}

Test(tables, reading_ends_where_the_bounded_mode_says, .timeout = 400)
{
    static const reading all[] = {
        {BOUND "'latest-offset'", NULL, 0, 5},
        {BOUND "'timestamp', 'scan.bounded.timestamp-millis' = '1704067203000'", NULL, 0, 2},
        {BOUND "'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:2'", NULL,
         0, 1},
        {BOUND "'group-offsets', 'properties.group.id' = '%s'", NULL, 0, 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_reading(&all[i]);
}

Test(tables, latest_reads_only_what_comes_from_then_on)
{
    script s;
    script_open(&s, "latest");
    const char *in = six_records(&s), *out = kafka_topic(s.log, "out", 1);
    write_pass(&s, in, out, START "'latest-offset'");
    pid_t pid = script_start(&s, NULL);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         strstr(script_said(&s), "ready after") == NULL && kafka_ms() < end_ms;)
        usleep(20000);
    kafka_put_committed(s.writer, in, 0, "{\"id\":6}");
    expect_ids(&s, out, 6, 6);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    /* From the state now, not from the end. */
    kafka_put_committed(s.writer, in, 0, "{\"id\":7}");
    script_run(&s, 0, "--bounded");
    expect_ids(&s, out, 6, 7);
    script_close(&s);
}
