/*
 * Guarantee at-least-once under kill -9: state stays exact against offsets, outputs may repeat.
 *
 * The feed is orderly, so no row is late however the inputs interleave, and a window's result is
 * the same each time it is written: every result, first or repeated, must be exactly what was sent,
 * every window has one, and every broken record is in the dead letters at least once. Half of the
 * kills must have hit an open epoch.
 */
#include "tests/crash/round/round.h"
#include "tests/crash/scenarios/scenarios.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_MS MR_CRASH_PATIENCE_MS
#define WINDOW_MS 10
#define WINDOWS (MR_SIM_TIME_MAX / WINDOW_MS)

typedef struct tally {
    mr_sim_cell sent[MR_SIM_KEYS][WINDOWS];
    bool is_seen[MR_SIM_KEYS][WINDOWS];
    uint64_t results, repeated, broken_repeated;
} tally;

static void sum_up(tally *all, const mr_sim_law *law)
{
    for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
        for (int64_t time = 0; time < MR_SIM_TIME_MAX; time++) {
            all->sent[key][time / WINDOW_MS].count += law->sent[key][time].count;
            all->sent[key][time / WINDOW_MS].sum += law->sent[key][time].sum;
        }
    }
}

static bool take_result(mr_crash_round *round, tally *all, const char *line)
{
    uint32_t key;
    int64_t start, end, count, sum;
    if (sscanf(line, "k%" SCNu32 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64, &key, &start,
               &end, &count, &sum) != 5 ||
        key >= MR_SIM_KEYS || start < 0 || start % WINDOW_MS != 0 || start >= MR_SIM_TIME_MAX) {
        snprintf(round->why, sizeof round->why, "malformed result `%s`", line);
        return false;
    }
    mr_sim_cell sent = all->sent[key][start / WINDOW_MS];
    bool *is_seen = &all->is_seen[key][start / WINDOW_MS];
    all->results++;
    all->repeated += *is_seen;
    *is_seen = true;
    if (count == sent.count && sum == sent.sum)
        return true;
    snprintf(round->why, sizeof round->why,
             "result `%s`, but %" PRId64 " rows with sum %" PRId64 " were sent", line, sent.count,
             sent.sum);
    return false;
}

/* Feeds each line of a topic to `take`. */
static bool each_line(mr_crash_round *round, const char *topic, int32_t partitions, tally *all,
                      bool (*take)(mr_crash_round *round, tally *all, const char *line))
{
    mr_buffer text = {0};
    bool is_good = mr_crash_topic_read(round->env->bootstrap, topic, partitions, &text, round->why,
                                       sizeof round->why);
    mr_buffer_put_u8(&text, '\0');
    char *rest = NULL;
    for (char *line = strtok_r(text.data, "\n", &rest); is_good && line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        is_good = take(round, all, line);
    mr_buffer_release(&text);
    return is_good;
}

static bool take_broken(mr_crash_round *round, tally *all, const char *line)
{
    uint64_t number;
    mr_sim_law *law = round->law;
    if (sscanf(line, "broken %" SCNu64, &number) != 1 || number >= law->broken_sent) {
        snprintf(round->why, sizeof round->why, "malformed dead letter `%s`", line);
        return false;
    }
    all->broken_repeated += law->broken_seen[number];
    law->broken_seen[number] = 1;
    return true;
}

static bool is_complete(mr_crash_round *round, const tally *all)
{
    for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
        for (uint32_t w = 0; w < WINDOWS; w++) {
            if (all->sent[key][w].count > 0 && !all->is_seen[key][w]) {
                snprintf(round->why, sizeof round->why, "k%" PRIu32 " has no result at %d", key,
                         (int)w * WINDOW_MS);
                return false;
            }
        }
    }
    for (uint64_t n = 0; n < round->law->broken_sent; n++) {
        if (round->law->broken_seen[n] == 0) {
            snprintf(round->why, sizeof round->why, "broken record %" PRIu64 " is nowhere", n);
            return false;
        }
    }
    return true;
}

static bool play(mr_crash_round *round, tally *all)
{
    int64_t kills = round->env->is_quick ? 3 : 8;
    mr_crash_worker_options options = mr_crash_round_worker(round, "a");
    for (int64_t k = 0; k < kills; k++) {
        mr_crash_life life;
        mr_crash_feed_allow(round->feed, MR_CRASH_TIME_END * (k + 1) / kills);
        mr_crash_round_start(round, &life, &options);
        bool is_good = mr_crash_life_await_commits(&life, 2, READY_MS) ||
                       mr_crash_round_fail(round, &life, "it did not come to commits");
        mr_crash_sleep_us((int64_t)mr_crash_draw(round->env, 200000));
        if (is_good)
            mr_crash_round_kill_at_work(round, &life);
        mr_crash_life_end(&life);
        if (!is_good)
            return false;
    }
    if (round->hits.in_open_epoch * 2 < round->hits.faults)
        return mr_crash_round_fail(round, NULL, "too few kills hit an open epoch");
    if (!mr_crash_round_finish(round, &options) || !mr_crash_round_take_input(round))
        return false;
    sum_up(all, round->law);
    return each_line(round, round->out, 1, all, take_result) &&
           each_line(round, round->dlq, MR_SIM_PARTITIONS, all, take_broken) &&
           is_complete(round, all);
}

bool mr_crash_at_least_once(mr_crash_env *env, char *text, size_t size)
{
    mr_crash_round_options options = {.sim = {.guarantee = MR_AT_LEAST_ONCE}, .is_orderly = true};
    mr_crash_round round;
    tally *all = calloc(1, sizeof *all);
    MR_ASSERT(all != NULL);
    bool is_good = mr_crash_round_begin(&round, env, "least", &options) && play(&round, all);
    if (is_good)
        snprintf(text, size,
                 "%u kills, %u with an open epoch; %" PRIu64 " results, %" PRIu64
                 " of them repeated, %" PRIu64 " dead letters repeated",
                 round.hits.faults, round.hits.in_open_epoch, all->results, all->repeated,
                 all->broken_repeated);
    else
        snprintf(text, size, "%s", round.why);
    mr_crash_round_end(&round);
    free(all);
    return is_good;
}
