#include "jobs/fleet/upgrade/upgrade.h"

#include "engine/base/assert.h"
#include "engine/exchange/topic.h"
#include "engine/history/surplus.h"
#include "jobs/fleet/upgrade/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const mr_plan *old_plan(const mr_upgrade *u)
{
    return u->difference->from_job;
}

static const mr_plan *new_plan(const mr_upgrade *u)
{
    return u->difference->to_job;
}

static uint32_t wider(const mr_upgrade *u)
{
    uint32_t olds = old_plan(u)->tasks_count, news = new_plan(u)->tasks_count;
    return olds > news ? olds : news;
}

/* ---- looking ---- */

static int32_t no_partitions(void *context, const char *topic)
{
    (void)context;
    (void)topic;
    return 0;
}

/* Rows of tasks that are looked at go nowhere: that there were some shows in their counters. */
static mr_status drop_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                           mr_row_errors *errors, mr_error *err)
{
    (void)sink;
    (void)context;
    (void)batch;
    (void)errors;
    (void)err;
    return MR_OK;
}

static mr_status drop_frame(void *context, const mr_exchange *exchange, uint32_t upstream,
                            uint32_t downstream, const char *frame, size_t length, mr_error *err)
{
    (void)context;
    (void)exchange;
    (void)upstream;
    (void)downstream;
    (void)frame;
    (void)length;
    (void)err;
    return MR_OK;
}

static const mr_sink_class no_sink_class = {.write = drop_rows};
static const mr_frames_out no_frames = {.send = drop_frame};

static void prepare(mr_upgrade *u)
{
    mr_arena *arena = &u->arena;
    uint32_t olds = old_plan(u)->tasks_count, news = new_plan(u)->tasks_count;
    uint32_t sinks = old_plan(u)->sinks_count + new_plan(u)->sinks_count;
    mr_sink *no_sink = mr_arena_zalloc(arena, 1, sizeof *no_sink);
    no_sink->class = &no_sink_class;
    u->facts = mr_arena_zalloc(arena, u->difference->count + 1, sizeof *u->facts);
    u->fired = mr_arena_zalloc(arena, u->difference->count + 1, sizeof *u->fired);
    u->last = mr_arena_zalloc(arena, wider(u), sizeof *u->last);
    u->was = mr_arena_zalloc(arena, olds, sizeof *u->was);
    u->recovered = mr_arena_zalloc(arena, olds, sizeof *u->recovered);
    u->will = mr_arena_zalloc(arena, news, sizeof *u->will);
    u->records = mr_arena_zalloc(arena, news, sizeof *u->records);
    u->transplants = mr_arena_zalloc(arena, wider(u), sizeof *u->transplants);
    u->io = (mr_task_io){.job = new_plan(u)->job,
                         .clock = u->moments->clock,
                         .logger = u->moments->logger,
                         .dlq_partitions = no_partitions,
                         .frames = &no_frames,
                         .sinks = mr_arena_zalloc(arena, sinks + 1, sizeof(mr_sink *))};
    for (uint32_t s = 0; s < sinks; s++)
        u->io.sinks[s] = no_sink;
}

/* There may be more partitions than tasks: upgrades have added them, or retired their tasks. */
static mr_status check_topic(mr_upgrade *u, mr_error *err)
{
    mr_log *log = u->moments->log;
    mr_topic_facts facts;
    uint32_t olds = old_plan(u)->tasks_count;
    mr_status status = log->class->describe(log, u->moments->state_topic, &facts, err);
    if (status != MR_OK)
        return status;
    u->has_never_run = !facts.exists;
    u->partitions = facts.exists ? (uint32_t)facts.partitions : 0;
    if (facts.exists && u->partitions < olds)
        return mr_error_set(err, MR_E_STATE_TASKS,
                            "state topic `%s` has %" PRIu32 " partitions, the job has %" PRIu32
                            " tasks",
                            u->moments->state_topic, u->partitions, olds);
    for (uint32_t p = wider(u); status == MR_OK && p < u->partitions; p++) {
        mr_history history = {
            .log = log, .clock = u->moments->clock, .topic = u->moments->state_topic, .task = p};
        status = mr_surplus_check(&history, old_plan(u), true, err); /* whose they are is next */
    }
    return status;
}

/* Of the last epoch of a partition. One without is nobody's yet, as one that is nobody's again. */
static mr_status find_version(mr_upgrade *u, uint32_t task, uint64_t *version, mr_error *err)
{
    mr_arena arena = {0};
    mr_epoch_record record = {0};
    *version = MR_PLAN_RETIRED;
    mr_status status = mr_moments_find_task(u->moments, &(mr_point){.kind = MR_POINT_END}, task,
                                            &u->last[task], err);
    if (status == MR_OK && u->last[task].epoch == 0 && task >= old_plan(u)->tasks_count)
        return MR_OK;
    if (status == MR_OK)
        status = mr_moment_record(u->moments, task, &u->last[task], &arena, &record, err);
    *version = record.plan_version;
    bool is_finished = record.is_finished;
    mr_arena_release(&arena);
    if (status == MR_OK && is_finished)
        status = mr_error_set(err, MR_E_UPGRADE_NEVER,
                              "job `%s` has finished: its windows are closed, nothing goes on",
                              old_plan(u)->job);
    return status;
}

static uint64_t version_of(const mr_plan *plan, uint32_t task)
{
    return task < plan->tasks_count ? mr_plan_of_task(plan, task)->version : MR_PLAN_RETIRED;
}

/* Whose plan each log ends with: all the old one's, or all the new one's. */
static mr_status find_last(mr_upgrade *u, mr_error *err)
{
    uint32_t done = 0;
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < wider(u); t++) {
        uint64_t from = version_of(old_plan(u), t), to = version_of(new_plan(u), t);
        uint64_t found = MR_PLAN_RETIRED;
        u->last[t] = (mr_moment){.offset = -1, .timestamp_ms = MR_TIME_NONE};
        if (t < u->partitions)
            status = find_version(u, t, &found, err);
        if (status != MR_OK)
            break;
        done += found == to;
        if (found != to && found != from)
            status = mr_error_set(err, MR_E_STATE_PLAN,
                                  "state was written by plan %016" PRIx64
                                  ", neither the old one (%016" PRIx64
                                  ") nor the new one (%016" PRIx64 "): take the text that wrote it",
                                  found, from, to);
    }
    u->is_done = status == MR_OK && done == wider(u);
    if (status == MR_OK && done > 0 && !u->is_done)
        status = mr_error_set(err, MR_E_STATE_PLAN, "only some tasks are of the new plan");
    return status;
}

static mr_status restore_all(mr_upgrade *u, mr_error *err)
{
    const mr_moments *m = u->moments;
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < old_plan(u)->tasks_count; t++)
        status = mr_moment_restore(m, t, &u->last[t], &u->io, &u->arena, &u->was[t],
                                   &u->recovered[t], err);
    for (uint32_t t = 0; status == MR_OK && t < new_plan(u)->tasks_count; t++)
        status =
            mr_task_new(mr_plan_of_task(new_plan(u), t), t, m->budget, &u->io, &u->will[t], err);
    return status;
}

/* What the log says of a partition that becomes a task: it is no plan's yet. */
static const mr_epoch_record *present_of(mr_upgrade *u, uint32_t task)
{
    mr_epoch_record nobody = {.job = new_plan(u)->job, .task = task};
    return mr_arena_copy(&u->arena,
                         task < old_plan(u)->tasks_count ? mr_upgrade_record(u, task) : &nobody,
                         sizeof nobody);
}

static mr_status look_at(mr_upgrade *u, mr_error *err)
{
    bool is_in_place = u->difference->is_in_place;
    mr_status status = restore_all(u, err);
    if (status == MR_OK && !is_in_place && !u->is_ahead)
        status = mr_upgrade_check_calm(u, err);
    for (uint32_t t = 0; status == MR_OK && t < old_plan(u)->tasks_count; t++)
        status = mr_upgrade_carry(u, t, err);
    if (status == MR_OK)
        status = mr_upgrade_carry_shared(u, err);
    for (uint32_t t = 0; status == MR_OK && t < new_plan(u)->tasks_count; t++) {
        status = is_in_place ? mr_upgrade_stand_in_place(u, t, mr_upgrade_record(u, t), err)
                             : mr_upgrade_stand(u, t, err);
        u->transplants[t] = (mr_transplant_task){.task = u->will[t],
                                                 .record = &u->records[t],
                                                 .last = &u->last[t],
                                                 .present = present_of(u, t)};
    }
    for (uint32_t t = new_plan(u)->tasks_count; status == MR_OK && t < wider(u); t++)
        u->transplants[t] = (mr_transplant_task){.last = &u->last[t], .present = present_of(u, t)};
    return status;
}

mr_status mr_upgrade_look(mr_upgrade *u, mr_error *err)
{
    prepare(u);
    if (u->difference->never != NULL)
        return mr_error_set(err, MR_E_UPGRADE_NEVER, "job `%s` cannot be upgraded: %s",
                            old_plan(u)->job, u->difference->never);
    mr_status status = check_topic(u, err);
    if (status == MR_OK && !u->has_never_run)
        status = find_last(u, err);
    bool has_state = status == MR_OK && !u->has_never_run && !u->is_done;
    return has_state ? look_at(u, err) : status;
}

bool mr_upgrade_must_settle(const mr_upgrade *u)
{
    return !u->difference->is_in_place && !u->has_never_run && !u->is_done;
}

mr_status mr_upgrade_check_loss(const mr_upgrade *u, mr_error *err)
{
    const mr_difference *d = u->difference;
    char lost[400] = "";
    for (uint32_t i = 0; i < d->count; i++) {
        const mr_change *c = &d->changes[i];
        size_t length = strlen(lost);
        if (c->fate != MR_FATE_REBUILD && c->fate != MR_FATE_DROP)
            continue;
        if (c->is_table)
            snprintf(lost + length, sizeof lost - length, "%show far `%s` was read",
                     length > 0 ? ", " : "", mr_change_name(d, c));
        else
            snprintf(lost + length, sizeof lost - length,
                     "%s%" PRIu64 " entries (%" PRIu64 " bytes) of `%s`", length > 0 ? ", " : "",
                     u->facts[i].entries, u->facts[i].bytes, d->from->nodes[c->from].id);
    }
    if (lost[0] == '\0' || u->has_never_run || u->is_done)
        return MR_OK;
    return mr_error_set(err, MR_E_UPGRADE_LOSS,
                        "this would be lost: %s; --allow-state-loss does it all the same", lost);
}

/* ---- carrying over ---- */

static mr_status make_exchange(mr_log *log, const mr_exchange *exchange, mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, exchange->topic, &facts, err);
    if (status == MR_OK && !facts.exists)
        return mr_exchange_create_topic(log, exchange->topic, exchange, err);
    if (status == MR_OK && facts.partitions < (int32_t)exchange->downstreams_count)
        status =
            log->class->grow_topic(log, exchange->topic, (int32_t)exchange->downstreams_count, err);
    return status;
}

/* What of topics the new tasks have that the old ones had not. The old plan passes over it. */
static mr_status make_room(const mr_upgrade *u, mr_error *err)
{
    mr_log *log = u->moments->log;
    const mr_plan *plan = new_plan(u);
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL)
            status = make_exchange(log, plan->sources[s].exchange, err);
    if (status == MR_OK && u->partitions < plan->tasks_count)
        status =
            log->class->grow_topic(log, u->moments->state_topic, (int32_t)plan->tasks_count, err);
    return status;
}

mr_status mr_upgrade_run(const mr_upgrade *u, mr_error *err)
{
    MR_ASSERT(!u->is_ahead || u->has_never_run || u->is_done);
    if (u->has_never_run || u->is_done)
        return MR_OK;
    mr_status status = u->difference->is_in_place ? MR_OK : make_room(u, err);
    const mr_transplant transplant = {.plan = new_plan(u),
                                      .log = u->moments->log,
                                      .clock = u->moments->clock,
                                      .logger = u->moments->logger,
                                      .state_topic = u->moments->state_topic,
                                      .transactional_id = u->transactional_id,
                                      .has_grown = u->partitions < new_plan(u)->tasks_count,
                                      .tasks = u->transplants,
                                      .retired_count = wider(u) - new_plan(u)->tasks_count};
    return status == MR_OK ? mr_transplant_run(&transplant, err) : status;
}

void mr_upgrade_release(mr_upgrade *u)
{
    for (uint32_t t = 0; u->was != NULL && t < old_plan(u)->tasks_count; t++)
        mr_task_free(u->was[t]);
    for (uint32_t t = 0; u->will != NULL && t < new_plan(u)->tasks_count; t++)
        mr_task_free(u->will[t]);
    mr_arena_release(&u->arena);
}
