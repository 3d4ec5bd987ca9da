#include "tests/broker/script.h"

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
#define ARGUMENTS_MAX 32

static const char *program(void)
{
    const char *named = getenv("MILLRACE");
    return named ? named : MR_SOURCE_DIR "/build/release/millrace";
}

void script_open(script *s, const char *stem)
{
    s->log = kafka_open();
    s->name = kafka_name(stem);
    s->writer = kafka_writer(s->log, kafka_name("feed"));
    snprintf(s->dir, sizeof s->dir, "/tmp/millrace-%s-%d", s->name, getpid());
    cr_assert_eq(mkdir(s->dir, 0700), 0);
}

void script_close(script *s)
{
    char text[200];
    s->writer->class->close(s->writer);
    s->log->class->close(s->log);
    snprintf(text, sizeof text, "rm -rf '%s'", s->dir);
    cr_assert_eq(system(text), 0);
}

void script_write(const script *s, const char *format, ...)
{
    char path[200];
    snprintf(path, sizeof path, "%s/job.sql", s->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("SET 'execution.checkpointing.interval' = '50 ms';\n", file);
    va_list args;
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    cr_assert_eq(fclose(file), 0);
}

/* Runs `argv` in the folder; what it says goes to the file `said`. */
static pid_t start(const script *s, const char *const *argv, const char *said_name)
{
    for (size_t i = 0; argv[i] != NULL; i++)
        if (strcmp(argv[i], "--bounded") == 0)
            kafka_settle(s->log);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    int said = -1;
    if (chdir(s->dir) == 0)
        said = open(said_name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (said < 0 || dup2(said, 1) < 0 || dup2(said, 2) < 0)
        _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

pid_t script_start(const script *s, const char *flag)
{
    const char *argv[] = {program(), "run", "job.sql", "--name", s->name, flag, NULL};
    return start(s, argv, "said");
}

pid_t script_start_with(const script *s, const char *const *flags)
{
    const char *argv[ARGUMENTS_MAX] = {program(), "run", "job.sql", "--name", s->name};
    size_t count = 5;
    for (; *flags != NULL; flags++) {
        cr_assert_lt(count + 1, ARGUMENTS_MAX);
        argv[count++] = *flags;
    }
    return start(s, argv, "said");
}

pid_t script_start_worker(const script *s, const char *state)
{
    char said[64];
    snprintf(said, sizeof said, "said-%s", state);
    const char *argv[] = {program(), "run",   "job.sql",
                          "--name",  s->name, "--state-dir",
                          state,     "-X",    "session.timeout.ms=6000",
                          NULL};
    return start(s, argv, said);
}

int script_finish(const script *s, pid_t pid)
{
    int status = 0;
    double end_ms = kafka_ms() + RUN_SECONDS * 1000;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (kafka_ms() > end_ms) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            cr_assert_fail("still there after %d s: %s", RUN_SECONDS, script_said(s));
        }
        usleep(10000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void script_run(const script *s, int code, const char *flag)
{
    int got = script_finish(s, script_start(s, flag));
    cr_assert_eq(got, code, "exit %d, want %d: %s", got, code, script_said(s));
}

void script_put_file(const script *s, const char *name, const void *bytes, size_t length)
{
    char path[256], whole[256];
    snprintf(path, sizeof path, "%s/.%s", s->dir,
             strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    snprintf(whole, sizeof whole, "%s/%s", s->dir, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(rename(path, whole), 0);
}

const char *script_read_file(const script *s, const char *name)
{
    static char text[65536]; /* of this test's own process */
    char path[256];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return "";
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

const char *script_said(const script *s)
{
    return script_read_file(s, "said");
}

void script_expect_said(const script *s, const char *part)
{
    cr_expect_not_null(strstr(script_said(s), part), "no `%s` in: %s", part, script_said(s));
}

void script_expect_topic(const script *s, const char *topic, uint32_t count, const char *expected)
{
    const char *got = kafka_read(s->log, topic, 0, count);
    cr_expect_str_eq(got, expected, "%s holds %s\nwant %s\n%s", topic, got, expected,
                     script_said(s));
    cr_expect_eq(kafka_each(s->log, topic, 0, NULL, NULL), count, "%s holds more", topic);
}

typedef struct id_counts {
    uint8_t *seen;
    uint32_t ids;
} id_counts;

static void count_id(void *context, const char *value, size_t length)
{
    const id_counts *counts = context;
    unsigned id = counts->ids;
    char text[32] = "";
    memcpy(text, value, length < 31 ? length : 31);
    cr_assert(sscanf(text, "{\"id\":%u", &id) == 1 && id < counts->ids, "%s", text);
    counts->seen[id]++;
}

uint32_t script_count_ids(const script *s, const char *topic, uint8_t *seen, uint32_t ids)
{
    return kafka_each(s->log, topic, 0, count_id, &(id_counts){seen, ids});
}
