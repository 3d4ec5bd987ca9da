/*
 * A fleet: several workers share the tasks of one job (four, so that shares are unequal) while
 * faults of every kind strike one of them, or the broker, every second or so.
 *
 * The victim is frozen first (SIGSTOP) and struck only when its page shows an open epoch or a
 * restore, so every fault hits live work; a worker that has no task just then is left alone.
 *
 * fleet: faults at random for `env->seconds`. exchange: half as long, in two stages of two and
 * three tasks, every row on its way to the task of its key. rolling: a restart of each worker in
 * turn, which must move no task: static members. broker_frozen: the broker stands still.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define WORKERS 3
#define TASKS 4
#define READY_MS MR_CRASH_PATIENCE_MS
#define CATCH_TRIES 300
#define STALLS 1
#define STALL_MS 6500     /* past the sessions of members, and of the broker with its controller */
#define PAUSE_MS_MAX 1500 /* between two faults */
#define ROLL_MS_MAX 4000  /* a restart within the session of 6 s */
#define ROLL_TRIES 10
/* A commit whose markers the broker left out is ended by the next results (decision 0008). */
#define COMMITS_AFTER 300
#define FROZEN_LONG_MS 7500 /* past the session of 6 s: others take over, a zombie thaws */

typedef enum fault {
    KILL_RESTART = 0, /* kill -9, back at once */
    KILL_TAKEOVER,    /* kill -9, back when others have its tasks */
    STOP_RESTART,     /* SIGTERM, back at once */
    FREEZE_SHORT,     /* SIGSTOP and SIGCONT within the session */
    FREEZE_LONG,      /* a zombie thaws */
    REPLACE,          /* SIGTERM, and a worker nobody has seen instead */
    BROKER_KILL,      /* kill -9 of the broker */
    FAULTS_COUNT,
} fault;

static const char *const NAMES[FAULTS_COUNT] = {
    "kill",    "kill until taken over", "restart", "freeze", "freeze until taken over",
    "replace", "broker killed"};

typedef struct member {
    mr_crash_life life;
    char name[16]; /* folder and instance id */
    bool is_frozen, is_away;
    int64_t back_ms; /* when it thaws or starts again */
} member;

typedef struct fleet {
    mr_crash_round round;
    member members[WORKERS];
    uint32_t names; /* given so far */
    uint32_t struck[FAULTS_COUNT];
    uint64_t commits, restores, kept; /* of lives that are over */
} fleet;

static bool start(fleet *f, member *m)
{
    mr_crash_worker_options options = mr_crash_round_worker(&f->round, m->name);
    mr_crash_round_start(&f->round, &m->life, &options);
    m->is_away = false;
    return true;
}

static void start_new(fleet *f, member *m)
{
    snprintf(m->name, sizeof m->name, "w%u", f->names++);
    start(f, m);
}

static void end_life(fleet *f, member *m)
{
    if (m->life.page != NULL) {
        f->commits += atomic_load(&m->life.page->commits);
        f->restores += atomic_load(&m->life.page->restores);
        f->kept += atomic_load(&m->life.page->kept);
    }
    mr_crash_life_end(&m->life);
}

static bool is_open_epoch(const mr_crash_life *life)
{
    return atomic_load(&life->page->phase) == MR_WORKER_RUN &&
           atomic_load(&life->page->has_open_epoch);
}

static bool is_at_work(const member *m)
{
    return atomic_load(&m->life.page->phase) == MR_WORKER_RESTORE || is_open_epoch(&m->life);
}

/* Freezes a worker in the middle of work. False: none could be caught, and all run on. */
static member *catch_one(fleet *f)
{
    mr_crash_env *env = f->round.env;
    for (int i = 0; i < CATCH_TRIES; i++) {
        member *m = &f->members[mr_crash_draw(env, WORKERS)];
        mr_crash_sleep_us((int64_t)mr_crash_draw(env, 10000));
        if (m->is_frozen || m->is_away || !mr_crash_life_is_on(&m->life))
            continue;
        if (!mr_crash_life_freeze(&m->life))
            continue;
        if (is_at_work(m))
            return m;
        mr_crash_life_signal(&m->life, SIGCONT);
    }
    return NULL;
}

static bool stop_orderly(fleet *f, member *m)
{
    mr_crash_life_signal(&m->life, SIGTERM);
    mr_crash_life_signal(&m->life, SIGCONT);
    bool is_good = mr_crash_life_await_end(&m->life, 0, READY_MS) ||
                   mr_crash_round_fail(&f->round, &m->life, "SIGTERM did not end it orderly");
    end_life(f, m);
    return is_good;
}

static bool restart_broker(fleet *f, member *m)
{
    mr_crash_env *env = f->round.env;
    bool is_killed = mr_crash_broker_kill(env);
    mr_crash_life_signal(&m->life, SIGCONT);
    mr_crash_sleep_us((int64_t)mr_crash_draw(env, 1000000));
    return (is_killed && mr_crash_broker_start(env)) ||
           mr_crash_round_fail(&f->round, NULL, "the broker was not killed, or did not come back");
}

static bool strike(fleet *f, member *m, fault kind)
{
    mr_crash_env *env = f->round.env;
    int64_t now = mr_crash_now_ms();
    mr_crash_round_note(&f->round, &m->life);
    f->struck[kind]++;
    switch (kind) {
    case KILL_RESTART:
    case KILL_TAKEOVER:
        mr_crash_life_kill(&m->life);
        end_life(f, m);
        m->is_away = true;
        m->back_ms =
            now + (kind == KILL_RESTART ? (int64_t)mr_crash_draw(env, 300)
                                        : FROZEN_LONG_MS + (int64_t)mr_crash_draw(env, 2000));
        return true;
    case STOP_RESTART: return stop_orderly(f, m) && start(f, m);
    case FREEZE_SHORT:
    case FREEZE_LONG:
        m->is_frozen = true;
        m->back_ms =
            now + (int64_t)mr_crash_draw(env, 2000) + (kind == FREEZE_LONG ? FROZEN_LONG_MS : 0);
        return true;
    case REPLACE:
        if (!stop_orderly(f, m))
            return false;
        start_new(f, m);
        return true;
    case BROKER_KILL: return restart_broker(f, m);
    case FAULTS_COUNT: break;
    }
    return false;
}

/* Thaws and starts who is due; a worker that ended by itself is a failure. */
static bool tend(fleet *f, bool is_all_due)
{
    int64_t now = mr_crash_now_ms();
    for (uint32_t i = 0; i < WORKERS; i++) {
        member *m = &f->members[i];
        bool is_due = is_all_due || now >= m->back_ms;
        if (m->is_frozen && is_due) {
            mr_crash_life_signal(&m->life, SIGCONT);
            m->is_frozen = false;
        } else if (m->is_away && is_due) {
            start(f, m);
        } else if (!m->is_away && !mr_crash_life_is_on(&m->life)) {
            return mr_crash_round_fail(&f->round, &m->life, "a worker ended by itself");
        }
    }
    return true;
}

static uint64_t commits_of(const fleet *f)
{
    uint64_t commits = f->commits;
    for (uint32_t i = 0; i < WORKERS; i++)
        if (f->members[i].life.page != NULL)
            commits += atomic_load(&f->members[i].life.page->commits);
    return commits;
}

/* The fleet must come to commits again whatever was done to it. */
static bool await_commits(fleet *f, uint64_t more)
{
    uint64_t from = commits_of(f);
    int64_t until = mr_crash_now_ms() + READY_MS;
    while (mr_crash_now_ms() < until) {
        if (!tend(f, false))
            return false;
        if (commits_of(f) >= from + more)
            return true;
        mr_crash_sleep_us(2000);
    }
    return mr_crash_round_fail(&f->round, &f->members[0].life, "the fleet came to no commits");
}

static bool begin(fleet *f, mr_crash_env *env, const char *stem, uint32_t later_tasks)
{
    mr_crash_round_options options = {
        .sim = {.tasks_count = later_tasks > 0 ? 2 : TASKS, .later_tasks = later_tasks}};
    if (!mr_crash_round_begin(&f->round, env, stem, &options))
        return false;
    for (uint32_t i = 0; i < WORKERS; i++)
        start_new(f, &f->members[i]);
    for (uint32_t i = 0; i < WORKERS; i++)
        if (!mr_crash_life_await_commits(&f->members[i].life, 3, READY_MS))
            return mr_crash_round_fail(&f->round, &f->members[i].life,
                                       "a worker of the fleet has nothing to do");
    return true;
}

static bool stop_all(fleet *f)
{
    bool is_good = tend(f, true);
    for (uint32_t i = 0; is_good && i < WORKERS; i++)
        is_good = stop_orderly(f, &f->members[i]);
    return is_good;
}

/* The last, bounded life must be given all tasks: the static members that left must be
 * forgotten. */
static bool judge(fleet *f)
{
    mr_crash_round_outlive_members();
    mr_crash_worker_options last = mr_crash_round_worker(&f->round, "last");
    return mr_crash_round_finish(&f->round, &last) && mr_crash_round_holds(&f->round);
}

static void release(fleet *f)
{
    for (uint32_t i = 0; i < WORKERS; i++)
        end_life(f, &f->members[i]);
    mr_crash_round_end(&f->round);
}

static fault draw_fault(fleet *f)
{
    static const fault often[] = {KILL_RESTART, KILL_RESTART, KILL_RESTART,
                                  KILL_RESTART, STOP_RESTART, STOP_RESTART,
                                  FREEZE_SHORT, FREEZE_SHORT, REPLACE};
    static const fault seldom[] = {KILL_TAKEOVER, FREEZE_LONG, BROKER_KILL};
    /* Each kind once before any comes again at random: a short run shows them all. */
    for (uint32_t kind = 0; kind < FAULTS_COUNT; kind++)
        if (f->struck[kind] == 0)
            return (fault)kind;
    mr_crash_env *env = f->round.env;
    if (mr_crash_draw(env, 8) == 0)
        return seldom[mr_crash_draw(env, sizeof seldom / sizeof *seldom)];
    return often[mr_crash_draw(env, sizeof often / sizeof *often)];
}

static bool has_each_struck(const fleet *f)
{
    bool has_each = true;
    for (uint32_t kind = 0; kind < FAULTS_COUNT; kind++)
        has_each = has_each && f->struck[kind] > 0;
    return has_each;
}

/* On a slow machine for longer, until each fault has struck. */
static bool play(fleet *f, int64_t seconds)
{
    mr_crash_env *env = f->round.env;
    int64_t began = mr_crash_now_ms(), ends = began + seconds * 1000;
    int64_t last = ends + 2 * MR_CRASH_PATIENCE_MS;
    for (int64_t now = began; now < ends || (now < last && !has_each_struck(f));
         now = mr_crash_now_ms()) {
        int64_t gone = now < ends ? now - began : ends - began;
        mr_crash_feed_allow(f->round.feed, 100 + (MR_CRASH_TIME_END - 100) * gone / (ends - began));
        if (!await_commits(f, 1 + mr_crash_draw(env, 5)))
            return false;
        member *victim = catch_one(f);
        if (victim != NULL && !strike(f, victim, draw_fault(f)))
            return false;
        int64_t next = mr_crash_now_ms() + (int64_t)mr_crash_draw(env, PAUSE_MS_MAX);
        while (mr_crash_now_ms() < next) {
            if (!tend(f, false))
                return false;
            mr_crash_sleep_us(5000);
        }
    }
    mr_crash_feed_allow(f->round.feed, MR_CRASH_TIME_END);
    return tend(f, true) && await_commits(f, COMMITS_AFTER) && stop_all(f);
}

static void tell(const fleet *f, char *text, size_t size)
{
    const mr_crash_hits *h = &f->round.hits;
    size_t at = (size_t)snprintf(
        text, size, "%u faults: %u in an open epoch (%u beside a decision), %u in a restore;",
        h->faults, h->in_open_epoch, h->beside_decision, h->in_restore);
    for (uint32_t kind = 0; kind < FAULTS_COUNT && at < size; kind++)
        at += (size_t)snprintf(text + at, size - at, " %u %s,", f->struck[kind], NAMES[kind]);
    if (at < size)
        snprintf(text + at, size - at,
                 " %" PRIu64 " commits, %" PRIu64 " restores, %" PRIu64
                 " tasks kept over a rebalance, %" PRId64 " rows, %" PRId64 " late, %" PRId64
                 " results",
                 f->commits, f->restores, f->kept, f->round.law->rows_sent, f->round.law->rows_late,
                 f->round.law->results_seen);
}

/* Every fault hit live work, and each kind struck. */
static bool has_struck(fleet *f)
{
    const mr_crash_hits *h = &f->round.hits;
    if (h->faults != h->in_open_epoch + h->in_restore)
        return mr_crash_round_fail(&f->round, NULL, "a fault hit no live work");
    return has_each_struck(f) || mr_crash_round_fail(&f->round, NULL, "some fault never struck");
}

static bool play_fleet(mr_crash_env *env, const char *stem, uint32_t later_tasks, int64_t seconds,
                       char *text, size_t size)
{
    static const fleet none;
    fleet f = none;
    bool is_good = begin(&f, env, stem, later_tasks) && play(&f, env->is_quick ? 40 : seconds) &&
                   judge(&f) && has_struck(&f);
    if (is_good)
        tell(&f, text, size);
    else
        snprintf(text, size, "%s", f.round.why);
    release(&f);
    return is_good;
}

bool mr_crash_fleet(mr_crash_env *env, char *text, size_t size)
{
    return play_fleet(env, "fleet", 0, env->seconds, text, size);
}

bool mr_crash_exchange(mr_crash_env *env, char *text, size_t size)
{
    return play_fleet(env, "exchange", 3, env->seconds / 2, text, size);
}

/* What each worker has restored in its life; false: another one's number is a new one. */
static bool is_settled(const fleet *f, uint64_t owned[WORKERS])
{
    bool is_same = true;
    for (uint32_t i = 0; i < WORKERS; i++) {
        uint64_t restores = atomic_load(&f->members[i].life.page->restores);
        is_same = is_same && restores == owned[i];
        owned[i] = restores;
    }
    return is_same;
}

/* Restarts a worker. What the others own must stay theirs: they restore nothing. `is_void`: it took
 * so long that its session may have ended, and tasks moved as they should then. */
static bool restart(fleet *f, member *m, bool *is_void)
{
    uint64_t owned[WORKERS];
    do
        (void)is_settled(f, owned);
    while (await_commits(f, 100) && !is_settled(f, owned));
    int64_t began = mr_crash_now_ms();
    if (!stop_orderly(f, m) || !start(f, m))
        return false;
    if (!mr_crash_life_await_commits(&m->life, 5, READY_MS))
        return mr_crash_round_fail(&f->round, &m->life, "no commits after its restart");
    /* Its own life before may have restored some that a later one to join then took. */
    owned[m - f->members] = atomic_load(&m->life.page->restores);
    bool has_moved = !is_settled(f, owned);
    *is_void = has_moved && mr_crash_now_ms() - began > ROLL_MS_MAX;
    return !has_moved || *is_void || mr_crash_round_fail(&f->round, &m->life, "a task moved");
}

/* Restarts each worker in turn. */
static bool roll(fleet *f)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        bool is_void = true;
        mr_crash_feed_allow(f->round.feed, MR_CRASH_TIME_END * (i + 1) / WORKERS);
        for (int tries = 0; is_void && tries < ROLL_TRIES; tries++)
            if (!restart(f, &f->members[i], &is_void))
                return false;
        if (is_void)
            return mr_crash_round_fail(&f->round, NULL, "no restart was within a session");
    }
    return true;
}

bool mr_crash_rolling(mr_crash_env *env, char *text, size_t size)
{
    static const fleet none;
    fleet f = none;
    /* Settled: the shares of a growing fleet move until all have joined. */
    bool is_good = begin(&f, env, "rolling", 0) && await_commits(&f, 300) && roll(&f) &&
                   stop_all(&f) && judge(&f);
    if (is_good)
        snprintf(text, size, "%d workers restarted, no task moved; %" PRIu64 " restores", WORKERS,
                 f.restores);
    else
        snprintf(text, size, "%s", f.round.why);
    release(&f);
    return is_good;
}

/* While the broker stands still an open epoch stays open; between two it would prove nothing. */
static void freeze_broker(const mr_crash_env *env, const mr_crash_life *life)
{
    for (int i = 0; i < CATCH_TRIES; i++) {
        mr_crash_broker_freeze(env);
        mr_crash_sleep_us(50000); /* what was on its way has come */
        if (is_open_epoch(life))
            return;
        mr_crash_broker_thaw(env);
        mr_crash_sleep_us(5000);
    }
    mr_crash_broker_freeze(env);
}

/* A broker that stood still has put members out of the group, and those that rejoined without
 * hearing so are fenced by themselves. Every worker must come to commits again. */
static bool stall(fleet *f)
{
    mr_crash_env *env = f->round.env;
    for (uint32_t i = 0; i < STALLS; i++) {
        mr_crash_feed_allow(f->round.feed, MR_CRASH_TIME_END * (i + 1) / STALLS);
        member *m = &f->members[mr_crash_draw(env, WORKERS)];
        if (!mr_crash_life_await_commits(&m->life, atomic_load(&m->life.page->commits) + 3,
                                         READY_MS))
            return mr_crash_round_fail(&f->round, &m->life, "no commits before the broker stood");
        mr_crash_sleep_us((int64_t)mr_crash_draw(env, 100000));
        freeze_broker(env, &m->life);
        mr_crash_round_note(&f->round, &m->life);
        mr_crash_sleep_us((STALL_MS + (int64_t)mr_crash_draw(env, STALL_MS)) * 1000);
        mr_crash_broker_thaw(env);
        for (uint32_t k = 0; k < WORKERS; k++) {
            m = &f->members[k];
            uint64_t commits = atomic_load(&m->life.page->commits);
            if (!mr_crash_life_await_commits(&m->life, commits + 3, READY_MS))
                return mr_crash_round_fail(&f->round, &m->life, "no commits after the broker");
        }
    }
    return true;
}

bool mr_crash_broker_frozen(mr_crash_env *env, char *text, size_t size)
{
    static const fleet none;
    fleet f = none;
    bool is_good = begin(&f, env, "stalled", 0) && stall(&f) && stop_all(&f) && judge(&f);
    const mr_crash_hits *h = &f.round.hits;
    if (is_good && h->in_open_epoch + h->in_restore == 0)
        is_good = mr_crash_round_fail(&f.round, NULL, "no stall hit live work");
    if (is_good)
        snprintf(text, size,
                 "%u stalls, %u in an open epoch, %u in a restore; %" PRIu64 " commits, %" PRIu64
                 " restores, %" PRId64 " rows, %" PRId64 " results",
                 h->faults, h->in_open_epoch, h->in_restore, f.commits, f.restores,
                 f.round.law->rows_sent, f.round.law->results_seen);
    else
        snprintf(text, size, "%s", f.round.why);
    release(&f);
    return is_good;
}
