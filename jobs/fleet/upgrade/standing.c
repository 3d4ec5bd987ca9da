/*
 * Where tasks of the new plan begin.
 *
 * In place a task goes on from the record of the one before it. Else partitions of tables go to the
 * tasks that own them now, each where it was read to; a receiver begins at the watermark that its
 * operator had, and holds until all its upstreams have told how far they are; no upstream takes a
 * row for on time that lies at or behind it (the floor, engine/run/exchange/outlets.h).
 */
#include "jobs/fleet/upgrade/private.h"

#include "engine/exchange/receiver.h"
#include "engine/history/ask.h"

#include <inttypes.h>
#include <string.h>

const mr_epoch_record *mr_upgrade_record(const mr_upgrade *u, uint32_t task)
{
    return u->last[task].epoch == 0 ? &u->recovered[task].claim : &u->recovered[task].epoch;
}

/* ---- tables ---- */

/* The new plan's table of a name in the old one; MR_NOWHERE: it is not read any more. */
static uint32_t table_of(const mr_difference *d, const char *table, uint32_t *from)
{
    for (uint32_t i = 0; i < d->count; i++) {
        const mr_change *c = &d->changes[i];
        if (!c->is_table || c->fate != MR_FATE_KEEP ||
            strcmp(d->from->sources[c->from].table, table) != 0)
            continue;
        *from = c->from;
        return c->to;
    }
    return MR_NOWHERE;
}

static void add_input(mr_upgrade *u, mr_epoch_record *record, mr_epoch_input input)
{
    uint32_t count = record->inputs_count;
    mr_epoch_input *grown = mr_arena_zalloc(&u->arena, count + 1, sizeof *grown);
    if (count > 0)
        memcpy(grown, record->inputs, count * sizeof *grown);
    grown[count] = input;
    record->inputs = grown;
    record->inputs_count = count + 1;
}

/* Partitions of a table that nobody has read. Where that begins is found out now and committed:
 * "the latest" asked again later would leave out what came in between. */
static mr_status add_new_table(mr_upgrade *u, uint32_t task, uint32_t source,
                               mr_epoch_record *record, mr_error *err)
{
    const mr_plan *plan = u->difference->to_job;
    mr_log *log = u->moments->log;
    const mr_plan_source *table = &plan->sources[source];
    for (uint32_t t = 0; t < table->topics_count; t++) {
        mr_topic_facts facts;
        mr_status status = log->class->describe(log, table->topics[t], &facts, err);
        if (status != MR_OK)
            return status;
        for (int32_t p = 0; p < facts.partitions; p++) {
            int64_t first;
            if (mr_plan_owner(plan, source, p) != task)
                continue;
            status = mr_ask_start(log, plan->job, &table->start, table->topics[t], p, &first, err);
            if (status != MR_OK)
                return status;
            add_input(u, record,
                      (mr_epoch_input){.source = table->table,
                                       .topic = table->topics[t],
                                       .partition = p,
                                       .offset_next = first,
                                       .watermark = {.value_ms = MR_TIME_NONE}});
        }
    }
    return MR_OK;
}

static mr_status add_new_tables(mr_upgrade *u, uint32_t task, mr_epoch_record *record,
                                mr_error *err)
{
    const mr_difference *d = u->difference;
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < d->count; i++)
        if (d->changes[i].is_table && d->changes[i].fate == MR_FATE_NEW)
            status = add_new_table(u, task, d->changes[i].to, record, err);
    return status;
}

static void set_watermarks(mr_upgrade *u, mr_epoch_record *record, uint32_t count)
{
    record->sources_count = count;
    record->source_watermarks_ms = mr_arena_alloc(&u->arena, (count + 1) * sizeof(int64_t));
    for (uint32_t s = 0; s < count; s++)
        record->source_watermarks_ms[s] = MR_TIME_NONE;
}

mr_status mr_upgrade_stand_in_place(mr_upgrade *u, uint32_t task, const mr_epoch_record *was,
                                    mr_error *err)
{
    const mr_difference *d = u->difference;
    mr_epoch_record *record = &u->records[task];
    *record = *was;
    record->counters_count = 0;
    record->counters = NULL;
    record->inputs_count = 0;
    record->inputs = NULL;
    set_watermarks(u, record, d->to->sources_count);
    for (uint32_t i = 0; i < was->inputs_count; i++) {
        mr_epoch_input input = was->inputs[i];
        uint32_t from, to = table_of(d, input.source, &from);
        if (to == MR_NOWHERE)
            continue;
        input.source = d->to->sources[to].table;
        add_input(u, record, input);
        if (was->sources_count == d->from->sources_count)
            record->source_watermarks_ms[to] = was->source_watermarks_ms[from];
    }
    return add_new_tables(u, task, record, err);
}

/* Of all old tasks that read tables. */
static void take_inputs(mr_upgrade *u, uint32_t task, mr_epoch_record *record)
{
    const mr_difference *d = u->difference;
    for (uint32_t t = 0; t < mr_plan_stage(d->from_job, 0)->tasks_count; t++) {
        const mr_epoch_record *was = mr_upgrade_record(u, t);
        for (uint32_t i = 0; i < was->inputs_count; i++) {
            mr_epoch_input input = was->inputs[i];
            uint32_t from, to = table_of(d, input.source, &from);
            if (to == MR_NOWHERE || mr_plan_owner(d->to_job, to, input.partition) != task)
                continue;
            input.source = d->to->sources[to].table;
            add_input(u, record, input);
        }
    }
}

/* ---- watermarks ---- */

/* Of an input of an old operator: all tasks of its stage must have come to the same. */
static mr_status watermark_of(const mr_upgrade *u, uint32_t node, uint32_t input,
                              int64_t *watermark_ms, mr_error *err)
{
    const mr_plan_node *was = &u->difference->from->nodes[node];
    mr_spot spot = mr_sharing_spot(u->difference->from_job, was);
    mr_origin origin = spot.stage->nodes[spot.node].inputs[input];
    for (uint32_t i = 0; i < spot.stage->tasks_count; i++) {
        const mr_task *task = u->was[spot.stage->first_task + i];
        int64_t here = origin.kind == MR_ORIGIN_SOURCE_ROWS
                           ? mr_task_source_watermark(task, origin.index)
                           : mr_graph_node_watermark(mr_task_graph(task), origin.index);
        if (i > 0 && here != *watermark_ms && !u->is_ahead)
            return mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                                "the tasks of `%s` stand at different watermarks, for one of its "
                                "inputs was idle: let it run on for a while",
                                was->id);
        *watermark_ms = i == 0 || here > *watermark_ms ? here : *watermark_ms;
    }
    return MR_OK;
}

static uint32_t old_node(const mr_difference *d, const char *id)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (!d->changes[i].is_table && d->changes[i].to != MR_NOWHERE &&
            d->changes[i].from != MR_NOWHERE && strcmp(d->to->nodes[d->changes[i].to].id, id) == 0)
            return d->changes[i].from;
    return MR_NOWHERE;
}

/* How far the operator behind an exchange of the new plan had come. */
static mr_status watermark_behind(const mr_upgrade *u, const mr_exchange *exchange,
                                  int64_t *watermark_ms, mr_error *err)
{
    const mr_plan *job = u->difference->to_job;
    *watermark_ms = MR_TIME_NONE;
    for (uint32_t k = 0; k < job->stages_count; k++) {
        const mr_plan *stage = &job->stages[k];
        for (uint32_t n = 0; n < stage->nodes_count; n++) {
            const mr_plan_node *node = &stage->nodes[n];
            uint32_t was = old_node(u->difference, node->id);
            for (uint32_t i = 0; was != MR_NOWHERE && i < node->inputs_count; i++)
                if (node->inputs[i].kind == MR_ORIGIN_SOURCE_ROWS &&
                    stage->sources[node->inputs[i].index].exchange == exchange)
                    return watermark_of(u, was, i, watermark_ms, err);
        }
    }
    return MR_OK;
}

/* A table that one task reads now was that far where operators behind it were. */
static mr_status raise_tables(mr_upgrade *u, mr_epoch_record *record, mr_error *err)
{
    const mr_difference *d = u->difference;
    bool *tables = mr_arena_zalloc(&u->arena, d->from->sources_count + 1, sizeof *tables);
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < d->count; i++) {
        const mr_change *c = &d->changes[i];
        for (uint32_t k = 0; !c->is_table && c->from != MR_NOWHERE && status == MR_OK &&
                             k < d->from->nodes[c->from].inputs_count;
             k++) {
            int64_t watermark_ms = MR_TIME_NONE;
            memset(tables, 0, d->from->sources_count * sizeof *tables);
            mr_sharing_tables(d->from, d->from->nodes[c->from].inputs[k], tables);
            status = watermark_of(u, c->from, k, &watermark_ms, err);
            for (uint32_t s = 0; s < d->from->sources_count; s++) {
                uint32_t from,
                    to = tables[s] ? table_of(d, d->from->sources[s].table, &from) : MR_NOWHERE;
                if (to != MR_NOWHERE && record->source_watermarks_ms[to] < watermark_ms)
                    record->source_watermarks_ms[to] = watermark_ms;
            }
        }
    }
    return status;
}

/* ---- exchanges ---- */

static mr_status receive(mr_upgrade *u, const mr_plan *stage, uint32_t task, uint32_t source,
                         mr_epoch_record *record, mr_error *err)
{
    const mr_exchange *exchange = stage->sources[source].exchange;
    int64_t watermark_ms;
    mr_status status = watermark_behind(u, exchange, &watermark_ms, err);
    if (status != MR_OK)
        return status;
    mr_buffer place = {0};
    mr_receiver *receiver = mr_receiver_new(exchange, task - stage->first_task);
    mr_receiver_begin_at(receiver, watermark_ms);
    mr_receiver_save(receiver, &place);
    mr_receiver_free(receiver);
    add_input(u, record,
              (mr_epoch_input){.source = stage->sources[source].table,
                               .topic = exchange->topic,
                               .partition = (int32_t)(task - stage->first_task),
                               .watermark = {.value_ms = watermark_ms},
                               .place = mr_arena_copy(&u->arena, place.data, place.length),
                               .place_length = place.length});
    mr_buffer_release(&place);
    record->source_watermarks_ms[source] = watermark_ms;
    return MR_OK;
}

/* What the tasks behind it stand at is the least that it may take them for. */
static mr_status put_floor(mr_upgrade *u, const mr_plan *stage, uint32_t task, mr_error *err)
{
    int64_t floor_ms = MR_TIME_NONE;
    mr_status status = MR_OK;
    for (uint32_t s = 0; status == MR_OK && s < stage->sinks_count; s++) {
        int64_t behind_ms = MR_TIME_NONE;
        if (stage->sinks[s].exchange != NULL)
            status = watermark_behind(u, stage->sinks[s].exchange, &behind_ms, err);
        floor_ms = behind_ms > floor_ms ? behind_ms : floor_ms;
    }
    if (status != MR_OK || floor_ms == MR_TIME_NONE)
        return status;
    mr_state *state = mr_task_state(u->will[task]);
    mr_store_change put = {.table = (uint16_t)mr_upgrade_table(state, "exchange", "/floor"),
                           .operation = MR_STORE_PUT,
                           .key = "",
                           .value = (const char *)&floor_ms,
                           .value_length = sizeof floor_ms};
    return mr_state_load(state, &put, err);
}

mr_status mr_upgrade_stand(mr_upgrade *u, uint32_t task, mr_error *err)
{
    const mr_plan *job = u->difference->to_job, *stage = mr_plan_of_task(job, task);
    mr_epoch_record *record = &u->records[task];
    *record = (mr_epoch_record){.job = job->job, .plan_version = stage->version, .task = task};
    set_watermarks(u, record, stage->sources_count);
    mr_status status = MR_OK;
    if (stage->first_task == 0) {
        take_inputs(u, task, record);
        status = add_new_tables(u, task, record, err);
    }
    if (status == MR_OK && job->stages_count == 0)
        status = raise_tables(u, record, err);
    for (uint32_t s = 0; status == MR_OK && s < stage->sources_count; s++)
        if (stage->sources[s].exchange != NULL)
            status = receive(u, stage, task, s, record, err);
    return status == MR_OK ? put_floor(u, stage, task, err) : status;
}
