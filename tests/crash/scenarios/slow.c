/*
 * A restore that takes far longer than max.poll.interval.ms: its worker must keep its place in the
 * group, restore each task once, and share the tasks with a worker that joins in the middle of it.
 * The state log is slowed down: one record a fetch, and a pause behind each.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define READY_MS MR_CRASH_PATIENCE_MS
#define TASKS 2
#define COMMITS 40
#define PAUSE_MS 250
#define POLL_MS 7000 /* with a session of 6 s brokers allow no less */

static bool stop(mr_crash_round *round, mr_crash_life *life)
{
    mr_crash_life_signal(life, SIGTERM);
    return mr_crash_life_await_end(life, 0, READY_MS) ||
           mr_crash_round_fail(round, life, "SIGTERM did not end it orderly");
}

/* Leaves a log of many epochs behind, and nothing else. */
static bool fill(mr_crash_round *round, const mr_crash_worker_options *options)
{
    mr_crash_life life;
    mr_crash_round_start(round, &life, options);
    bool is_good = mr_crash_life_await_commits(&life, COMMITS, READY_MS) ||
                   mr_crash_round_fail(round, &life, "it did not come to commits");
    is_good = is_good && stop(round, &life);
    mr_crash_life_end(&life);
    return is_good;
}

static bool await_phase(mr_crash_round *round, mr_crash_life *life, unsigned phase)
{
    int64_t until = mr_crash_now_ms() + READY_MS;
    while (mr_crash_now_ms() < until && mr_crash_life_is_on(life)) {
        if (atomic_load(&life->page->phase) == phase)
            return true;
        mr_crash_sleep_us(5000);
    }
    return mr_crash_round_fail(round, life, "it did not come to its phase in time");
}

/* Alone: restores each task once, however long that takes. */
static bool restore_alone(mr_crash_round *round, const mr_crash_worker_options *slow,
                          int64_t *took_ms)
{
    mr_crash_life life;
    mr_crash_round_start(round, &life, slow);
    bool is_good = await_phase(round, &life, MR_WORKER_RESTORE);
    int64_t began = mr_crash_now_ms();
    is_good = is_good && await_phase(round, &life, MR_WORKER_RUN);
    *took_ms = mr_crash_now_ms() - began;
    if (is_good && *took_ms < 2 * POLL_MS)
        is_good = mr_crash_round_fail(round, &life, "the restore was not slow");
    is_good = is_good && (mr_crash_life_await_commits(&life, 3, READY_MS) ||
                          mr_crash_round_fail(round, &life, "no commits behind its restore"));
    if (is_good && atomic_load(&life.page->restores) != TASKS)
        is_good = mr_crash_round_fail(round, &life, "it was put out of the group");
    is_good = is_good && stop(round, &life);
    mr_crash_life_end(&life);
    return is_good;
}

/* Another one joins in the middle of a restore that is held, and need not wait for its end. */
static bool restore_disturbed(mr_crash_round *round, const mr_crash_worker_options *slow,
                              const mr_crash_worker_options *other, int64_t *waited_ms)
{
    mr_crash_life lives[2];
    mr_crash_round_start(round, &lives[0], slow);
    bool is_good = await_phase(round, &lives[0], MR_WORKER_RESTORE);
    mr_crash_sleep_us(2 * PAUSE_MS * 1000);
    atomic_store(&lives[0].page->is_held, true);
    mr_crash_round_start(round, &lives[1], other);
    int64_t began = mr_crash_now_ms();
    is_good = is_good && await_phase(round, &lives[1], MR_WORKER_RUN);
    *waited_ms = mr_crash_now_ms() - began;
    if (is_good && atomic_load(&lives[0].page->phase) != MR_WORKER_RESTORE)
        is_good = mr_crash_round_fail(round, &lives[0], "it was over before it was held");
    atomic_store(&lives[0].page->is_held, false);
    for (int i = 0; i < 2; i++) {
        is_good = is_good && (mr_crash_life_await_commits(&lives[i], 3, READY_MS) ||
                              mr_crash_round_fail(round, &lives[i], "it came to no commits"));
    }
    for (int i = 0; i < 2; i++) {
        is_good = is_good && stop(round, &lives[i]);
        mr_crash_life_end(&lives[i]);
    }
    return is_good;
}

static bool play(mr_crash_round *round, char *text, size_t size)
{
    mr_crash_worker_options bare = mr_crash_round_worker(round, "a");
    bare.dir = NULL; /* what is restored comes from the log */
    bare.base_bytes_min = UINT32_MAX;
    mr_crash_worker_options slow = bare, other = bare;
    slow.pause_ms = PAUSE_MS;
    slow.poll_ms = POLL_MS;
    other.instance = "b";
    int64_t took_ms, waited_ms;
    mr_crash_feed_allow(round->feed, 1000);
    if (!fill(round, &bare))
        return false;
    mr_crash_feed_allow(round->feed, 2000);
    if (!restore_alone(round, &slow, &took_ms))
        return false;
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    if (!restore_disturbed(round, &slow, &other, &waited_ms))
        return false;
    snprintf(text, size,
             "a restore of %" PRId64 " ms in a group that waits %d ms for a poll; one that joined "
             "in the middle of another ran after %" PRId64 " ms",
             took_ms, POLL_MS, waited_ms);
    mr_crash_round_outlive_members();
    bare.instance = "c";
    return mr_crash_round_finish(round, &bare) && mr_crash_round_holds(round);
}

bool mr_crash_slow_restore(mr_crash_env *env, char *text, size_t size)
{
    mr_crash_round_options options = {.sim.tasks_count = TASKS};
    mr_crash_round round;
    bool is_good = mr_crash_round_begin(&round, env, "slow", &options) && play(&round, text, size);
    if (!is_good)
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}
