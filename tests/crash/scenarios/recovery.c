/*
 * What a start finds, and what it must make of it: state in RocksDB and the log, in the log alone,
 * in a damaged directory; and what it must refuse with the facts instead of guessing: a state topic
 * that is gone, one that a stranger wrote to (that task alone where there are more), a bounded job
 * that has finished.
 *
 * Each run says that it hit something: workers die with an open epoch and in a restore, and what
 * must be refused is refused where it is met: in the restore, or, with the topic gone, in the start
 * before it.
 */
#include "engine/commit/epoch_record.h"
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READY_MS MR_CRASH_PATIENCE_MS
#define COMMITS 20
#define LIVES_TO_HIT 12 /* a restore is short: some kills come behind it */

typedef struct found {
    uint64_t epochs_from_log;
} found;

/* One life of at least that many commits, ended by SIGTERM (orderly: RocksDB holds all) or kill
 * -9. */
static bool live(mr_crash_round *round, const mr_crash_worker_options *options, int signal,
                 found *got)
{
    mr_crash_life life;
    mr_crash_round_start(round, &life, options);
    bool is_good = mr_crash_life_await_commits(&life, COMMITS, READY_MS) ||
                   mr_crash_round_fail(round, &life, "it did not come to commits");
    if (is_good && signal == SIGKILL) {
        mr_crash_round_kill_at_work(round, &life);
    } else if (is_good) {
        mr_crash_life_signal(&life, signal);
        is_good = mr_crash_life_await_end(&life, 0, READY_MS) ||
                  mr_crash_round_fail(round, &life, "SIGTERM did not end it orderly");
    }
    got->epochs_from_log = atomic_load(&life.page->epochs_restored);
    mr_crash_life_end(&life);
    return is_good;
}

/* SIGKILL came at least so often while an epoch was open. */
static bool has_hit_work(mr_crash_round *round)
{
    return round->hits.in_open_epoch > 0 ||
           mr_crash_round_fail(round, NULL, "no kill hit an open epoch");
}

/* A start that must be refused with this code, in this phase. */
static bool is_refused(mr_crash_round *round, const mr_crash_worker_options *options, int status,
                       mr_worker_phase phase)
{
    mr_crash_life life;
    mr_crash_round_start(round, &life, options);
    bool is_good = mr_crash_life_await_end(&life, 1, READY_MS) &&
                   atomic_load(&life.page->status) == status &&
                   atomic_load(&life.page->phase) == phase;
    if (!is_good)
        mr_crash_round_fail(round, &life, "it was not refused as it must be");
    mr_crash_life_end(&life);
    return is_good;
}

typedef bool play_function(mr_crash_round *round, const mr_crash_worker_options *options,
                           char *text, size_t size);

static bool run_with(mr_crash_env *env, const char *stem, uint32_t tasks, play_function *play,
                     char *text, size_t size)
{
    mr_crash_round_options options = {.sim.tasks_count = tasks};
    mr_crash_round round;
    bool is_good = mr_crash_round_begin(&round, env, stem, &options);
    if (is_good) {
        mr_crash_feed_allow(round.feed, 600);
        mr_crash_worker_options worker = mr_crash_round_worker(&round, "a");
        is_good = play(&round, &worker, text, size);
    }
    if (!is_good)
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    return is_good;
}

static bool run(mr_crash_env *env, const char *stem, play_function *play, char *text, size_t size)
{
    return run_with(env, stem, 1, play, text, size);
}

static bool play_log(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                     size_t size)
{
    found first, local, log, alone;
    char path[640];
    mr_crash_round_dir(round, "a", path, sizeof path);
    if (!live(round, options, SIGTERM, &first) || !live(round, options, SIGKILL, &local))
        return false;
    if (local.epochs_from_log != 0)
        return mr_crash_round_fail(round, NULL, "an orderly end left epochs outside of RocksDB");
    mr_crash_remove(path);
    mr_crash_feed_allow(round->feed, 2000);
    if (!mr_crash_round_kill_in_restore(round, options, LIVES_TO_HIT))
        return false;
    mr_crash_remove(path);
    if (!live(round, options, SIGTERM, &log))
        return false;
    mr_crash_worker_options bare = *options;
    bare.dir = NULL;
    bare.instance = "a";
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    if (!live(round, &bare, SIGKILL, &alone))
        return false;
    if (log.epochs_from_log == 0 || alone.epochs_from_log == 0)
        return mr_crash_round_fail(round, NULL, "state came from nowhere");
    snprintf(text, size,
             "epochs read from the log: 0 with RocksDB, %" PRIu64 " without its directory, %" PRIu64
             " without a store; %u kills with an open epoch, %u in a restore",
             log.epochs_from_log, alone.epochs_from_log, round->hits.in_open_epoch,
             round->hits.in_restore);
    return has_hit_work(round) && mr_crash_round_finish(round, options) &&
           mr_crash_round_holds(round);
}

bool mr_crash_recovers_from_log(mr_crash_env *env, char *text, size_t size)
{
    return run(env, "log", play_log, text, size);
}

/* Overwrites the middle of every table file below a folder, however it is named. */
static int garble(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)where;
    const char *end = strrchr(path, '.');
    if (kind != FTW_F || end == NULL || strcmp(end, ".sst") != 0)
        return 0;
    FILE *file = fopen(path, "r+");
    if (file == NULL)
        return 1;
    static const char noise[] = "not what was written here at all";
    for (long at = 0; at + (long)sizeof noise < (long)facts->st_size; at += 64) {
        fseek(file, at, SEEK_SET);
        fwrite(noise, 1, sizeof noise, file);
    }
    fclose(file);
    return 0;
}

static int remove_manifest(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    if (strncmp(path + where->base, "MANIFEST-", strlen("MANIFEST-")) == 0)
        remove(path);
    return 0;
}

/* How many stores were put aside. */
static uint32_t count_aside(const mr_crash_round *round)
{
    char command[1024], path[640];
    mr_crash_round_dir(round, "a", path, sizeof path);
    snprintf(command, sizeof command, "find '%s' -maxdepth 2 -name 'task-*.damaged-*' | wc -l",
             path);
    unsigned count = 0;
    FILE *pipe = popen(command, "r");
    if (pipe == NULL || fscanf(pipe, "%u", &count) != 1)
        count = 0;
    if (pipe != NULL)
        pclose(pipe);
    return count;
}

static bool play_damage(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                        size_t size)
{
    found got;
    char path[640];
    mr_crash_round_dir(round, "a", path, sizeof path);
    if (!live(round, options, SIGTERM, &got))
        return false;
    if (nftw(path, garble, 16, FTW_PHYS) != 0)
        return mr_crash_round_fail(round, NULL, "nothing could be damaged");
    mr_crash_feed_allow(round->feed, 2000);
    if (!live(round, options, SIGTERM, &got))
        return false;
    uint32_t aside = count_aside(round);
    if (aside != 1 || got.epochs_from_log == 0)
        return mr_crash_round_fail(round, NULL, "garbled tables were not put aside and rebuilt");
    nftw(path, remove_manifest, 16, FTW_PHYS);
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    if (!live(round, options, SIGKILL, &got))
        return false;
    aside = count_aside(round);
    if (aside != 2 || got.epochs_from_log == 0)
        return mr_crash_round_fail(round, NULL, "a store without manifest was not put aside");
    snprintf(text, size,
             "%u stores put aside and rebuilt from %" PRIu64 " epochs; %u kills with an open epoch",
             aside, got.epochs_from_log, round->hits.in_open_epoch);
    return has_hit_work(round) && mr_crash_round_finish(round, options) &&
           mr_crash_round_holds(round);
}

bool mr_crash_recovers_from_damage(mr_crash_env *env, char *text, size_t size)
{
    return run(env, "damage", play_damage, text, size);
}

static bool play_lost_log(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                          size_t size)
{
    found got;
    char path[640];
    mr_crash_round_dir(round, "a", path, sizeof path);
    if (!live(round, options, SIGTERM, &got) ||
        !mr_crash_topic_delete(round->env->bootstrap, round->state, round->why, sizeof round->why))
        return false;
    if (!is_refused(round, options, MR_E_STATE_PARTIAL, MR_WORKER_PREPARE))
        return false;
    mr_crash_remove(path);
    snprintf(text, size, "refused with local state and offsets, and with offsets alone");
    return is_refused(round, options, MR_E_STATE_PARTIAL, MR_WORKER_PREPARE);
}

bool mr_crash_refuses_lost_log(mr_crash_env *env, char *text, size_t size)
{
    return run(env, "lost", play_lost_log, text, size);
}

static bool play_foreign(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                         size_t size)
{
    found got;
    if (!live(round, options, SIGTERM, &got) ||
        !mr_crash_topic_put(round->env->bootstrap, round->state, 0, "a stranger was here",
                            round->why, sizeof round->why))
        return false;
    if (!is_refused(round, options, MR_E_STATE_FORMAT, MR_WORKER_RESTORE))
        return false;
    mr_crash_worker_options bare = *options;
    bare.dir = NULL;
    bare.instance = "a";
    snprintf(text, size, "refused with RocksDB and without");
    return is_refused(round, &bare, MR_E_STATE_FORMAT, MR_WORKER_RESTORE);
}

bool mr_crash_refuses_foreign_record(mr_crash_env *env, char *text, size_t size)
{
    return run(env, "foreign", play_foreign, text, size);
}

static bool play_parked(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                        size_t size)
{
    found got;
    if (!live(round, options, SIGTERM, &got) ||
        !mr_crash_topic_put(round->env->bootstrap, round->state, 1, "a stranger was here",
                            round->why, sizeof round->why))
        return false;
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    mr_crash_life life;
    mr_crash_round_start(round, &life, options);
    bool is_good = mr_crash_life_await_commits(&life, COMMITS, READY_MS) ||
                   mr_crash_round_fail(round, &life, "the other task did not go on");
    mr_crash_life_signal(&life, SIGTERM);
    is_good = is_good && mr_crash_life_await_end(&life, 1, READY_MS) &&
              atomic_load(&life.page->status) == MR_E_STATE_FORMAT;
    if (!is_good)
        mr_crash_round_fail(round, &life, "it did not end with what parked its task");
    mr_crash_life_end(&life);
    snprintf(text, size, "one of two tasks was parked, the other went on");
    return is_good;
}

bool mr_crash_parks_a_damaged_task(mr_crash_env *env, char *text, size_t size)
{
    return run_with(env, "parked", 2, play_parked, text, size);
}

static bool play_finished(mr_crash_round *round, const mr_crash_worker_options *options, char *text,
                          size_t size)
{
    found got;
    mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END);
    if (!live(round, options, SIGKILL, &got) || !mr_crash_round_finish(round, options))
        return false;
    mr_crash_worker_options again = *options;
    again.is_bounded = true;
    if (!is_refused(round, &again, MR_E_STATE_FINISHED, MR_WORKER_RESTORE))
        return false;
    snprintf(text, size, "refused bounded and unbounded; its output stays as it was");
    return has_hit_work(round) &&
           is_refused(round, options, MR_E_STATE_FINISHED, MR_WORKER_RESTORE) &&
           mr_crash_round_holds(round);
}

bool mr_crash_refuses_finished_job(mr_crash_env *env, char *text, size_t size)
{
    return run(env, "finished", play_finished, text, size);
}
