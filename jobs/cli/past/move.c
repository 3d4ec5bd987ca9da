/* `millrace rewind`: a stopped job goes back to an earlier moment. `millrace fork`: a new job
 * begins where another one was. */
#include "engine/expr/civil.h"
#include "engine/history/fork.h"
#include "engine/history/image.h"
#include "engine/replay/flight.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/past/members.h"
#include "jobs/cli/past/past_job.h"
#include "jobs/cli/past/point.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 200
#define MEMBERS_WAIT_MS 12000 /* beyond a session that is usual */

/* Tasks as of then and as of now. */
typedef struct moving {
    mr_past_job job;
    mr_task_io io;
    uint32_t count;
    mr_moment *then, *now;
    mr_task **tasks, **present;
    mr_epoch_record *records;
    mr_transplant_task *transplants;
    mr_spool *flight; /* NULL: of one stage */
} moving;

static int32_t no_partitions(void *context, const char *topic)
{
    (void)context;
    (void)topic;
    return 0;
}

static void prepare(moving *self)
{
    mr_arena *arena = &self->job.arena;
    const mr_plan *plan = self->job.moments.plan;
    self->count = plan->tasks_count;
    self->now = mr_arena_zalloc(arena, self->count, sizeof *self->now);
    self->tasks = mr_arena_zalloc(arena, self->count, sizeof(mr_task *));
    self->present = mr_arena_zalloc(arena, self->count, sizeof(mr_task *));
    self->records = mr_arena_zalloc(arena, self->count, sizeof *self->records);
    self->transplants = mr_arena_zalloc(arena, self->count, sizeof *self->transplants);
    self->io = (mr_task_io){.job = plan->job,
                            .clock = &self->job.clock,
                            .logger = &self->job.logger,
                            .dlq_partitions = no_partitions};
    self->io.sinks = mr_arena_zalloc(arena, plan->sinks_count, sizeof(mr_sink *));
}

static void release(moving *self)
{
    for (uint32_t t = 0; t < self->count; t++) {
        mr_task_free(self->tasks[t]);
        mr_task_free(self->present[t]);
    }
    mr_spool_close(self->flight);
    mr_past_job_close(&self->job);
}

static mr_status restore(moving *self, uint32_t index, const mr_moment *moment, mr_task **task,
                         mr_epoch_record *record, mr_error *err)
{
    mr_recovered recovered;
    mr_status status = mr_moment_restore(&self->job.moments, index, moment, &self->io,
                                         &self->job.arena, task, &recovered, err);
    if (status == MR_OK)
        *record = moment->epoch == 0 ? recovered.claim : recovered.epoch;
    return status;
}

/* The moments of all tasks, and what was on its way between them. */
static mr_status find(moving *self, const mr_point *point, mr_error *err)
{
    mr_cut cut;
    mr_status status = mr_cut_find_flight(&self->job.moments, point, &self->job.arena, &cut, err);
    if (status != MR_OK)
        return status;
    self->then = cut.from;
    return mr_flight_make(&self->job.moments, &cut, &self->flight, err);
}

/* ---- rewind ---- */

static mr_status look(moving *self, const mr_point *to, mr_error *err)
{
    const mr_moments *m = &self->job.moments;
    mr_status status = mr_moments_check_job(m, err);
    if (status == MR_OK && m->plan->guarantee != MR_EXACTLY_ONCE)
        status = mr_error_set(err, MR_E_REPLAY_NEVER,
                              "job `%s` is not exactly-once: nothing would keep two writers apart",
                              m->plan->job);
    if (status == MR_OK)
        status = find(self, to, err);
    if (status == MR_OK)
        status = mr_moments_find(m, &(mr_point){.kind = MR_POINT_END}, self->now, err);
    for (uint32_t t = 0; status == MR_OK && t < self->count; t++) {
        mr_epoch_record last;
        status = restore(self, t, &self->then[t], &self->tasks[t], &self->records[t], err);
        if (status == MR_OK)
            status = restore(self, t, &self->now[t], &self->present[t], &last, err);
        if (status == MR_OK)
            status = mr_moments_check_sources(m, &self->records[t], NULL, err);
        self->transplants[t] = (mr_transplant_task){
            .task = self->tasks[t],
            .record = &self->records[t],
            .replaced = self->present[t] != NULL ? mr_task_state(self->present[t]) : NULL,
            .last = &self->now[t]};
    }
    return status;
}

static void print_moment(const mr_moment *moment)
{
    char text[MR_CIVIL_TEXT_MAX] = "the beginning";
    if (moment->timestamp_ms != MR_TIME_NONE)
        mr_timestamp_print(moment->timestamp_ms * MR_US_PER_MS, 3, text);
    printf("epoch %" PRIu64 " (%s)", moment->epoch, text);
}

/* Of a sink, which is one of the task's stage, or not. */
static uint64_t rows_since(const moving *self, uint32_t t, uint32_t sink)
{
    const mr_plan *stage = mr_plan_of_task(self->job.moments.plan, t);
    if (sink < stage->first_sink || sink >= stage->first_sink + stage->sinks_count)
        return 0;
    sink -= stage->first_sink;
    return mr_graph_sink_counts(mr_task_graph(self->present[t]), sink).written -
           mr_graph_sink_counts(mr_task_graph(self->tasks[t]), sink).written;
}

static void tell(const moving *self)
{
    const mr_plan *plan = self->job.moments.plan;
    for (uint32_t t = 0; t < self->count; t++) {
        printf("task %" PRIu32 ": from ", t);
        print_moment(&self->now[t]);
        printf(" back to ");
        print_moment(&self->then[t]);
        printf("\n");
        const mr_plan *stage = mr_plan_of_task(plan, t);
        for (uint32_t i = 0; i < mr_task_inputs_count(self->tasks[t]); i++) {
            const mr_task_input *input = mr_task_input_at(self->tasks[t], i);
            if (stage->sources[input->source].exchange == NULL)
                printf("  reads %s[%" PRId32 "] again from offset %" PRId64 "\n", input->topic,
                       input->partition, input->offset_next);
        }
    }
    printf("what was written since then stays, and is written once more:\n");
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        uint64_t rows = 0;
        for (uint32_t t = 0; t < self->count; t++)
            rows += rows_since(self, t, s);
        if (plan->sinks[s].exchange == NULL)
            printf("  %s: %" PRIu64 " rows\n",
                   plan->sinks[s].topic != NULL ? plan->sinks[s].topic : plan->sinks[s].table,
                   rows);
    }
    printf("  and dead letters of these epochs\n");
}

/* OK: it is wanted. */
static mr_exit confirm(const mr_flags *flags)
{
    char answer[16] = "";
    if (mr_flags_has(flags, MR_FLAG_YES))
        return MR_EXIT_OK;
    if (isatty(STDIN_FILENO) != 1) {
        fprintf(stderr, "millrace rewind: nobody can be asked; say --yes\n");
        return MR_EXIT_USAGE;
    }
    printf("Move the job back? [y/N] ");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return MR_EXIT_FAILED;
    answer[strcspn(answer, "\r\n")] = '\0';
    bool is_yes = strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
    return is_yes ? MR_EXIT_OK : MR_EXIT_FAILED;
}

static mr_status transplant(const moving *self, const char *name, bool is_fork, mr_error *err)
{
    mr_arena arena = {0};
    mr_plan plan = *self->job.moments.plan;
    plan.job = name;
    mr_transplant moved = {.plan = &plan,
                           .log = self->job.log,
                           .clock = &self->job.clock,
                           .logger = &self->job.logger,
                           .state_topic = mr_arena_printf(&arena, "%s.state", name),
                           .transactional_id =
                               mr_arena_printf(&arena, "%s-%s", name, is_fork ? "fork" : "rewind"),
                           .tasks = self->transplants,
                           .flight = self->flight};
    mr_status status = is_fork ? mr_fork_run(&moved, err) : mr_transplant_run(&moved, err);
    mr_arena_release(&arena);
    return status;
}

mr_exit mr_command_rewind(const mr_flags *flags)
{
    moving self = {0};
    mr_point to;
    mr_exit exit;
    mr_error err;
    if (flags->to == NULL) {
        fprintf(stderr, "millrace rewind: --to is missing\nTry: millrace rewind --help\n");
        return MR_EXIT_USAGE;
    }
    if (!mr_past_job_open(&self.job, flags, &exit)) {
        mr_past_job_close(&self.job);
        return exit;
    }
    prepare(&self);
    exit = mr_point_read_flag("rewind", "--to", flags->to, &self.job.moments, &self.job.arena, &to);
    if (exit == MR_EXIT_OK) {
        mr_status status = look(&self, &to, &err);
        if (status == MR_OK) {
            tell(&self);
            exit = confirm(flags);
        }
        bool is_wanted = exit == MR_EXIT_OK;
        if (status == MR_OK && is_wanted)
            status = mr_members_await_none(self.job.log, &self.job.clock,
                                           self.job.moments.plan->job, MEMBERS_WAIT_MS, &err);
        if (status == MR_OK && is_wanted)
            status = transplant(&self, self.job.moments.plan->job, false, &err);
        if (status == MR_OK)
            printf(is_wanted ? "moved back; start the job again\n" : "nothing was changed\n");
        if (status != MR_OK)
            exit = mr_cli_fail(&err);
    }
    release(&self);
    return exit;
}

/* ---- fork ---- */

static bool is_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
            return false;
    return *name != '\0' && strlen(name) <= NAME_MAX_LENGTH;
}

/* From checkpoints alone, or as of a moment of the log. What was in flight between stages stands in
 * no checkpoint. */
static mr_status take(moving *self, const mr_point *from, mr_error *err)
{
    const mr_moments *m = &self->job.moments;
    bool is_image = from->kind == MR_POINT_CHECKPOINT && mr_plan_stages(m->plan) == 1;
    char(*ids)[MR_MANIFEST_ID_SIZE] = mr_arena_zalloc(&self->job.arena, self->count, sizeof *ids);
    mr_status status = MR_OK;
    if (is_image && m->blobs == NULL)
        status = mr_error_set(err, MR_E_SETTING, "the job has no `execution.checkpointing.dir`");
    else if (is_image)
        status = mr_images_pick(m, from->task, from->id, ids, err);
    else
        status = mr_moments_check_job(m, err);
    if (status == MR_OK && !is_image)
        status = find(self, from, err);
    for (uint32_t t = 0; status == MR_OK && t < self->count; t++) {
        if (is_image)
            status = mr_image_restore(m, t, ids[t], &self->io, &self->job.arena, &self->tasks[t],
                                      &self->records[t], err);
        else
            status = restore(self, t, &self->then[t], &self->tasks[t], &self->records[t], err);
        if (status == MR_OK)
            status = mr_moments_check_sources(m, &self->records[t], NULL, err);
        self->transplants[t] =
            (mr_transplant_task){.task = self->tasks[t], .record = &self->records[t]};
    }
    return status;
}

mr_exit mr_command_fork(const mr_flags *flags)
{
    moving self = {0};
    mr_point from = {.kind = MR_POINT_END};
    mr_exit exit;
    mr_error err;
    if (flags->as == NULL || !is_name(flags->as)) {
        fprintf(stderr, "millrace fork: --as names the new job: letters, digits, `.`, `_`, `-`\n"
                        "Try: millrace fork --help\n");
        return MR_EXIT_USAGE;
    }
    if (!mr_past_job_open(&self.job, flags, &exit)) {
        mr_past_job_close(&self.job);
        return exit;
    }
    prepare(&self);
    if (flags->from != NULL)
        exit = mr_point_read_flag("fork", "--from", flags->from, &self.job.moments, &self.job.arena,
                                  &from);
    if (exit == MR_EXIT_OK) {
        mr_status status = take(&self, &from, &err);
        if (status == MR_OK)
            status = transplant(&self, flags->as, true, &err);
        for (uint32_t t = 0; status == MR_OK && t < self.count; t++)
            printf("task %" PRIu32 ": as of epoch %" PRIu64 " of %s\n", t, self.records[t].epoch,
                   self.job.moments.plan->job);
        if (status == MR_OK)
            printf(mr_named_is_asked(flags) ? "run it: submit the text of `%s` with --name %s\n"
                                            : "run it: millrace run %s --name %s\n",
                   flags->file, flags->as);
        exit = status == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
    }
    release(&self);
    return exit;
}
