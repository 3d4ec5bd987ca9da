/*
 * Goal: on a stream whose on-time/late split no interleaving can change, results and late rows are
 * the same for 1, 2, 3 and 8 workers, one task and 16, one stage and two.
 * Method: phases of rows on the simulated log; each begins when all tasks have reached the end of
 * the one before, so its late rows are late and its other rows on time whoever reads what when. The
 * oracle is told which are which, and adds up.
 */
#include "engine/base/assert.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/helper.h"
#include "tests/sim/job.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PHASES 4
#define PHASE_MS 300
#define PHASE_ROWS 240
#define LATE_ROWS 15
#define WINDOW_MS 10
#define WINDOWS (PHASES * PHASE_MS / WINDOW_MS + 40)
#define ROUNDS_MAX 20000
#define STEPS 4

typedef struct fleet {
    uint32_t workers, tasks, later_tasks;
    bool is_pipelined;
} fleet;

typedef struct rig {
    mr_sim_world world;
    mr_sim_job job;
    mr_log *logs[MR_SIM_WORKERS_MAX];
    mr_sim_helper helpers[MR_SIM_WORKERS_MAX];
    mr_worker *workers[MR_SIM_WORKERS_MAX];
    char names[MR_SIM_WORKERS_MAX][8];
    const fleet *of;
    uint64_t random;
    int64_t counts[MR_SIM_KEYS][WINDOWS], sums[MR_SIM_KEYS][WINDOWS];
    mr_buffer results, late; /* what the oracle expects, lines */
} rig;

static uint32_t draw(rig *r, uint32_t below)
{
    r->random = r->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(r->random >> 33) % below;
}

/* ---- rows, and the oracle ---- */

static void put(rig *r, uint32_t key, int64_t time, bool is_late)
{
    char value[64];
    int64_t amount = draw(r, 1000);
    snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%" PRId64, key, time, amount);
    mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value, MR_TIME_NONE);
    if (is_late) {
        mr_buffer_printf(&r->late, "%s\n", value);
        return;
    }
    r->counts[key][time / WINDOW_MS]++;
    r->sums[key][time / WINDOW_MS] += amount;
}

static int64_t end_of(uint32_t phase)
{
    return (phase + 1) * (int64_t)PHASE_MS;
}

/* Times rise, within the watermark's delay; behind the middle rows of the phase before come late;
 * the last row of each partition is the newest. */
static void put_phase(rig *r, uint32_t phase)
{
    int64_t from = end_of(phase) - PHASE_MS + MR_SIM_DELAY_MS;
    for (uint32_t i = 0; i < PHASE_ROWS; i++) {
        int64_t time = from + i * (PHASE_MS / 2) / PHASE_ROWS + draw(r, MR_SIM_DELAY_MS);
        put(r, draw(r, MR_SIM_KEYS), time, false);
        if (phase > 0 && i % (PHASE_ROWS / LATE_ROWS) == 0)
            put(r, draw(r, MR_SIM_KEYS), from - PHASE_MS + draw(r, PHASE_MS / 2), true);
    }
    for (uint32_t key = 0; key < MR_SIM_PARTITIONS; key++)
        put(r, key, end_of(phase), false);
}

static void expect_results(rig *r)
{
    for (uint32_t key = 0; key < MR_SIM_KEYS; key++)
        for (int64_t w = 0; w < WINDOWS; w++)
            if (r->counts[key][w] > 0)
                mr_buffer_printf(
                    &r->results, "k%" PRIu32 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "\n",
                    key, w * WINDOW_MS, (w + 1) * WINDOW_MS, r->counts[key][w], r->sums[key][w]);
}

/* ---- workers ---- */

static void open_rig(rig *r, const fleet *of)
{
    mr_sim_job_options options = {.tasks_count = of->tasks, .later_tasks = of->later_tasks};
    r->of = of;
    r->random = 42;
    mr_sim_world_init(&r->world, 1, of->workers, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &options);
    mr_sim_job_cut(&r->job, &options);
    for (uint32_t k = 0; k < of->workers; k++) {
        r->logs[k] = mr_sim_connect(&r->world, k);
        snprintf(r->names[k], sizeof r->names[k], "w%" PRIu32, k);
        mr_sim_helper_init(&r->helpers[k], r->world.cluster, mr_sim_process(&r->world, k));
        mr_worker_config config = {.plan = &r->job.plan,
                                   .log = r->logs[k],
                                   .stores = mr_sim_stores(&r->world, k),
                                   .clock = mr_sim_clock(&r->world),
                                   .instance_id = r->names[k],
                                   .is_dynamic_member = true,
                                   .fetch_rows_max = 7 + k,
                                   .helper = of->is_pipelined ? &r->helpers[k].helper : NULL};
        r->workers[k] = mr_worker_new(&config);
    }
}

static void close_rig(rig *r)
{
    for (uint32_t k = 0; k < r->of->workers; k++) {
        mr_worker_free(r->workers[k]);
        r->logs[k]->class->close(r->logs[k]);
    }
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
    mr_buffer_release(&r->results);
    mr_buffer_release(&r->late);
    free(r);
}

/* Some steps each: the time that others wait for is this one's too, and then each of its first
 * steps would go into a look at ends. */
static void step_all(rig *r)
{
    for (uint32_t i = 0; i < r->of->workers * STEPS; i++) {
        mr_error err = {0};
        cr_assert_eq(mr_worker_step(r->workers[i / STEPS], &err), MR_OK, "%s", err.message);
    }
}

/* All tasks stand at the watermark of the phase's end, and all of them are somebody's. */
static bool has_reached(rig *r, uint32_t phase)
{
    uint32_t tasks = 0;
    for (uint32_t k = 0; k < r->of->workers; k++) {
        mr_worker_stats stats;
        mr_worker_stats_get(r->workers[k], &stats);
        if (stats.phase != MR_WORKER_RUN ||
            (stats.tasks > 0 && stats.watermark_ms != end_of(phase) - MR_SIM_DELAY_MS))
            return false;
        tasks += stats.tasks;
    }
    return tasks == r->job.plan.tasks_count;
}

static bool have_finished(const rig *r)
{
    for (uint32_t k = 0; k < r->of->workers; k++)
        if (mr_worker_phase_of(r->workers[k]) != MR_WORKER_FINISHED)
            return false;
    return true;
}

static void play(rig *r)
{
    for (uint32_t phase = 0; phase < PHASES; phase++) {
        uint32_t rounds = 0;
        put_phase(r, phase);
        while (!has_reached(r, phase)) {
            cr_assert_lt(rounds++, ROUNDS_MAX, "phase %u is never over", phase);
            step_all(r);
        }
    }
    for (uint32_t k = 0; k < r->of->workers; k++)
        mr_worker_request_end(r->workers[k]);
    for (uint32_t rounds = 0; !have_finished(r); rounds++) {
        cr_assert_lt(rounds, ROUNDS_MAX, "the run never ends");
        step_all(r);
    }
}

/* ---- lines ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each cut behind its first `fields` fields: by what watermark a row was late is no part of
 * this. */
static char *sorted(mr_buffer *text, uint32_t fields)
{
    enum { ROOM = 8192 };
    char **lines = calloc(ROOM, sizeof *lines);
    uint32_t count = 0;
    mr_buffer_put_u8(text, '\0');
    for (char *line = strtok(text->data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        uint32_t field = 0;
        for (char *c = line; *c != '\0'; c++)
            if (*c == '|' && ++field == fields)
                *c-- = '\0';
        MR_ASSERT(count < ROOM);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    mr_buffer all = {0};
    for (uint32_t i = 0; i < count; i++)
        mr_buffer_printf(&all, "%s\n", lines[i]);
    free(lines);
    mr_buffer_put_u8(&all, '\0');
    return all.data;
}

static void expect_same(rig *r, const char *topic, mr_buffer *expected, uint32_t fields)
{
    mr_buffer text = {0};
    mr_sim_read(&r->world, topic, 0, &text);
    char *got = sorted(&text, fields), *want = sorted(expected, fields);
    cr_expect_str_eq(got, want, "%s of %u workers, %u and %u tasks%s", topic, r->of->workers,
                     r->of->tasks, r->of->later_tasks, r->of->is_pipelined ? ", pipelined" : "");
    free(got);
    free(want);
    mr_buffer_release(&text);
}

static void expect_oracle(const fleet *of)
{
    rig *r = calloc(1, sizeof *r);
    MR_ASSERT(r != NULL);
    open_rig(r, of);
    play(r);
    expect_results(r);
    expect_same(r, "out", &r->results, 5);
    expect_same(r, "late", &r->late, 3);
    close_rig(r);
}

Test(stages, give_the_same_whoever_and_however_many_work, .timeout = 500)
{
    static const fleet fleets[] = {{1, 1, 0, false}, {1, 1, 16, true},  {1, 4, 16, false},
                                   {2, 4, 16, true}, {3, 4, 16, false}, {3, 2, 3, true},
                                   {8, 4, 16, true}, {8, 4, 16, false}};
    for (size_t i = 0; i < MR_LENGTH(fleets); i++)
        expect_oracle(&fleets[i]);
}
