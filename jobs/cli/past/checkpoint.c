/* `millrace checkpoint`: asks the job's workers for a checkpoint of every task, and waits until
 * each is named by an epoch record. */
#include "engine/checkpoint/manifest.h"
#include "engine/run/worker/worker.h"
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/past/past_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WAIT_US INT64_C(120000000)
#define ASK_EVERY_US INT64_C(5000000)
#define LOOK_EVERY_MS 200
#define FLUSH_TIMEOUT_MS 10000

/* One task that is waited for. */
typedef struct awaited {
    mr_moment asked_at; /* its last epoch then */
    bool is_over;
    char id[MR_MANIFEST_ID_SIZE]; /* named since; "": none */
} awaited;

static mr_status look(void *context, const mr_history_record *at, bool *is_enough, mr_error *err)
{
    (void)err;
    awaited *task = context;
    uint64_t epoch;
    int64_t ignored;
    const char *id = at->record->checkpoint;
    if (at->is_claim || id == NULL || !mr_manifest_id_read(id, &epoch, &ignored) ||
        epoch < task->asked_at.epoch)
        return MR_OK;
    memcpy(task->id, id, sizeof task->id);
    task->is_over = *is_enough = true;
    return MR_OK;
}

/* One that was killed is a member until its session has ended. */
static mr_status check_workers(const mr_past_job *job, mr_error *err)
{
    uint32_t count = 1;
    const char *name = job->moments.plan->job;
    mr_status status = job->log->class->group_members(job->log, name, &count, err);
    if (status != MR_OK)
        return err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
    if (count == 0)
        return mr_error_set(err, MR_E_CHECKPOINT,
                            "no worker of job `%s` is running: nobody can take a checkpoint", name);
    return MR_OK;
}

static mr_status ask(const mr_past_job *job, mr_log_writer *writer, mr_error *err)
{
    mr_status status = check_workers(job, err);
    if (status != MR_OK)
        return status;
    char topic[256], text[64];
    snprintf(topic, sizeof topic, "%s.control", job->moments.plan->job);
    snprintf(text, sizeof text, "v1|checkpoint|%" PRId64, job->clock.wall_ms(&job->clock));
    mr_log_record record = {
        .value = text, .value_length = strlen(text), .timestamp_ms = MR_TIME_NONE};
    status = writer->class->produce(writer, topic, 0, &record, 1, err);
    return status == MR_OK ? writer->class->flush(writer, FLUSH_TIMEOUT_MS, err) : status;
}

/* "v1|failed|<task>|<code>|<why>" of a task that is still waited for. */
static mr_status read_answer(const mr_record *record, const awaited *tasks, uint32_t count,
                             mr_error *err)
{
    char text[MR_ERROR_MESSAGE_MAX + 64];
    uint32_t task;
    int code, at = 0;
    if (record->value == NULL || record->value_length >= sizeof text)
        return MR_OK;
    memcpy(text, record->value, record->value_length);
    text[record->value_length] = '\0';
    if (sscanf(text, MR_WORKER_FAILED_WORD "%" SCNu32 "|%d|%n", &task, &code, &at) != 2 ||
        at == 0 || task >= count || tasks[task].is_over || code <= 0)
        return MR_OK;
    return mr_error_set(err, (mr_status)code, "checkpoint of task %" PRIu32 ": %s", task,
                        text + at);
}

/* What the workers have said since; waits a moment for it. */
static mr_status hear(mr_log_reader *reader, const awaited *tasks, uint32_t count, mr_error *err)
{
    mr_records records = {0};
    mr_status status = reader->class->fetch(reader, 64, LOOK_EVERY_MS, &records, err);
    if (status != MR_OK)
        return err->recovery == MR_RECOVERY_RETRY ? MR_OK : status;
    for (uint32_t i = 0; status == MR_OK && i < records.count; i++)
        status = read_answer(&records.record[i], tasks, count, err);
    return status;
}

/* Is there one that names a checkpoint since? What follows a trim is all behind it. */
static mr_status look_at(const mr_moments *m, uint32_t index, awaited *task, mr_error *err)
{
    mr_history history = {.log = m->log, .clock = m->clock, .topic = m->state_topic, .task = index};
    mr_status status = mr_history_read(&history, task->asked_at.offset + 1, -1, look, task, err);
    return status == MR_E_KAFKA_OFFSET_LOST
               ? mr_history_read(&history, MR_OFFSET_EARLIEST, -1, look, task, err)
               : status;
}

static mr_status await(const mr_past_job *job, mr_log_writer *writer, mr_log_reader *reader,
                       awaited *tasks, mr_error *err)
{
    const mr_moments *m = &job->moments;
    const mr_clock *clock = &job->clock;
    int64_t began_us = clock->monotonic_us(clock), asked_us = began_us - ASK_EVERY_US;
    uint32_t left = 1;
    mr_status status = MR_OK;
    while (status == MR_OK && left > 0) {
        int64_t now_us = clock->monotonic_us(clock);
        if (now_us - began_us > WAIT_US)
            return mr_error_set(err, MR_E_CHECKPOINT,
                                "no worker of job `%s` has taken a checkpoint of all tasks within "
                                "%d s: does one run, with `execution.checkpointing.dir`?",
                                m->plan->job, (int)(WAIT_US / 1000000));
        if (now_us - asked_us >= ASK_EVERY_US) {
            asked_us = now_us;
            status = ask(job, writer, err);
        }
        if (status == MR_OK)
            status = hear(reader, tasks, m->plan->tasks_count, err);
        left = 0;
        for (uint32_t t = 0; status == MR_OK && t < m->plan->tasks_count; t++) {
            if (!tasks[t].is_over)
                status = look_at(m, t, &tasks[t], err);
            left += !tasks[t].is_over;
        }
    }
    return status;
}

static mr_status check(const mr_past_job *job, mr_error *err)
{
    char topic[256];
    mr_topic_facts facts;
    const mr_plan *plan = job->moments.plan;
    snprintf(topic, sizeof topic, "%s.control", plan->job);
    if (job->blobs == NULL)
        return mr_error_set(
            err, MR_E_SETTING,
            "job `%s` has no `execution.checkpointing.dir`: there is nowhere to put "
            "a checkpoint",
            plan->job);
    mr_status status = check_workers(job, err);
    if (status == MR_OK)
        status = job->log->class->describe(job->log, topic, &facts, err);
    if (status == MR_OK && !facts.exists)
        status = mr_error_set(err, MR_E_CHECKPOINT,
                              "there is no topic `%s`: no worker of job `%s` has taken checkpoints "
                              "yet",
                              topic, plan->job);
    return status;
}

static mr_status listen(const mr_past_job *job, mr_log_reader **reader, mr_error *err)
{
    char topic[256];
    snprintf(topic, sizeof topic, "%s.control", job->moments.plan->job);
    mr_status status = job->log->class->open_reader(job->log, reader, err);
    return status == MR_OK ? (*reader)->class->add(*reader, 0, topic, 0, MR_OFFSET_LATEST, err)
                           : status;
}

static mr_status take(mr_past_job *job, mr_error *err)
{
    const mr_moments *m = &job->moments;
    uint32_t count = m->plan->tasks_count;
    mr_moment *moments = mr_arena_zalloc(&job->arena, count, sizeof *moments);
    awaited *tasks = mr_arena_zalloc(&job->arena, count, sizeof *tasks);
    mr_log_writer *writer = NULL;
    mr_log_reader *reader = NULL;
    mr_status status = check(job, err);
    if (status == MR_OK)
        status = mr_moments_find(m, &(mr_point){.kind = MR_POINT_END}, moments, err);
    for (uint32_t t = 0; status == MR_OK && t < count; t++) {
        tasks[t].asked_at = moments[t];
        tasks[t].is_over = moments[t].epoch == 0; /* it has no state yet */
    }
    if (status == MR_OK)
        status = job->log->class->open_writer(job->log, &(mr_writer_options){0}, &writer, err);
    if (status == MR_OK)
        status = listen(job, &reader, err);
    if (status == MR_OK)
        status = await(job, writer, reader, tasks, err);
    if (reader != NULL)
        reader->class->close(reader);
    if (writer != NULL)
        writer->class->close(writer);
    for (uint32_t t = 0; status == MR_OK && t < count; t++) {
        char name[MR_BLOB_NAME_MAX + 1];
        mr_manifest_name(m->plan->job, t, MR_BLOB_MANIFESTS, "", name);
        *strstr(name, "/manifests/") = '\0';
        printf("%s/%s\n", name, tasks[t].id[0] != '\0' ? tasks[t].id : "(no epoch yet)");
    }
    return status;
}

mr_exit mr_command_checkpoint(const mr_flags *flags)
{
    mr_past_job job;
    mr_exit exit;
    mr_error err;
    if (mr_past_job_open(&job, flags, &exit))
        exit = take(&job, &err) == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
    mr_past_job_close(&job);
    return exit;
}
