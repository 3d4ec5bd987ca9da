/*
 * kill -9 at random while the feed goes on, in rounds of ten: a fresh job each, with other numbers
 * of tasks, other windows (tumbling, hopping, sessions), other commit intervals. Between two lives
 * the state directory may be deleted, or a worker with another directory and another instance id
 * takes over.
 *
 * Half of the kills must have hit an open epoch or a restore; else the suite proves nothing.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <stdio.h>

#define KILLS_A_ROUND 10
#define SESSION_MS 7000 /* of a member that died, with what the coordinator takes to notice */
#define READY_MS MR_CRASH_PATIENCE_MS /* a takeover waits for the dead member's session */

typedef struct totals {
    mr_crash_hits hits;
    uint32_t takeovers, wiped, logs_alone;
    int64_t results, rows, late;
    uint64_t broken, commits;
    int64_t ready_ms_sum, ready_ms_max; /* start to first commit, takeovers aside */
    uint32_t ready;
} totals;

static void add(totals *all, const mr_crash_round *round)
{
    const mr_crash_hits *hits = &round->hits;
    all->hits.faults += hits->faults;
    all->hits.in_open_epoch += hits->in_open_epoch;
    all->hits.in_restore += hits->in_restore;
    all->hits.beside_decision += hits->beside_decision;
    all->hits.open_at_broker += hits->open_at_broker;
    for (int p = 0; p <= MR_WORKER_FINISHED; p++)
        all->hits.by_phase[p] += hits->by_phase[p];
    all->results += round->law->results_seen;
    all->rows += round->law->rows_sent;
    all->late += round->law->rows_late;
    all->broken += round->law->broken_sent;
}

/* The moment of a kill: mostly at work, often in a restore, sometimes anywhere in a start. */
static bool await_moment(mr_crash_round *round, mr_crash_life *life, totals *all)
{
    mr_crash_env *env = round->env;
    uint64_t moment = mr_crash_draw(env, 20);
    int64_t began = mr_crash_now_ms();
    bool is_good = true;
    if (moment < 12) {
        is_good = mr_crash_life_await_commits(life, 1, READY_MS);
        int64_t ready = mr_crash_now_ms() - began;
        if (ready < 5000) {
            all->ready++;
            all->ready_ms_sum += ready;
            all->ready_ms_max = ready > all->ready_ms_max ? ready : all->ready_ms_max;
        }
        mr_crash_sleep_us((int64_t)mr_crash_draw(env, moment < 2 ? 1000000 : 250000));
        if (moment < 8)
            mr_crash_round_catch_at_work(life);
    } else if (moment < 17) {
        is_good = mr_crash_life_await(life, MR_WORKER_RESTORE, READY_MS);
        mr_crash_sleep_us((int64_t)mr_crash_draw(env, 40000));
    } else {
        mr_crash_sleep_us((int64_t)mr_crash_draw(env, 400000));
    }
    return (is_good && mr_crash_life_is_on(life)) ||
           mr_crash_round_fail(round, life, "a worker was not there to be killed");
}

static const char *next_dir(mr_crash_round *round, const char *dir, totals *all)
{
    mr_crash_env *env = round->env;
    uint64_t accident = mr_crash_draw(env, 10);
    char path[640];
    if (accident == 0) {
        all->takeovers++;
        return dir[0] == 'a' ? "b" : "a";
    }
    if (accident <= 2) {
        mr_crash_round_dir(round, dir, path, sizeof path);
        mr_crash_remove(path);
        all->wiped++;
    }
    return dir;
}

/* The last life must be given every task: not before the session of a dead worker with another
 * instance id is over. */
static void await_session_end(int64_t left_behind_ms)
{
    int64_t left = left_behind_ms + SESSION_MS - mr_crash_now_ms();
    if (left_behind_ms >= 0 && left > 0)
        mr_crash_sleep_us(left * 1000);
}

static bool play_round(mr_crash_round *round, uint32_t kills, totals *all)
{
    const char *dir = "a";
    int64_t left_behind_ms = -1;
    for (uint32_t k = 0; k < kills; k++) {
        mr_crash_life life;
        mr_crash_worker_options options = mr_crash_round_worker(round, dir);
        mr_crash_feed_allow(round->feed,
                            200 + (MR_CRASH_TIME_END - 200) * (k + 1) / (int64_t)kills);
        mr_crash_round_start(round, &life, &options);
        bool is_good = await_moment(round, &life, all);
        if (is_good)
            mr_crash_round_kill(round, &life);
        all->commits += atomic_load(&life.page->commits);
        mr_crash_life_end(&life);
        if (!is_good)
            return false;
        const char *next = next_dir(round, dir, all);
        if (next != dir)
            left_behind_ms = mr_crash_now_ms();
        dir = next;
    }
    await_session_end(left_behind_ms);
    mr_crash_worker_options options = mr_crash_round_worker(round, dir);
    return mr_crash_round_finish(round, &options) && mr_crash_round_holds(round);
}

static void report(const totals *all, char *text, size_t size)
{
    const mr_crash_hits *h = &all->hits;
    snprintf(text, size,
             "%u kills: %u with an open epoch, %u beside a decision, "
             "%u in a restore, %u in join, %u in prepare, %u idle; "
             "%u found open at the broker; %u takeovers, %u directories deleted; %" PRIu64
             " commits, %" PRId64 " rows, %" PRId64 " late, %" PRIu64 " broken, %" PRId64
             " results; first commit after %" PRId64 " ms (max %" PRId64 ")",
             h->faults, h->in_open_epoch, h->beside_decision, h->in_restore,
             h->by_phase[MR_WORKER_JOIN], h->by_phase[MR_WORKER_PREPARE],
             h->by_phase[MR_WORKER_RUN] - h->in_open_epoch, h->open_at_broker, all->takeovers,
             all->wiped, all->commits, all->rows, all->late, all->broken, all->results,
             all->ready > 0 ? all->ready_ms_sum / all->ready : 0, all->ready_ms_max);
}

bool mr_crash_kills(mr_crash_env *env, char *text, size_t size)
{
    static const uint32_t tasks[] = {1, 2, 4, 1};
    static const int64_t intervals[] = {25, 50, 30, 100};
    totals all = {0};
    bool is_good = true;
    for (uint32_t done = 0; is_good && done < env->kills; done += KILLS_A_ROUND) {
        uint32_t n = done / KILLS_A_ROUND;
        uint32_t left = env->kills - done;
        mr_crash_round_options options = {
            .sim = {.tasks_count = tasks[n % 4], .is_hop = n % 3 == 2, .is_session = n % 3 == 1},
            .commit_interval_ms = intervals[n % 4]};
        mr_crash_round round;
        is_good = mr_crash_round_begin(&round, env, "kills", &options) &&
                  play_round(&round, left < KILLS_A_ROUND ? left : KILLS_A_ROUND, &all);
        if (is_good)
            add(&all, &round);
        else
            snprintf(text, size, "%s", round.why);
        mr_crash_round_end(&round);
    }
    if (!is_good)
        return false;
    report(&all, text, size);
    return (all.hits.in_open_epoch + all.hits.in_restore) * 2 >= all.hits.faults;
}
