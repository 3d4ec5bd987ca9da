/*
 * Goal: `avro-confluent` from a real Kafka to a real Kafka, as values and as keys: writers that
 * change their schema in the middle of a topic are followed, records of a schema that cannot be
 * read and of none are dead letters, a registry that is away costs time and no row, and what is
 * written reads back. Method: tests/harness/registry.py as the registry, records written byte by
 * byte, a second job that reads the first one's output.
 */
#include "tests/broker/script.h"
#include "tests/harness/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define FIELDS(more) "{\"type\":\"record\",\"name\":\"bid\",\"fields\":[" more "]}"
#define ID "{\"name\":\"id\",\"type\":\"long\"}"
#define NAME "{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null}"
#define PRICE "{\"name\":\"price\",\"type\":\"int\",\"default\":0}"

#define AVRO "'format' = 'avro-confluent', 'avro-confluent.url' = '%s'"

/* The id in the key alone: subjects <topic>-key and <topic>-value. */
#define KEYED                                                                                \
    AVRO ", 'key.format' = 'avro-confluent', 'key.avro-confluent.url' = '%s', 'key.fields' " \
         "= 'id', 'value.fields-include' = 'EXCEPT_KEY'"

/* 0x00, the schema's id, the record. */
static void put(const script *s, const char *topic, uint32_t id, const char *bytes, size_t length)
{
    char value[256] = {0, (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    mr_error err;
    memcpy(value + 5, bytes, length);
    mr_log_record record = {
        .value = value, .value_length = length + 5, .timestamp_ms = 1700000000000};
    kafka_begin(s->writer);
    OK(s->writer->class->produce(s->writer, topic, 0, &record, 1, &err), err);
    kafka_commit(s->writer);
}

/* The codes that stand in the headers of `count` dead letters. */
static const char *codes_of(const script *s, const char *topic, uint32_t count)
{
    static char codes[200];
    mr_log_reader *reader = kafka_reader(s->log);
    mr_arena arena = {0};
    mr_error err;
    double end = kafka_ms() + KAFKA_PATIENCE_MS;
    codes[0] = '\0';
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    for (uint32_t got = 0; got < count && kafka_ms() < end;) {
        mr_records records;
        OK(reader->class->fetch(reader, 100, 100, &records, &err), err);
        got += records.count;
        for (uint32_t i = 0; i < records.count; i++) {
            uint32_t headers_count;
            const mr_header *headers = records.headers(&records, i, &arena, &headers_count);
            for (uint32_t h = 0; h < headers_count; h++)
                if (strcmp(headers[h].name, "__millrace.errors.code") == 0)
                    snprintf(codes + strlen(codes), sizeof codes - strlen(codes), "%.*s ",
                             (int)headers[h].value_length, headers[h].value);
        }
    }
    mr_arena_release(&arena);
    reader->class->close(reader);
    return codes;
}

Test(avro, follows_schemas_that_change_and_outlasts_its_registry)
{
    script s;
    mr_test_registry registry;
    script_open(&s, "avro");
    cr_assert(mr_test_registry_start(&registry, NULL));
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1),
               *dead = kafka_topic(s.log, "dead", 1), *json = kafka_topic(s.log, "json", 1);
    uint32_t first = mr_test_registry_put(&registry, "w", FIELDS(ID "," NAME), NULL);
    uint32_t second = mr_test_registry_put(&registry, "w", FIELDS(PRICE "," NAME "," ID), NULL);
    uint32_t third = mr_test_registry_put(&registry, "other",
                                          FIELDS("{\"name\":\"id\",\"type\":\"string\"}"), NULL);
    put(&s, in, first,
        "\x02\x02\x02"
        "a",
        4);
    put(&s, in, second,
        "\x0e\x02\x02"
        "b\x04",
        5);
    put(&s, in, third, "\x02x", 2);
    put(&s, in, first, "\x06\x00", 2);
    put(&s, in, 4711, "\x06\x00", 2);
    put(&s, in, second, "\x10\x00\x08", 3);
    put(&s, in, second, "\x10\x00\x08\x00", 4);
    script_write(&s,
                 "CREATE TABLE src (id BIGINT NOT NULL, name STRING, price INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'scan.startup.mode' = 'earliest-offset', " AVRO ", "
                 "'errors.mode' = 'dlq', 'errors.deadletterqueue.topic.name' = '%s');\n"
                 "CREATE TABLE dst (id BIGINT NOT NULL, name STRING, price INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', " KEYED ");\nINSERT INTO dst SELECT id, name, price FROM src;",
                 in, registry.url, dead, out, registry.url, registry.url);
    /* Away for longer than one call is patient: an epoch is dropped, and nothing else. */
    mr_test_registry_fail(&registry, 503, 12);
    script_run(&s, 0, "--bounded");
    script_expect_said(&s, "MR5101");
    script_close(&s);

    script_open(&s, "avro-back");
    script_write(&s,
                 "CREATE TABLE src (id BIGINT, name STRING, price INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'scan.startup.mode' = 'earliest-offset', " KEYED ");\n"
                 "CREATE TABLE dst (id BIGINT, name STRING, price INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT id, name, price FROM "
                 "src;",
                 out, registry.url, registry.url, json);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, json, 4,
                        "{\"id\":1,\"name\":\"a\",\"price\":null} "
                        "{\"id\":2,\"name\":\"b\",\"price\":7} "
                        "{\"id\":3,\"name\":null,\"price\":null} "
                        "{\"id\":4,\"name\":null,\"price\":8}");
    cr_expect_str_eq(codes_of(&s, dead, 3), "MR3158 MR3160 MR3156 ");
    mr_test_registry_stop(&registry);
    script_close(&s);
}

Test(avro, a_sink_whose_schema_breaks_the_subject_stops_with_both_versions)
{
    script s;
    mr_test_registry registry;
    script_open(&s, "avro-refused");
    cr_assert(mr_test_registry_start(&registry, NULL));
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char subject[200];
    snprintf(subject, sizeof subject, "%s-value", out);
    mr_test_registry_put(&registry, subject,
                         "{\"type\":\"record\",\"name\":\"record\",\"namespace\":"
                         "\"org.apache.flink.avro.generated\",\"fields\":[" NAME "]}",
                         NULL);
    kafka_put_committed(s.writer, in, 0, "{\"id\":1}");
    script_write(&s,
                 "CREATE TABLE src (id BIGINT NOT NULL) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');\n"
                 "CREATE TABLE dst (id BIGINT NOT NULL) WITH (" KAFKA_TABLE "'topic' = '%s', " AVRO
                 ");\nINSERT INTO dst SELECT id FROM src;",
                 in, out, registry.url);
    script_run(&s, 1, "--bounded");
    script_expect_said(&s, "MR5103");
    script_expect_said(&s, "as version 2: it breaks BACKWARD against version 1 (id 1)");
    mr_test_registry_stop(&registry);
    script_close(&s);
}

Test(avro, a_container_file_is_a_source)
{
    static const char file[] =
        "Obj\x01\x02\x16"
        "avro.schema\x80\x02"
        "{\"type\":\"record\",\"name\":\"bid\",\"fields\":[{\"name\":\"name\",\"type\":\"string\"},"
        "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"z\",\"type\":\"int\"}] }"
        "\x00"
        "0123456789abcdef"
        "\x04\x10"
        "\x02"
        "a\x02\x00"
        "\x02"
        "b\x04\x00"
        "0123456789abcdef"
        "\x02\x06"
        "\x00\x06\x00"
        "0123456789abcdef";
    script s;
    script_open(&s, "avro-file");
    const char *out = kafka_topic(s.log, "out", 1);
    script_put_file(&s, "bids.avro", file, sizeof file - 1);
    script_write(&s,
                 "CREATE TABLE src (id BIGINT, name STRING, price INT) WITH ('connector' = "
                 "'filesystem', 'path' = 'bids.avro', 'format' = 'avro');\n"
                 "CREATE TABLE dst (id BIGINT, name STRING, price INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT id, name, price FROM "
                 "src;",
                 out);
    script_run(&s, 0, NULL);
    script_expect_topic(&s, out, 3,
                        "{\"id\":1,\"name\":\"a\",\"price\":null} "
                        "{\"id\":2,\"name\":\"b\",\"price\":null} "
                        "{\"id\":3,\"name\":\"\",\"price\":null}");
    script_close(&s);
}
