/*
 * Goal: what `millrace run` shows on a terminal of a job on a real Kafka, and where it keeps its
 * state when nobody says. Method: the program on a pseudo terminal; its status lines are read back.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 65536

typedef struct terminal {
    pid_t pid;
    int master;
    char text[TEXT_MAX];
    size_t length;
} terminal;

static void start_on_terminal(terminal *t, const script *s)
{
    *t = (terminal){0};
    t->pid = forkpty(&t->master, NULL, NULL, NULL);
    cr_assert_geq(t->pid, 0);
    if (t->pid > 0)
        return;
    const char *named = getenv("MILLRACE");
    const char *program = named ? named : MR_SOURCE_DIR "/build/release/millrace";
    if (chdir(s->dir) == 0)
        execl(program, program, "run", "job.sql", "--name", s->name, (char *)NULL);
    _exit(127);
}

/* Reads until the text holds `part`; false: the program has ended before. */
static bool read_until(terminal *t, const char *part)
{
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; strstr(t->text, part) == NULL;) {
        cr_assert_lt(kafka_ms(), end_ms, "no `%s` in: %s", part, t->text);
        ssize_t got = read(t->master, t->text + t->length, TEXT_MAX - 1 - t->length);
        if (got <= 0)
            return false;
        t->length += (size_t)got;
        t->text[t->length] = '\0';
    }
    return true;
}

Test(terminal, a_status_line_shows_rate_watermark_lag_late_dead_and_commits, .timeout = 400)
{
    script s;
    script_open(&s, "terminal");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    const char *const rows[] = {"{\"id\":1,\"ts\":\"2024-01-01 00:00:01\"}",
                                "{\"id\":2,\"ts\":\"2024-01-01 00:00:31\"}",
                                "{\"id\":3,\"ts\":\"2024-01-01 00:00:02\"}", "{broken", "{broken"};
    kafka_begin(s.writer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        kafka_put(s.writer, in, 0, rows[i]);
    kafka_commit(s.writer);
    script_write(&s,
                 "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH "
                 "(" KAFKA_TABLE "'topic' = '%s', 'format' = 'json', "
                 "'scan.startup.mode' = 'earliest-offset'); CREATE TABLE dst (id INT, n BIGINT) "
                 "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json'); INSERT INTO dst SELECT "
                 "id, COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
                 "GROUP BY id, window_start, window_end;",
                 in, out);
    terminal *t = malloc(sizeof *t);
    start_on_terminal(t, &s);
    char line[300];
    snprintf(line, sizeof line,
             "\r\033[K%s  0 rows/s  watermark 2024-01-01 00:00:31.000  lag 0  late 1  dead 2  "
             "commits ",
             s.name);
    cr_expect(read_until(t, line), "%s", t->text);
    kill(t->pid, SIGTERM);
    cr_expect(read_until(t, "5 rows in, 1 out, 0 filtered, 1 late, 2 dead"), "%s", t->text);
    read_until(t, "nothing says this: to the end");
    int status;
    waitpid(t->pid, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", t->text);
    close(t->master);
    free(t);

    /* Where it was started, in a folder of the job's own. */
    char path[400];
    struct stat facts;
    snprintf(path, sizeof path, "%s/millrace-state/%s", s.dir, s.name);
    cr_expect(stat(path, &facts) == 0 && S_ISDIR(facts.st_mode), "no %s", path);
    script_close(&s);
}
