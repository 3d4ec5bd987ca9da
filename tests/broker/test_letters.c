/*
 * Goal: dead letters that are larger than their topic takes, on a real Kafka: the job goes on, the
 * letter holds what fits and says what is missing, its size and the place of the whole. And records
 * without a value are no rows and no dead letters. Method: `millrace run` between topics and files.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING 4096

/* Letters that no codec makes much smaller; ended by NUL. */
static char *make_noise(size_t length)
{
    char *text = malloc(length + 1);
    cr_assert_not_null(text);
    uint32_t x = 1;
    for (size_t i = 0; i < length; i++) {
        x = x * 1103515245u + 12345u;
        text[i] = (char)('A' + (x >> 16) % 26);
    }
    text[length] = '\0';
    return text;
}

typedef struct fact {
    const char *name, *value;
} fact;

/* The only record of a topic: its value, and facts among its headers. */
static void expect_letter(const script *s, const char *topic, const char *value, size_t length,
                          const fact *facts, size_t facts_count)
{
    mr_log_reader *reader = kafka_reader(s->log);
    mr_error err;
    mr_records records = {0};
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; records.count == 0 && kafka_ms() < end_ms;)
        OK(reader->class->fetch(reader, 10, 50, &records, &err), err);
    cr_assert_eq(records.count, 1, "%u letters\n%s", records.count, script_said(s));
    cr_expect(records.record[0].value_length == length &&
                  memcmp(records.record[0].value, value, length) == 0,
              "a value of %u bytes, want %zu", records.record[0].value_length, length);
    mr_arena arena = {0};
    uint32_t count;
    const mr_header *headers = records.headers(&records, 0, &arena, &count);
    for (size_t f = 0; f < facts_count; f++) {
        const char *got = "(none)";
        for (uint32_t i = 0; i < count; i++)
            if (strcmp(headers[i].name, facts[f].name) == 0)
                got = mr_arena_string(&arena, headers[i].value, headers[i].value_length);
        cr_expect_str_eq(got, facts[f].value, "%s is %s, want %s", facts[f].name, got,
                         facts[f].value);
    }
    mr_arena_release(&arena);
    reader->class->close(reader);
}

#define EXPECT_LETTER(s, topic, value, length, ...)                       \
    expect_letter((s), (topic), (value), (length), (fact[]){__VA_ARGS__}, \
                  sizeof((fact[]){__VA_ARGS__}) / sizeof(fact))

Test(letters, a_bad_line_of_two_megabytes_is_cut_and_named, .timeout = 400)
{
    script s;
    script_open(&s, "long-line");
    const char *out = kafka_topic(s.log, "out", 1), *dead = kafka_topic(s.log, "dead", 1);
    size_t large = (size_t)2 << 20;
    char *line = make_noise(large), *file = malloc(large + 100);
    size_t length = (size_t)sprintf(file, "{\"id\":1}\n%s\n{\"id\":2}\n", line);
    script_put_file(&s, "in.jsonl", file, length);
    script_write(&s,
                 "CREATE TABLE src (id INT) WITH ('connector' = 'filesystem', 'format' = 'json', "
                 "'path' = 'in.jsonl', 'errors.deadletterqueue.topic.name' = '%s');"
                 "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json'); INSERT INTO dst SELECT id FROM src;",
                 dead, out);
    script_run(&s, 0, NULL);
    script_expect_topic(&s, out, 2, "{\"id\":1} {\"id\":2}");
    script_expect_said(&s, "3 rows in, 2 out, 0 filtered, 0 late, 1 dead");
    script_expect_said(&s, "dead letter cut code=MR3110 at=in.jsonl[0]@9 ");
    EXPECT_LETTER(&s, dead, line, BEGINNING, {"__millrace.errors.cut", "value"},
                  {"__millrace.errors.value.bytes", "2097152"},
                  {"__streams.errors.topic", "in.jsonl"}, {"__streams.errors.offset", "9"});
    free(line);
    free(file);
    script_close(&s);
}

Test(letters, a_record_whose_headers_make_it_too_large_is_cut_and_named, .timeout = 400)
{
    script s;
    script_open(&s, "near-limit");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    const char *dead = kafka_name("dead");
    size_t large = 99900; /* fits by itself, and not with what a dead letter says of it */
    const char *const narrow[] = {"max.message.bytes", "100000", NULL};
    mr_error err;
    OK(s.log->class->create_topic(s.log, dead, 1, narrow, &err), err);
    char *record = make_noise(large);
    kafka_put_committed(s.writer, in, 0, record);
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    script_write(&s,
                 "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
                 "'errors.deadletterqueue.topic.name' = '%s'); CREATE TABLE dst (id INT) WITH "
                 "(" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');"
                 "INSERT INTO dst SELECT id FROM src;",
                 in, dead, out);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, out, 1, "{\"id\":1}");
    script_expect_said(&s, "2 rows in, 1 out, 0 filtered, 0 late, 1 dead");
    EXPECT_LETTER(&s, dead, record, BEGINNING, {"__millrace.errors.cut", "value"},
                  {"__millrace.errors.value.bytes", "99900"}, {"__streams.errors.topic", in},
                  {"__streams.errors.partition", "0"}, {"__streams.errors.offset", "0"});
    free(record);
    script_close(&s);
}

static void put_tombstone(const script *s, const char *topic)
{
    mr_log_record record = {.key = "gone", .key_length = 4, .timestamp_ms = MR_TIME_NONE};
    mr_error err;
    kafka_begin(s->writer);
    OK(s->writer->class->produce(s->writer, topic, 0, &record, 1, &err), err);
    kafka_commit(s->writer);
}

/* A job from a topic that holds a tombstone, "x" and a tombstone, which must give `rows`. */
static void run_tombstones(const char *format, const char *x, uint32_t rows, const char *expected)
{
    script s;
    script_open(&s, format);
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    const char *dead = kafka_topic(s.log, "dead", 1);
    put_tombstone(&s, in);
    kafka_put_committed(s.writer, in, 0, x);
    put_tombstone(&s, in);
    script_write(&s,
                 "CREATE TABLE src (name STRING) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = '%s', 'scan.startup.mode' = 'earliest-offset', "
                 "'errors.deadletterqueue.topic.name' = '%s'); CREATE TABLE dst (name STRING) "
                 "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');"
                 "INSERT INTO dst SELECT name FROM src;",
                 in, format, dead, out);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, out, rows, expected);
    char counts[80];
    snprintf(counts, sizeof counts, "3 rows in, %u out, %u filtered, 0 late, 0 dead", rows,
             3 - rows);
    script_expect_said(&s, counts);
    cr_expect_eq(kafka_end(s.log, dead, 0), 0, "%s: %s", format, script_said(&s));
    script_close(&s);
}

Test(letters, a_record_without_a_value_is_no_row_and_no_dead_letter, .timeout = 400)
{
    run_tombstones("json", "{\"name\":\"x\"}", 1, "{\"name\":\"x\"}");
    run_tombstones("csv", "x", 1, "{\"name\":\"x\"}");
    run_tombstones("avro", "\x02\x02x", 1, "{\"name\":\"x\"}");
}

Test(letters, a_raw_record_without_a_value_is_a_row_of_null, .timeout = 400)
{
    run_tombstones("raw", "x", 3, "{\"name\":null} {\"name\":\"x\"} {\"name\":null}");
}
