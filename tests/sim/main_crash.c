/*
 * sim_crash: the real engine and commit code on the simulated log, one thread, virtual time, with
 * crashes between any two port calls. After every history the committed output must keep the law.
 *
 *   sim_crash [--seeds N] [--first S] [--seed S [--trace]] [--pipelined on|off] [--quick]
 *             [--sabotage early|apply|deltas|offsets|journal|doubt|hang|trim|staged|changes|keep|
 *                         stale|lost|hold]
 *
 * Whether commits are pipelined is drawn for each life, unless --pipelined says it for all.
 * A failing seed is printed; `--seed S --trace` plays it again step by step. With --sabotage the
 * protocol is broken on purpose and the run passes when some seed shows it.
 */
#include "engine/base/assert.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/crash/hits.h"
#include "tests/sim/crash/tap.h"
#include "tests/sim/helper.h"
#include "tests/sim/job.h"
#include "tests/sim/joins/join_law.h"
#include "tests/sim/law.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES_MAX 14
#define WORKERS_MAX 3
#define STEPS_PER_LIFE 4000
#define SHOWN_ENOUGH 3
#define SEEDS_THAT_HIT_EVERYTHING 1000

typedef struct sim_options {
    uint64_t first, count;
    bool is_traced;
    mr_worker_sabotage sabotage;
    bool is_doubt_hidden; /* the log keeps to itself that a request was resent */
    enum { MODE_DRAWN = 0, MODE_ON, MODE_OFF } pipelined; /* by life: drawn, all, none */
    const char *sabotage_name;
} sim_options;

typedef struct history {
    const sim_options *options;
    mr_sim_hits *hits;
    uint64_t seed;
    mr_sim_world world;
    mr_sim_job job;
    mr_sim_job_options job_options;
    mr_sim_law *law;
    mr_join_law join_law; /* of a join, in the place of `law` for its results */
    uint64_t random;
    uint32_t workers;
    int64_t event_time_ms;
    bool has_refusals;
    bool is_short_of_memory;         /* state leaves it */
    bool has_checkpoints, has_bases; /* bases in the log, beside checkpoints */
    bool is_phased; /* rows come while no worker lives, in order of time: none can be late */
    bool has_died_bounded, has_finished;
    struct seen { /* what was read of a topic before a reset: it is the same job twice */
        size_t length[MR_SIM_PARTITIONS];
    } seen[3];
    char why[512];
} history;

static uint64_t draw(history *h, uint64_t below)
{
    h->random += 0x9e3779b97f4a7c15u;
    uint64_t z = h->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* Some rows, mostly in order, some late, some broken. */
static void feed(history *h, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        char value[64];
        uint32_t key = (uint32_t)draw(h, MR_SIM_KEYS);
        int32_t partition = (int32_t)(key % MR_SIM_PARTITIONS);
        h->event_time_ms += draw(h, 3) == 0;
        if (draw(h, 25) == 0) {
            snprintf(value, sizeof value, "broken %" PRIu64, h->law->broken_sent++);
            mr_sim_put(&h->world, "in", partition, NULL, value, MR_TIME_NONE);
            continue;
        }
        int64_t back = h->is_phased ? 0 : (int64_t)draw(h, draw(h, 12) == 0 ? 60 : 5);
        int64_t time = h->event_time_ms > back ? h->event_time_ms - back : 0;
        /* Of sessions each row is told from all others. */
        int64_t amount = h->law->is_session ? 1 + h->law->rows_sent : (int64_t)draw(h, 100);
        if (h->job_options.is_join)
            amount = mr_join_law_sent(&h->join_law, key, time);
        snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%" PRId64, key, time, amount);
        mr_sim_put(&h->world, "in", partition, NULL, value, MR_TIME_NONE);
        mr_sim_law_sent(h->law, key, time, amount);
    }
}

/* One worker from its start to its end. */
typedef struct life {
    uint32_t k;
    bool is_bounded;
    char instance[16];
    mr_memory_process *process;
    mr_log *log;
    mr_sim_tap *tap;
    mr_worker *worker; /* NULL: no life */
    mr_sim_helper helper;
    mr_sim_helper checkpoint_helper;
    mr_blobs *blobs[2]; /* of recovery, of the checkpoints' helper */
    mr_worker_stats stats, before;
    mr_status status;
    mr_error err;
} life;

/* When it dies and what goes wrong until then. After the restart, which forgets both. */
static void doom(history *h, uint32_t k)
{
    static const uint64_t reach[] = {60, 600, 600, 6000};
    mr_sim_kill_at(&h->world, k, 1 + draw(h, reach[draw(h, 4)]), MR_MEMORY_CRASH_DRAWN);
    mr_memory_faults faults = {0};
    if (draw(h, 2) == 0)
        faults = mr_sim_draw_faults(&h->world, k);
    if (h->options->is_doubt_hidden) {
        faults.hide_doubt = true;
        faults.end_doubt = 200000;
        faults.late_us_max = 1000000;
    }
    mr_sim_set_faults(&h->world, k, &faults);
}

/* Often, so that they meet everything else; sometimes there are no bases but them. */
static void keep_checkpoints(history *h, life *l, mr_worker_config *config)
{
    for (int i = 0; i < 2; i++)
        l->blobs[i] = mr_sim_blobs_open(h->world.blobs, l->process);
    mr_sim_helper_init(&l->checkpoint_helper, h->world.cluster, l->process);
    config->stores = mr_sim_stores(&h->world, l->k);
    config->blobs = l->blobs[0];
    config->checkpoints = (mr_worker_checkpoints){.blobs = l->blobs[1],
                                                  .helper = &l->checkpoint_helper.helper,
                                                  .interval_ms = 20 + (int64_t)draw(h, 500),
                                                  .count_max = 1 + (uint32_t)draw(h, 3),
                                                  .age_max_ms = draw(h, 2) == 0 ? 3000 : 0,
                                                  .grace_ms = 1000 + (int64_t)draw(h, 30000)};
    if (!h->has_bases)
        config->base_bytes_min = UINT64_MAX;
}

static void begin_life(history *h, life *l, uint32_t k, bool is_bounded, bool is_safe)
{
    *l = (life){.k = k, .is_bounded = is_bounded, .process = mr_sim_process(&h->world, k)};
    l->log = mr_sim_connect(&h->world, k);
    l->tap = calloc(1, sizeof *l->tap);
    MR_ASSERT(l->tap != NULL);
    mr_sim_tap_open(l->tap, l->log);
    static const mr_memory_faults none;
    mr_sim_set_faults(&h->world, k, &none);
    if (is_safe)
        mr_sim_kill_at(&h->world, k, UINT64_MAX / 2, MR_MEMORY_CRASH_DRAWN);
    else
        doom(h, k);
    snprintf(l->instance, sizeof l->instance, "w%" PRIu32, k);
    mr_sim_helper_init(&l->helper, h->world.cluster, l->process);
    bool is_pipelined = h->options->pipelined == MODE_ON ||
                        (h->options->pipelined == MODE_DRAWN && draw(h, 3) != 0);
    mr_worker_config config = {.plan = &h->job.plan,
                               .log = l->log,
                               .stores = draw(h, 6) == 0 ? NULL : mr_sim_stores(&h->world, k),
                               .clock = mr_sim_clock(&h->world),
                               .instance_id = l->instance,
                               .is_bounded = is_bounded,
                               .is_dynamic_member = h->workers > 1,
                               .fetch_rows_max = 1 + (uint32_t)draw(h, 20),
                               .apply_epochs = 1 + (uint32_t)draw(h, 4),
                               .trim_epochs = 1 + (uint32_t)draw(h, 8),
                               .are_frames_sent = draw(h, 4) == 0,
                               .base_bytes_min = 500 + draw(h, 4000),
                               .base_part_bytes = draw(h, 2) == 0 ? 1 + draw(h, 100000) : 0,
                               .helper = is_pipelined ? &l->helper.helper : NULL,
                               .staged_bytes_max = draw(h, 3) == 0 ? 500 : 0,
                               .sabotage = h->options->sabotage};
    if (h->has_checkpoints)
        keep_checkpoints(h, l, &config);
    if (h->is_short_of_memory) {
        config.state_bytes_max = draw(h, 4) == 0 ? 1 : 500 + draw(h, 8000);
        config.load_entries_max = draw(h, 3) == 0 ? 0 : 1 + draw(h, 30);
    }
    l->worker = mr_worker_new(&config);
}

static bool is_over(const life *l)
{
    return l->worker == NULL || l->status != MR_OK || l->stats.phase >= MR_WORKER_STOPPED;
}

static void step_life(history *h, life *l)
{
    if (!l->is_bounded && !h->is_phased && draw(h, 10) == 0 &&
        h->event_time_ms < MR_SIM_TIME_MAX - 200)
        feed(h, 1 + (uint32_t)draw(h, 12));
    l->before = l->stats;
    l->status = mr_worker_step(l->worker, &l->err);
    mr_worker_stats_get(l->worker, &l->stats);
    h->hits->held += l->stats.inputs_held > l->before.inputs_held;
}

static void note_death(history *h, const life *l)
{
    mr_sim_hits_worker_died(h->hits, &l->before);
    mr_sim_hits_died_in(h->hits,
                        l->tap->producing != NULL ? l->tap->producing : l->process->last_call);
}

/* False: it ended in a way that no life may. */
static bool end_life(history *h, life *l)
{
    if (l->worker == NULL)
        return true;
    h->hits->commits += l->stats.commits;
    h->hits->aborts += l->stats.aborts;
    h->hits->handed += l->stats.frames_handed;
    h->hits->left += l->stats.entries_left;
    h->hits->returned += l->stats.entries_returned;
    h->hits->kept += l->stats.kept;
    h->hits->outdated += l->stats.outdated;
    if (l->status == MR_E_CRASHED)
        note_death(h, l);
    mr_worker_free(l->worker);
    l->worker = NULL;
    l->log->class->close(l->log);
    free(l->tap);
    for (int i = 0; i < 2; i++)
        if (l->blobs[i] != NULL)
            l->blobs[i]->class->close(l->blobs[i]);
    h->hits->checkpoints_named += l->stats.checkpoints_named;
    h->hits->checkpoints_restored += l->stats.checkpoints_restored;
    /* One that died right behind its last commit left nothing to do. */
    bool is_done = l->status == MR_E_STATE_FINISHED && l->is_bounded && h->has_died_bounded;
    h->has_died_bounded |= l->status == MR_E_CRASHED && l->is_bounded;
    /* It says so of the whole job, also where a dead one is in the group with some of the tasks. */
    h->has_finished |= is_done || l->stats.phase == MR_WORKER_FINISHED;
    if (l->status == MR_OK || l->status == MR_E_CRASHED || is_done)
        return true;
    snprintf(h->why, sizeof h->why, "the worker stopped: MR%d %s", l->status, l->err.message);
    return false;
}

/* One life of one worker: until it dies, ends, or has lived long enough. */
static bool live(history *h, uint32_t k, bool is_bounded, bool is_safe)
{
    life l;
    begin_life(h, &l, k, is_bounded, is_safe);
    uint32_t steps = is_bounded ? STEPS_PER_LIFE * 20 : STEPS_PER_LIFE;
    for (uint32_t s = 0; s < steps && !is_over(&l); s++)
        step_life(h, &l);
    if (is_bounded && !is_over(&l)) {
        snprintf(h->why, sizeof h->why,
                 "a bounded life did not finish (phase %s, %" PRIu64 " rows in)",
                 mr_worker_phase_name(l.stats.phase), l.stats.records_in);
        (void)end_life(h, &l);
        return false;
    }
    return end_life(h, &l);
}

/* Between two lives: time passes, a disk may be lost or damaged. */
static void interlude(history *h, uint32_t k)
{
    mr_sim_pass(&h->world, (int64_t)draw(h, 4) == 0 ? 15000 : (int64_t)draw(h, 300));
    uint64_t accident = draw(h, h->has_checkpoints ? 5 : 12);
    uint32_t task = (uint32_t)draw(h, h->job.plan.tasks_count);
    mr_sim_disk *disk = h->world.worker[k].disk;
    if (accident == 0)
        mr_sim_disk_wipe(disk);
    else if (accident <= 2 && mr_sim_disk_marker(disk, h->job.plan.job, task).is_present)
        mr_sim_disk_damage(disk, h->job.plan.job, task,
                           accident == 1 ? MR_SIM_DAMAGE_OPEN : MR_SIM_DAMAGE_SCAN);
}

/* Several workers in one world, step by step: they join, leave, die, and stand still (SIGSTOP) long
 * enough to be put out of the group and to lose their transaction, then go on as zombies. */
static bool live_together(history *h)
{
    life lives[WORKERS_MAX] = {{0}};
    bool is_good = true;
    for (uint32_t s = 0; is_good && s < 3 * STEPS_PER_LIFE; s++) {
        uint32_t k = (uint32_t)draw(h, h->workers);
        life *l = &lives[k];
        /* Between two assignments it holds tasks that others get while it stands still. */
        bool is_between = l->stats.phase == MR_WORKER_JOIN && l->stats.tasks > 0;
        if (draw(h, is_between ? 20 : 300) == 0 && l->worker != NULL && !is_over(l) &&
            !l->process->is_stopped) {
            mr_memory_process_stop(l->process);
            if (is_between)
                mr_sim_pass(&h->world, 15000);
            h->hits->stops++;
            h->hits->stops_in_epoch += l->stats.has_open_epoch;
        }
        if (l->worker != NULL && l->process->is_stopped) {
            if (draw(h, 100) != 0)
                continue;
            mr_memory_process_resume(l->process);
        }
        if (is_over(l)) {
            is_good = end_life(h, l);
            if (!is_good || draw(h, 20) != 0)
                continue;
            interlude(h, k);
            begin_life(h, l, k, false, false);
        }
        step_life(h, l);
    }
    for (uint32_t k = 0; k < h->workers; k++) {
        if (lives[k].worker != NULL && lives[k].process->is_stopped)
            mr_memory_process_resume(lives[k].process);
        is_good = end_life(h, &lives[k]) && is_good;
    }
    return is_good;
}

/* A transaction that nobody ends hides all that comes behind it. */
static bool is_held(history *h, const char *topic, int32_t partition)
{
    int64_t held = mr_sim_held(&h->world, topic, partition);
    if (held > 0)
        snprintf(h->why, sizeof h->why,
                 "%s[%" PRId32 "] stands still, %" PRId64 " offsets are held", topic, partition,
                 held);
    return held > 0;
}

/* What has come to a topic since it was read last. */
static bool take_topic(history *h, uint32_t number, const char *topic, int32_t partitions)
{
    for (int32_t p = 0; p < partitions; p++)
        if (is_held(h, topic, p))
            return false;
    mr_buffer text = {0};
    for (int32_t p = 0; p < partitions; p++) {
        mr_buffer all = {0};
        mr_sim_read(&h->world, topic, p, &all);
        size_t *seen = &h->seen[number].length[p];
        mr_buffer_put(&text, all.data + *seen, all.length - *seen);
        *seen = all.length;
        mr_buffer_release(&all);
    }
    mr_buffer_put_u8(&text, '\0');
    bool is_good = true;
    if (h->job_options.is_join && strcmp(topic, "out") == 0)
        for (char *line = strtok(text.data, "\n"); line != NULL && is_good;
             line = strtok(NULL, "\n"))
            is_good = mr_join_law_take(&h->join_law, line, h->why, sizeof h->why);
    else
        is_good = mr_sim_law_take(h->law, topic, text.data, h->why, sizeof h->why);
    mr_buffer_release(&text);
    return is_good;
}

static bool check(history *h)
{
    bool holds = take_topic(h, 0, "out", 1) && take_topic(h, 1, "late", 1) &&
                 take_topic(h, 2, "dlq", MR_SIM_PARTITIONS) &&
                 (h->job_options.is_join ? mr_join_law_holds(&h->join_law, h->why, sizeof h->why)
                                         : mr_sim_law_holds(h->law, h->why, sizeof h->why));
    if (holds && h->is_phased && h->law->rows_late > 0) {
        snprintf(h->why, sizeof h->why, "%" PRId64 " rows are late that nobody sent late",
                 h->law->rows_late);
        holds = false;
    }
    h->hits->phased += h->is_phased;
    h->hits->exchanged += h->job_options.later_tasks > 0;
    h->hits->results += (uint64_t)h->law->results_seen + h->join_law.results;
    h->hits->late += (uint64_t)h->law->rows_late;
    h->hits->broken += h->law->broken_sent;
    h->hits->refused += (uint64_t)h->law->refused_seen;
    h->hits->hung += h->world.cluster->transactions.hung;
    return holds;
}

/* A sabotage that only bites where state leaves memory. */
static bool is_of_memory(const sim_options *options)
{
    return options->sabotage.forget_applying || options->sabotage.forget_changed;
}

static void set_up(history *h)
{
    static const uint32_t tasks[] = {1, 1, 2, 4};
    uint64_t shape = draw(h, 4);
    mr_sim_world_init(&h->world, h->seed, h->workers, h->options->is_traced ? stderr : NULL);
    mr_sim_create(&h->world, "in", MR_SIM_PARTITIONS);
    mr_sim_create(&h->world, "late", 1);
    mr_sim_create(&h->world, "dlq", MR_SIM_PARTITIONS);
    h->job_options =
        (mr_sim_job_options){.tasks_count = tasks[draw(h, 4)],
                             .is_hop = shape == 0,
                             .is_session = shape == 1,
                             .is_join = shape == 2,
                             .idle_timeout_ms = draw(h, 3) == 0 ? 200 : 0,
                             .drift_max_ms = h->seed % 3 == 0 ? 0 : 1 + (int64_t)(h->seed % 17),
                             .guarantee = draw(h, 5) == 0 ? MR_AT_LEAST_ONCE : MR_EXACTLY_ONCE};
    if (h->job_options.guarantee == MR_EXACTLY_ONCE && draw(h, 3) == 0)
        h->job_options.later_tasks = 2 + (uint32_t)draw(h, 2);
    h->has_checkpoints = h->job_options.guarantee == MR_EXACTLY_ONCE && draw(h, 2) == 0;
    h->has_bases = draw(h, 2) == 0;
    h->is_short_of_memory = draw(h, 2) == 0 || is_of_memory(h->options);
    h->has_refusals =
        h->job_options.guarantee == MR_EXACTLY_ONCE && draw(h, 5) == 0 && !h->job_options.is_join;
    /* Results with two long numbers are too large for such a topic. */
    static const char *const small[] = {"max.message.bytes", "18", NULL};
    mr_error err;
    mr_status made = h->world.outside->class->create_topic(h->world.outside, "out", 1,
                                                           h->has_refusals ? small : NULL, &err);
    MR_ASSERT(made == MR_OK);
    mr_sim_job_init(&h->job, &h->job_options);
    mr_sim_job_cut(&h->job, &h->job_options);
    h->is_phased = draw(h, h->job_options.idle_timeout_ms > 0 ? 2 : 6) == 0;
    /* What piles up on an idle upstream that nobody owns for a while is overtaken. */
    if (h->job_options.later_tasks > 0 && h->job_options.idle_timeout_ms > 0 && h->workers > 1)
        h->is_phased = false;
    bool is_session = h->job_options.is_session;
    bool is_window = !h->job_options.is_join;
    mr_sim_law_init(h->law, is_window ? h->job.window.size_ms : 1,
                    is_session || !is_window ? 1 : h->job.window.slide_ms);
    mr_join_law_init(&h->join_law, MR_SIM_DELAY_MS);
    h->join_law.is_unordered = h->job_options.later_tasks > 0;
    h->join_law.has_idle = h->job_options.idle_timeout_ms > 0;
    h->law->is_session = is_session;
    h->law->is_in_order = h->is_phased;
    h->law->is_repeating = h->join_law.is_repeating = h->job_options.guarantee == MR_AT_LEAST_ONCE;
}

/* Bounded lives, that may die as well, until one finishes. */
static bool finish(history *h)
{
    bool is_good = true;
    mr_sim_pass(&h->world, 60000);
    for (uint32_t n = (uint32_t)draw(h, 4); is_good && !h->has_finished && n > 0; n--) {
        uint32_t k = (uint32_t)draw(h, h->workers);
        is_good = live(h, k, true, false);
        interlude(h, k);
    }
    if (is_good && !h->has_finished) {
        uint32_t k = (uint32_t)draw(h, h->workers);
        mr_sim_pass(&h->world, 60000);
        is_good = live(h, k, true, true);
        if (is_good && !h->has_finished) {
            snprintf(h->why, sizeof h->why, "the last life did not finish");
            is_good = false;
        }
    }
    mr_sim_pass(&h->world, 60000); /* markers that come late */
    return is_good;
}

/* --reset, which may die as well and is then asked for again, on all disks. */
static bool reset(history *h)
{
    uint32_t deaths_left = (uint32_t)draw(h, 4);
    for (uint32_t k = 0; k < h->workers;) {
        mr_sim_pass(&h->world, 60000); /* members of the group are gone */
        mr_memory_process *process = mr_sim_process(&h->world, k);
        mr_log *log = mr_sim_connect(&h->world, k);
        static const mr_memory_faults none;
        mr_sim_set_faults(&h->world, k, &none);
        uint64_t calls =
            deaths_left > 0 ? 1 + draw(h, 4 + h->job.plan.tasks_count) : UINT64_MAX / 2;
        mr_sim_kill_at(&h->world, k, calls, MR_MEMORY_CRASH_DRAWN);
        mr_worker_config config = {
            .plan = &h->job.plan, .log = log, .stores = mr_sim_stores(&h->world, k)};
        mr_error err;
        mr_status status = mr_worker_reset(&config, &err);
        log->class->close(log);
        if (status == MR_E_CRASHED) {
            mr_sim_hits_died_in(h->hits, process->last_call);
            h->hits->deaths_in_reset++;
            deaths_left--;
        } else if (status != MR_OK) {
            snprintf(h->why, sizeof h->why, "reset: MR%d %s", status, err.message);
            return false;
        } else {
            k++;
        }
    }
    h->hits->resets++;
    return true;
}

/* The job is forgotten and run once more over the same input: a law of its own, for what comes from
 * there on. */
static bool play_again(history *h)
{
    if (h->job_options.is_join || draw(h, 4) != 0)
        return true;
    mr_sim_law_forget(h->law);
    h->has_finished = h->has_died_bounded = false;
    return reset(h) && finish(h) && check(h);
}

static bool play(const sim_options *options, mr_sim_hits *hits, uint64_t seed, char *why,
                 size_t size)
{
    history *h = calloc(1, sizeof *h);
    MR_ASSERT(h != NULL);
    h->law = calloc(1, sizeof *h->law);
    MR_ASSERT(h->law != NULL);
    h->options = options;
    h->hits = hits;
    h->seed = seed;
    h->random = seed * 0x2545f4914f6cdd1du + 1;
    h->workers = draw(h, 4) == 0 ? 2 + (uint32_t)draw(h, WORKERS_MAX - 1) : 1;
    set_up(h);
    feed(h, 20);
    bool is_good = true;
    uint32_t lives = 2 + (uint32_t)draw(h, LIVES_MAX - 2);
    if (h->workers > 1 && draw(h, 2) == 0)
        is_good = live_together(h);
    for (uint32_t n = 0; is_good && n < lives; n++) {
        uint32_t k = (uint32_t)draw(h, h->workers);
        is_good = live(h, k, false, false);
        interlude(h, k);
        if (h->is_phased && h->event_time_ms < MR_SIM_TIME_MAX - 200)
            feed(h, (uint32_t)draw(h, 60));
    }
    is_good = is_good && finish(h) && check(h) && play_again(h);
    snprintf(why, size, "%s (%s, %" PRIu32 " tasks, %" PRIu32 " workers)", h->why,
             h->law->is_repeating ? "at least once"
             : h->has_refusals    ? "exactly once, refusals"
                                  : "exactly once",
             h->job.plan.tasks_count, h->workers);
    mr_sim_world_release(&h->world);
    mr_sim_job_release(&h->job);
    mr_sim_law_release(h->law);
    mr_join_law_release(&h->join_law);
    free(h->law);
    free(h);
    return is_good;
}

/* With the protocol broken an assertion of the engine may be what notices: so each in its own
 * process. */
static bool play_apart(const sim_options *options, uint64_t seed)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char why[512] = "";
        mr_sim_hits *hits = calloc(1, sizeof *hits);
        bool is_good =
            freopen("/dev/null", "w", stderr) != NULL && play(options, hits, seed, why, sizeof why);
        if (!is_good)
            printf("seed %" PRIu64 ": %s\n", seed, why);
        fflush(stdout);
        _exit(is_good ? 0 : 1);
    }
    int status = 0;
    MR_ASSERT(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        printf("seed %" PRIu64 ": an assertion of the engine\n", seed);
    return status == 0;
}

static void set_sabotage(sim_options *options, const char *name)
{
    options->sabotage_name = name;
    options->sabotage.apply_before_decision = strcmp(name, "apply") == 0;
    options->sabotage.leave_out_deltas = strcmp(name, "deltas") == 0;
    options->sabotage.leave_out_offsets = strcmp(name, "offsets") == 0;
    options->sabotage.ignore_journal = strcmp(name, "journal") == 0;
    options->sabotage.hand_over_early = strcmp(name, "early") == 0;
    options->sabotage.forget_applying = strcmp(name, "stale") == 0;
    options->sabotage.forget_changed = strcmp(name, "lost") == 0;
    options->sabotage.let_hang = strcmp(name, "hang") == 0;
    options->sabotage.trim_unnamed = strcmp(name, "trim") == 0;
    options->sabotage.leak_staged = strcmp(name, "staged") == 0;
    options->sabotage.hold_for_ever = strcmp(name, "hold") == 0;
    options->sabotage.keep_unseen = strcmp(name, "keep") == 0;
    options->sabotage.leak_changes = strcmp(name, "changes") == 0;
    options->is_doubt_hidden = strcmp(name, "doubt") == 0;
}

/* The suite bites: each way of breaking the protocol is noticed within a few histories. */
static bool bites(const char *name, const sim_options *options)
{
    sim_options broken = {.count = 100, .pipelined = options->pipelined};
    set_sabotage(&broken, name);
    for (uint64_t seed = 1; seed <= broken.count; seed++)
        if (!play_apart(&broken, seed))
            return true;
    printf("sabotage %s goes unnoticed in %" PRIu64 " histories\n", name, broken.count);
    return false;
}

static bool parse(int argc, char **argv, sim_options *options)
{
    *options = (sim_options){.first = 1, .count = 2000};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            options->count = 200;
        } else if (strcmp(argv[i], "--trace") == 0) {
            options->is_traced = true;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            options->count = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            options->first = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options->first = strtoull(next, NULL, 10), i++;
            options->count = 1;
        } else if (strcmp(argv[i], "--pipelined") == 0) {
            options->pipelined = strcmp(next, "on") == 0 ? MODE_ON : MODE_OFF, i++;
        } else if (strcmp(argv[i], "--sabotage") == 0) {
            set_sabotage(options, next), i++;
        } else {
            fprintf(stderr, "usage: sim_crash [--seeds N] [--first S] [--seed S] [--trace] "
                            "[--sabotage early|apply|deltas|offsets|journal|doubt|hang|trim|staged|"
                            "changes|keep|stale|lost|hold] "
                            "[--pipelined on|off] [--quick]\n");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    sim_options options;
    if (!parse(argc, argv, &options))
        return 2;
    mr_sim_hits *hits = calloc(1, sizeof *hits);
    MR_ASSERT(hits != NULL);
    uint64_t failed = 0;
    for (uint64_t s = 0; s < options.count; s++) {
        char why[512] = "";
        if (options.sabotage_name != NULL) {
            failed += !play_apart(&options, options.first + s);
            if (failed >= SHOWN_ENOUGH)
                break;
            continue;
        }
        if (play(&options, hits, options.first + s, why, sizeof why))
            continue;
        failed++;
        printf("seed %" PRIu64 ": %s\n", options.first + s, why);
        if (options.sabotage_name == NULL && failed >= 10)
            break;
    }
    if (options.sabotage_name != NULL) {
        free(hits);
        printf("sabotage %s: %" PRIu64 " histories show it\n", options.sabotage_name, failed);
        printf("%d passed, %d failed, 0 skipped\n", failed > 0, failed == 0);
        return failed > 0 ? 0 : 1;
    }
    mr_sim_hits_print(hits, options.count);
    uint64_t passed = options.count - failed;
    if (options.count >= SEEDS_THAT_HIT_EVERYTHING) {
        bool all = mr_sim_hits_are_complete(hits, options.pipelined != MODE_OFF);
        passed += all;
        failed += !all;
    }
    free(hits);
    static const char *const sabotages[] = {"early", "apply",  "deltas",  "offsets", "journal",
                                            "doubt", "hang",   "trim",    "keep",    "stale",
                                            "hold",  "staged", "changes", "lost"};
    size_t sabotages_count = MR_LENGTH(sabotages) - (options.pipelined == MODE_OFF ? 3 : 0);
    for (size_t i = 0; i < sabotages_count && options.count > 1; i++) {
        bool is_noticed = bites(sabotages[i], &options);
        passed += is_noticed;
        failed += !is_noticed;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
