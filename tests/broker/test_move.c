/*
 * Goal: on a real Kafka `millrace rewind` takes a stopped job back, and it writes again what it
 * said it would; `millrace fork` begins a new job where the old one was, from its log or, when that
 * is gone, from a checkpoint; a job at work is left alone. Method: rows counted by id and minute;
 * each id comes out once, twice when the job was moved back.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS 60

typedef struct rig {
    script s;
    const char *in, *out;
    uint8_t seen[IDS * 4];
} rig;

static void set_up(rig *r, bool takes_checkpoints, const char *settings)
{
    *r = (rig){0};
    script_open(&r->s, "move");
    r->in = kafka_topic(r->s.log, "in", 1);
    r->out = kafka_topic(r->s.log, "out", 1);
    script_write(
        &r->s,
        "%s%s 'execution.checkpointing.dir' = 'file://%s/blobs';\n"
        "SET 'execution.checkpointing.durable-interval' = '300 ms';\n"
        "CREATE TABLE src (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" KAFKA_TABLE
        "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
        "CREATE TABLE dst (id BIGINT) WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n"
        "INSERT INTO dst SELECT id FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL "
        "'1' MINUTE)) GROUP BY id, window_start, window_end;",
        settings, takes_checkpoints ? "SET" : "--", r->s.dir, r->in, r->out);
}

/* `IDS` ids of a minute, and a row that closes it (and comes out with the next one). */
static void feed(rig *r, int minute)
{
    char text[80];
    kafka_begin(r->s.writer);
    for (int id = minute * IDS; id < (minute + 1) * IDS; id++) {
        snprintf(text, sizeof text, "{\"id\":%d,\"ts\":\"2024-01-01 12:%02d:30\"}", id, minute);
        kafka_put(r->s.writer, r->in, 0, text);
    }
    snprintf(text, sizeof text, "{\"id\":%d,\"ts\":\"2024-01-01 12:%02d:00\"}", IDS * 3 + minute,
             minute + 1);
    kafka_put(r->s.writer, r->in, 0, text);
    kafka_commit(r->s.writer);
}

static uint32_t count(rig *r)
{
    memset(r->seen, 0, sizeof r->seen);
    return script_count_ids(&r->s, r->out, r->seen, IDS * 4);
}

static void expect_times(const rig *r, int minute, int times)
{
    for (int id = minute * IDS; id < (minute + 1) * IDS; id++)
        cr_expect_eq(r->seen[id], times, "id %d came %d times", id, r->seen[id]);
}

/* Runs under `name` until `rows` ids have come out in all, then until `words` were said. */
static void live(rig *r, const char *name, uint32_t rows, const char *words)
{
    const char *own = r->s.name;
    r->s.name = name;
    pid_t pid = script_start(&r->s, NULL);
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; count(r) < rows;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&r->s));
        usleep(100000);
    }
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS;
         words != NULL && strstr(script_said(&r->s), words) == NULL;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&r->s));
        kafka_put_committed(r->s.writer, r->in, 0, "{\"id\":-2,\"ts\":\"2024-01-01 12:00:00\"}");
        usleep(100000);
    }
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&r->s, pid), 0, "%s", script_said(&r->s));
    r->s.name = own;
}

static const char *command(const rig *r, int code, const char *words)
{
    char text[1200];
    const char *named = getenv("MILLRACE");
    snprintf(text, sizeof text, "cd '%s' && %s %s --name %s > shown 2>&1 < /dev/null", r->s.dir,
             named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", words, r->s.name);
    int status = system(text);
    const char *shown = script_read_file(&r->s, "shown");
    cr_expect_eq(WEXITSTATUS(status), code, "%s: exit %d: %s", words, WEXITSTATUS(status), shown);
    return shown;
}

/* A rewind that is asked on a terminal; its exit code. */
static int answer(const rig *r, const char *said)
{
    int master;
    char shown[20000] = "";
    size_t length = 0;
    bool is_told = false;
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        const char *named = getenv("MILLRACE");
        const char *program = named ? named : MR_SOURCE_DIR "/build/release/millrace";
        if (chdir(r->s.dir) == 0)
            execl(program, program, "rewind", "job.sql", "--to", "beginning", "--name", r->s.name,
                  (char *)NULL);
        _exit(127);
    }
    for (ssize_t got; (got = read(master, shown + length, sizeof shown - 1 - length)) > 0;) {
        length += (size_t)got;
        shown[length] = '\0';
        if (!is_told && strstr(shown, "[y/N]") != NULL) {
            cr_assert_eq(write(master, said, strlen(said)), (ssize_t)strlen(said));
            is_told = true;
        }
    }
    close(master);
    cr_expect(is_told && strstr(shown, "nothing was changed") != NULL, "%s: %s", said, shown);
    return script_finish(&r->s, pid);
}

Test(move, a_job_moved_back_writes_again_what_it_said, .timeout = 400)
{
    rig r;
    set_up(&r, false, "");
    feed(&r, 0);
    live(&r, r.s.name, IDS, NULL);
    feed(&r, 1);
    pid_t pid = script_start(&r.s, NULL);
    for (double until = kafka_ms() + KAFKA_PATIENCE_MS; count(&r) < 2 * IDS;) {
        cr_assert_lt(kafka_ms(), until, "%s", script_said(&r.s));
        usleep(100000);
    }
    const char *shown = command(&r, 5, "rewind job.sql --to beginning --yes");
    cr_expect(strstr(shown, "MR4064") != NULL, "at work: %s", shown);
    kill(pid, SIGTERM);
    cr_expect_eq(script_finish(&r.s, pid), 0, "%s", script_said(&r.s));
    shown = command(&r, 2, "rewind job.sql --to beginning");
    cr_expect(strstr(shown, "nobody can be asked") != NULL, "%s", shown);
    cr_expect_eq(answer(&r, "n\n"), 1);
    cr_expect_eq(answer(&r, "yes please\n"), 1);
    shown = command(&r, 0, "rewind job.sql --to beginning --yes");
    char line[100];
    snprintf(line, sizeof line, "%s: %d rows", r.out, 2 * IDS + 1);
    cr_expect(strstr(shown, line) != NULL, "%s in: %s", line, shown);
    cr_expect(strstr(shown, "moved back") != NULL, "%s", shown);
    live(&r, r.s.name, 4 * IDS, NULL);
    expect_times(&r, 0, 2);
    expect_times(&r, 1, 2);
    script_close(&r.s);
}

/* Names that are nearly that of a checkpoint: of another digest, task and job. */
static void refuse_others(const rig *r, const char *name)
{
    char wrong[3][400], words[500];
    size_t job = strlen(r->s.name);
    snprintf(wrong[0], sizeof wrong[0], "%s", name);
    char *last = &wrong[0][strlen(name) - 1];
    *last = *last == '0' ? '1' : '0';
    snprintf(wrong[1], sizeof wrong[1], "%s", name);
    char *task = strstr(wrong[1], "task-0/");
    cr_assert_not_null(task, "%s", name);
    task[5] = '4';
    snprintf(wrong[2], sizeof wrong[2], "other%s", name + job);
    for (int i = 0; i < 3; i++) {
        snprintf(words, sizeof words, "replay job.sql --from '%s'", wrong[i]);
        const char *shown = command(r, 5, words);
        cr_expect(strstr(shown, "MR4060") != NULL && strstr(shown, wrong[i]) != NULL, "%s", shown);
    }
}

Test(move, a_fork_goes_on_where_the_job_was, .timeout = 400)
{
    rig r;
    mr_error err;
    char words[400], trial[120], other[120], list[8000];
    set_up(&r, true, "");
    feed(&r, 0);
    live(&r, r.s.name, IDS, "checkpoint written");
    snprintf(trial, sizeof trial, "%s-trial", r.s.name);
    snprintf(other, sizeof other, "%s-other", r.s.name);
    snprintf(words, sizeof words, "fork job.sql --as %s", trial);
    cr_expect(strstr(command(&r, 0, words), "as of epoch") != NULL);
    cr_expect(strstr(command(&r, 5, words), "MR4064") != NULL, "there is one of that name");
    feed(&r, 1);
    live(&r, trial, 2 * IDS, NULL);
    expect_times(&r, 0, 1);
    expect_times(&r, 1, 1);
    /* The old job's log is lost: a checkpoint is enough. */
    char state[200], text[600];
    snprintf(state, sizeof state, "%s.state", r.s.name);
    OK(r.s.log->class->delete_topic(r.s.log, state, &err), err);
    const char *named = getenv("MILLRACE");
    snprintf(text, sizeof text,
             "cd '%s' && %s checkpoints list file://%s/blobs | grep kept > shown", r.s.dir,
             named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", r.s.dir);
    cr_assert_eq(system(text), 0);
    snprintf(list, sizeof list, "%s", script_read_file(&r.s, "shown"));
    list[strcspn(list, "\t")] = '\0';
    refuse_others(&r, list);
    snprintf(words, sizeof words, "fork job.sql --as %s --from '%s'", other, list);
    (void)command(&r, 0, words);
    live(&r, other, 3 * IDS, NULL);
    expect_times(&r, 1, 2);
    script_close(&r.s);
}

/* One task reads, three count; what is on its way between them goes along. */
Test(move, jobs_of_several_stages_are_forked_and_moved_back, .timeout = 400)
{
    rig r;
    char words[400], trial[120], line[100];
    set_up(&r, false, "SET 'parallelism.default' = '3';\n");
    feed(&r, 0);
    live(&r, r.s.name, IDS, NULL);
    snprintf(trial, sizeof trial, "%s-trial", r.s.name);
    snprintf(words, sizeof words, "fork job.sql --as %s", trial);
    cr_expect(strstr(command(&r, 0, words), "task 3: as of epoch") != NULL);
    feed(&r, 1);
    live(&r, trial, 2 * IDS, NULL);
    expect_times(&r, 0, 1);
    expect_times(&r, 1, 1);
    live(&r, r.s.name, 3 * IDS, NULL);
    expect_times(&r, 0, 1);
    expect_times(&r, 1, 2);
    const char *shown = command(&r, 0, "rewind job.sql --to beginning --yes");
    snprintf(line, sizeof line, "%s: %d rows", r.out, 2 * IDS + 1);
    cr_expect(strstr(shown, line) != NULL, "%s in: %s", line, shown);
    live(&r, r.s.name, 5 * IDS, NULL);
    expect_times(&r, 0, 2);
    expect_times(&r, 1, 3);
    script_close(&r.s);
}
