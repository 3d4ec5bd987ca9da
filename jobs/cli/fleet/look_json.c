/* The same for programs: names are those of the jobs topic and of --stats ndjson. */
#include "jobs/cli/fleet/look.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static void put(json_t *object, const char *name, json_t *value)
{
    MR_ASSERT(value != NULL && json_object_set_new(object, name, value) == 0);
}

static json_t *text(const char *value)
{
    json_t *made = value != NULL ? json_string(value) : json_null();
    return made != NULL ? made : json_string("(not UTF-8)");
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void print(json_t *object)
{
    MR_ASSERT(json_dumpf(object, stdout, JSON_COMPACT) == 0);
    putchar('\n');
    json_decref(object);
}

static json_t *error_of(int code, const char *message)
{
    if (code == 0)
        return json_null();
    char name[16];
    json_t *object = json_object();
    snprintf(name, sizeof name, "MR%04d", code);
    put(object, "code", text(name));
    put(object, "message", text(message != NULL ? message : ""));
    return object;
}

static json_t *job_of(const mr_reach *reach, const mr_board_job *job)
{
    char plan[24];
    mr_look look = mr_look_at(reach, job);
    json_t *object = json_object();
    put(object, "job", text(job->name));
    put(object, "version", number(job->wish.version));
    put(object, "wished", text(mr_wish_kind_name(job->wish.kind)));
    put(object, "state", text(look.state));
    put(object, "live_workers", number(look.workers));
    put(object, "silent_workers", number(look.silent));
    put(object, "tasks", number(look.tasks));
    snprintf(plan, sizeof plan, "%016" PRIx64, job->wish.plan_version);
    put(object, "plan", text(plan));
    put(object, "written_by", text(job->wish.written_by));
    put(object, "written_ms", json_integer(job->wish.written_ms));
    return object;
}

static json_t *worker_of(const mr_reach *reach, const mr_fleet_status *status)
{
    json_t *object = json_object();
    put(object, "job", text(status->job));
    put(object, "worker", text(status->instance));
    put(object, "version", number(status->version));
    put(object, "state", text(mr_fleet_state_name(status->state)));
    put(object, "is_silent", json_boolean(!mr_reach_is_live(reach, status)));
    put(object, "tasks", number(status->tasks));
    put(object, "records_in", number(status->records_in));
    put(object, "rows_out", number(status->rows_out));
    put(object, "late", number(status->late));
    put(object, "dead", number(status->dead));
    put(object, "lag_records", status->lag >= 0 ? json_integer(status->lag) : json_null());
    put(object, "error", error_of(status->code, status->message));
    put(object, "no_checkpoint", error_of(status->checkpoint_code, status->checkpoint_message));
    put(object, "written_ms", json_integer(status->written_ms));
    return object;
}

void mr_look_print_list(const mr_reach *reach, bool is_lines)
{
    json_t *jobs = json_array();
    for (uint32_t i = 0; i < reach->board.jobs_count; i++) {
        const mr_board_job *job = &reach->board.jobs[i];
        if (job->has_wish && is_lines)
            print(job_of(reach, job));
        else if (job->has_wish)
            MR_ASSERT(json_array_append_new(jobs, job_of(reach, job)) == 0);
    }
    if (is_lines) {
        json_decref(jobs);
        return;
    }
    json_t *object = json_object();
    put(object, "fleet", text(reach->fleet));
    put(object, "jobs", jobs);
    print(object);
}

void mr_look_print_status(const mr_reach *reach, const mr_board_job *job, bool is_lines)
{
    json_t *workers = json_array();
    for (uint32_t i = 0; i < job->statuses_count; i++) {
        json_t *worker = worker_of(reach, &job->statuses[i].status);
        if (is_lines)
            print(worker);
        else
            MR_ASSERT(json_array_append_new(workers, worker) == 0);
    }
    if (is_lines) {
        json_decref(workers);
        return;
    }
    json_t *object = job_of(reach, job);
    put(object, "fleet", text(reach->fleet));
    put(object, "workers", workers);
    print(object);
}
