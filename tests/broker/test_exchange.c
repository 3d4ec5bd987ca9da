/*
 * Goal: a keyed job in two stages on a real Kafka: two workers share four partitions and four tasks
 * by key, one is killed, and every row is counted in its window or late, once. One is killed with
 * full frames behind it and no epoch ended: the other goes on at once. What the job keeps
 * between its stages is found missing, and reset; or to be another topic under the old name, and
 * what was on its way is made again by a rewind. Method: `millrace run`; rows of every key in
 * every partition; the law per (key, window) over what read_committed readers see.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS KAFKA_PATIENCE_MS
#define PARTITIONS 4
#define KEYS 7
#define WINDOWS 70 /* of a second; the last ones hold what closes all others */
#define ROWS 6000

/* What was sent, counted and late of a (key, window). */
typedef struct cell {
    int64_t sent, total, counted, counted_total, late, late_total;
    uint32_t results;
} cell;

typedef struct world {
    script s;
    const char *in, *out, *late;
    cell cells[KEYS][WINDOWS];
    uint32_t ids;
    uint64_t random;
} world;

static uint32_t draw(world *w, uint32_t below)
{
    w->random = w->random * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)(w->random >> 33) % below;
}

static void open_world(world *w, const char *stem)
{
    script_open(&w->s, stem);
    w->in = kafka_topic(w->s.log, "in", PARTITIONS);
    w->out = kafka_topic(w->s.log, "out", 1);
    w->late = kafka_topic(w->s.log, "late", 1);
    script_write(&w->s,
                 "SET 'parallelism.default' = '4';\n"
                 "CREATE TABLE src (k INT, id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - "
                 "INTERVAL '1' SECOND) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (k INT, w TIMESTAMP(3), n BIGINT, total BIGINT) "
                 "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n"
                 "CREATE TABLE behind (k INT, w TIMESTAMP(3), n BIGINT, total BIGINT) "
                 "WITH (" KAFKA_TABLE "'topic' = '%s', 'format' = 'json');\n"
                 "CREATE VIEW counts AS SELECT k, window_start AS w, COUNT(*) AS n, SUM(id) AS "
                 "total FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' SECOND)) "
                 "GROUP BY k, window_start, window_end;\n"
                 "EXECUTE STATEMENT SET BEGIN\n"
                 "INSERT INTO dst SELECT k, w, n, total FROM counts;\n"
                 "INSERT INTO behind SELECT k, ts, CAST(1 AS BIGINT), CAST(id AS BIGINT) FROM "
                 "counts$late;\nEND;\n",
                 w->in, w->out, w->late);
}

static void put_row(world *w, mr_log_writer *writer, int32_t partition, uint32_t key, uint32_t ms)
{
    char row[100];
    uint32_t id = w->ids++;
    snprintf(row, sizeof row, "{\"k\":%u,\"id\":%u,\"ts\":\"2024-01-01 00:%02u:%02u.%03u\"}", key,
             id, ms / 60000, ms / 1000 % 60, ms % 1000);
    kafka_put(writer, w->in, partition, row);
    w->cells[key][ms / 1000].sent++;
    w->cells[key][ms / 1000].total += id;
}

/* Times rise from `from_ms` to `to_ms`; some rows are late by more than the watermark allows. */
static void put_rows(world *w, uint32_t from_ms, uint32_t to_ms)
{
    mr_log_writer *writer = kafka_writer(w->s.log, NULL);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t ms = from_ms + (uint32_t)((uint64_t)(to_ms - from_ms) * i / ROWS);
        uint32_t back = draw(w, 40) == 0 ? draw(w, 20000) : draw(w, 900);
        put_row(w, writer, (int32_t)draw(w, PARTITIONS), draw(w, KEYS), ms > back ? ms - back : 0);
    }
    kafka_flush(writer);
    writer->class->close(writer);
}

/* A row in every partition that closes all windows before it. */
static void close_windows(world *w)
{
    mr_log_writer *writer = kafka_writer(w->s.log, NULL);
    for (int32_t p = 0; p < PARTITIONS; p++)
        put_row(w, writer, p, 0, (WINDOWS - 1) * 1000);
    kafka_flush(writer);
    writer->class->close(writer);
}

/* Adds up what lies in `topic`; how many records there are. */
static uint32_t read_topic(world *w, const char *topic, bool is_late)
{
    mr_error err;
    uint32_t count = 0;
    mr_log_reader *reader = kafka_reader(w->s.log);
    OK(reader->class->add(reader, 0, topic, 0, MR_OFFSET_EARLIEST, &err), err);
    int64_t end = kafka_settled_end(w->s.log, topic, 0);
    mr_input_ends ends = {0};
    for (double until = kafka_ms() + READY_MS; ends.position < end && kafka_ms() < until;) {
        mr_records records;
        OK(reader->class->fetch(reader, 4096, 50, &records, &err), err);
        for (uint32_t i = 0; i < records.count; i++, count++) {
            char text[200];
            int key, minute, second;
            long long n, total;
            snprintf(text, sizeof text, "%.*s", (int)records.record[i].value_length,
                     records.record[i].value);
            const char *rest = strstr(text, ",\"n\":");
            cr_assert(rest != NULL && sscanf(text, "{\"k\":%d,\"w\":\"2024-01-01 00:%d:%d", &key,
                                             &minute, &second) == 3,
                      "%s", text);
            cr_assert_eq(sscanf(rest, ",\"n\":%lld,\"total\":%lld", &n, &total), 2, "%s", text);
            cell *at = &w->cells[key][minute * 60 + second];
            *(is_late ? &at->late : &at->counted) += n;
            *(is_late ? &at->late_total : &at->counted_total) += total;
            at->results += !is_late;
        }
        OK(reader->class->ends(reader, 0, 1000, &ends, &err), err);
    }
    reader->class->close(reader);
    return count;
}

static bool holds(const world *w)
{
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t i = 0; i < WINDOWS - 1; i++) {
            const cell *at = &w->cells[k][i];
            if (at->sent != at->counted + at->late ||
                at->total != at->counted_total + at->late_total)
                return false;
        }
    return true;
}

static void expect_law(world *w, uint32_t *late)
{
    double until = kafka_ms() + READY_MS;
    do {
        for (uint32_t k = 0; k < KEYS; k++)
            for (uint32_t i = 0; i < WINDOWS; i++)
                w->cells[k][i] = (cell){.sent = w->cells[k][i].sent, .total = w->cells[k][i].total};
        (void)read_topic(w, w->out, false);
        *late = read_topic(w, w->late, true);
        if (holds(w))
            break;
        usleep(200000);
    } while (kafka_ms() < until);
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t i = 0; i < WINDOWS - 1; i++) {
            const cell *at = &w->cells[k][i];
            cr_expect(at->sent == at->counted + at->late &&
                          at->total == at->counted_total + at->late_total && at->results <= 1,
                      "key %u, second %u: %lld rows sent, %lld counted by %u results, %lld late", k,
                      i, (long long)at->sent, (long long)at->counted, at->results,
                      (long long)at->late);
        }
}

static void await_output(world *w, int64_t records)
{
    double until = kafka_ms() + READY_MS;
    while (kafka_end(w->s.log, w->out, 0) < records) {
        cr_assert_lt(kafka_ms(), until, "no results come");
        usleep(20000);
    }
}

Test(exchange, two_workers_count_each_row_once_though_one_is_killed, .timeout = 400)
{
    static world w;
    uint32_t late;
    open_world(&w, "staged");
    put_rows(&w, 0, 20000);
    pid_t a = script_start_worker(&w.s, "a"), b = script_start_worker(&w.s, "b");
    await_output(&w, 20);
    put_rows(&w, 20000, 40000);
    int64_t before = kafka_end(w.s.log, w.out, 0);
    await_output(&w, before + 5);
    kill(a, SIGKILL);
    cr_expect_eq(script_finish(&w.s, a), 128 + SIGKILL);
    put_rows(&w, 40000, 60000);
    close_windows(&w);
    expect_law(&w, &late);
    cr_expect_gt(late, 0, "rows are sent late: some must be");
    kill(b, SIGTERM);
    cr_expect_eq(script_finish(&w.s, b), 0, "%s", script_read_file(&w.s, "said-b"));
    script_close(&w.s);
}

Test(exchange, a_bounded_run_ends_and_is_nothing_without_its_exchange, .timeout = 400)
{
    static world w;
    uint32_t late;
    char topic[200];
    mr_error err;
    open_world(&w, "bounded");
    put_rows(&w, 0, 20000);
    script_run(&w.s, 0, "--bounded");
    expect_law(&w, &late);
    snprintf(topic, sizeof topic, "%s.exchange.0", w.s.name);
    OK(w.s.log->class->delete_topic(w.s.log, topic, &err), err);
    script_run(&w.s, 5, "--bounded");
    script_expect_said(&w.s, "is missing, but the job has state");
    pid_t again = script_start_with(&w.s, (const char *const[]){"--reset", "--bounded", NULL});
    cr_expect_eq(script_finish(&w.s, again), 0, "%s", script_said(&w.s));
    script_close(&w.s);
}

static void rewind_to_the_end(const world *w)
{
    char text[1200];
    const char *named = getenv("MILLRACE");
    snprintf(text, sizeof text,
             "cd '%s' && %s rewind job.sql --to end --yes --name %s > shown 2>&1 < /dev/null",
             w->s.dir, named != NULL ? named : MR_SOURCE_DIR "/build/release/millrace", w->s.name);
    int status = system(text);
    cr_assert_eq(WEXITSTATUS(status), 0, "%s", script_read_file(&w->s, "shown"));
}

Test(exchange, a_topic_made_anew_is_missed_and_a_rewind_goes_on_with_nothing_lost, .timeout = 400)
{
    static world w;
    uint32_t late;
    char topic[200];
    mr_error err;
    open_world(&w, "anew");
    put_rows(&w, 0, 20000);
    pid_t a = script_start_worker(&w.s, "a"), b = script_start_worker(&w.s, "b");
    await_output(&w, 20);
    put_rows(&w, 20000, 40000);
    kill(a, SIGKILL);
    kill(b, SIGKILL);
    cr_expect_eq(script_finish(&w.s, a), 128 + SIGKILL);
    cr_expect_eq(script_finish(&w.s, b), 128 + SIGKILL);
    snprintf(topic, sizeof topic, "%s.exchange.0", w.s.name);
    OK(w.s.log->class->delete_topic(w.s.log, topic, &err), err);
    OK(w.s.log->class->create_topic(w.s.log, topic, 4, NULL, &err), err);
    script_run(&w.s, 5, "--bounded");
    script_expect_said(&w.s, "was deleted and made anew");
    rewind_to_the_end(&w);
    put_rows(&w, 40000, 60000);
    close_windows(&w);
    script_run(&w.s, 0, "--bounded");
    expect_law(&w, &late);
    script_close(&w.s);
}

/* --- full frames ------------------------------------------------------------------------- */

#define WIDE_ROWS 400
#define WIDE_BYTES 8000
#define WIDE_MAX 4000
#define SOON_MS 240000 /* the transaction's timeout is ten minutes */

static void open_wide(world *w)
{
    script_open(&w->s, "wide");
    w->in = kafka_topic(w->s.log, "in", 2);
    w->out = kafka_topic(w->s.log, "out", 1);
    script_write(&w->s,
                 "SET 'parallelism.default' = '2';\n"
                 "SET 'execution.checkpointing.interval' = '5 s';\n"
                 "SET 'transaction.timeout' = '10 min';\n"
                 "CREATE TABLE src (id INT, text STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
                 "WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (id INT, n INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\n"
                 "INSERT INTO dst SELECT id, CHAR_LENGTH(text) FROM (SELECT *, ROW_NUMBER() OVER "
                 "(PARTITION BY id ORDER BY ts) AS n FROM src) WHERE n = 1;\n",
                 w->in, w->out);
}

/* Each a ms newer than the one before. */
static void put_wide(world *w, mr_log_writer *writer, int32_t partition, int first, int count)
{
    static char row[WIDE_BYTES + 100], text[WIDE_BYTES + 1];
    memset(text, 'x', WIDE_BYTES);
    for (int i = first; i < first + count; i++) {
        snprintf(row, sizeof row,
                 "{\"id\":%d,\"text\":\"%s\",\"ts\":\"2024-01-01 00:00:0%d.%03d\"}", i, text,
                 i / 1000, i % 1000);
        kafka_put(writer, w->in, partition, row);
    }
    kafka_flush(writer);
}

static bool is_open(const world *w, const char *suffix, int32_t partition)
{
    char topic[200];
    mr_error err;
    snprintf(topic, sizeof topic, "%s.%s", w->s.name, suffix);
    mr_log_ends ends = {.topic = topic, .partition = partition};
    OK(w->s.log->class->ends(w->s.log, &ends, 1, &err), err);
    return ends.stable < ends.high;
}

static bool has_said(const world *w, const char *state, const char *part)
{
    char name[40];
    snprintf(name, sizeof name, "said-%s", state);
    return strstr(script_read_file(&w->s, name), part) != NULL;
}

static void await_said(const world *w, const char *state, const char *part)
{
    for (double until = kafka_ms() + READY_MS; !has_said(w, state, part); usleep(20000))
        cr_assert_lt(kafka_ms(), until, "%s does not say `%s`", state, part);
}

/* Stands still, whatever it was at. */
static void freeze(pid_t pid)
{
    int status;
    kill(pid, SIGSTOP);
    cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
    cr_assert(WIFSTOPPED(status), "it has ended");
}

/* Sends wide rows until the worker stands still in an epoch that has full frames behind it, and
 * whose end has not begun. How many rows were sent. */
static uint32_t freeze_amid(world *w, mr_log_writer *writer, pid_t victim)
{
    int sent = 0;
    for (bool is_amid = false; !is_amid; sent += WIDE_ROWS) {
        cr_assert_lt(sent, WIDE_MAX, "no frame is full while an epoch is open");
        put_wide(w, writer, 1, sent + WIDE_ROWS, 1);
        put_wide(w, writer, 0, sent, WIDE_ROWS);
        for (double until = kafka_ms() + READY_MS;
             !is_open(w, "exchange.0", 0) && !is_open(w, "exchange.0", 1); usleep(1000))
            cr_assert_lt(kafka_ms(), until, "no frame is full");
        freeze(victim);
        usleep(300000); /* what was on its way has come */
        is_amid =
            !is_open(w, "state", 0) && (is_open(w, "exchange.0", 0) || is_open(w, "exchange.0", 1));
        if (!is_amid) /* too late: the next epoch */
            kill(victim, SIGCONT);
    }
    return (uint32_t)sent;
}

/* `a` had all four tasks, `b` is given two: whoever has the first one now. */
static bool is_first_of_b(const world *w)
{
    for (double until = kafka_ms() + READY_MS;; usleep(20000)) {
        int ready = 0;
        bool is_first = false;
        for (int task = 0; task < 4; task++) {
            char part[200];
            snprintf(part, sizeof part, "task ready job=%s task=%d ", w->s.name, task);
            bool is_ready = has_said(w, "b", part);
            is_first = is_first || (is_ready && task == 0);
            ready += is_ready;
        }
        if (ready == 2)
            return is_first;
        cr_assert_lt(kafka_ms(), until, "b has %d tasks", ready);
    }
}

Test(exchange, goes_on_at_once_behind_full_frames_of_a_worker_that_is_killed, .timeout = 400)
{
    static world w;
    open_wide(&w);
    pid_t a = script_start_worker(&w.s, "a");
    await_said(&w, "a", "task=3 ");
    pid_t b = script_start_worker(&w.s, "b");
    bool is_of_b = is_first_of_b(&w);
    pid_t victim = is_of_b ? b : a, heir = is_of_b ? a : b;
    mr_log_writer *writer = kafka_writer(w.s.log, NULL);
    uint32_t sent = freeze_amid(&w, writer, victim);
    kill(victim, SIGKILL);
    double killed_ms = kafka_ms();
    cr_expect_eq(script_finish(&w.s, victim), 128 + SIGKILL);
    put_wide(&w, writer, 1, (int)sent + 1, 1);
    uint32_t rows = 0;
    while (rows < sent && kafka_ms() < killed_ms + SOON_MS) {
        usleep(200000);
        rows = kafka_each(w.s.log, w.out, 0, NULL, NULL);
    }
    cr_expect_eq(rows, sent, "%u rows %.0f ms behind the kill", rows, kafka_ms() - killed_ms);
    cr_expect(has_said(&w, is_of_b ? "a" : "b", "writer fenced"));
    writer->class->close(writer);
    kill(heir, SIGTERM);
    cr_expect_eq(script_finish(&w.s, heir), 0);
    script_close(&w.s);
}
