/*
 * Goal: on a real Kafka a job comes back from blobs and log when its disk is gone, the log is
 * trimmed, and `millrace checkpoints` shows what there is.
 * Method: every id is sent twice, once before a kill -9 with the loss of the state directory, once
 * behind it; the window gives those that came twice, so each must come out once. In a folder, and
 * in an S3 that checks signatures.
 */
#include "tests/broker/script.h"
#include "tests/harness/blobs/server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS 240
#define CHECKPOINTS 4 /* to wait for: two are kept */

static void put_id(script *s, const char *topic, int id)
{
    char text[80];
    snprintf(text, sizeof text, "{\"id\":%d,\"ts\":\"2024-01-01 12:00:%02d\"}", id, id % 50);
    kafka_put_committed(s->writer, topic, 0, text);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static int64_t log_start(script *s)
{
    mr_error err;
    char topic[200];
    int64_t start = -1;
    snprintf(topic, sizeof topic, "%s.state", s->name);
    OK(s->log->class->offset(s->log, topic, 0, MR_OFFSET_EARLIEST, &start, &err), err);
    return start;
}

/* Output of `millrace checkpoints ..`; the exit code must be `code`. */
static const char *checkpoints(const script *s, int code, const char *words)
{
    char command[1200];
    const char *named = getenv("MILLRACE");
    snprintf(command, sizeof command, "cd '%s' && %s checkpoints %s > shown 2>&1", s->dir,
             named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", words);
    int status = system(command);
    const char *shown = script_read_file(s, "shown");
    cr_expect_eq(WEXITSTATUS(status), code, "%s: exit %d: %s", words, WEXITSTATUS(status), shown);
    return shown;
}

static void look_at_them(const script *s, const char *address)
{
    char words[1000], first[200] = "", last[200] = "", list[65536];
    snprintf(words, sizeof words, "list '%s'", address);
    snprintf(list, sizeof list, "%s", checkpoints(s, 0, words));
    cr_expect_geq(count_of(list, "\tkept\t"), 2, "%s", list);
    for (char *line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, "\tkept\t") == NULL)
            continue;
        *strchr(line, '\t') = '\0';
        snprintf(first[0] == '\0' ? first : last, sizeof first, "%s", line);
    }
    snprintf(words, sizeof words, "show '%s' '%s'", address, last);
    cr_expect(strstr(checkpoints(s, 0, words), s->name) != NULL);
    snprintf(words, sizeof words, "verify '%s' '%s'", address, last);
    cr_expect(strstr(checkpoints(s, 0, words), "whole: ") != NULL);
    snprintf(words, sizeof words, "delete '%s' '%s'", address, last);
    cr_expect(strstr(checkpoints(s, 1, words), "MR4034") != NULL);
    snprintf(words, sizeof words, "delete '%s' '%s'", address, first);
    cr_expect(strstr(checkpoints(s, 0, words), "retired") != NULL);
    cr_expect(strstr(checkpoints(s, 1, words), "MR4031") != NULL);
    (void)checkpoints(s, 2, "delete file:///tmp --all");
    snprintf(words, sizeof words, "delete '%s' --all nobody", address);
    cr_expect(strstr(checkpoints(s, 0, words), "removed 0 blobs") != NULL);
    (void)checkpoints(s, 2, "show file:///tmp nonsense");
    (void)checkpoints(s, 2, "list nonsense");
}

static void comes_back(const char *address)
{
    static uint8_t seen[IDS];
    script s;
    script_open(&s, "checkpoints");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    char folder[200];
    snprintf(folder, sizeof folder, "file://%s/blobs", s.dir);
    if (address == NULL)
        address = folder;
    script_write(&s,
                 "SET 'execution.checkpointing.dir' = '%s';\n"
                 "SET 'execution.checkpointing.durable-interval' = '200 ms';\n"
                 "SET 'execution.checkpointing.num-retained' = '2';\n"
                 "CREATE TABLE src (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL "
                 "'1' MINUTE) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (id BIGINT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\n"
                 "INSERT INTO dst SELECT id FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL "
                 "'1' MINUTE)) GROUP BY id, window_start, window_end HAVING COUNT(*) = 2;",
                 address, in, out);
    pid_t pid = script_start(&s, NULL);
    int id = 0;
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS;
         id < IDS || count_of(script_said(&s), "checkpoint written") < CHECKPOINTS ||
         log_start(&s) == 0;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&s));
        if (id < IDS)
            put_id(&s, in, id++);
        else /* of a window that never closes: only so that there are epochs */
            kafka_put_committed(s.writer, in, 0, "{\"id\":-1,\"ts\":\"2024-01-01 12:00:00\"}");
        usleep(30000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    cr_expect_gt(log_start(&s), 0);
    look_at_them(&s, address);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s/millrace-state'", s.dir);
    cr_assert_eq(system(command), 0);
    for (id = 0; id < IDS; id++)
        put_id(&s, in, id);
    kafka_put_committed(s.writer, in, 0, "{\"id\":-2,\"ts\":\"2024-01-01 13:00:00\"}");
    pid = script_start(&s, NULL);
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; kafka_end(s.log, out, 0) < IDS;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&s));
        usleep(50000);
    }
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    script_expect_said(&s, "checkpoint restored");
    memset(seen, 0, sizeof seen);
    cr_expect_eq(script_count_ids(&s, out, seen, IDS), IDS, "%s", script_said(&s));
    for (id = 0; id < IDS; id++)
        cr_expect_eq(seen[id], 1, "id %d came %d times", id, seen[id]);
    script_close(&s);
}

/* What `millrace checkpoint` says. */
static const char *ask(const script *s, int exit)
{
    char command[600];
    const char *named = getenv("MILLRACE");
    snprintf(command, sizeof command,
             "cd '%s' && %s checkpoint job.sql --name %s > shown 2> complained", s->dir,
             named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", s->name);
    int status = system(command);
    cr_assert_eq(WEXITSTATUS(status), exit, "%s\n%s", script_read_file(s, "complained"),
                 script_said(s));
    return script_read_file(s, exit == 0 ? "shown" : "complained");
}

Test(checkpoints, one_is_taken_when_asked_for_and_a_wiped_disk_comes_back_from_it, .timeout = 400)
{
    script s;
    script_open(&s, "asked");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    script_write(&s,
                 "SET 'execution.checkpointing.dir' = 'file://%s/blobs';\n"
                 "SET 'execution.checkpointing.durable-interval' = '1 d';\n"
                 "CREATE TABLE src (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL "
                 "'1' MINUTE) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (id BIGINT, n BIGINT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\n"
                 "INSERT INTO dst SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), "
                 "INTERVAL '1' MINUTE)) GROUP BY id, window_start, window_end;",
                 s.dir, in, out);
    const char *refusal = ask(&s, 1);
    cr_expect(strstr(refusal, "nobody can take a checkpoint") != NULL, "%s", refusal);
    put_id(&s, in, 1);
    put_id(&s, in, 2);
    pid_t pid = script_start(&s, NULL);
    char state[200];
    snprintf(state, sizeof state, "%s.state", s.name);
    put_id(&s, in, 3);
    put_id(&s, in, 4);
    usleep(1500000);
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; kafka_end(s.log, state, 0) < 4;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&s));
        usleep(100000);
    }
    cr_expect_eq(count_of(script_said(&s), "checkpoint written"), 0, "by itself after a day");
    char first[200], second[200], words[700];
    snprintf(first, sizeof first, "%s", ask(&s, 0));
    snprintf(second, sizeof second, "%s", ask(&s, 0)); /* of a job that has nothing to do */
    cr_expect_str_neq(first, second);
    first[strcspn(first, "\n")] = '\0';
    snprintf(words, sizeof words, "show 'file://%s/blobs' '%s'", s.dir, first);
    cr_expect(strstr(checkpoints(&s, 0, words), s.name) != NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s/millrace-state'", s.dir);
    cr_assert_eq(system(command), 0);
    kafka_put_committed(s.writer, in, 0, "{\"id\":9,\"ts\":\"2024-01-01 13:00:00\"}");
    pid = script_start(&s, NULL);
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; kafka_end(s.log, out, 0) < 4;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&s));
        usleep(50000);
    }
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&s, pid), 0, "%s", script_said(&s));
    script_expect_said(&s, "checkpoint restored");
    snprintf(words, sizeof words, "delete 'file://%s/blobs' --all %s", s.dir, s.name);
    cr_expect(strstr(checkpoints(&s, 0, words), "removed 0 blobs") == NULL);
    snprintf(words, sizeof words, "list 'file://%s/blobs'", s.dir);
    cr_expect(strstr(checkpoints(&s, 0, words), "there is none below") != NULL);
    script_close(&s);
}

Test(checkpoints, a_lost_disk_comes_back_from_a_folder, .timeout = 400)
{
    comes_back(NULL);
}

Test(checkpoints, a_lost_disk_comes_back_from_s3, .timeout = 400)
{
    mr_test_s3 server;
    char address[300];
    cr_assert(mr_test_s3_start(&server, NULL));
    setenv("AWS_ACCESS_KEY_ID", "AKIDTEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret/with+signs=", 1);
    unsetenv("AWS_SESSION_TOKEN");
    snprintf(address, sizeof address, "s3://bench/some/prefix?endpoint=%s&region=eu-test-1",
             server.url);
    comes_back(address);
    mr_test_s3_stop(&server);
}
