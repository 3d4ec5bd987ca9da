/*
 * Goal: what a worker does while a commit is undecided, and when it ends, step by step; the crashes
 * are sim_crash's. Method: the simulator's job on the simulated log, with a helper that takes a
 * step only when the test says so; committed output is judged by the law.
 */
#include "engine/base/assert.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/job.h"
#include "tests/sim/law.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define STEPS_MAX 20000

/* A helper in the test's hand. */
typedef struct hand {
    mr_helper helper;
    mr_helper_job job;
    bool is_busy;
    uint32_t allowed; /* steps it may take; a wait without end takes all */
} hand;

static void start_job(mr_helper *helper, mr_helper_job job)
{
    hand *self = (hand *)helper;
    cr_assert_not(self->is_busy, "two commits at a time");
    self->job = job;
    self->is_busy = true;
}

static bool wait_for_job(mr_helper *helper, int32_t timeout_ms)
{
    hand *self = (hand *)helper;
    while (self->is_busy && (timeout_ms < 0 || self->allowed > 0)) {
        self->allowed -= self->allowed > 0;
        self->is_busy = self->job.step(self->job.context);
    }
    return !self->is_busy;
}

static const mr_helper_class hand_class = {.start = start_job, .wait = wait_for_job};

typedef struct rig {
    mr_sim_world world;
    mr_sim_job job;
    mr_sim_law *law;
    hand hand;
    mr_log *log;
    mr_worker *worker;
    mr_worker_stats stats;
    mr_error err;
    int64_t time_ms;
} rig;

static void set_up(rig *r, bool is_pipelined, size_t staged_bytes_max)
{
    r->hand.helper.class = &hand_class;
    mr_sim_world_init(&r->world, 1, 1, NULL);
    mr_sim_create(&r->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&r->world, "out", 1);
    mr_sim_create(&r->world, "late", 1);
    mr_sim_create(&r->world, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &(mr_sim_job_options){.tasks_count = 1});
    r->job.plan.transaction_timeout_ms = 1000; /* well below the member's session */
    r->law = calloc(1, sizeof *r->law);
    MR_ASSERT(r->law != NULL);
    mr_sim_law_init(r->law, r->job.window.size_ms, r->job.window.slide_ms);
    r->log = mr_sim_connect(&r->world, 0);
    mr_worker_config config = {.plan = &r->job.plan,
                               .log = r->log,
                               .stores = mr_sim_stores(&r->world, 0),
                               .clock = mr_sim_clock(&r->world),
                               .instance_id = "w",
                               .fetch_rows_max = 16,
                               .helper = is_pipelined ? &r->hand.helper : NULL,
                               .staged_bytes_max = staged_bytes_max};
    r->worker = mr_worker_new(&config);
}

static void tear_down(rig *r)
{
    mr_worker_free(r->worker);
    r->log->class->close(r->log);
    mr_sim_world_release(&r->world);
    mr_sim_job_release(&r->job);
    mr_sim_law_release(r->law);
    free(r->law);
    cr_expect_not(r->hand.is_busy);
}

/* A round of rows, one a key, each round in windows of its own. */
static void feed(rig *r, uint32_t rounds)
{
    for (; rounds > 0; rounds--, r->time_ms += 10) {
        for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
            char value[64];
            snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, r->time_ms, 5);
            mr_sim_put(&r->world, "in", (int32_t)(key % MR_SIM_PARTITIONS), NULL, value,
                       MR_TIME_NONE);
            mr_sim_law_sent(r->law, key, r->time_ms, 5);
        }
    }
}

static void step(rig *r, uint32_t steps)
{
    for (; steps > 0; steps--) {
        cr_assert_eq(mr_worker_step(r->worker, &r->err), MR_OK, "%s", r->err.message);
        mr_worker_stats_get(r->worker, &r->stats);
    }
}

/* Steps until a claim about the stats holds. */
#define STEP_UNTIL(r, claim)                                        \
    do {                                                            \
        uint32_t steps_ = 0;                                        \
        while (!(claim)) {                                          \
            cr_assert_lt(steps_++, STEPS_MAX, "never: %s", #claim); \
            step(r, 1);                                             \
        }                                                           \
    } while (0)

static void count_value(void *context, const mr_record *record)
{
    (void)record;
    (*(uint64_t *)context)++;
}

static uint64_t committed(rig *r)
{
    uint64_t count = 0;
    (void)mr_sim_each(&r->world, "out", 0, count_value, &count);
    return count;
}

static void expect_law(rig *r)
{
    char why[512] = "";
    mr_buffer text = {0};
    mr_sim_read(&r->world, "out", 0, &text);
    mr_buffer_put_u8(&text, '\0');
    cr_expect(mr_sim_law_take(r->law, "out", text.data, why, sizeof why), "%s", why);
    cr_expect(mr_sim_law_holds(r->law, why, sizeof why), "%s", why);
    mr_buffer_release(&text);
}

/* The inputs end where they are: everything must come out, once. */
static void finish(rig *r)
{
    r->hand.allowed = UINT32_MAX;
    mr_worker_request_end(r->worker);
    STEP_UNTIL(r, r->stats.phase == MR_WORKER_FINISHED);
    expect_law(r);
}

Test(worker, processes_an_epoch_while_the_one_before_it_is_undecided)
{
    rig r = {0};
    set_up(&r, true, 0);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    uint64_t records = r.stats.records_in, results = committed(&r), commits = r.stats.commits;
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.records_in == records + (uint64_t)(5 * MR_SIM_KEYS));
    step(&r, 50);
    cr_expect(r.stats.is_deciding);
    cr_expect_gt(r.stats.staged_bytes, 0, "its results wait");
    r.hand.allowed = 2; /* flush and offsets, not the decision */
    step(&r, 20);
    cr_expect(r.stats.is_deciding);
    cr_expect_eq(committed(&r), results);
    r.hand.allowed = 1;
    STEP_UNTIL(&r, !r.stats.is_deciding);
    cr_expect_eq(r.stats.commits, commits + 1);
    cr_expect_eq(r.stats.staged_bytes, 0);
    uint64_t first = committed(&r);
    cr_expect_gt(first, results);
    cr_expect_lt(first, (uint64_t)(8 * MR_SIM_KEYS), "the second epoch is in no transaction yet");
    STEP_UNTIL(&r, r.stats.is_deciding);
    r.hand.allowed = 3;
    STEP_UNTIL(&r, !r.stats.is_deciding);
    cr_expect_eq(committed(&r), (uint64_t)(8 * MR_SIM_KEYS), "all but the open windows");
    finish(&r);
    tear_down(&r);
}

Test(worker, takes_no_more_work_when_staging_is_full)
{
    rig r = {0};
    set_up(&r, true, 500);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    feed(&r, 200);
    step(&r, 500);
    uint64_t records = r.stats.records_in;
    cr_expect_lt(records, (uint64_t)(100 * MR_SIM_KEYS));
    cr_expect_gt(r.stats.staged_bytes, 500);
    size_t staged = r.stats.staged_bytes;
    step(&r, 100);
    cr_expect_eq(r.stats.records_in, records);
    cr_expect_eq(r.stats.staged_bytes, staged);
    finish(&r);
    cr_expect_eq(r.stats.records_in, (uint64_t)(205 * MR_SIM_KEYS));
    tear_down(&r);
}

/* The open epoch is old and cannot be cut: every step waits a little for rows all the same. */
Test(worker, does_not_spin_while_it_awaits_a_decision)
{
    rig r = {0};
    set_up(&r, true, 0);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.records_in == (uint64_t)(10 * MR_SIM_KEYS));
    mr_sim_pass(&r.world, 2 * r.job.plan.commit_interval_ms);
    step(&r, 50);
    const mr_clock *clock = mr_sim_clock(&r.world);
    int64_t began = clock->monotonic_us(clock);
    step(&r, 100);
    cr_expect(r.stats.is_deciding);
    cr_expect_gt(clock->monotonic_us(clock) - began, 100 * 1000);
    finish(&r);
    tear_down(&r);
}

Test(worker, stops_only_when_everything_is_decided)
{
    rig r = {0};
    set_up(&r, true, 0);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.records_in == (uint64_t)(10 * MR_SIM_KEYS));
    step(&r, 50);
    uint64_t commits = r.stats.commits;
    mr_worker_request_stop(r.worker);
    STEP_UNTIL(&r, r.stats.phase == MR_WORKER_STOPPED);
    cr_expect_eq(r.stats.commits, commits + 2);
    cr_expect_not(r.stats.has_open_epoch);
    cr_expect_eq(committed(&r), (uint64_t)(8 * MR_SIM_KEYS));
    tear_down(&r);
}

/* Every transaction fails for a while; nothing may be lost or doubled by what was staged. */
Test(worker, drops_both_epochs_when_the_first_fails)
{
    rig r = {0};
    set_up(&r, true, 0);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.staged_bytes > 0);
    uint64_t aborts = r.stats.aborts, restores = r.stats.restores;
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){.abortable = 1000000});
    r.hand.allowed = UINT32_MAX;
    STEP_UNTIL(&r, r.stats.aborts > aborts);
    cr_expect_not(r.stats.is_deciding);
    cr_expect_not(r.stats.has_open_epoch);
    cr_expect_eq(r.stats.staged_bytes, 0);
    cr_expect_eq(committed(&r), 0);
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){0});
    STEP_UNTIL(&r, r.stats.restores > restores && r.stats.phase == MR_WORKER_RUN);
    cr_expect_lt(r.stats.records_in, (uint64_t)(10 * MR_SIM_KEYS), "it reads them again");
    finish(&r);
    tear_down(&r);
}

/* What fails in the second epoch does not undo the first. */
Test(worker, keeps_a_decision_when_the_epoch_behind_it_fails)
{
    rig r = {0};
    set_up(&r, true, 0);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.is_deciding);
    feed(&r, 5);
    STEP_UNTIL(&r, r.stats.staged_bytes > 0);
    uint64_t aborts = r.stats.aborts, commits = r.stats.commits;
    r.hand.allowed = 3;
    cr_assert(r.hand.helper.class->wait(&r.hand.helper, 0), "decided, but not noticed");
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){.abortable = 1000000});
    STEP_UNTIL(&r, r.stats.aborts > aborts);
    mr_sim_set_faults(&r.world, 0, &(mr_memory_faults){0});
    cr_expect_eq(r.stats.commits, commits + 1);
    cr_expect_gt(committed(&r), 0);
    finish(&r);
    tear_down(&r);
}

Test(worker, ends_on_request_with_all_windows_closed)
{
    for (int is_pipelined = 0; is_pipelined < 2; is_pipelined++) {
        rig r = {0};
        set_up(&r, is_pipelined == 1, 0);
        feed(&r, 3);
        STEP_UNTIL(&r, r.stats.records_in == (uint64_t)(3 * MR_SIM_KEYS));
        r.hand.allowed = UINT32_MAX;
        mr_worker_request_end(r.worker);
        step(&r, 1);
        cr_expect_eq(r.stats.phase, MR_WORKER_RUN, "not at once: windows are to close");
        STEP_UNTIL(&r, r.stats.phase == MR_WORKER_FINISHED);
        cr_expect_eq(r.stats.watermark_ms, MR_TIME_MAX);
        cr_expect_eq(committed(&r), (uint64_t)(3 * MR_SIM_KEYS), "the last window too");
        expect_law(&r);
        feed(&r, 1);
        step(&r, 20);
        cr_expect_eq(r.stats.records_in, (uint64_t)(3 * MR_SIM_KEYS), "what came later is not its");
        tear_down(&r);
    }
}

Test(worker, halves_the_early_cut_after_a_timeout_abort)
{
    for (int is_pipelined = 0; is_pipelined < 2; is_pipelined++) {
        rig r = {0};
        set_up(&r, is_pipelined == 1, 0);
        r.hand.allowed = UINT32_MAX;
        feed(&r, 5);
        STEP_UNTIL(&r, r.stats.commits > 0 && !r.stats.has_open_epoch);
        uint64_t rows_out = r.stats.rows_out;
        feed(&r, 5);
        STEP_UNTIL(&r, r.stats.rows_out > rows_out && !r.stats.is_deciding);
        cr_assert(r.stats.has_open_epoch);
        cr_expect_eq(r.stats.cut_halvings, 0);
        uint64_t aborts = r.stats.aborts;
        mr_sim_pass(&r.world, r.job.plan.transaction_timeout_ms + 100);
        STEP_UNTIL(&r, r.stats.aborts > aborts);
        cr_expect_eq(r.stats.cut_halvings, 1);
        /* Epochs now end after half of the interval (40 ms). */
        STEP_UNTIL(&r, r.stats.phase == MR_WORKER_RUN && !r.stats.has_open_epoch);
        feed(&r, 1);
        STEP_UNTIL(&r, r.stats.has_open_epoch && !r.stats.is_deciding);
        const mr_clock *clock = mr_sim_clock(&r.world);
        int64_t began = clock->monotonic_us(clock);
        uint64_t commits = r.stats.commits;
        STEP_UNTIL(&r, r.stats.commits > commits);
        cr_expect_lt(clock->monotonic_us(clock) - began, 30000);
        finish(&r);
        tear_down(&r);
    }
}
