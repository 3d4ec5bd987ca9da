#include "jobs/fleet/keeper.h"

#include "engine/base/assert.h"
#include "jobs/engine/shares.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TELL_EVERY_US INT64_C(5000000)
#define TASKS_LOOKED_FOR 1024

void mr_keeper_init(mr_keeper *keeper, mr_board *board, const mr_work_config *work,
                    const char *instance)
{
    *keeper = (mr_keeper){.board = board, .work = *work, .instance = instance};
    if (keeper->work.memory_bytes == 0)
        keeper->work.memory_bytes = mr_shares_default();
}

static mr_keeper_job *find(mr_keeper *keeper, const char *name)
{
    for (uint32_t i = 0; i < keeper->jobs_count; i++)
        if (strcmp(keeper->jobs[i].name, name) == 0)
            return &keeper->jobs[i];
    return NULL;
}

static mr_keeper_job *add(mr_keeper *keeper, const char *name)
{
    keeper->jobs = realloc(keeper->jobs, (keeper->jobs_count + 1) * sizeof *keeper->jobs);
    MR_ASSERT(keeper->jobs != NULL);
    mr_keeper_job *job = &keeper->jobs[keeper->jobs_count++];
    *job = (mr_keeper_job){.name = strdup(name), .acted_on = -1};
    MR_ASSERT(job->name != NULL);
    return job;
}

/* A worker that was killed has left its word on the board: the next one of that instance owns
 * it. */
static bool is_told_on_board(const mr_keeper *keeper, const mr_board_job *on_board)
{
    for (uint32_t i = 0; i < on_board->statuses_count; i++)
        if (strcmp(on_board->statuses[i].instance, keeper->instance) == 0)
            return true;
    return false;
}

/* ---- telling ---- */

/* What cannot be written now is written at the next look. */
static void tell(mr_keeper *keeper, mr_keeper_job *job, const mr_fleet_status *now)
{
    const mr_clock *clock = keeper->work.clock;
    int64_t now_us = clock->monotonic_us(clock);
    const mr_fleet_status *last = &job->status;
    bool is_same = job->has_status && last->version == now->version && last->state == now->state &&
                   last->tasks == now->tasks && last->code == now->code &&
                   last->checkpoint_code == now->checkpoint_code;
    if (is_same && now_us - job->told_us < TELL_EVERY_US)
        return;
    mr_fleet_status status = *now;
    status.job = job->name;
    status.instance = keeper->instance;
    status.message = job->words.message;
    status.checkpoint_message = job->words.checkpoint;
    status.written_ms = clock->wall_ms(clock);
    mr_error err;
    if (mr_board_put_status(keeper->board, &status, &err) != MR_OK) {
        mr_logger_line(keeper->work.logger, MR_LOG_WARN,
                       "status not written job=%s code=MR%d reason=\"%s\"", job->name, err.status,
                       err.message);
        return;
    }
    job->status = status;
    job->has_status = true;
    job->told_us = now_us;
}

static void take_back(mr_keeper *keeper, mr_keeper_job *job)
{
    mr_error err;
    if (job->has_status &&
        mr_board_remove_status(keeper->board, job->name, keeper->instance, &err) == MR_OK)
        job->has_status = false;
}

static void tell_end(mr_keeper *keeper, mr_keeper_job *job, mr_fleet_state state, int code,
                     const char *message)
{
    snprintf(job->words.message, sizeof job->words.message, "%s", message);
    mr_fleet_status now = {.version = job->version, .state = state, .lag = -1, .code = code};
    tell(keeper, job, &now);
}

/* ---- doing ---- */

/* Where something lies that was put aside, it stays. */
static void remove_folder(const mr_keeper *keeper, const char *job)
{
    char path[MR_STATE_PATH_MAX];
    mr_error err;
    if (mr_state_dir_task(keeper->work.state_dir, job, 0, false, path, sizeof path, &err) != MR_OK)
        return;
    *strrchr(path, '/') = '\0';
    (void)rmdir(path);
}

static void remove_stores(const mr_keeper *keeper, const char *job)
{
    for (uint32_t task = 0; task < TASKS_LOOKED_FOR; task++) {
        char path[MR_STATE_PATH_MAX];
        struct stat facts;
        mr_error err;
        mr_status status =
            mr_state_dir_task(keeper->work.state_dir, job, task, false, path, sizeof path, &err);
        if (status == MR_OK && stat(path, &facts) == 0)
            status = mr_state_dir_remove(keeper->work.state_dir, job, task, &err);
        if (status != MR_OK)
            mr_logger_line(keeper->work.logger, MR_LOG_WARN,
                           "local state not removed job=%s task=%" PRIu32 " reason=\"%s\"", job,
                           task, err.message);
    }
    remove_folder(keeper, job);
}

static void refuse_newer(mr_keeper *keeper, mr_keeper_job *job, const mr_wish *wish)
{
    char text[512];
    snprintf(text, sizeof text,
             "the job is of %s, with plan format %" PRIu32 "; this worker (millrace " MR_VERSION
             ") knows formats up to %d: run a newer one",
             wish->written_by != NULL ? wish->written_by : "a newer Millrace", wish->plan_format,
             MR_FLEET_PLAN_FORMAT);
    mr_logger_line(keeper->work.logger, MR_LOG_ERROR, "job refused job=%s reason=\"%s\"", job->name,
                   text);
    tell_end(keeper, job, MR_FLEET_REFUSED, MR_E_FLEET_VERSION, text);
}

static uint32_t count_at_work(const mr_keeper *keeper)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < keeper->jobs_count; i++)
        count += keeper->jobs[i].work != NULL && !mr_work_has_ended(keeper->jobs[i].work);
    return count;
}

/* Equal shares: which job needs how much nobody knows before it has it. */
static void share_memory(mr_keeper *keeper, uint32_t sharers)
{
    if (sharers == keeper->sharers)
        return;
    keeper->sharers = sharers;
    int64_t share = keeper->work.memory_bytes / (sharers > 0 ? sharers : 1);
    for (uint32_t i = 0; i < keeper->jobs_count; i++)
        if (keeper->jobs[i].work != NULL)
            mr_work_set_memory(keeper->jobs[i].work, share);
    bool is_small = share < MR_MEMORY_LEAST;
    mr_logger_line(keeper->work.logger, is_small ? MR_LOG_WARN : MR_LOG_INFO,
                   "memory shared jobs=%" PRIu32 " share_mib=%" PRId64 "%s", sharers, share >> 20,
                   is_small ? " reason=\"a job takes 64 MiB at least: give the worker more "
                              "--memory, or spread its jobs over more fleets\""
                            : "");
}

/* The word first, then one more look, then the work: a `delete` whose wish was written before the
 * word is seen here, one written behind it finds the word and waits. What could not be told or
 * read is tried at the next look. */
static void begin_run(mr_keeper *keeper, mr_keeper_job *job)
{
    mr_error err;
    int64_t acted_on = job->acted_on;
    job->acted_on = -1;
    tell_end(keeper, job, MR_FLEET_STARTING, 0, "");
    if (!job->has_status || job->status.version != job->version ||
        job->status.state != MR_FLEET_STARTING || mr_board_catch_up(keeper->board, &err) != MR_OK)
        return;
    const mr_board_job *on_board = mr_board_job_of(keeper->board, job->name);
    if (on_board == NULL || !on_board->has_wish || on_board->wish_offset != acted_on)
        return;
    job->acted_on = acted_on;
    share_memory(keeper, count_at_work(keeper) + 1);
    mr_work_config config = keeper->work;
    config.memory_bytes /= keeper->sharers;
    if (mr_work_start(&config, &on_board->wish, &job->work, &err) != MR_OK)
        tell_end(keeper, job, MR_FLEET_FAILED, err.status, err.message);
}

/* Nothing of the job is at work here. */
static void begin(mr_keeper *keeper, mr_keeper_job *job, const mr_board_job *on_board)
{
    const mr_wish *wish = &on_board->wish;
    job->acted_on = on_board->wish_offset;
    job->version = wish->version;
    if (wish->plan_format > MR_FLEET_PLAN_FORMAT) {
        refuse_newer(keeper, job, wish);
    } else if (wish->kind == MR_WISH_STOP) {
        tell_end(keeper, job, MR_FLEET_STOPPED, 0, "");
    } else if (wish->kind == MR_WISH_DELETE) {
        remove_stores(keeper, job->name);
        take_back(keeper, job);
    } else {
        begin_run(keeper, job);
    }
}

/* Stops what is not wished any more. True: nothing is at work. */
static bool end(mr_keeper *keeper, mr_keeper_job *job)
{
    if (job->work == NULL)
        return true;
    mr_work_request_stop(job->work);
    if (!mr_work_has_ended(job->work))
        return false;
    mr_work_free(job->work);
    job->work = NULL;
    (void)keeper;
    return true;
}

static void look_at(mr_keeper *keeper, mr_keeper_job *job)
{
    const mr_board_job *on_board = mr_board_job_of(keeper->board, job->name);
    const mr_wish *wish = on_board != NULL && on_board->has_wish ? &on_board->wish : NULL;
    if (wish == NULL) {
        if (end(keeper, job))
            take_back(keeper, job);
        return;
    }
    bool is_new = on_board->wish_offset != job->acted_on;
    if (is_new && wish->kind == MR_WISH_DRAIN && wish->plan_format <= MR_FLEET_PLAN_FORMAT &&
        job->work != NULL && mr_work_request_drain(job->work, wish)) {
        job->acted_on = on_board->wish_offset;
        job->version = wish->version;
        return;
    }
    if (is_new) {
        if (end(keeper, job))
            begin(keeper, job, on_board);
        return;
    }
    if (job->work != NULL) {
        mr_fleet_status now;
        mr_work_status(job->work, &now, &job->words);
        tell(keeper, job, &now);
    } else if (job->has_status) { /* it is as it was; the worker still lives */
        tell(keeper, job, &job->status);
    } else if (wish->kind != MR_WISH_DELETE) {
        job->acted_on = -1; /* what could not be told: once more */
    }
}

static void drop(mr_keeper *keeper, uint32_t at)
{
    free(keeper->jobs[at].name);
    keeper->jobs_count--;
    memmove(&keeper->jobs[at], &keeper->jobs[at + 1],
            (keeper->jobs_count - at) * sizeof *keeper->jobs);
}

mr_status mr_keeper_step(mr_keeper *keeper, int32_t timeout_ms, mr_error *err)
{
    mr_status status = mr_board_poll(keeper->board, timeout_ms, err);
    if (status != MR_OK)
        return status;
    for (uint32_t i = 0; i < keeper->board->jobs_count; i++) {
        const mr_board_job *on_board = &keeper->board->jobs[i];
        if (find(keeper, on_board->name) == NULL && on_board->has_wish)
            add(keeper, on_board->name)->has_status = is_told_on_board(keeper, on_board);
    }
    for (uint32_t i = keeper->jobs_count; i-- > 0;) {
        mr_keeper_job *job = &keeper->jobs[i];
        look_at(keeper, job);
        const mr_board_job *on_board = mr_board_job_of(keeper->board, job->name);
        if (job->work == NULL && !job->has_status && (on_board == NULL || !on_board->has_wish))
            drop(keeper, i);
    }
    share_memory(keeper, count_at_work(keeper));
    return MR_OK;
}

void mr_keeper_release(mr_keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->jobs_count; i++)
        if (keeper->jobs[i].work != NULL)
            mr_work_request_stop(keeper->jobs[i].work);
    for (uint32_t i = 0; i < keeper->jobs_count; i++) {
        if (keeper->jobs[i].work != NULL)
            mr_work_free(keeper->jobs[i].work);
        take_back(keeper, &keeper->jobs[i]);
        free(keeper->jobs[i].name);
    }
    free(keeper->jobs);
    *keeper = (mr_keeper){0};
}
