/*
 * The protocol broken on purpose, killed as in `kills`: the law must notice. A suite that holds
 * here would hold anything.
 *
 * apply   state goes to RocksDB before the decision; kills between the two leave it ahead
 * offsets state moves without the offsets; what was counted before a kill is counted again
 * deltas  offsets move without the state; what was counted before a kill is gone (log alone)
 * journal a restore forgets watermarks; windows that have fired fire again
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include <stdio.h>

#define READY_MS MR_CRASH_PATIENCE_MS
#define ROUNDS 12
#define KILLS_A_ROUND 8

typedef enum outcome {
    OUTCOME_HELD = 0,
    OUTCOME_BITTEN,
    OUTCOME_FAILED, /* something else is wrong */
} outcome;

/* A worker that refuses what it finds in its own state has noticed too, and so has one that dies of
 * an assertion of the engine. */
static outcome outcome_of(bool has_refused)
{
    return has_refused ? OUTCOME_BITTEN : OUTCOME_FAILED;
}

static outcome play(mr_crash_round *round, const char *dir, mr_worker_sabotage sabotage)
{
    mr_crash_worker_options options = mr_crash_round_worker(round, dir);
    options.sabotage = sabotage;
    options.apply_epochs = 1;
    options.base_bytes_min = UINT64_MAX; /* a base would heal what the deltas lack */
    for (int64_t k = 0; k < KILLS_A_ROUND; k++) {
        mr_crash_life life;
        mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END * (k + 1) / KILLS_A_ROUND);
        mr_crash_round_start(round, &life, &options);
        outcome ends = OUTCOME_HELD;
        if (mr_crash_life_await_commits(&life, 2, READY_MS)) {
            mr_crash_sleep_us((int64_t)mr_crash_draw(round->env, 120000));
            mr_crash_round_kill(round, &life);
        } else {
            ends = outcome_of(mr_crash_life_has_refused(&life));
            mr_crash_round_fail(round, &life, "a worker stopped");
        }
        mr_crash_life_end(&life);
        if (ends != OUTCOME_HELD)
            return ends;
    }
    if (!mr_crash_round_finish(round, &options))
        return outcome_of(round->has_refused);
    if (mr_crash_round_holds(round))
        return OUTCOME_HELD;
    return round->is_law_broken ? OUTCOME_BITTEN : OUTCOME_FAILED;
}

static bool bites(mr_crash_env *env, const char *stem, const char *dir, mr_worker_sabotage sabotage,
                  char *text, size_t size)
{
    outcome ends = OUTCOME_HELD;
    uint32_t rounds = 0, kills = 0;
    while (ends == OUTCOME_HELD && rounds < ROUNDS) {
        mr_crash_round_options options = {0};
        mr_crash_round round;
        ends = mr_crash_round_begin(&round, env, stem, &options) ? play(&round, dir, sabotage)
                                                                 : OUTCOME_FAILED;
        rounds++;
        kills += round.hits.faults;
        snprintf(text, size, "after %u kills: %s", kills, round.why);
        mr_crash_round_end(&round);
    }
    if (ends == OUTCOME_HELD)
        snprintf(text, size, "nothing was noticed in %u kills", kills);
    return ends == OUTCOME_BITTEN;
}

bool mr_crash_bites_apply(mr_crash_env *env, char *text, size_t size)
{
    mr_worker_sabotage sabotage = {.apply_before_decision = true};
    return bites(env, "apply", "a", sabotage, text, size);
}

bool mr_crash_bites_deltas(mr_crash_env *env, char *text, size_t size)
{
    mr_worker_sabotage sabotage = {.leave_out_deltas = true};
    return bites(env, "deltas", NULL, sabotage, text, size);
}

bool mr_crash_bites_offsets(mr_crash_env *env, char *text, size_t size)
{
    mr_worker_sabotage sabotage = {.leave_out_offsets = true};
    return bites(env, "offsets", "a", sabotage, text, size);
}

bool mr_crash_bites_journal(mr_crash_env *env, char *text, size_t size)
{
    mr_worker_sabotage sabotage = {.ignore_journal = true};
    return bites(env, "journal", "a", sabotage, text, size);
}
