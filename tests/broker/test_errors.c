/*
 * Goal: on a real Kafka t$errors holds what died at every stage, and a bounded job of two processes
 * is over for both when all of it is. Method: `millrace run` in folders of its own; topics are
 * filled and read through the log port.
 */
#include "tests/broker/kafka.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLUSTER "'properties.bootstrap.servers' = '${MILLRACE_TEST_BROKER}', 'format' = 'json'"

typedef struct site {
    mr_log *log;
    mr_log_writer *writer;
    const char *name, *in, *out, *dead;
    char dir[128];
} site;

static void open_site(site *s, const char *stem, int32_t partitions)
{
    s->log = kafka_open();
    s->name = kafka_name(stem);
    s->in = kafka_topic(s->log, "in", partitions);
    s->out = kafka_topic(s->log, "out", 1);
    s->dead = kafka_topic(s->log, "dead", 1);
    s->writer = kafka_writer(s->log, kafka_name("feed"));
    snprintf(s->dir, sizeof s->dir, "/tmp/millrace-%s-%d", s->name, getpid());
    cr_assert_eq(mkdir(s->dir, 0700), 0);
}

static void close_site(site *s)
{
    char text[200];
    s->writer->class->close(s->writer);
    s->log->class->close(s->log);
    snprintf(text, sizeof text, "rm -rf '%s'", s->dir);
    cr_assert_eq(system(text), 0);
}

static void write_job(const site *s, const char *statements)
{
    char path[200];
    snprintf(path, sizeof path, "%s/job.sql", s->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(
        file,
        "CREATE TABLE src (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("
        "'connector' = 'kafka', " CLUSTER ", 'topic' = '%s', "
        "'scan.startup.mode' = 'earliest-offset');\n"
        "CREATE TABLE dst (id INT, n INT NOT NULL) WITH ('connector' = 'kafka', " CLUSTER
        ", 'topic' = '%s');\n"
        "CREATE TABLE dead (stage STRING, row_text STRING) WITH ('connector' = 'kafka', " CLUSTER
        ", 'topic' = '%s');\n%s",
        s->in, s->out, s->dead, statements);
    cr_assert_eq(fclose(file), 0);
}

/* Starts `millrace run` with a state folder of its own. */
static pid_t start(const site *s, const char *state)
{
    const char *named = getenv("MILLRACE");
    char said[200];
    snprintf(said, sizeof said, "%s/said-%s", s->dir, state);
    kafka_settle(s->log);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    if (chdir(s->dir) != 0 || freopen(said, "w", stderr) == NULL)
        _exit(126);
    execl(named ? named : MR_SOURCE_DIR "/build/release/millrace", "millrace", "run", "job.sql",
          "--name", s->name, "--bounded", "--state-dir", state, (char *)NULL);
    _exit(127);
}

static const char *said(const site *s, const char *state)
{
    static char text[8192]; /* of this test's own process */
    char path[200];
    snprintf(path, sizeof path, "%s/said-%s", s->dir, state);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int end_of(const site *s, pid_t pid, const char *state)
{
    int status = 0;
    for (double end_ms = kafka_ms() + 2 * KAFKA_PATIENCE_MS; waitpid(pid, &status, WNOHANG) == 0;
         usleep(20000))
        if (kafka_ms() > end_ms) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            cr_assert_fail("it does not end: %s", said(s, state));
        }
    cr_assert(WIFEXITED(status), "status %x: %s", (unsigned)status, said(s, state));
    return WEXITSTATUS(status);
}

#define AT(id, v, second) "{\"id\":" id ",\"v\":" v ",\"ts\":\"2024-01-01 00:00:" second "\"}"

Test(errors, of_every_stage_come_to_the_topic_of_errors_once)
{
    site s;
    open_site(&s, "errors", 1);
    write_job(&s,
              "CREATE VIEW sums AS SELECT id, SUM(v) AS n FROM TABLE(TUMBLE(TABLE src, "
              "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, window_start, window_end;\n"
              "INSERT INTO dst SELECT id, CASE WHEN n = 7 THEN NULL ELSE 60 / n END FROM sums;\n"
              "INSERT INTO dead SELECT error_stage, CAST(record_value AS STRING) FROM "
              "src$errors UNION ALL SELECT error_stage, CAST(record_value AS STRING) FROM "
              "dst$errors;\n");
    kafka_begin(s.writer);
    kafka_put(s.writer, s.in, 0, "{broken");
    kafka_put(s.writer, s.in, 0, AT("1", "0", "01"));
    kafka_put(s.writer, s.in, 0, AT("2", "7", "01"));
    kafka_put(s.writer, s.in, 0, AT("3", "6", "01"));
    kafka_commit(s.writer);
    cr_assert_eq(end_of(&s, start(&s, "a"), "a"), 0, "%s", said(&s, "a"));
    cr_expect_str_eq(kafka_read(s.log, s.out, 0, 1), "{\"id\":3,\"n\":10}");
    const char *dead = kafka_read(s.log, s.dead, 0, 3);
    cr_expect_not_null(strstr(dead, "{\"stage\":\"decode\",\"row_text\":\"{broken\"}"), "%s", dead);
    cr_expect_not_null(strstr(dead, "{\"stage\":\"process\",\"row_text\":\"{\\\"id\\\":1,"), "%s",
                       dead);
    cr_expect_not_null(
        strstr(dead, "{\"stage\":\"encode\",\"row_text\":\"{\\\"id\\\":2,\\\"n\\\":null}\"}"), "%s",
        dead);
    dead = kafka_all(s.log, s.dead, 0);
    size_t rows = 0;
    for (const char *at = dead; (at = strstr(at, "{\"stage\"")) != NULL; at++)
        rows++;
    cr_expect_eq(rows, 3, "%s", dead);
    close_site(&s);
}

Test(bounded, job_of_two_processes_is_over_for_both_when_all_of_it_is)
{
    site s;
    open_site(&s, "together", 2);
    write_job(&s, "SET 'parallelism.default' = '2'; INSERT INTO dst SELECT id, v FROM src;\n");
    for (int i = 0; i < 20; i++) {
        char row[80];
        snprintf(row, sizeof row, "{\"id\":%d,\"v\":1}", i);
        kafka_put_committed(s.writer, s.in, i % 2, row);
    }
    pid_t first = start(&s, "a"), second = start(&s, "b");
    int ends[] = {end_of(&s, first, "a"), end_of(&s, second, "b")};
    /* One that comes when all is done is told so. */
    cr_expect(ends[0] == 0 || ends[1] == 0);
    cr_expect(ends[0] == 0 || ends[0] == 5, "%d: %s", ends[0], said(&s, "a"));
    cr_expect(ends[1] == 0 || ends[1] == 5, "%d: %s", ends[1], said(&s, "b"));
    const char *rows = kafka_all(s.log, s.out, 0);
    size_t count = 0;
    for (const char *at = rows; (at = strstr(at, "{\"id\"")) != NULL; at++)
        count++;
    cr_expect_eq(count, 20, "%s", rows);
    close_site(&s);
}

Test(parked, task_with_a_damaged_log_leaves_the_others_and_exit_code_5)
{
    site s;
    open_site(&s, "parked", 2);
    write_job(&s, "SET 'parallelism.default' = '2'; INSERT INTO dst SELECT id, v FROM src;\n"
                  "SET 'execution.checkpointing.interval' = '100 ms';\n");
    char state[200];
    snprintf(state, sizeof state, "%s.state", s.name);
    mr_error err;
    OK(s.log->class->create_topic(s.log, state, 2, NULL, &err), err);
    kafka_put_committed(s.writer, state, 1, "a stranger was here");
    kafka_put_committed(s.writer, s.in, 0, "{\"id\":1,\"v\":1}");
    kafka_put_committed(s.writer, s.in, 1, "{\"id\":2,\"v\":2}");
    cr_expect_eq(end_of(&s, start(&s, "a"), "a"), 5, "%s", said(&s, "a"));
    cr_expect_str_eq(kafka_all(s.log, s.out, 0), "{\"id\":1,\"n\":1}");
    cr_expect_not_null(strstr(said(&s, "a"), "task parked"), "%s", said(&s, "a"));
    cr_expect_not_null(strstr(said(&s, "a"), "task 1 of job"), "%s", said(&s, "a"));
    close_site(&s);
}
