/*
 * sim_windows: windows and deduplication against the oracle, over generated histories.
 *
 * Every history goes through the real task several times: batches as long as they can be, a batch a
 * row, cut at random, killed and restarted at random places, the same with its state out of memory,
 * and by its journal; every 16th also cut behind each of its rows. All must give the oracle's
 * results, late rows (with windows, watermark and lateness) and counts; the replay of a journal the
 * same lines in the same order. Plays histories of all kinds, and then of sessions alone: a quarter
 * as many, with --seeds as many; with --kind of that one only.
 *
 *   sim_windows [--seeds N] [--kind session] [--first S] [--seed S] [--quick]
 */
#include "engine/base/assert.h"
#include "tests/sim/window_expect.h"
#include "tests/sim/window_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORIES 100000
#define HISTORIES_QUICK 10000
#define SHOWN_MAX 5
#define CUT_EACH_EVERY 16

typedef struct expected {
    mr_window_lines results, late;
    const mr_oracle *oracle;
} expected;

typedef struct hits {
    uint64_t runs, rows, results, late, kills, kills_within_fire, fires_in_parts;
    uint64_t left, returned;
} hits;

static void expect(const mr_history *history, mr_oracle *oracle, expected *want)
{
    mr_oracle_init(oracle, &history->job);
    for (uint32_t e = 0; e < history->events_count; e++) {
        const mr_history_event *event = &history->events[e];
        switch (event->kind) {
        case MR_HISTORY_ROW: mr_oracle_take(oracle, &history->rows[event->row]); break;
        case MR_HISTORY_IDLE: mr_oracle_idle(oracle, event->input); break;
        case MR_HISTORY_END: mr_oracle_end(oracle, event->input); break;
        case MR_HISTORY_AWAKE: mr_oracle_awake(oracle, event->input); break;
        }
    }
    *want = (expected){.oracle = oracle};
    mr_window_expect(oracle, &want->results, &want->late);
}

static bool same(const expected *want, mr_window_outcome *got)
{
    mr_window_lines_sort(&got->results);
    mr_window_lines_sort(&got->late);
    const mr_oracle *oracle = want->oracle;
    bool is_same = mr_window_lines_same("result", &want->results, &got->results) &&
                   mr_window_lines_same("late row", &want->late, &got->late);
    bool counts = got->accepted == oracle->accepted && got->filtered == oracle->filtered &&
                  got->dead == oracle->dead && got->broken == oracle->broken;
    if (!counts)
        printf("  counts differ: accepted %" PRIu64 "/%" PRIu64 ", filtered %" PRIu64 "/%" PRIu64
               ", dead %" PRIu64 "/%" PRIu64 "\n",
               got->accepted, oracle->accepted, got->filtered, oracle->filtered, got->dead,
               oracle->dead);
    return is_same && counts;
}

static bool run_once(const mr_history *history, const expected *want, mr_window_options options,
                     const char *name, hits *seen)
{
    mr_window_outcome outcome;
    mr_window_run(history, &options, &outcome);
    seen->runs++;
    seen->kills += outcome.kills;
    seen->kills_within_fire += outcome.kills_within_fire;
    seen->fires_in_parts += outcome.fires_in_parts;
    seen->left += outcome.left;
    seen->returned += outcome.returned;
    bool is_good = same(want, &outcome);
    if (!is_good)
        printf("  in the run %s (%" PRIu32 ")\n", name, options.cut_behind);
    mr_window_outcome_release(&outcome);
    return is_good;
}

/* Runs once, then by the journal of that run: the same lines in the same order. */
static bool replay(const mr_history *history, const expected *want, mr_window_options options,
                   hits *seen)
{
    mr_window_outcome first, second;
    mr_window_run(history, &options, &first);
    mr_window_replay(history, &first.journal, &second);
    seen->runs += 2;
    bool is_good = mr_window_lines_same("replayed result", &first.results, &second.results) &&
                   mr_window_lines_same("replayed late row", &first.late, &second.late) &&
                   same(want, &first);
    if (!is_good)
        printf("  in the replay\n");
    mr_window_outcome_release(&first);
    mr_window_outcome_release(&second);
    return is_good;
}

static bool play(uint64_t seed, int kind, hits *seen)
{
    mr_history history;
    mr_oracle oracle;
    expected want;
    mr_history_init(&history, seed, kind);
    expect(&history, &oracle, &want);
    mr_window_options whole = {.seed = seed, .cut_behind = UINT32_MAX};
    mr_window_options rows = whole, cut = whole, killed = whole, evicted;
    rows.cut_every = history.is_big ? 64 : 1;
    cut.cut_every = history.is_big ? 1000 : 4;
    killed.cut_every = history.is_big ? 3000 : 3;
    killed.is_killed = true;
    evicted = killed;
    evicted.is_evicted = true;
    bool is_good = run_once(&history, &want, whole, "uncut", seen) &&
                   run_once(&history, &want, rows, "row by row", seen) &&
                   run_once(&history, &want, killed, "killed", seen) &&
                   run_once(&history, &want, evicted, "killed, with state out of memory", seen);
    if (is_good && seed % 2 == 0)
        is_good = replay(&history, &want, cut, seen);
    for (uint32_t r = 0; is_good && seed % CUT_EACH_EVERY == 1 && r < history.rows_count; r++) {
        mr_window_options once = whole;
        once.cut_behind = r;
        is_good = run_once(&history, &want, once, "cut behind one row", seen);
    }
    seen->rows += history.rows_count;
    seen->results += want.results.count;
    seen->late += want.late.count;
    mr_window_lines_release(&want.results);
    mr_window_lines_release(&want.late);
    mr_oracle_release(&oracle);
    mr_history_release(&history);
    return is_good;
}

typedef struct choice {
    uint64_t first, count, sessions; /* histories of all kinds, then of sessions alone */
    int kind;
} choice;

static bool parse(int argc, char **argv, choice *to)
{
    static const char *const kinds[] = {"tumble", "hop", "cumulate", "first", "session"};
    *to = (choice){.kind = MR_HISTORY_ANY, .first = 1, .count = HISTORIES};
    to->sessions = to->count / 4;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            to->count = HISTORIES_QUICK;
            to->sessions = to->count / 4;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            to->count = to->sessions = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--kind") == 0) {
            for (int k = 0; k < (int)MR_LENGTH(kinds); k++)
                to->kind = strcmp(next, kinds[k]) == 0 ? k : to->kind;
            if (to->kind == MR_HISTORY_ANY)
                to->count = 0; /* no history can be drawn */
            i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            to->first = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            to->first = strtoull(next, NULL, 10), i++;
            to->count = 1;
            to->sessions = 0;
        } else {
            fprintf(stderr, "usage: sim_windows [--seeds N] [--kind KIND] [--first S] "
                            "[--seed S] [--quick]\n");
            return false;
        }
    }
    return to->count > 0;
}

static void play_all(uint64_t first, uint64_t count, int kind, hits *seen, uint64_t *passed,
                     uint64_t *failed)
{
    for (uint64_t s = 0; s < count && *failed < SHOWN_MAX; s++) {
        if (play(first + s, kind, seen)) {
            ++*passed;
            continue;
        }
        ++*failed;
        printf("seed %" PRIu64 " of kind %d differs from the oracle\n", first + s, kind);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    choice mine;
    uint64_t passed = 0, failed = 0;
    if (!parse(argc, argv, &mine))
        return 2;
    hits seen = {0};
    play_all(mine.first, mine.count, mine.kind, &seen, &passed, &failed);
    if (mine.kind == MR_HISTORY_ANY) /* sessions keep the most between their rows */
        play_all(mine.first, mine.sessions, MR_ORACLE_SESSION, &seen, &passed, &failed);
    printf("runs %" PRIu64 ", rows %" PRIu64 ", results %" PRIu64 ", late rows %" PRIu64
           ", kills %" PRIu64 " (%" PRIu64 " within a fire), fires in parts %" PRIu64
           ", entries left memory %" PRIu64 ", came back %" PRIu64 "\n",
           seen.runs, seen.rows, seen.results, seen.late, seen.kills, seen.kills_within_fire,
           seen.fires_in_parts, seen.left, seen.returned);
    /* A suite whose faults hit nothing proves nothing. Fires in parts are about 15 in 100,000
     * histories, so the few of a quick run may all go unkilled. */
    bool must_hit_all = mine.count >= HISTORIES;
    if ((mine.count >= HISTORIES_QUICK && (seen.late == 0 || seen.returned == 0)) ||
        (must_hit_all && (seen.kills_within_fire == 0 || seen.fires_in_parts == 0))) {
        printf("no late row, no entry that came back or no kill within a fire was generated\n");
        failed++;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
