/*
 * Goal: files in and out of a real Kafka: what is written can be read back, a job over a folder
 * goes on at its file and byte however it died, bad files are dead letters, and a job that keeps
 * nothing ends in order. Method: small scripts; for the restarts, files that are added while the
 * job is killed again and again, each row numbered.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void make_folder(const script *s, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

/* {"id":first}\n .. of `count` rows; the caller frees it. */
static char *make_rows(uint32_t first, uint32_t count, size_t *length)
{
    char *text = malloc((size_t)count * 32 + 1);
    *length = 0;
    for (uint32_t i = 0; i < count; i++)
        *length += (size_t)sprintf(text + *length, "{\"id\":%u}\n", first + i);
    return text;
}

static char *gzip(const char *text, size_t length, size_t *packed_length)
{
    char *packed = malloc(length + 1024);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text,
                       .avail_in = (uInt)length,
                       .next_out = (Bytef *)packed,
                       .avail_out = (uInt)length + 1024};
    cr_assert_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *packed_length = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static void write_folder_job(const script *s, const char *options, const char *out,
                             const char *dead)
{
    script_write(s,
                 "CREATE TABLE src (id INT) WITH ('connector' = 'filesystem', 'path' = 'in', "
                 "'format' = 'json', 'errors.deadletterqueue.topic.name' = '%s'%s);\n"
                 "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT id FROM src;",
                 dead, options, out);
}

Test(files, csv_written_from_a_topic_reads_back_as_the_same_rows)
{
    script s;
    script_open(&s, "back");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    const char *rows[] = {"{\"id\":1,\"t\":\"plain\",\"d\":1.50}",
                          "{\"id\":2,\"t\":\"two\\nlines, \\\"q\\\"\",\"d\":null}",
                          "{\"id\":3,\"t\":\"\",\"d\":-0.25}", "{\"id\":4,\"t\":null,\"d\":100}"};
    for (size_t i = 0; i < 4; i++)
        kafka_put_committed(s.writer, in, 0, rows[i]);
    const char *columns = "(id INT, t STRING, d DECIMAL(10, 2))";
    script_write(&s,
                 "CREATE TABLE src %s WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json', "
                 "'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE file %s WITH ('connector' = 'filesystem', 'path' = 'rows.csv', "
                 "'format' = 'csv', 'csv.null-literal' = 'NULL');\n"
                 "INSERT INTO file SELECT * FROM src;",
                 columns, in, columns);
    script_run(&s, 0, "--bounded");
    cr_expect_str_eq(script_read_file(&s, "rows.csv"),
                     "1,plain,1.5\n2,\"two\nlines, \"\"q\"\"\",NULL\n3,,-0.25\n4,NULL,1E+2\n");
    s.name = kafka_name("back-again");
    script_write(&s,
                 "CREATE TABLE file %s WITH ('connector' = 'filesystem', 'path' = 'rows.csv', "
                 "'format' = 'csv', 'csv.null-literal' = 'NULL');\n"
                 "CREATE TABLE dst %s WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json', "
                 "'json.encode.decimal-as-plain-number' = 'true');\n"
                 "INSERT INTO dst SELECT * FROM file;",
                 columns, columns, out);
    script_run(&s, 0, NULL);
    script_expect_topic(&s, out, 4,
                        "{\"id\":1,\"t\":\"plain\",\"d\":1.5} "
                        "{\"id\":2,\"t\":\"two\\nlines, \\\"q\\\"\",\"d\":null} "
                        "{\"id\":3,\"t\":\"\",\"d\":-0.25} {\"id\":4,\"t\":null,\"d\":100}");
    script_close(&s);
}

Test(files, csv_is_a_format_of_keys_and_values)
{
    script s;
    script_open(&s, "csv");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    const char *last = kafka_topic(s.log, "last", 1);
    kafka_put_committed(s.writer, in, 0, "1;x;\"a;b\"");
    kafka_put_committed(s.writer, in, 0, "2;y");
    kafka_put_committed(s.writer, in, 0, "3;z;c");
    const char *keyed = "'key.format' = 'csv', 'key.fields' = 'c;a', 'value.format' = 'csv', "
                        "'value.fields-include' = 'EXCEPT_KEY'";
    script_write(&s,
                 "CREATE TABLE src (a INT, b STRING, c STRING) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'csv', 'csv.field-delimiter' = ';', "
                 "'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (a INT, b STRING, c STRING) WITH (" KAFKA_TABLE
                 "'topic' = '%s', %s);\nINSERT INTO dst SELECT * FROM src;",
                 in, out, keyed);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, out, 2, "x z");
    script_expect_said(&s, "3 rows in, 2 out, 0 filtered, 0 late, 1 dead");
    s.name = kafka_name("csv-again");
    script_write(&s,
                 "CREATE TABLE src (a INT, b STRING, c STRING) WITH (" KAFKA_TABLE
                 "'topic' = '%s', %s, 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (a INT, b STRING, c STRING) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT * FROM src;",
                 out, keyed, last);
    script_run(&s, 0, "--bounded");
    script_expect_topic(&s, last, 2,
                        "{\"a\":1,\"b\":\"x\",\"c\":\"a;b\"} {\"a\":3,\"b\":\"z\",\"c\":\"c\"}");
    script_close(&s);
}

Test(files, bad_ones_are_dead_letters_and_the_rest_is_read)
{
    script s;
    size_t length, packed_length, long_length = (size_t)17 << 20;
    script_open(&s, "bad-files");
    const char *out = kafka_topic(s.log, "out", 1), *dead = kafka_topic(s.log, "dead", 1);
    make_folder(&s, "in");
    char *line = malloc(long_length + 1);
    memset(line, 'x', long_length);
    memcpy(line, "{\"id\":0}\n", 9);
    memcpy(line + long_length - 11, "\n{\"id\":1}\n", 10);
    script_put_file(&s, "in/a", line, long_length - 1);
    char *rows = make_rows(2, 2000, &length), *packed = gzip(rows, length, &packed_length);
    script_put_file(&s, "in/b.gz", packed, packed_length / 2);
    script_put_file(&s, "in/c", "{\"id\":9999}", 11);
    write_folder_job(&s, "", out, dead);
    script_run(&s, 0, NULL);
    static uint8_t seen[10000];
    uint32_t count = script_count_ids(&s, out, seen, 10000);
    cr_expect(seen[0] == 1 && seen[1] == 1 && seen[2] == 1 && seen[9999] == 1);
    cr_expect(count > 100 && count < 2003, "%u", count);
    for (uint32_t i = 2; i < count - 1; i++) /* what lay in front of the damage, in order */
        cr_assert_eq(seen[i], 1, "%u of %u", i, count);
    cr_expect_geq(kafka_each(s.log, dead, 0, NULL, NULL), 2);
    script_expect_said(&s, "2 dead");
    free(line);
    free(rows);
    free(packed);
    script_close(&s);
}

/* A folder of everything: `total` rows in files plain and packed. */
static uint32_t fill_folder(const script *s, uint32_t files, uint32_t rows_each)
{
    for (uint32_t f = 0; f < files; f++) {
        size_t length, packed_length;
        char name[64], *rows = make_rows(f * rows_each, rows_each, &length);
        snprintf(name, sizeof name, "in/part-%02u%s", f, f % 2 ? ".json.gz" : ".json");
        if (f % 2) {
            char *packed = gzip(rows, length, &packed_length);
            script_put_file(s, name, packed, packed_length);
            free(packed);
        } else {
            script_put_file(s, name, rows, length);
        }
        free(rows);
    }
    return files * rows_each;
}

static void expect_each_once(const script *s, const char *topic, uint32_t total)
{
    uint8_t *seen = calloc(total, 1);
    uint32_t count = script_count_ids(s, topic, seen, total);
    for (uint32_t i = 0; i < total; i++)
        cr_assert_eq(seen[i], 1, "row %u came %u times\n%s", i, seen[i], script_said(s));
    cr_assert_eq(count, total);
    free(seen);
}

/* A job over a folder that is killed up to four times; whether a kill hit it under way. */
static bool play_folder(void)
{
    script s;
    script_open(&s, "folder");
    const char *out = kafka_topic(s.log, "out", 1), *dead = kafka_topic(s.log, "dead", 1);
    make_folder(&s, "in");
    uint32_t total = fill_folder(&s, 10, 60000), hits = 0;
    write_folder_job(&s, "", out, dead);
    int64_t before = 0;
    for (int kills = 0; kills < 4; kills++) {
        pid_t pid = script_start(&s, NULL);
        for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
             kafka_end(s.log, out, 0) <= before && kafka_ms() < end_ms;)
            usleep(1000);
        kill(pid, SIGKILL);
        int code = script_finish(&s, pid);
        hits += code == 128 + SIGKILL && kafka_end(s.log, out, 0) < total;
        before = kafka_end(s.log, out, 0);
        if (code == 0)
            break;
    }
    int code = script_finish(&s, script_start(&s, NULL));
    cr_expect(code == 0 || strstr(script_said(&s), "has finished") != NULL, "%s", script_said(&s));
    expect_each_once(&s, out, total);
    cr_expect_eq(kafka_end(s.log, dead, 0), 0);
    script_close(&s);
    return hits > 0;
}

Test(files, a_folder_goes_on_at_its_file_and_byte_after_a_kill, .timeout = 400)
{
    bool has_hit = false; /* not when we were asleep until all was read */
    for (int plays = 0; plays < 5 && !has_hit; plays++)
        has_hit = play_folder();
    cr_expect(has_hit, "no kill hit a job that was under way");
}

Test(files, files_added_while_a_job_dies_again_and_again_are_each_read_once, .timeout = 400)
{
    script s;
    script_open(&s, "monitored");
    const char *out = kafka_topic(s.log, "out", 1), *dead = kafka_topic(s.log, "dead", 1);
    make_folder(&s, "in");
    write_folder_job(&s, ", 'source.monitor-interval' = '10 ms'", out, dead);
    uint32_t files = 0, rows_each = 50;
    pid_t pid = script_start(&s, NULL);
    for (int kills = 0; kills < 5; kills++) {
        for (int i = 0; i < 30; i++, files++) {
            /* Names in no order at all, so that every new one lies between those that are done. */
            size_t length;
            char name[64], *rows = make_rows(files * rows_each, rows_each, &length);
            snprintf(name, sizeof name, "in/%08x", files * 2654435761u);
            script_put_file(&s, name, rows, length);
            free(rows);
            usleep(10000);
        }
        kill(pid, SIGKILL);
        cr_assert_eq(script_finish(&s, pid), 128 + SIGKILL, "%s", script_said(&s));
        pid = script_start(&s, NULL);
    }
    uint8_t *seen = calloc((size_t)files * rows_each, 1);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; kafka_ms() < end_ms; usleep(100000)) {
        memset(seen, 0, (size_t)files * rows_each);
        if (script_count_ids(&s, out, seen, files * rows_each) >= files * rows_each)
            break;
    }
    free(seen);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    expect_each_once(&s, out, files * rows_each);
    script_close(&s);
}

Test(files, a_job_that_keeps_nothing_ends_in_order_at_a_signal)
{
    script s;
    script_open(&s, "nothing");
    make_folder(&s, "in");
    script_put_file(&s, "in/a", "{\"id\":1}\n{\"id\":2}\n", 18);
    script_write(&s, "CREATE TABLE src (id INT) WITH ('connector' = 'filesystem', 'path' = 'in', "
                     "'format' = 'json', 'source.monitor-interval' = '10 ms');\n"
                     "CREATE TABLE dst (id INT) WITH ('connector' = 'filesystem', "
                     "'path' = 'out.csv', 'format' = 'csv');\n"
                     "INSERT INTO dst SELECT id FROM src;");
    pid_t pid = script_start(&s, NULL);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         strcmp(script_read_file(&s, "out.csv"), "1\n2\n") != 0 && kafka_ms() < end_ms;)
        usleep(10000);
    script_put_file(&s, "in/b", "{\"id\":3}\n", 9);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
         strcmp(script_read_file(&s, "out.csv"), "1\n2\n3\n") != 0 && kafka_ms() < end_ms;)
        usleep(10000);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    cr_expect_str_eq(script_read_file(&s, "out.csv"), "1\n2\n3\n");
    script_expect_said(&s, "3 rows in, 3 out");
    script_close(&s);
}
