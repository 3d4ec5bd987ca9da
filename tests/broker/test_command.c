/*
 * Goal: `millrace run` keeps its word to its user on a real Kafka: results, late rows and dead
 * letters in their topics, exit codes, an orderly end, and no row lost or doubled by a restart.
 * Method: the program itself in a folder of its own; topics are filled and read through the log
 * port, and every expected record is written out here.
 */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_SECONDS 240

typedef struct job {
    const char *name;
    char dir[128], script[160], said[160];
    mr_log *log;
    mr_log_writer *writer;
    const char *in, *out, *dead, *late;
} job;

static const char *program(void)
{
    const char *named = getenv("MILLRACE");
    return named ? named : MR_SOURCE_DIR "/build/release/millrace";
}

static void job_open(job *j, const char *stem)
{
    j->log = kafka_open();
    j->name = kafka_name(stem);
    j->in = kafka_topic(j->log, "in", 1);
    j->out = kafka_topic(j->log, "out", 1);
    j->dead = kafka_topic(j->log, "dead", 1);
    j->late = kafka_topic(j->log, "late", 1);
    j->writer = kafka_writer(j->log, kafka_name("feed"));
    snprintf(j->dir, sizeof j->dir, "/tmp/millrace-%s-%d", j->name, getpid());
    cr_assert_eq(mkdir(j->dir, 0700), 0);
    snprintf(j->script, sizeof j->script, "%s/job.sql", j->dir);
    snprintf(j->said, sizeof j->said, "%s/said", j->dir);
}

static void job_close(job *j)
{
    char text[200];
    j->writer->class->close(j->writer);
    j->log->class->close(j->log);
    snprintf(text, sizeof text, "rm -rf '%s'", j->dir);
    cr_assert_eq(system(text), 0);
}

static void put(job *j, const char *value)
{
    kafka_put_committed(j->writer, j->in, 0, value);
}

/* Writes the job: `source` and `sink` are more options of its two tables, `query` what it does. */
static void job_write(job *j, const char *source, const char *sink, const char *query)
{
    FILE *file = fopen(j->script, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "CREATE TABLE src (id BIGINT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("
            "'connector' = 'kafka', 'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', "
            "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset'%s);\n"
            "CREATE TABLE dst (id BIGINT, n BIGINT NOT NULL) WITH ('connector' = 'kafka', "
            "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'topic' = '%s', "
            "'format' = 'json'%s);\n"
            "CREATE TABLE behind (id BIGINT, v INT) WITH ('connector' = 'kafka', "
            "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'topic' = '%s', "
            "'format' = 'json');\n"
            "SET 'execution.checkpointing.interval' = '100 ms';\n%s\n",
            j->in, source, j->out, sink, j->late, query);
    cr_assert_eq(fclose(file), 0);
}

static pid_t start(const job *j, const char *const *more)
{
    const char *argv[16] = {program(), "run", j->script, "--name", j->name};
    for (size_t i = 0; more && more[i]; i++)
        argv[5 + i] = more[i];
    if (more && strcmp(more[0], "--bounded") == 0)
        kafka_settle(j->log);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    int said = open(j->said, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (said < 0 || dup2(said, 1) < 0 || dup2(said, 2) < 0 || chdir(j->dir) != 0)
        _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static const char *said(const job *j)
{
    static char text[16384]; /* of this test's own process */
    FILE *file = fopen(j->said, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int finish(const job *j, pid_t pid, int seconds)
{
    int status = 0;
    double end_ms = kafka_ms() + seconds * 1000;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (kafka_ms() > end_ms) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            cr_assert_fail("still there after %d s: %s", seconds, said(j));
        }
        usleep(20000);
    }
    cr_assert(WIFEXITED(status), "died of signal %d: %s", WTERMSIG(status), said(j));
    return WEXITSTATUS(status);
}

#define RUN(j, expected, ...)                                                                      \
    do {                                                                                           \
        int got_ = finish((j), start((j), (const char *const[]){__VA_ARGS__, NULL}), RUN_SECONDS); \
        cr_assert_eq(got_, (expected), "exit %d, want %d: %s", got_, (expected), said(j));         \
    } while (0)

static void expect_topic(job *j, const char *topic, uint32_t count, const char *expected)
{
    const char *got = kafka_read(j->log, topic, 0, count);
    cr_expect_str_eq(got, expected, "%s holds %s\nwant %s\n%s", topic, got, expected, said(j));
    got = kafka_all(j->log, topic, 0);
    cr_expect_str_eq(got, expected, "%s holds more: %s", topic, got);
}

static void expect_said(const job *j, const char *part)
{
    cr_expect_not_null(strstr(said(j), part), "no `%s` in: %s", part, said(j));
}

/* The value of a header of the first record of a topic. */
static void expect_header(job *j, const char *topic, const char *name, const char *expected)
{
    mr_log_reader *reader = kafka_reader(j->log);
    mr_error err;
    mr_records records = {0};
    OK(reader->class->add(reader, 0, topic, 0, 0, &err), err);
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; records.count == 0 && kafka_ms() < end_ms;)
        OK(reader->class->fetch(reader, 1, 50, &records, &err), err);
    cr_assert_eq(records.count, 1, "%s is empty", topic);
    char got[256] = "";
    mr_arena arena = {0};
    uint32_t count;
    const mr_header *headers = records.headers(&records, 0, &arena, &count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(headers[i].name, name) == 0)
            snprintf(got, sizeof got, "%.*s", (int)headers[i].value_length, headers[i].value);
    cr_expect_str_eq(got, expected, "%s of %s is `%s`", name, topic, got);
    mr_arena_release(&arena);
    reader->class->close(reader);
}

#define COUNTS                                                                        \
    "CREATE VIEW counts AS SELECT id, window_start, COUNT(*) AS n FROM TABLE(TUMBLE(" \
    "TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;"
#define PASS "INSERT INTO dst SELECT id, CAST(v AS BIGINT) FROM src;"
#define AT(id, v, second) "{\"id\":" id ",\"v\":" v ",\"ts\":\"2024-01-01 00:00:" second "\"}"

static void feed_windows(job *j)
{
    put(j, AT("1", "1", "01"));
    put(j, AT("1", "2", "05"));
    put(j, "{broken");
    put(j, AT("2", "3", "12"));
    put(j, AT("1", "4", "02"));
}

static void write_windows(job *j)
{
    char dead[200];
    snprintf(dead, sizeof dead, ", 'errors.deadletterqueue.topic.name' = '%s'", j->dead);
    job_write(j, dead, "",
              COUNTS "EXECUTE STATEMENT SET BEGIN INSERT INTO dst SELECT id, n FROM counts; "
                     "INSERT INTO behind SELECT id, v FROM counts$late; END;");
}

Test(command, results_late_rows_and_dead_letters_have_their_topics)
{
    job j;
    job_open(&j, "three");
    write_windows(&j);
    feed_windows(&j);
    RUN(&j, 0, "--bounded");
    expect_topic(&j, j.out, 2, "{\"id\":1,\"n\":2} {\"id\":2,\"n\":1}");
    expect_topic(&j, j.late, 1, "{\"id\":1,\"v\":4}");
    expect_topic(&j, j.dead, 1, "{broken");
    expect_header(&j, j.dead, "__streams.errors.exception", "MR3110");
    expect_header(&j, j.dead, "__streams.errors.topic", j.in);
    expect_header(&j, j.dead, "__millrace.errors.job", j.name);
    expect_header(&j, j.dead, "__millrace.errors.stage", "decode");
    expect_said(&j, "5 rows in, 3 out, 0 filtered, 1 late, 1 dead");
    job_close(&j);
}

Test(command, a_signal_commits_and_a_second_start_goes_on_without_loss)
{
    job j;
    job_open(&j, "goes-on");
    write_windows(&j);
    put(&j, AT("1", "1", "01"));
    pid_t pid = start(&j, NULL);
    /* The second window's row shows that the first is open no more; its own stays open. */
    put(&j, AT("1", "2", "12"));
    expect_topic(&j, j.out, 1, "{\"id\":1,\"n\":1}");
    kill(pid, SIGTERM);
    cr_expect_eq(finish(&j, pid, RUN_SECONDS), 0, "%s", said(&j));
    put(&j, AT("1", "3", "13"));
    pid = start(&j, NULL);
    put(&j, AT("1", "4", "25"));
    expect_topic(&j, j.out, 2, "{\"id\":1,\"n\":1} {\"id\":1,\"n\":2}");
    kill(pid, SIGINT);
    cr_expect_eq(finish(&j, pid, RUN_SECONDS), 0, "%s", said(&j));
    job_close(&j);
}

Test(command, sessions_go_on_over_a_kill)
{
    job j;
    job_open(&j, "sessions");
    job_write(&j, "", "",
              "CREATE VIEW visits AS SELECT id, COUNT(*) AS n FROM TABLE(SESSION(TABLE src "
              "PARTITION BY id, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, "
              "window_end; EXECUTE STATEMENT SET BEGIN INSERT INTO dst SELECT * FROM visits; "
              "INSERT INTO behind SELECT id, v FROM visits$late; END;");
    put(&j, AT("1", "1", "01"));
    put(&j, AT("1", "2", "11")); /* a gap behind the row before: the same session */
    put(&j, AT("2", "3", "09"));
    pid_t pid = start(&j, NULL);
    put(&j, AT("3", "4", "25"));
    expect_topic(&j, j.out, 2, "{\"id\":2,\"n\":1} {\"id\":1,\"n\":2}");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    put(&j, AT("3", "5", "30")); /* lengthens what was open at the kill */
    put(&j, AT("1", "6", "24")); /* its old session is closed: a new one */
    put(&j, AT("1", "7", "15")); /* behind the watermark, but it touches the new one */
    put(&j, AT("2", "8", "05"));
    put(&j, AT("4", "9", "50"));
    pid = start(&j, NULL);
    expect_topic(&j, j.out, 4,
                 "{\"id\":2,\"n\":1} {\"id\":1,\"n\":2} {\"id\":1,\"n\":2} {\"id\":3,\"n\":2}");
    expect_topic(&j, j.late, 1, "{\"id\":2,\"v\":8}");
    kill(pid, SIGTERM);
    cr_expect_eq(finish(&j, pid, RUN_SECONDS), 0, "%s", said(&j));
    job_close(&j);
}

Test(command, another_plan_is_refused_until_reset)
{
    job j;
    job_open(&j, "reset");
    put(&j, AT("1", "1", "01"));
    job_write(&j, "", "", PASS);
    RUN(&j, 0, "--bounded");
    job_write(&j, "", "", "INSERT INTO dst SELECT id + 1, CAST(v AS BIGINT) FROM src;");
    RUN(&j, 5, "--bounded");
    expect_said(&j, "--reset");
    RUN(&j, 0, "--bounded", "--reset");
    expect_topic(&j, j.out, 2, "{\"id\":1,\"n\":1} {\"id\":2,\"n\":1}");
    job_close(&j);
}

Test(command, every_guarantee_delivers_each_row_of_a_quiet_run_once)
{
    const char *const guarantees[] = {"exactly-once", "at-least-once", "none"};
    for (size_t i = 0; i < 3; i++) {
        job j;
        job_open(&j, guarantees[i]);
        char option[80];
        snprintf(option, sizeof option, ", 'sink.delivery-guarantee' = '%s'", guarantees[i]);
        job_write(&j, "", option, PASS);
        put(&j, AT("1", "1", "01"));
        put(&j, AT("2", "2", "02"));
        RUN(&j, 0, "--bounded");
        expect_topic(&j, j.out, 2, "{\"id\":1,\"n\":1} {\"id\":2,\"n\":2}");
        job_close(&j);
    }
}

Test(command, a_record_too_large_for_its_topic_dies_alone)
{
    job j;
    job_open(&j, "large");
    FILE *file = fopen(j.script, "w");
    cr_assert_not_null(file);
    const char *small = kafka_name("small");
    mr_error err;
    const char *const configs[] = {"max.message.bytes", "1000", NULL};
    OK(j.log->class->create_topic(j.log, small, 1, configs, &err), err);
    fprintf(file,
            "CREATE TABLE src (id INT, s STRING) WITH ('connector' = 'kafka', "
            "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'topic' = '%s', "
            "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
            "CREATE TABLE dst (id INT, s STRING) WITH ('connector' = 'kafka', 'topic' = '%s', "
            "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'format' = 'json', "
            "'errors.deadletterqueue.topic.name' = '%s');"
            "INSERT INTO dst SELECT id, s FROM src;",
            j.in, small, j.dead);
    cr_assert_eq(fclose(file), 0);
    static char large[5000];
    size_t length = (size_t)snprintf(large, sizeof large, "{\"id\":2,\"s\":\"");
    for (uint32_t x = 1; length < 4000; x = x * 1103515245u + 12345u) /* does not compress */
        large[length++] = (char)('A' + (x >> 16) % 26);
    memcpy(large + length, "\"}", 3);
    put(&j, "{\"id\":1,\"s\":\"a\"}");
    put(&j, large);
    put(&j, "{\"id\":3,\"s\":\"b\"}");
    RUN(&j, 0, "--bounded");
    expect_topic(&j, small, 2, "{\"id\":1,\"s\":\"a\"} {\"id\":3,\"s\":\"b\"}");
    expect_topic(&j, j.dead, 1, large);
    expect_header(&j, j.dead, "__millrace.errors.stage", "sink");
    expect_header(&j, j.dead, "__millrace.errors.code", "MR3302");
    job_close(&j);
}

Test(command, a_budget_of_errors_stops_the_job_with_its_dead_letters_committed)
{
    job j;
    job_open(&j, "budget");
    char options[240];
    snprintf(options, sizeof options,
             ", 'errors.deadletterqueue.topic.name' = '%s', 'errors.budget' = '10 %% of 20'",
             j.dead);
    job_write(&j, options, "", PASS);
    kafka_begin(j.writer);
    kafka_put(j.writer, j.in, 0, AT("1", "1", "01"));
    for (int i = 0; i < 3; i++)
        kafka_put(j.writer, j.in, 0, "{broken");
    kafka_commit(j.writer);
    RUN(&j, 1, "--bounded");
    expect_said(&j, "MR3002");
    expect_said(&j, "errors.budget");
    expect_said(&j, "4 rows in, 1 out, 0 filtered, 0 late, 3 dead");
    expect_topic(&j, j.out, 1, "{\"id\":1,\"n\":1}");
    expect_topic(&j, j.dead, 3, "{broken {broken {broken");
    put(&j, AT("2", "2", "02"));
    RUN(&j, 0, "--bounded");
    expect_topic(&j, j.out, 2, "{\"id\":1,\"n\":1} {\"id\":2,\"n\":2}");
    expect_topic(&j, j.dead, 3, "{broken {broken {broken");
    job_close(&j);
}

Test(command, mode_fail_names_the_record)
{
    job j;
    job_open(&j, "fail");
    job_write(&j, ", 'errors.mode' = 'fail'", "", PASS);
    put(&j, AT("1", "1", "01"));
    put(&j, "{broken");
    RUN(&j, 1, "--bounded");
    char place[300];
    snprintf(place, sizeof place, "%s[0]@2", j.in); /* 1 is the marker of a transaction */
    expect_said(&j, place);
    job_close(&j);
}

Test(command, says_what_to_do_about_a_topic_or_a_broker_that_is_missing)
{
    job j;
    job_open(&j, "missing");
    const char *in = j.in;
    j.in = kafka_name("nobody");
    j.out = kafka_name("nowhere");
    job_write(&j, "", "", PASS);
    RUN(&j, 1, "--bounded");
    expect_said(&j, j.in); /* all of them at once */
    expect_said(&j, j.out);
    expect_said(&j, "do not exist");
    j.in = in;
    job_write(&j, "", "", PASS);
    RUN(&j, 1, "--bounded");
    expect_said(&j, "does not exist");
    expect_said(&j, "--create --topic");
    expect_said(&j, "--create-topics");
    RUN(&j, 0, "--bounded", "--create-topics");
    setenv("MILLRACE_TEST_BROKER", "127.0.0.1:1", 1);
    RUN(&j, 4, "--bounded");
    expect_said(&j, "127.0.0.1:1");
    job_close(&j);
}
