/*
 * Goal: the job that ships with the project gives, on a real Kafka, the rows it should give.
 * Method: January's flights are produced, `millrace run --bounded` (the built program, $MILLRACE)
 * reads them, and an oracle in another language compares every record of the output topics with
 * what it works out from the input topic. With one partition the split into on time and late is
 * certain; with several the law per airport and hour is checked.
 */
#include "engine/base/buffer.h"
#include "jobs/demo/flights.h"
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define OUTPUTS 3

static const char *const topics[] = {"departures", "departures-hourly", "departures-late",
                                     "departures-dead"};
static const char *const dumps[] = {"departures", "hourly", "late", "dead"};

typedef struct flights_rig {
    mr_log *log;
    const char *job;
    char prefix[256];
    char dir[64];
    int32_t partitions;
} flights_rig;

/* Runs a shell command; its exit code. */
static int shell(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    cr_assert(length > 0 && (size_t)length < sizeof command);
    int status = system(command);
    cr_assert(WIFEXITED(status), "%s: status %d", command, status);
    return WEXITSTATUS(status);
}

/* What a command wrote, for a failed test. */
static const char *contents(const flights_rig *rig, const char *name)
{
    static char text[4096]; /* of this test's own process */
    char path[128];
    snprintf(path, sizeof path, "%s/%s", rig->dir, name);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = '\0';
    if (file)
        fclose(file);
    return text;
}

static const char *program(void)
{
    const char *path = getenv("MILLRACE");
    cr_assert(path && path[0], "set MILLRACE to the built program");
    return path;
}

static void topic_name(const flights_rig *rig, int t, char name[512])
{
    snprintf(name, 512, "%s%s", rig->prefix, topics[t]);
}

static void rig_open(flights_rig *rig, int32_t partitions)
{
    mr_error err;
    *rig =
        (flights_rig){.log = kafka_open(), .job = kafka_name("flights"), .partitions = partitions};
    snprintf(rig->prefix, sizeof rig->prefix, "%s.", rig->job);
    strcpy(rig->dir, "/tmp/millrace-flights-XXXXXX");
    cr_assert(mkdtemp(rig->dir));
    for (int t = 0; t < 1 + OUTPUTS; t++) {
        char name[512];
        topic_name(rig, t, name);
        bool is_wide = t == 0 || t == OUTPUTS;
        OK(rig->log->class->create_topic(rig->log, name, is_wide ? partitions : 1, NULL, &err),
           err);
    }
    setenv("DEMO_KAFKA", getenv("MILLRACE_TEST_BROKER"), 1);
    setenv("DEMO_PREFIX", rig->prefix, 1);
}

static void rig_close(flights_rig *rig)
{
    mr_error err;
    for (int t = 0; t < 1 + OUTPUTS; t++) {
        char name[512];
        topic_name(rig, t, name);
        OK(rig->log->class->delete_topic(rig->log, name, &err), err);
    }
    rig->log->class->close(rig->log);
    shell("rm -rf '%s'", rig->dir);
}

static void produce(flights_rig *rig)
{
    mr_demo_flights flights;
    mr_error err;
    OK(mr_demo_flights_load(&flights, MR_DEMO_DAYS_MAX, &err), err);
    char topic[512];
    topic_name(rig, 0, topic);
    mr_log_writer *writer = kafka_writer(rig->log, NULL);
    for (uint32_t i = 0; i < flights.count; i++) {
        const mr_demo_flight *flight = &flights.items[i];
        mr_log_record record = {.key = mr_demo_origins[flight->origin],
                                .key_length = 3,
                                .value = flight->line,
                                .value_length = flight->length,
                                .timestamp_ms = MR_TIME_NONE};
        int32_t partition = (int32_t)flight->origin % rig->partitions;
        OK(writer->class->produce(writer, topic, partition, &record, 1, &err), err);
    }
    kafka_flush(writer);
    writer->class->close(writer);
    mr_demo_flights_release(&flights);
}

static void run_job(flights_rig *rig)
{
    int code = shell("timeout 300 '%s' run '%s/jobs/demo/departures.sql' --bounded --name '%s' "
                     "--state-dir '%s/state' >'%s/run.log' 2>&1",
                     program(), MR_SOURCE_DIR, rig->job, rig->dir, rig->dir);
    cr_assert_eq(code, 0, "exit code %d: %s", code, contents(rig, "run.log"));
}

static void put_hex(FILE *file, const char *bytes, size_t length)
{
    if (!bytes)
        fputc('-', file);
    for (size_t i = 0; bytes && i < length; i++)
        fprintf(file, "%02x", (unsigned)(unsigned char)bytes[i]);
}

static void dump_records(FILE *file, const mr_records *records)
{
    mr_arena arena = {0};
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        fprintf(file, "%d\t%" PRId64 "\t%" PRId64 "\t", records->partition, record->offset,
                record->timestamp_ms);
        put_hex(file, record->key, record->key_length);
        fputc('\t', file);
        put_hex(file, record->value, record->value_length);
        uint32_t count = 0;
        const mr_header *headers =
            records->headers ? records->headers(records, i, &arena, &count) : NULL;
        for (uint32_t h = 0; h < count; h++) {
            fprintf(file, "\t%s=", headers[h].name);
            put_hex(file, headers[h].value, headers[h].value_length);
        }
        fputc('\n', file);
    }
    mr_arena_release(&arena);
}

/* All committed records of a topic, one partition after the other. */
static void dump(flights_rig *rig, int t)
{
    char topic[512], path[128];
    topic_name(rig, t, topic);
    snprintf(path, sizeof path, "%s/%s", rig->dir, dumps[t]);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    mr_log_reader *reader = kafka_reader(rig->log);
    mr_error err;
    int32_t partitions = t == 0 || t == OUTPUTS ? rig->partitions : 1;
    for (int32_t p = 0; p < partitions; p++) {
        OK(reader->class->add(reader, (uint32_t)p, topic, p, 0, &err), err);
        double end_ms = kafka_ms() + KAFKA_PATIENCE_MS;
        mr_input_ends ends = {.stable_end = INT64_MAX};
        while (ends.position < ends.stable_end || ends.is_buffered) {
            cr_assert_lt(kafka_ms(), end_ms, "%s[%d] is not read", topic, p);
            mr_records records = {0};
            OK(reader->class->fetch(reader, 4096, 100, &records, &err), err);
            dump_records(file, &records);
            OK(reader->class->ends(reader, (uint32_t)p, KAFKA_PATIENCE_MS, &ends, &err), err);
        }
        OK(reader->class->remove(reader, (uint32_t)p, &err), err);
    }
    reader->class->close(reader);
    cr_assert_eq(fclose(file), 0);
}

static int ask_oracle(flights_rig *rig, const char *mode)
{
    return shell("python3 '%s/tests/broker/flights_oracle.py' %s '%s' "
                 "'%s/jobs/demo/data/departures-2013-01.jsonl.gz' >'%s/oracle.log' 2>&1",
                 MR_SOURCE_DIR, mode, rig->dir, MR_SOURCE_DIR, rig->dir);
}

/* An oracle that is content with anything would make these tests worthless: each harm must be
 * seen. */
static void harm(flights_rig *rig, const char *mode)
{
    static const char *const harms[] = {
        "sed -i '$d' '%s/late'",                                   /* a late row gone */
        "sed -i '1{p}' '%s/hourly'",                               /* a result twice */
        "sed -i '1{p}' '%s/dead'",                                 /* a dead letter twice */
        "sed -i '5s/776f7273745f64656c6179223a/&31/' '%s/hourly'", /* another "worst_delay": */
    };
    shell("mkdir '%s/good' && cp '%s/late' '%s/hourly' '%s/dead' '%s/good'", rig->dir, rig->dir,
          rig->dir, rig->dir, rig->dir);
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        shell(harms[i], rig->dir);
        int code = ask_oracle(rig, mode);
        cr_expect_eq(code, 1, "harm %zu went unseen (exit %d): %s", i, code,
                     contents(rig, "oracle.log"));
        shell("cp '%s/good/'* '%s'", rig->dir, rig->dir);
    }
}

static void play(int32_t partitions, const char *mode)
{
    flights_rig rig;
    rig_open(&rig, partitions);
    produce(&rig);
    run_job(&rig);
    for (int t = 0; t < 1 + OUTPUTS; t++)
        dump(&rig, t);
    int code = ask_oracle(&rig, mode);
    cr_expect_eq(code, 0, "%s", contents(&rig, "oracle.log"));
    harm(&rig, mode);
    rig_close(&rig);
}

Test(flights, every_row_of_one_partition_is_what_the_oracle_says, .timeout = 400)
{
    play(1, "exact");
}

Test(flights, of_several_partitions_each_row_is_counted_late_or_dead_once, .timeout = 400)
{
    play(MR_DEMO_ORIGINS, "law");
}

Test(flights, the_demo_adds_up_on_a_real_cluster_and_leaves_nothing_there, .timeout = 400)
{
    flights_rig rig;
    rig_open(&rig, 1);
    int code = shell("timeout 300 '%s' demo --kafka \"$MILLRACE_TEST_BROKER\" --speed 0 --days 10 "
                     ">'%s/demo.log' 2>&1",
                     program(), rig.dir);
    const char *said = contents(&rig, "demo.log");
    cr_expect_eq(code, 0, "exit code %d: %s", code, said);
    char job[128];
    const char *at = strstr(said, "job millrace-demo-");
    cr_assert(at && sscanf(at, "job %100[^,]", job) == 1, "%s", said);
    cr_expect_eq(shell("grep -q ' 0 lost, 0 doubled' '%s/demo.log'", rig.dir), 0, "%s", said);
    static const char *const left[] = {"departures", "departures-hourly", "departures-late",
                                       "departures-dead", "state"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s.%s", job, left[i]);
        mr_topic_facts facts;
        mr_error err;
        OK(rig.log->class->describe(rig.log, name, &facts, &err), err);
        cr_expect_not(facts.exists, "%s is left behind", name);
    }
    rig_close(&rig);
}
