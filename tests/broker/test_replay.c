/*
 * Goal: on a real Kafka `millrace replay --compare` finds the same rows, on time, late and dead,
 * as the live job wrote, beside it and after it; an altered row is found and shown; a source that
 * no longer reaches back is refused. Method: a windowed job over three partitions of which two are
 * idle at times, with late and broken records, killed once.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARTITIONS 3

typedef struct rig {
    script s;
    const char *in, *out, *late, *dead;
    const char *settings; /* in front of the job */
    int rounds;
} rig;

static void write_job(rig *r, const char *what)
{
    script_write(
        &r->s,
        "%sSET 'execution.checkpointing.dir' = 'file://%s/blobs';\n"
        "CREATE TABLE src (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' "
        "SECOND) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
        "'scan.watermark.idle-timeout' = '200 ms', 'errors.mode' = 'dlq', "
        "'errors.deadletterqueue.topic.name' = '%s');\n"
        "CREATE TABLE dst (id BIGINT, began TIMESTAMP(3), n BIGINT) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json');\n"
        "CREATE TABLE behind (id BIGINT, ts TIMESTAMP(3)) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json');\n"
        "CREATE VIEW counts AS SELECT id, window_start AS began, COUNT(*) AS n FROM "
        "TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY id, "
        "window_start, window_end;\n"
        "BEGIN STATEMENT SET;\n"
        "INSERT INTO dst SELECT id, began, %s FROM counts;\n"
        "INSERT INTO behind SELECT id, ts FROM counts$late;\n"
        "END;",
        r->settings, r->s.dir, r->in, r->dead, r->out, r->late, what);
}

static void set_up(rig *r, const char *stem, const char *settings)
{
    *r = (rig){.settings = settings};
    script_open(&r->s, stem);
    r->in = kafka_topic(r->s.log, "in", PARTITIONS);
    r->out = kafka_topic(r->s.log, "out", 2);
    r->late = kafka_topic(r->s.log, "late", 1);
    r->dead = kafka_topic(r->s.log, "dead", PARTITIONS);
    write_job(r, "n + id - id AS n");
}

/* A second of event time; one row late, one broken, now and then. */
static void feed(rig *r, int rounds)
{
    for (; rounds > 0; rounds--, r->rounds++) {
        kafka_begin(r->s.writer);
        for (int id = 0; id < 9; id++) {
            char text[80];
            int partition = id % PARTITIONS, second = r->rounds;
            if (partition > 0 && r->rounds / 15 % 2 == 1)
                continue;
            if (id == 4 && second % 7 == 0)
                second -= second > 30 ? 30 : second;
            snprintf(text, sizeof text, "{\"id\":%d,\"ts\":\"2024-01-01 12:%02d:%02d\"}", id,
                     second / 60 % 60, second % 60);
            if (id == 6 && r->rounds % 9 == 4)
                snprintf(text, sizeof text, "broken %d", r->rounds);
            kafka_put(r->s.writer, r->in, partition, text);
        }
        kafka_commit(r->s.writer);
        usleep(20000);
    }
}

static const char *replay(const rig *r, int code, const char *words)
{
    char command[1200];
    const char *named = getenv("MILLRACE");
    snprintf(command, sizeof command, "cd '%s' && %s replay job.sql --name %s %s > shown 2>&1",
             r->s.dir, named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", r->s.name,
             words);
    int status = system(command);
    const char *shown = script_read_file(&r->s, "shown");
    cr_expect_eq(WEXITSTATUS(status), code, "%s: exit %d: %s", words, WEXITSTATUS(status), shown);
    return shown;
}

static int64_t rows_of(const rig *r, const char *topic, int32_t partitions)
{
    int64_t rows = 0;
    for (int32_t p = 0; p < partitions; p++)
        rows += kafka_settled_end(r->s.log, topic, p);
    return rows;
}

/* "same      <topic>: N equal", N > 0. */
static void expect_same(const char *shown, const char *topic)
{
    char line[200];
    long equal = 0;
    snprintf(line, sizeof line, "same      %s: ", topic);
    const char *at = strstr(shown, line);
    cr_expect(at != NULL && sscanf(at + strlen(line), "%ld equal", &equal) == 1 && equal > 0,
              "%s: %s", topic, shown);
}

static void expect_all_same(const rig *r, const char *shown)
{
    expect_same(shown, r->out);
    expect_same(shown, r->late);
    expect_same(shown, r->dead);
}

static void await_rows(const rig *r, int64_t rows)
{
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; rows_of(r, r->out, 2) < rows;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&r->s));
        usleep(50000);
    }
}

static void live_with_a_kill(rig *r)
{
    pid_t pid = script_start(&r->s, NULL);
    feed(r, 40);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    feed(r, 10);
    pid = script_start(&r->s, NULL);
    feed(r, 60);
    await_rows(r, 40);
    const char *shown = replay(r, 0, "--compare --outputs-suffix .beside");
    cr_expect(strstr(shown, "DIFFERENT") == NULL, "beside the live one: %s", shown);
    feed(r, 30);
    usleep(1500000);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&r->s, pid), 0, "%s", script_said(&r->s));
}

Test(replay, gives_what_the_live_job_gave_and_finds_an_altered_row, .timeout = 400)
{
    rig r;
    set_up(&r, "replay", "SET 'execution.checkpointing.durable-interval' = '300 ms';\n");
    live_with_a_kill(&r);
    int64_t rows = rows_of(&r, r.out, 2);
    const char *shown = replay(&r, 0, "--compare");
    expect_all_same(&r, shown);
    cr_expect(strstr(shown, "is not what the journal says") == NULL, "%s", shown);
    cr_expect_eq(rows_of(&r, r.out, 2), rows, "the live topic is not touched");
    /* From where it can be restored by itself: a checkpoint, for the log was trimmed. */
    cr_expect(strstr(shown, "epochs 1 ..") == NULL, "%s", shown);
    shown = replay(&r, 5, "--from beginning");
    cr_expect(strstr(shown, "MR4060") != NULL, "%s", shown);
    /* Another text, of the same plan. */
    write_job(&r, "n + id - CASE WHEN id = 5 THEN 4 ELSE id END AS n");
    shown = replay(&r, 1, "--compare --outputs-suffix .changed");
    cr_expect(strstr(shown, "DIFFERENT") != NULL, "%s", shown);
    cr_expect(strstr(shown, "\n- ") != NULL && strstr(shown, "\n+ ") != NULL, "%s", shown);
    cr_expect(strstr(shown, "\"id\":5") != NULL, "%s", shown);
    expect_same(shown, r.late);
    expect_same(shown, r.dead);
    script_close(&r.s);
}

/* Frames were handed over, went through a topic, and were trimmed: they are sent again. */
Test(replay, of_several_stages_gives_the_same_from_the_oldest_checkpoints_on, .timeout = 400)
{
    rig r;
    set_up(&r, "staged",
           "SET 'parallelism.default' = '3';\n"
           "SET 'execution.checkpointing.durable-interval' = '2 s';\n");
    pid_t pid = script_start(&r.s, NULL);
    feed(&r, 40);
    await_rows(&r, 5);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    feed(&r, 20);
    pid = script_start(&r.s, NULL);
    feed(&r, 40);
    await_rows(&r, 50);
    /* What the oldest checkpoint does not hold yet, however late it came. */
    int64_t rows = rows_of(&r, r.out, 2);
    feed(&r, 45);
    await_rows(&r, rows + 20);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&r.s, pid), 0, "%s", script_said(&r.s));
    const char *shown = replay(&r, 0, "--compare");
    expect_all_same(&r, shown);
    cr_expect(strstr(shown, "task 5: epochs") != NULL, "%s", shown);
    cr_expect(strstr(shown, "is not what the journal says") == NULL, "%s", shown);
    write_job(&r, "n + id - CASE WHEN id = 5 THEN 4 ELSE id END AS n");
    shown = replay(&r, 1, "--compare --outputs-suffix .changed");
    cr_expect(strstr(shown, "\"id\":5") != NULL, "%s", shown);
    expect_same(shown, r.late);
    script_close(&r.s);
}

Test(replay, is_refused_where_the_source_no_longer_reaches_back, .timeout = 400)
{
    rig r;
    mr_error err;
    set_up(&r, "gone", "");
    pid_t pid = script_start(&r.s, NULL);
    feed(&r, 40);
    await_rows(&r, 5);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&r.s, pid), 0, "%s", script_said(&r.s));
    OK(r.s.log->class->trim(r.s.log, r.in, 0, kafka_end(r.s.log, r.in, 0), &err), err);
    const char *shown = replay(&r, 5, "");
    cr_expect(strstr(shown, "MR4061") != NULL, "%s", shown);
    cr_expect(strstr(shown, "its retention has taken the rest") != NULL, "%s", shown);
    shown = replay(&r, 2, "--from nonsense");
    cr_expect(strstr(shown, "`nonsense` is no epoch") != NULL, "%s", shown);
    shown = replay(&r, 5, "--from nonsense:0:1");
    cr_expect(strstr(shown, "does not read topic `nonsense`") != NULL, "%s", shown);
    char offsets[200];
    snprintf(offsets, sizeof offsets, "--to %s:99:1", r.in);
    shown = replay(&r, 5, offsets);
    cr_expect(strstr(shown, "has no partition 99") != NULL, "%s", shown);
    shown = replay(&r, 5, "--from 2999-01-01 --compare");
    cr_expect(strstr(shown, "there is nothing to replay") != NULL, "%s", shown);
    script_close(&r.s);
}
