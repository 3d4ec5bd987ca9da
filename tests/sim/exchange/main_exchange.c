/*
 * sim_exchange: a keyed stage behind an exchange against the oracle.
 *
 * Each case of each kind (exchange_case.h) is played twice: undisturbed, and with kills of tasks of
 * both stages. ONE and FIXED must give the oracle's results, late rows and counts; ANY the law: per
 * (key, window) the rows sent are those counted and those late. Then cases are played with
 * something left out, until it is noticed.
 *
 *   sim_exchange [--cases N] [--first S] [--seed S] [--quick]
 */
#include "engine/base/assert.h"
#include "tests/sim/exchange/exchange_plan.h"
#include "tests/sim/exchange/exchange_run.h"
#include "tests/sim/window_expect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASES 10000
#define CASES_QUICK 3000
#define SHOWN_MAX 5
#define SABOTAGED_MAX 4000 /* cases played until something left out must have been noticed */

typedef struct hits {
    uint64_t runs, rows, results, late, frames, partials, kills[2];
} hits;

/* ---- ONE and FIXED: the oracle's lines ---- */

/* Lines changed by `edit`, sorted. */
static void edit_lines(mr_window_lines *lines, const mr_oracle_job *job,
                       void (*edit)(const mr_oracle_job *job, char *line))
{
    mr_window_lines edited = {0};
    for (size_t i = 0; i < lines->count; i++) {
        char line[1024];
        snprintf(line, sizeof line, "%s", mr_window_line(lines, i));
        edit(job, line);
        mr_window_lines_add(&edited, line);
    }
    mr_window_lines_release(lines);
    *lines = edited;
    mr_window_lines_sort(lines);
}

/* A late row without the watermark it was judged by: that depends on the interleaving. */
static void cut_watermark(const mr_oracle_job *job, char *line)
{
    (void)job;
    for (int i = 0; i < 2; i++)
        *strrchr(line, '|') = '\0';
}

static bool same(mr_exchange_case *c, mr_exchange_outcome *got)
{
    mr_window_lines results = {0}, late = {0};
    mr_window_expect(&c->oracle, &results, &late);
    if (c->has_partials)
        edit_lines(&results, &c->job, mr_exchange_plan_narrow);
    if (c->kind == MR_CASE_FIXED) {
        edit_lines(&late, &c->job, cut_watermark);
        edit_lines(&got->late, &c->job, cut_watermark);
    }
    mr_window_lines_sort(&got->results);
    mr_window_lines_sort(&got->late);
    bool is_same = mr_window_lines_same("result", &results, &got->results) &&
                   mr_window_lines_same("late row", &late, &got->late);
    if (is_same && (got->dead != c->oracle.dead || got->broken != c->oracle.broken)) {
        printf("  dead %" PRIu64 "/%" PRIu64 ", broken %" PRIu64 "/%" PRIu64 "\n", c->oracle.dead,
               got->dead, c->oracle.broken, got->broken);
        is_same = false;
    }
    mr_window_lines_release(&results);
    mr_window_lines_release(&late);
    return is_same;
}

/* ---- ANY: the law ---- */

typedef struct tally {
    int32_t key;
    int64_t start_ms, rows; /* sent - counted - late */
} tally;

typedef struct tallies {
    tally *list;
    size_t count;
} tallies;

static void add(tallies *to, int32_t key, int64_t start, int64_t rows)
{
    for (size_t i = 0; i < to->count; i++)
        if (to->list[i].key == key && to->list[i].start_ms == start) {
            to->list[i].rows += rows;
            return;
        }
    to->list = realloc(to->list, (to->count + 1) * sizeof *to->list);
    MR_ASSERT(to->list != NULL);
    to->list[to->count++] = (tally){key, start, rows};
}

static bool keeps_law(const mr_exchange_case *c, const mr_exchange_outcome *got)
{
    tallies all = {0};
    for (uint32_t r = 0; r < c->history.rows_count; r++) {
        const mr_oracle_row *row = &c->history.rows[r];
        int64_t rest = (row->time_ms - c->job.offset_ms) % c->job.size_ms;
        if (!row->is_broken && row->has_time)
            add(&all, row->key, row->time_ms - (rest < 0 ? rest + c->job.size_ms : rest), 1);
    }
    for (size_t i = 0; i < got->results.count; i++) {
        int32_t key;
        int64_t start, end, count;
        int fields =
            sscanf(mr_window_line(&got->results, i),
                   "k%" SCNd32 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64, &key, &start, &end, &count);
        MR_ASSERT(fields == 4);
        add(&all, key, start, -count);
    }
    for (size_t i = 0; i < got->late.count; i++) {
        int64_t id, start;
        int fields =
            sscanf(mr_window_line(&got->late, i), "late|%" SCNd64 "|%" SCNd64, &id, &start);
        MR_ASSERT(fields == 2);
        add(&all, c->history.rows[id].key, start, -1);
    }
    bool is_kept = true;
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].rows != 0) {
            printf("  key %" PRId32 ", window %" PRId64 ": %" PRId64
                   " rows sent more than counted and late\n",
                   all.list[i].key, all.list[i].start_ms, all.list[i].rows);
            is_kept = false;
        }
    free(all.list);
    return is_kept;
}

/* ---- cases ---- */

static bool play(mr_exchange_case_kind kind, uint64_t seed, bool is_killed,
                 mr_exchange_sabotage sabotage, hits *seen)
{
    mr_exchange_case c;
    mr_exchange_outcome got;
    mr_exchange_case_init(&c, kind, seed);
    mr_exchange_options options = {.seed = seed, .is_killed = is_killed, .sabotage = sabotage};
    mr_exchange_run(&c, &options, &got);
    bool is_good = got.status == MR_OK;
    if (!is_good)
        printf("  MR%d %s\n", got.status, got.message);
    else
        is_good = kind == MR_CASE_ANY ? keeps_law(&c, &got) : same(&c, &got);
    if (!is_good)
        printf("  case %" PRIu64 " of kind %d, %" PRIu32 " upstreams, %" PRIu32
               " downstreams, job %d%s%s\n",
               seed, kind, c.upstreams, c.downstreams, c.job.kind,
               c.has_partials ? ", partials" : "", is_killed ? ", killed" : "");
    seen->runs++;
    seen->rows += c.history.rows_count;
    seen->results += got.results.count;
    seen->late += got.late.count;
    seen->frames += got.frames;
    seen->partials += got.partials;
    seen->kills[0] += got.kills[0];
    seen->kills[1] += got.kills[1];
    mr_exchange_outcome_release(&got);
    mr_exchange_case_release(&c);
    return is_good;
}

static void play_sabotaged(mr_exchange_sabotage sabotage)
{
    hits seen = {0};
    for (uint64_t seed = 1; seed <= SABOTAGED_MAX; seed++)
        for (int kind = 0; kind < MR_CASES; kind++)
            if (!play((mr_exchange_case_kind)kind, seed, true, sabotage, &seen))
                _exit(1);
    _exit(0);
}

/* Something is left out: sooner or later a case must differ, or an assertion must fail. */
static bool is_noticed(mr_exchange_sabotage sabotage)
{
    static const char *const names[] = {"nothing", "floor", "vector", "order", "commit"};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        /* What it says is expected, and no error of this run. */
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        play_sabotaged(sabotage);
    }
    int status = 0;
    MR_ASSERT(child > 0 && waitpid(child, &status, 0) == child);
    bool is_seen = !WIFEXITED(status) || WEXITSTATUS(status) == 1;
    printf("left out: %s: %s\n", names[sabotage],
           !is_seen            ? "nobody noticed"
           : WIFEXITED(status) ? "a case differs"
                               : "an assertion fails");
    return is_seen;
}

static bool parse(int argc, char **argv, uint64_t *first, uint64_t *count)
{
    *first = 1;
    *count = CASES;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            *count = CASES_QUICK;
        } else if (strcmp(argv[i], "--cases") == 0) {
            *count = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            *first = strtoull(next, NULL, 10), i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            *first = strtoull(next, NULL, 10), i++;
            *count = 1;
        } else {
            fprintf(stderr, "usage: sim_exchange [--cases N] [--first S] [--seed S] [--quick]\n");
            return false;
        }
    }
    return *count > 0;
}

/* False: something that ought to be hit never was. */
static bool print_hits(const char *kind, const hits *seen)
{
    printf("%s: runs %" PRIu64 ", rows %" PRIu64 ", results %" PRIu64 ", late rows %" PRIu64
           ", frames %" PRIu64 ", partials %" PRIu64 ", kills %" PRIu64 " before and %" PRIu64
           " behind the exchange\n",
           kind, seen->runs, seen->rows, seen->results, seen->late, seen->frames, seen->partials,
           seen->kills[0], seen->kills[1]);
    return seen->late > 0 && seen->partials > 0 && seen->kills[0] > 0 && seen->kills[1] > 0;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"one upstream", "fixed split", "any streams"};
    uint64_t first, count, passed = 0, failed = 0;
    hits seen[MR_CASES] = {{0}};
    if (!parse(argc, argv, &first, &count))
        return 2;
    for (uint64_t s = 0; s < count && failed < SHOWN_MAX; s++)
        for (int kind = 0; kind < MR_CASES; kind++)
            for (int is_killed = 0; is_killed < 2; is_killed++)
                if (play((mr_exchange_case_kind)kind, first + s, is_killed == 1, MR_SABOTAGE_NONE,
                         &seen[kind]))
                    passed++;
                else
                    failed++;
    for (int kind = 0; kind < MR_CASES; kind++)
        if (!print_hits(kinds[kind], &seen[kind]) && count >= CASES_QUICK)
            failed++;
    for (int s = 1; s < MR_SABOTAGES && count > 1; s++)
        if (is_noticed((mr_exchange_sabotage)s))
            passed++;
        else
            failed++;
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
