/*
 * Goal: inputs that run ahead in event time wait, so that windows held open stay bounded while the
 * past is read, and nothing else changes: the results are those of the definition, and reading
 * never stops while there is something to read.
 * Method: SQL jobs on the simulated log in virtual time. One job whose partitions are of unequal
 * density: the peak of its state, with alignment and without. One with a partition that gives
 * nothing, beside a busy table. Then random plays: partitions of any
 * age, density and length, empty ones, added ones, two tables, one stage or two, idleness, kills
 * and stops, the end a bounded run; each with alignment and without, against a count by hand.
 */
#include "engine/base/assert.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_S INT64_C(1704067200)
#define WINDOW_S 600
#define PLAYS 60
#define STEPS_MAX 200000
#define SILENCE_MAX_US INT64_C(20000000) /* of virtual time; an input is given up after 5 s */
#define LINES_MAX 20000
#define BUSY_ROWS 4000

static const char JOB[] =
    "SET 'parallelism.default' = '%d';"
    "CREATE TABLE src (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA
    ", 'topic' = 'in', 'scan.watermark.idle-timeout' = '%d s',"
    " 'scan.watermark.alignment.max-drift' = '%d s');"
    "CREATE TABLE other (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA
    ", 'topic' = 'in2', 'scan.watermark.idle-timeout' = '%d s',"
    " 'scan.watermark.alignment.max-drift' = '%d s');"
    "CREATE TABLE dst (k INT, e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
    "CREATE TABLE late (k INT) WITH (" SQL_KAFKA ", 'topic' = 'late');"
    "CREATE VIEW both_of_them AS SELECT k, ts FROM src UNION ALL SELECT k, ts FROM other;"
    "CREATE VIEW counts AS SELECT k, window_end AS e, COUNT(*) AS n FROM TABLE(TUMBLE("
    "TABLE both_of_them, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) "
    "GROUP BY k, window_start, window_end;"
    "EXECUTE STATEMENT SET BEGIN INSERT INTO dst SELECT k, e, n FROM counts;"
    "INSERT INTO late SELECT k FROM counts$late; END;";

static void open_job(sql_world *w, int tasks, int idle_s, int drift_s)
{
    static char script[4096];
    snprintf(script, sizeof script, JOB, tasks, idle_s, drift_s, idle_s, drift_s);
    sql_open(w, 1, script);
    sql_topic(w, "out", 1);
    sql_topic(w, "late", 1);
}

static void put(sql_world *w, const char *topic, int32_t partition, int64_t k, int64_t second)
{
    char value[96], text[32];
    time_t at = (time_t)(START_S + second);
    struct tm parts;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&at, &parts));
    snprintf(value, sizeof value, "{\"k\":%" PRId64 ",\"ts\":\"%s\"}", k, text);
    sql_put(w, topic, partition, value);
}

/* --- state ----------------------------------------------------------------------------- */

/* A day in one partition in 20,000 rows, in the other in 2,000: read in turn, the second one is
 * through when the first has a tenth of it behind. The most entries that state had. */
static uint64_t peak_of(int drift_s)
{
    sql_world w;
    open_job(&w, 1, 0, drift_s);
    sql_topic(&w, "in", 2);
    sql_topic(&w, "in2", 1);
    w.fetch_rows_max = 50;
    for (int64_t i = 0; i < 20000; i++) {
        put(&w, "in", 0, i % 10, i * 86400 / 20000);
        if (i % 10 == 0)
            put(&w, "in", 1, 100 + i % 7, i * 86400 / 20000);
    }
    uint64_t peak = 0;
    sql_start(&w, 0, true);
    while (sql_step(&w, 0))
        peak = w.worker[0].stats.state_entries > peak ? w.worker[0].stats.state_entries : peak;
    cr_assert_eq(w.worker[0].status, MR_OK, "%s", w.worker[0].err.message);
    sql_expect(&w, "late", "");
    sql_close(&w);
    return peak;
}

Test(alignment_of_inputs, bounds_the_windows_that_a_read_of_the_past_holds_open)
{
    uint64_t with = peak_of(WINDOW_S), without = peak_of(0);
    /* 17 keys at most in the windows of a drift and of a fetch on both sides, with room. */
    cr_expect_lt(with, 200, "%" PRIu64 " entries", with);
    cr_expect_gt(without, 5 * with, "%" PRIu64 " and %" PRIu64 " entries", without, with);
}

/* --- silence --------------------------------------------------------------------------- */

/* Catches the reader that has in[0]. */
typedef struct catcher {
    const mr_log_class *inner;
    mr_log_class log_class;
    const mr_reader_class *reader_inner;
    mr_reader_class reader_class;
    mr_log_reader *reader;
    uint32_t number;
} catcher;

static mr_status note_add(mr_log_reader *reader, uint32_t number, const char *topic,
                          int32_t partition, int64_t offset, mr_error *err)
{
    catcher *c = (catcher *)((uintptr_t)reader->class - offsetof(catcher, reader_class));
    if (strcmp(topic, "in") == 0 && partition == 0) {
        c->reader = reader;
        c->number = number;
    }
    return c->reader_inner->add(reader, number, topic, partition, offset, err);
}

static mr_status note_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    catcher *c = (catcher *)((uintptr_t)log->class - offsetof(catcher, log_class));
    mr_status status = c->inner->open_reader(log, reader, err);
    if (status != MR_OK)
        return status;
    c->reader_inner = (*reader)->class;
    c->reader_class = *c->reader_inner;
    c->reader_class.add = note_add;
    (*reader)->class = &c->reader_class;
    return MR_OK;
}

/* Steps of 10 ms. */
static void step_on(sql_world *w, uint32_t steps)
{
    for (uint32_t s = 0; s < steps; s++) {
        cr_assert(sql_step(w, 0), "%s", w->worker[0].err.message);
        mr_sim_pass(&w->world, 10);
    }
}

Test(alignment_of_inputs, gives_up_one_that_is_silent_though_another_table_is_busy)
{
    sql_world w;
    mr_error err;
    char script[4096];
    snprintf(script, sizeof script, JOB, 1, 0, 60, 0, 0); /* in2 is not aligned */
    sql_open(&w, 1, script);
    sql_topic(&w, "out", 1);
    sql_topic(&w, "late", 1);
    sql_topic(&w, "in", 2);
    sql_topic(&w, "in2", 1);
    w.fetch_rows_max = 1;
    for (int64_t i = 0; i < 100; i++) {
        put(&w, "in", 0, 1, i);
        put(&w, "in", 1, 2, i * 100);
    }
    for (int64_t i = 0; i < BUSY_ROWS; i++)
        put(&w, "in2", 0, 3, i);
    sql_start(&w, 0, false);
    catcher c = {.inner = w.worker[0].log->class, .log_class = *w.worker[0].log->class};
    c.log_class.open_reader = note_reader;
    w.worker[0].log->class = &c.log_class;
    step_on(&w, 100); /* in[0] is amid its rows, in[1] waits for it */
    cr_assert_eq(c.reader->class->pause(c.reader, c.number, true, &err), MR_OK);
    step_on(&w, 300);
    cr_expect_eq(w.worker[0].stats.inputs_held, 1, "3 s are not long");
    step_on(&w, 1000);
    cr_expect_eq(w.worker[0].stats.inputs_held, 0, "13 s are");
    cr_expect_lt(w.worker[0].stats.records_in, BUSY_ROWS, "the other table was busy all the time");
    cr_assert_eq(c.reader->class->pause(c.reader, c.number, false, &err), MR_OK);
    step_on(&w, 300);
    sql_expect(&w, "late", "");
    sql_stop(&w, 0);
    sql_close(&w);
}

/* Rows enough for all steps, and none that moves the watermark of in[0]. */
static void expect_let_go(const char *job, const char *row)
{
    sql_world w;
    sql_open(&w, 1, job);
    sql_topic(&w, "out", 1);
    sql_topic(&w, "late", 1);
    sql_topic(&w, "in", 2);
    sql_topic(&w, "in2", 1);
    w.fetch_rows_max = 1;
    for (int64_t i = 0; i < BUSY_ROWS; i++)
        sql_put(&w, "in", 0, row);
    for (int64_t i = 0; i < 100; i++)
        put(&w, "in", 1, 2, i * 100);
    sql_start(&w, 0, false);
    step_on(&w, 300);
    cr_expect_eq(w.worker[0].stats.inputs_held, 1, "3 s are not long");
    step_on(&w, 1000);
    cr_expect_eq(w.worker[0].stats.inputs_held, 0, "13 s are");
    cr_expect_lt(w.worker[0].stats.records_in, BUSY_ROWS, "in[0] was not at its end");
    cr_expect_gt(w.worker[0].stats.records_in, 100);
    sql_stop(&w, 0);
    sql_close(&w);
}

Test(alignment_of_inputs, gives_up_one_whose_rows_never_move_its_watermark)
{
    char script[4096];
    snprintf(script, sizeof script, JOB, 1, 0, 60, 0, 0);
    expect_let_go(script, "{\"k\":1}");
    expect_let_go(script, "{\"k\":1,\"ts\":\"2023-01-01 00:00:00\"}");
}

/* Each row is a ms newer than the one before: slow, but it comes. */
Test(alignment_of_inputs, waits_for_one_that_moves_its_watermark_however_slowly)
{
    sql_world w;
    char script[4096], value[96];
    snprintf(script, sizeof script, JOB, 1, 0, 60, 0, 0);
    sql_open(&w, 1, script);
    sql_topic(&w, "out", 1);
    sql_topic(&w, "late", 1);
    sql_topic(&w, "in", 2);
    sql_topic(&w, "in2", 1);
    w.fetch_rows_max = 1;
    for (int i = 0; i < BUSY_ROWS; i++) {
        snprintf(value, sizeof value, "{\"k\":1,\"ts\":\"2024-01-01 00:00:%02d.%03d\"}", i / 1000,
                 i % 1000);
        sql_put(&w, "in", 0, value);
    }
    for (int64_t i = 0; i < 100; i++)
        put(&w, "in", 1, 2, i * 100);
    sql_start(&w, 0, false);
    step_on(&w, 1300);
    cr_expect_eq(w.worker[0].stats.inputs_held, 1);
    cr_expect_lt(w.worker[0].stats.records_in, BUSY_ROWS, "in[0] was not at its end");
    sql_stop(&w, 0);
    sql_close(&w);
}

/* --- plays ------------------------------------------------------------------------------- */

typedef struct play {
    sql_world w;
    uint64_t random, rows;
    int32_t partitions, others; /* of the topics */
    int64_t newest_s;
    bool has_grown;
    char *expected[LINES_MAX];
    uint32_t expected_count;
    uint32_t counts[40][2000]; /* by key and window */
    uint64_t held;             /* steps in which some input was */
} play;

static uint64_t draw(play *p, uint64_t below)
{
    p->random += 0x9e3779b97f4a7c15u;
    uint64_t z = (p->random ^ (p->random >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static void put_row(play *p, const char *topic, int32_t partition, int64_t second)
{
    uint64_t k = draw(p, MR_LENGTH(p->counts));
    put(&p->w, topic, partition, (int64_t)k, second);
    MR_ASSERT(second / WINDOW_S < (int64_t)MR_LENGTH(p->counts[0]));
    p->counts[k][second / WINDOW_S]++;
    p->rows++;
    p->newest_s = second > p->newest_s ? second : p->newest_s;
}

static void fill(play *p, const char *topic, int32_t partition)
{
    static const uint64_t ages[] = {1, 1000, 300000}, steps[] = {2, 60, 900};
    int64_t second = (int64_t)draw(p, ages[draw(p, 3)]);
    uint64_t step = steps[draw(p, 3)], rows = draw(p, 5) == 0 ? 0 : draw(p, 600);
    for (uint64_t i = 0; i < rows; i++, second += (int64_t)draw(p, step))
        put_row(p, topic, partition, second);
}

static void open_play(play *p, uint64_t seed, bool is_aligned)
{
    static const int drifts[] = {1, 60, 3600}, idle[] = {0, 0, 1};
    *p = (play){.random = seed};
    int tasks = draw(p, 3) == 0 ? 3 : 1, idle_s = idle[draw(p, 3)], drift_s = drifts[draw(p, 3)];
    open_job(&p->w, tasks, idle_s, is_aligned ? drift_s : 0);
    p->w.fetch_rows_max = 1 + (uint32_t)draw(p, 40);
    p->partitions = 1 + (int32_t)draw(p, 5);
    p->others = 1 + (int32_t)draw(p, 2);
    uint32_t first = (uint32_t)(p->partitions < p->others ? p->partitions : p->others);
    if (tasks > 1) /* as a run does: each task of the first stage reads both tables */
        mr_stages_set_tasks(&p->w.job->plan, &p->w.job->stages, first < 3 ? first : 3);
    sql_topic(&p->w, "in", p->partitions);
    sql_topic(&p->w, "in2", p->others);
    for (int32_t i = 0; i < p->partitions; i++)
        fill(p, "in", i);
    for (int32_t i = 0; i < p->others; i++)
        fill(p, "in2", i);
}

/* One worker's life. Nothing may be silent for long while there is something to read. */
static void live(play *p, uint32_t steps)
{
    sql_start(&p->w, 0, false);
    const mr_clock *clock = mr_sim_clock(&p->w.world);
    sql_worker *at = &p->w.worker[0];
    int64_t moved_us = clock->monotonic_us(clock);
    uint64_t seen = 0;
    for (uint32_t s = 0; s < steps && sql_step(&p->w, 0); s++) {
        p->held += at->stats.inputs_held > 0;
        int64_t now_us = clock->monotonic_us(clock);
        if (at->stats.records_in != seen || at->stats.records_in == p->rows ||
            at->stats.phase != MR_WORKER_RUN)
            moved_us = now_us;
        seen = at->stats.records_in;
        cr_assert_lt(now_us - moved_us, SILENCE_MAX_US, "%" PRIu64 " of %" PRIu64 " rows", seen,
                     p->rows);
    }
    cr_assert(at->status == MR_OK || at->status == MR_E_CRASHED, "%s", at->err.message);
}

static void end_life(play *p)
{
    if (draw(p, 2) == 0)
        mr_worker_request_stop(p->w.worker[0].worker);
    for (uint32_t s = 0; s < 200 && sql_step(&p->w, 0); s++)
        ;
    sql_stop(&p->w, 0);
    mr_sim_pass(&p->w.world, 60000);
}

/* A partition with rows newer than all is found by the one that lives. */
static void grow(play *p)
{
    p->has_grown = true;
    mr_sim_grow(&p->w.world, "in", p->partitions + 1);
    int64_t second = p->newest_s + 2 * WINDOW_S;
    for (uint64_t i = draw(p, 100); i > 0; i--, second += (int64_t)draw(p, 30))
        put_row(p, "in", p->partitions, second);
}

static void play_lives(play *p)
{
    for (uint64_t n = draw(p, 4); n > 0; n--) {
        if (!p->has_grown && draw(p, 3) == 0)
            grow(p);
        uint32_t steps = 20 + (uint32_t)draw(p, draw(p, 3) == 0 ? 3000 : 300);
        if (draw(p, 3) == 0)
            mr_sim_kill_at(&p->w.world, 0, 1 + draw(p, 2000), MR_MEMORY_CRASH_DRAWN);
        live(p, steps);
        end_life(p);
    }
    mr_sim_kill_at(&p->w.world, 0, UINT64_MAX / 2, MR_MEMORY_CRASH_DRAWN);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void expect(play *p)
{
    for (uint32_t k = 0; k < MR_LENGTH(p->counts); k++)
        for (uint32_t n = 0; n < MR_LENGTH(p->counts[k]); n++) {
            if (p->counts[k][n] == 0)
                continue;
            char text[32];
            time_t at = (time_t)(START_S + (n + 1) * WINDOW_S);
            struct tm parts;
            strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&at, &parts));
            MR_ASSERT(p->expected_count < LINES_MAX);
            p->expected[p->expected_count++] = (char *)mr_arena_printf(
                &p->w.arena, "{\"k\":%u,\"e\":\"%s\",\"n\":%u}", k, text, p->counts[k][n]);
        }
    qsort(p->expected, p->expected_count, sizeof *p->expected, by_text);
}

/* Lines hold a blank in their time, so they are parted at the braces. */
static void check(play *p, uint64_t seed)
{
    expect(p);
    char *text = (char *)sql_values(&p->w, "out");
    static char *lines[LINES_MAX];
    uint32_t count = 0;
    for (char *at = text; *at != '\0' && count < LINES_MAX;) {
        lines[count++] = at;
        at = strchr(at, '}') + 1;
        if (*at == ' ')
            *at++ = '\0';
    }
    qsort(lines, count, sizeof *lines, by_text);
    cr_expect_eq(count, p->expected_count, "play %" PRIu64, seed);
    for (uint32_t i = 0; i < count && i < p->expected_count; i++)
        cr_assert_str_eq(lines[i], p->expected[i], "play %" PRIu64, seed);
    sql_expect(&p->w, "late", "");
}

static uint64_t play_once(uint64_t seed, bool is_aligned)
{
    play *p = malloc(sizeof *p);
    MR_ASSERT(p != NULL);
    open_play(p, seed, is_aligned);
    play_lives(p);
    sql_start(&p->w, 0, true);
    uint32_t steps = 0;
    while (sql_step(&p->w, 0)) {
        cr_assert_lt(steps++, STEPS_MAX, "play %" PRIu64 " does not end", seed);
        p->held += p->w.worker[0].stats.inputs_held > 0;
    }
    cr_assert_eq(p->w.worker[0].status, MR_OK, "play %" PRIu64 ": %s", seed,
                 p->w.worker[0].err.message);
    check(p, seed);
    uint64_t held = p->held;
    sql_close(&p->w);
    free(p);
    return held;
}

Test(alignment_of_inputs, gives_what_reading_in_turn_gives_and_never_stops)
{
    uint64_t held = 0;
    for (uint64_t seed = 1; seed <= PLAYS; seed++) {
        held += play_once(seed, true) > 0;
        cr_assert_eq(play_once(seed, false), 0);
    }
    cr_expect_gt(held, PLAYS / 2, "inputs were held in %" PRIu64 " plays", held);
}
