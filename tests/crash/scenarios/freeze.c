/*
 * A worker is frozen (SIGSTOP) with an open transaction for longer than the transaction timeout,
 * another takes its tasks, then the first one thaws (SIGCONT) and is a zombie.
 *
 * zombie: the other one has an instance id of its own; the group gives it the tasks once the
 * session of
 *   the frozen member is over. The zombie must lose its epoch, and rejoins.
 * twin: the other one has the same instance id (a copied state directory): it fences at once. The
 *   zombie must end with a clear error.
 */
#include "engine/ports/log.h"
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define TRANSACTION_TIMEOUT_MS 3000
#define READY_MS MR_CRASH_PATIENCE_MS
#define TRIES 400

/* Stops the process while its epoch is open and the broker knows of it. */
static bool freeze_at_work(mr_crash_round *round, mr_crash_life *life)
{
    for (int i = 0; i < TRIES && mr_crash_life_is_on(life); i++) {
        mr_crash_sleep_us((int64_t)mr_crash_draw(round->env, 20000));
        if (!mr_crash_life_freeze(life))
            break;
        if (atomic_load(&life->page->has_open_epoch) && mr_crash_round_is_open_at_broker(round)) {
            mr_crash_round_note(round, life);
            round->hits.open_at_broker++;
            return true;
        }
        mr_crash_life_signal(life, SIGCONT);
    }
    return mr_crash_round_fail(round, life, "the worker could not be caught with an open epoch");
}

static bool await_abort(mr_crash_life *life, uint64_t aborts)
{
    int64_t until = mr_crash_now_ms() + READY_MS;
    while (mr_crash_life_is_on(life) && mr_crash_now_ms() < until) {
        if (atomic_load(&life->page->aborts) > aborts)
            return true;
        mr_crash_sleep_us(1000);
    }
    return false;
}

static bool stop(mr_crash_round *round, mr_crash_life *life)
{
    mr_crash_life_signal(life, SIGTERM);
    return mr_crash_life_await_end(life, 0, READY_MS) ||
           mr_crash_round_fail(round, life, "SIGTERM did not end it orderly");
}

static bool take_over(mr_crash_round *round, mr_crash_life *zombie, mr_crash_life *heir)
{
    uint64_t aborts = atomic_load(&zombie->page->aborts);
    if (!mr_crash_life_await_commits(heir, 20, READY_MS))
        return mr_crash_round_fail(round, heir, "the heir did not come to commits");
    mr_crash_feed_allow(round->feed, 1500);
    mr_crash_life_signal(zombie, SIGCONT);
    if (!await_abort(zombie, aborts))
        return mr_crash_round_fail(round, zombie, "the zombie kept its epoch");
    mr_crash_feed_allow(round->feed, 2500);
    mr_crash_sleep_us(INT64_C(4000000)); /* both at work */
    if (!mr_crash_life_is_on(zombie))
        return mr_crash_round_fail(round, zombie, "the zombie did not rejoin");
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    return stop(round, zombie) && stop(round, heir);
}

static bool play_zombie(mr_crash_round *round, mr_crash_life *zombie, mr_crash_life *heir)
{
    mr_crash_worker_options first = mr_crash_round_worker(round, "a");
    mr_crash_worker_options second = mr_crash_round_worker(round, "b");
    mr_crash_round_start(round, zombie, &first);
    if (!mr_crash_life_await_commits(zombie, 5, READY_MS) || !freeze_at_work(round, zombie))
        return mr_crash_round_fail(round, zombie, "the first worker did not work");
    mr_crash_feed_allow(round->feed, 800);
    mr_crash_round_start(round, heir, &second);
    return take_over(round, zombie, heir);
}

static void report(const mr_crash_round *round, const char *what, char *text, size_t size)
{
    snprintf(text, size,
             "%s; %u of %u frozen with a transaction open at the broker; %" PRId64 " rows, %" PRId64
             " late, %" PRId64 " results",
             what, round->hits.open_at_broker, round->hits.faults, round->law->rows_sent,
             round->law->rows_late, round->law->results_seen);
}

bool mr_crash_zombie(mr_crash_env *env, char *text, size_t size)
{
    mr_crash_round_options options = {.sim = {.tasks_count = 2},
                                      .transaction_timeout_ms = TRANSACTION_TIMEOUT_MS};
    mr_crash_round round;
    mr_crash_life zombie = {0}, heir = {0};
    bool is_good = mr_crash_round_begin(&round, env, "zombie", &options) &&
                   play_zombie(&round, &zombie, &heir);
    char what[128] = "";
    if (is_good)
        snprintf(what, sizeof what, "heir %" PRIuFAST64 " commits, zombie %" PRIuFAST64 " aborts",
                 atomic_load(&heir.page->commits), atomic_load(&zombie.page->aborts));
    mr_crash_life_end(&zombie);
    mr_crash_life_end(&heir);
    if (is_good) {
        mr_crash_round_outlive_members();
        mr_crash_worker_options last = mr_crash_round_worker(&round, "b");
        is_good = mr_crash_round_finish(&round, &last) && mr_crash_round_holds(&round);
    }
    if (is_good)
        report(&round, what, text, size);
    else
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}

static bool play_twin(mr_crash_round *round, mr_crash_life *zombie, mr_crash_life *heir)
{
    mr_crash_worker_options first = mr_crash_round_worker(round, "a");
    mr_crash_worker_options second = mr_crash_round_worker(round, "b");
    second.instance = first.instance;
    mr_crash_round_start(round, zombie, &first);
    if (!mr_crash_life_await_commits(zombie, 5, READY_MS) || !freeze_at_work(round, zombie))
        return mr_crash_round_fail(round, zombie, "the first worker did not work");
    mr_crash_feed_allow(round->feed, 1000);
    mr_crash_round_start(round, heir, &second);
    if (!mr_crash_life_await_commits(heir, 10, READY_MS))
        return mr_crash_round_fail(round, heir, "the twin did not come to commits");
    mr_crash_life_signal(zombie, SIGCONT);
    if (!mr_crash_life_await_end(zombie, 1, READY_MS) ||
        atomic_load(&zombie->page->status) != MR_E_KAFKA_INSTANCE_TAKEN)
        return mr_crash_round_fail(round, zombie, "the loser did not say that its id was taken");
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    uint64_t commits = atomic_load(&heir->page->commits);
    if (!mr_crash_life_await_commits(heir, commits + 20, READY_MS))
        return mr_crash_round_fail(round, heir, "the twin was disturbed");
    return stop(round, heir);
}

bool mr_crash_twin(mr_crash_env *env, char *text, size_t size)
{
    mr_crash_round_options options = {.sim = {.tasks_count = 2},
                                      .transaction_timeout_ms = TRANSACTION_TIMEOUT_MS};
    mr_crash_round round;
    mr_crash_life zombie = {0}, heir = {0};
    bool is_good =
        mr_crash_round_begin(&round, env, "twin", &options) && play_twin(&round, &zombie, &heir);
    mr_crash_life_end(&zombie);
    mr_crash_life_end(&heir);
    if (is_good) {
        mr_crash_worker_options last = mr_crash_round_worker(&round, "a");
        is_good = mr_crash_round_finish(&round, &last) && mr_crash_round_holds(&round);
    }
    if (is_good)
        report(&round, "the loser stopped with MR5014", text, size);
    else
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}
