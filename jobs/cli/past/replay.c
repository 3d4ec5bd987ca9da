/* `millrace replay`: the job's past once more, into topics of its own; --compare: and is it the
 * same? */
#include "connectors/local/blackhole_sink.h"
#include "engine/replay/compare.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/past/past_job.h"
#include "jobs/cli/past/point.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".replay"
#define ROWS_SHOWN 10
#define VALUE_SHOWN 300

typedef struct replaying {
    const mr_flags *flags;
    mr_past_job job;
    bool is_terminal;
    int64_t began_us;
} replaying;

/* Signals are blocked and asked for, as under `run`. */
static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static bool is_stopping(void *hook)
{
    (void)hook;
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

/* ---- progress ---- */

static void show(void *hook, const mr_replay_progress *progress)
{
    const replaying *self = hook;
    if (!self->is_terminal)
        return;
    double seconds =
        (double)(self->job.clock.monotonic_us(&self->job.clock) - self->began_us) / 1e6;
    uint64_t total = progress->records_total > 0 ? progress->records_total : 1;
    uint64_t done = progress->records_done < total ? progress->records_done : total;
    double share =
        progress->epochs_done == progress->epochs_total ? 1.0 : (double)done / (double)total;
    char bar[25] = "", left[32] = "-";
    for (int i = 0; i < 24; i++)
        bar[i] = i < (int)(share * 24) ? '#' : '.';
    if (share > 0.01) {
        int64_t rest = (int64_t)(seconds * (1 - share) / share + 0.5);
        snprintf(left, sizeof left, "%" PRId64 ":%02" PRId64, rest / 60, rest % 60);
    }
    fprintf(stderr,
            "\r\033[K[%s] %3.0f %%  epoch %" PRIu64 " of %" PRIu64 "  %.0f records/s  ETA %s", bar,
            share * 100, progress->epochs_done, progress->epochs_total,
            seconds > 0 ? (double)progress->records_done / seconds : 0, left);
    fflush(stderr);
}

/* ---- what differs ---- */

static void print_bytes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && i < VALUE_SHOWN; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 32 || c == 127)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    if (length > VALUE_SHOWN)
        printf(".. (%zu bytes)", length);
}

static void print_row(void *context, const mr_compare_row *row)
{
    (void)context;
    const mr_record *record = row->record;
    printf("%c %s[%" PRId32 "]@%" PRId64 " ", row->is_live ? '-' : '+', row->topic, row->partition,
           record->offset);
    if (record->key != NULL) {
        print_bytes(record->key, record->key_length);
        printf(" = ");
    }
    if (record->value != NULL)
        print_bytes(record->value, record->value_length);
    else
        printf("NULL");
    putchar('\n');
}

static mr_status compare(const replaying *self, const mr_replay *replay, bool *is_equal,
                         mr_error *err)
{
    const mr_outputs *outputs = mr_replay_outputs(replay);
    mr_status status = MR_OK;
    *is_equal = true;
    for (uint32_t i = 0; status == MR_OK && i < outputs->count; i++) {
        mr_compare_request request = {.replay = replay,
                                      .moments = &self->job.moments,
                                      .rows_max = ROWS_SHOWN,
                                      .show = print_row};
        mr_compare_result result;
        status = mr_compare_topic(&request, &outputs->items[i], &result, err);
        if (status != MR_OK)
            break;
        bool is_same = result.missing + result.unexpected == 0;
        *is_equal = *is_equal && is_same;
        printf("%s %s: %" PRIu64 " equal, %" PRIu64 " only live (-), %" PRIu64
               " only in the replay (+)",
               is_same ? "same     " : "DIFFERENT", outputs->items[i].live, result.equal,
               result.missing, result.unexpected);
        if (result.edge > 0)
            printf("; %" PRIu64 " live rows at the edge", result.edge);
        putchar('\n');
    }
    return status;
}

static void print_difference(const mr_replay_difference *difference)
{
    if (difference->task == UINT32_MAX)
        return;
    fprintf(stderr,
            "the replay is not what the journal says from task %" PRIu32 ", epoch %" PRIu64
            " on: %s\n",
            difference->task, difference->epoch, difference->what);
}

/* ---- the command ---- */

/* Files and prints are the live job's. */
static void silence_sinks(mr_job *job)
{
    mr_plan *plan = &job->plan;
    mr_plan_sink *sinks =
        mr_arena_copy(&job->arena, plan->sinks, plan->sinks_count * sizeof *sinks);
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        if (sinks[s].topic == NULL && sinks[s].exchange == NULL &&
            sinks[s].open != mr_blackhole_sink_open) {
            fprintf(stderr, "note: `%s` is no topic: nothing is written there\n", sinks[s].table);
            sinks[s].open = mr_blackhole_sink_open;
        }
    plan->sinks = sinks;
}

static void print_range(const mr_replay *replay, const mr_plan *plan)
{
    for (uint32_t t = 0; t < plan->tasks_count; t++) {
        uint64_t from = mr_replay_from(replay)[t].epoch, to = mr_replay_to(replay)[t].epoch;
        if (from < to)
            fprintf(stderr, "task %" PRIu32 ": epochs %" PRIu64 " .. %" PRIu64 "\n", t, from + 1,
                    to);
        else
            fprintf(stderr, "task %" PRIu32 ": nothing behind epoch %" PRIu64 "\n", t, to);
    }
}

/* Nothing at all is no proof of anything. */
static mr_status check_range(const mr_replay *replay, const mr_plan *plan, mr_error *err)
{
    for (uint32_t t = 0; t < plan->tasks_count; t++)
        if (mr_replay_from(replay)[t].epoch < mr_replay_to(replay)[t].epoch)
            return MR_OK;
    return mr_error_set(err, MR_E_MOMENT,
                        "there is nothing to replay: no task has an epoch between these points");
}

static mr_exit work(replaying *self, const mr_replay_config *config)
{
    mr_replay *replay = NULL;
    mr_error err;
    bool is_equal = true;
    const mr_plan *plan = config->moments.plan;
    bool is_quiet = mr_flags_has(self->flags, MR_FLAG_QUIET);
    mr_status status = mr_replay_open(config, &replay, &err);
    if (status == MR_OK && !is_quiet)
        print_range(replay, plan);
    if (status == MR_OK)
        status = check_range(replay, plan, &err);
    self->began_us = self->job.clock.monotonic_us(&self->job.clock);
    if (status == MR_OK)
        status = mr_replay_run(replay, &err);
    if (self->is_terminal && status == MR_OK)
        fputc('\n', stderr);
    if (status == MR_OK && !is_quiet) {
        const mr_replay_progress *progress = mr_replay_progress_of(replay);
        fprintf(stderr, "replayed %" PRIu64 " epochs, %" PRIu64 " records, %" PRIu64 " rows\n",
                progress->epochs_done, progress->records_done, progress->rows);
    }
    if (status == MR_OK)
        print_difference(mr_replay_difference_of(replay));
    if (status == MR_OK && mr_flags_has(self->flags, MR_FLAG_COMPARE))
        status = compare(self, replay, &is_equal, &err);
    mr_exit exit = status != MR_OK ? mr_cli_fail(&err) : is_equal ? MR_EXIT_OK : MR_EXIT_FAILED;
    mr_replay_close(replay);
    return exit;
}

static mr_exit read_points(const mr_flags *flags, mr_replay_config *config, mr_arena *arena)
{
    mr_exit exit = MR_EXIT_OK;
    if (flags->from != NULL)
        exit = mr_point_read_flag("replay", "--from", flags->from, &config->moments, arena,
                                  &config->from);
    if (exit == MR_EXIT_OK && flags->to != NULL)
        exit =
            mr_point_read_flag("replay", "--to", flags->to, &config->moments, arena, &config->to);
    return exit;
}

mr_exit mr_command_replay(const mr_flags *flags)
{
    replaying self = {.flags = flags};
    mr_exit exit;
    sigset_t set;
    stop_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    self.is_terminal = isatty(STDERR_FILENO) == 1 && !mr_flags_has(flags, MR_FLAG_QUIET);
    if (mr_past_job_open(&self.job, flags, &exit)) {
        mr_arena *arena = &self.job.arena;
        const char *suffix = flags->suffix != NULL ? flags->suffix : SUFFIX;
        silence_sinks(self.job.text);
        mr_replay_config config = {.moments = self.job.moments,
                                   .from = {.kind = MR_POINT_EARLIEST},
                                   .to = {.kind = MR_POINT_END},
                                   .suffix = suffix,
                                   .transactional_id = mr_arena_printf(
                                       arena, "%s-replay%s", self.job.moments.plan->job, suffix),
                                   .is_stopping = is_stopping,
                                   .show = show,
                                   .hook = &self};
        exit = read_points(flags, &config, arena);
        if (exit == MR_EXIT_OK && *suffix == '\0') {
            fprintf(stderr,
                    "millrace replay: without a suffix it would write to the live topics\n");
            exit = MR_EXIT_USAGE;
        }
        if (exit == MR_EXIT_OK)
            exit = work(&self, &config);
    }
    mr_past_job_close(&self.job);
    return exit;
}
