/*
 * The broker is killed with -9 under load and comes back: at once, or after the transaction
 * timeout.
 *
 * Then the coordinator aborts what was open and the writer is fenced; a new writer replays. The
 * worker must live through it without help. A fault counts when the worker stood with an open epoch
 * while nobody answered.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define READY_MS MR_CRASH_PATIENCE_MS
#define OUTAGES_MORE 3

typedef struct outage {
    const char *stem;
    int32_t transaction_timeout_ms;
    int64_t away_ms_max; /* between kill and start: 0 .. this, drawn */
    int64_t away_ms_min;
    uint32_t times;
    bool must_abort;
} outage;

/* With the broker away nothing can be decided: an open epoch stays open. */
static bool await_open_epoch(mr_crash_life *life)
{
    int64_t until = mr_crash_now_ms() + 200;
    while (mr_crash_now_ms() < until) {
        if (atomic_load(&life->page->has_open_epoch))
            return true;
        mr_crash_sleep_us(500);
    }
    return false;
}

static bool strike(mr_crash_round *round, mr_crash_life *life, const outage *o)
{
    mr_crash_env *env = round->env;
    uint64_t commits = atomic_load(&life->page->commits);
    if (!mr_crash_life_await_commits(life, commits + 10, READY_MS))
        return mr_crash_round_fail(round, life, "no commits before the outage");
    mr_crash_sleep_us((int64_t)mr_crash_draw(env, 100000));
    if (!mr_crash_broker_kill(env))
        return mr_crash_round_fail(round, NULL, "the broker could not be killed");
    await_open_epoch(life);
    mr_crash_round_note(round, life);
    int64_t spread = o->away_ms_max - o->away_ms_min;
    int64_t away = o->away_ms_min + (int64_t)mr_crash_draw(env, (uint64_t)spread + 1);
    mr_crash_sleep_us(away * 1000);
    if (!mr_crash_broker_start(env))
        return mr_crash_round_fail(round, NULL, "the broker did not come back");
    commits = atomic_load(&life->page->commits);
    return mr_crash_life_await_commits(life, commits + 10, READY_MS) ||
           mr_crash_round_fail(round, life, "no commits after the outage");
}

/* An outage between two epochs proves nothing: then there is one more. */
static bool has_hit(const mr_crash_round *round, const mr_crash_life *life, const outage *o)
{
    return round->hits.in_open_epoch > 0 &&
           (!o->must_abort || atomic_load(&life->page->aborts) > 0);
}

static bool play(mr_crash_round *round, mr_crash_life *life, const outage *o)
{
    mr_crash_worker_options options = mr_crash_round_worker(round, "a");
    mr_crash_round_start(round, life, &options);
    uint32_t most = o->times + OUTAGES_MORE;
    for (uint32_t i = 0; i < o->times || (i < most && !has_hit(round, life, o)); i++) {
        mr_crash_feed_allow(round->feed, (MR_CRASH_TIME_END * (i + 1)) / most);
        if (!strike(round, life, o))
            return false;
    }
    if (o->must_abort && atomic_load(&life->page->aborts) == 0)
        return mr_crash_round_fail(round, life, "the coordinator aborted nothing");
    if (round->hits.in_open_epoch == 0)
        return mr_crash_round_fail(round, life, "no outage hit an open epoch");
    mr_crash_life_signal(life, SIGTERM);
    return mr_crash_life_await_end(life, 0, READY_MS) ||
           mr_crash_round_fail(round, life, "SIGTERM did not end it orderly");
}

static bool run(mr_crash_env *env, const outage *o, char *text, size_t size)
{
    mr_crash_round_options options = {.sim = {.tasks_count = 2},
                                      .transaction_timeout_ms = o->transaction_timeout_ms};
    mr_crash_round round;
    mr_crash_life life = {0};
    bool is_good = mr_crash_round_begin(&round, env, o->stem, &options) && play(&round, &life, o);
    uint64_t aborts = life.page != NULL ? atomic_load(&life.page->aborts) : 0;
    mr_crash_life_end(&life);
    mr_crash_worker_options last = mr_crash_round_worker(&round, "a");
    is_good = is_good && mr_crash_round_finish(&round, &last) && mr_crash_round_holds(&round);
    if (is_good)
        snprintf(text, size,
                 "%u outages, %u with an open epoch, %" PRIu64 " aborts; %" PRId64 " rows, %" PRId64
                 " late, %" PRId64 " results",
                 round.hits.faults, round.hits.in_open_epoch, aborts, round.law->rows_sent,
                 round.law->rows_late, round.law->results_seen);
    else
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}

bool mr_crash_broker_killed(mr_crash_env *env, char *text, size_t size)
{
    outage o = {.stem = "killed",
                .transaction_timeout_ms = 60000,
                .away_ms_max = 500,
                .times = env->is_quick ? 1 : 2};
    return run(env, &o, text, size);
}

bool mr_crash_broker_away(mr_crash_env *env, char *text, size_t size)
{
    outage o = {.stem = "away",
                .transaction_timeout_ms = 3000,
                .away_ms_min = 5000,
                .away_ms_max = 6000,
                .times = 1,
                .must_abort = true};
    return run(env, &o, text, size);
}
