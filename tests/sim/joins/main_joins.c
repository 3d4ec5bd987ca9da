/*
 * sim_joins: the interval join against the oracle, over generated histories.
 *
 * Every history goes through the real task several times: batches as long as they can be, a batch
 * a row, killed and restarted at random places, and by its journal; every 16th also cut behind
 * each of its rows. All must give the oracle's results and counts; the replay of a journal the same
 * lines in the same order; and where all inputs ended nothing may be left in state.
 *
 *   sim_joins [--seeds N] [--first S] [--seed S] [--quick]
 */
#include "engine/base/assert.h"
#include "tests/sim/joins/join_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORIES 25000 /* tests/long plays 100,000 */
#define HISTORIES_QUICK 10000
#define SHOWN_MAX 5
#define CUT_EACH_EVERY 16

typedef struct expected {
    mr_window_lines results;
    const mr_join_oracle *oracle;
    bool is_over; /* all inputs have ended */
} expected;

typedef struct hits {
    uint64_t runs, rows, results, padded, late_pairs, late_rows, kills, kills_within_work,
        works_in_parts;
} hits;

static void expect(const mr_join_history *history, mr_join_oracle *oracle, expected *want)
{
    mr_join_oracle_init(oracle, &history->job);
    for (uint32_t e = 0; e < history->events_count; e++) {
        const mr_history_event *event = &history->events[e];
        switch (event->kind) {
        case MR_HISTORY_ROW: mr_join_oracle_take(oracle, &history->rows[event->row]); break;
        case MR_HISTORY_IDLE: mr_join_oracle_idle(oracle, event->input); break;
        case MR_HISTORY_END: mr_join_oracle_end(oracle, event->input); break;
        case MR_HISTORY_AWAKE: mr_join_oracle_awake(oracle, event->input); break;
        }
    }
    *want = (expected){.oracle = oracle, .is_over = true};
    for (uint32_t i = 0; i < history->job.inputs_count; i++)
        want->is_over = want->is_over && oracle->is_ended[i];
    for (size_t i = 0; i < oracle->results_count; i++) {
        char line[512];
        mr_join_line(history, oracle->results[i].left, oracle->results[i].right, line, sizeof line);
        mr_window_lines_add(&want->results, line);
    }
    mr_window_lines_sort(&want->results);
}

static bool same_lines(const char *what, const mr_window_lines *want, const mr_window_lines *got)
{
    size_t i = 0;
    while (i < want->count && i < got->count &&
           strcmp(mr_window_line(want, i), mr_window_line(got, i)) == 0)
        i++;
    if (i == want->count && i == got->count)
        return true;
    printf("  %s %zu of %zu/%zu: expected `%s`, got `%s`\n", what, i, want->count, got->count,
           i < want->count ? mr_window_line(want, i) : "nothing",
           i < got->count ? mr_window_line(got, i) : "nothing");
    return false;
}

static bool same(const expected *want, mr_join_outcome *got)
{
    mr_window_lines_sort(&got->results);
    const mr_join_oracle *oracle = want->oracle;
    bool counts = got->accepted == oracle->accepted && got->filtered == oracle->filtered &&
                  got->dead == oracle->dead && got->broken == oracle->broken;
    if (!counts)
        printf("  counts differ: accepted %" PRIu64 "/%" PRIu64 ", filtered %" PRIu64 "/%" PRIu64
               ", dead %" PRIu64 "/%" PRIu64 "\n",
               got->accepted, oracle->accepted, got->filtered, oracle->filtered, got->dead,
               oracle->dead);
    bool is_empty = !want->is_over || got->entries_left == 0;
    if (!is_empty)
        printf("  %" PRIu64 " entries are left at the end\n", got->entries_left);
    return same_lines("result", &want->results, &got->results) && counts && is_empty;
}

static bool run_once(const mr_join_history *history, const expected *want,
                     mr_window_options options, const char *name, hits *seen)
{
    mr_join_outcome outcome;
    mr_join_run(history, &options, &outcome);
    seen->runs++;
    seen->kills += outcome.kills;
    seen->kills_within_work += outcome.kills_within_work;
    seen->works_in_parts += outcome.works_in_parts;
    bool is_good = same(want, &outcome);
    if (!is_good)
        printf("  in the run %s (%" PRIu32 ")\n", name, options.cut_behind);
    mr_join_outcome_release(&outcome);
    return is_good;
}

/* Runs once, then by the journal of that run: the same lines in the same order. */
static bool replay(const mr_join_history *history, const expected *want, mr_window_options options,
                   hits *seen)
{
    mr_join_outcome first, second;
    mr_join_run(history, &options, &first);
    mr_join_replay(history, &first.journal, &second);
    seen->runs += 2;
    bool is_good =
        same_lines("replayed result", &first.results, &second.results) && same(want, &first);
    if (!is_good)
        printf("  in the replay\n");
    mr_join_outcome_release(&first);
    mr_join_outcome_release(&second);
    return is_good;
}

static void count_seen(const mr_join_history *history, const mr_join_oracle *oracle, hits *seen)
{
    seen->rows += history->rows_count;
    seen->results += oracle->results_count;
    seen->late_pairs += oracle->late_pairs;
    seen->late_rows += oracle->late_rows;
    for (size_t i = 0; i < oracle->results_count; i++)
        seen->padded += oracle->results[i].right == NULL;
}

static bool play(uint64_t seed, hits *seen)
{
    mr_join_history history;
    mr_join_oracle oracle;
    expected want;
    mr_join_history_init(&history, seed);
    expect(&history, &oracle, &want);
    mr_window_options whole = {.seed = seed, .cut_behind = UINT32_MAX};
    mr_window_options rows = whole, cut = whole, killed = whole;
    rows.cut_every = history.is_big ? 64 : 1;
    cut.cut_every = history.is_big ? 1000 : 4;
    killed.cut_every = history.is_big ? 3000 : 3;
    killed.is_killed = true;
    bool is_good = run_once(&history, &want, whole, "uncut", seen) &&
                   run_once(&history, &want, rows, "row by row", seen) &&
                   run_once(&history, &want, killed, "killed", seen);
    if (is_good && seed % 2 == 0)
        is_good = replay(&history, &want, cut, seen);
    for (uint32_t r = 0; is_good && seed % CUT_EACH_EVERY == 1 && r < history.rows_count; r++) {
        mr_window_options once = whole;
        once.cut_behind = r;
        is_good = run_once(&history, &want, once, "cut behind one row", seen);
    }
    count_seen(&history, &oracle, seen);
    mr_window_lines_release(&want.results);
    mr_join_oracle_release(&oracle);
    mr_join_history_release(&history);
    return is_good;
}

static bool parse(int argc, char **argv, uint64_t *first, uint64_t *count)
{
    *first = 1;
    *count = HISTORIES;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            *count = HISTORIES_QUICK;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            *count = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            *first = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            *first = strtoull(next, NULL, 10), i++;
            *count = 1;
        } else {
            fprintf(stderr, "usage: sim_joins [--seeds N] [--first S] [--seed S] [--quick]\n");
            return false;
        }
    }
    return *count > 0;
}

int main(int argc, char **argv)
{
    uint64_t first, count, passed = 0, failed = 0;
    if (!parse(argc, argv, &first, &count))
        return 2;
    hits seen = {0};
    for (uint64_t s = 0; s < count && failed < SHOWN_MAX; s++) {
        if (play(first + s, &seen)) {
            passed++;
            continue;
        }
        failed++;
        printf("seed %" PRIu64 " differs from the oracle\n", first + s);
        fflush(stdout);
    }
    printf("runs %" PRIu64 ", rows %" PRIu64 ", results %" PRIu64 " (%" PRIu64 " padded, %" PRIu64
           " by late rows), rows too late to be kept %" PRIu64 ", kills %" PRIu64 " (%" PRIu64
           " within a batch or fire), works in parts %" PRIu64 "\n",
           seen.runs, seen.rows, seen.results, seen.padded, seen.late_pairs, seen.late_rows,
           seen.kills, seen.kills_within_work, seen.works_in_parts);
    /* A suite whose faults hit nothing proves nothing. */
    if (count >= HISTORIES_QUICK && (seen.late_pairs == 0 || seen.late_rows == 0 ||
                                     seen.kills_within_work == 0 || seen.works_in_parts == 0)) {
        printf("no late row, or no kill within a batch or a fire, was generated\n");
        failed++;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
