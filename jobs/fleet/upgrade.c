#include "jobs/fleet/upgrade.h"

#include "engine/base/assert.h"
#include "engine/history/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const mr_plan *old_plan(const mr_upgrade *u)
{
    return u->difference->from;
}

static const mr_plan *new_plan(const mr_upgrade *u)
{
    return u->difference->to;
}

/* ---- tables of the state: "<operator id>/<role>" ---- */

/* Of two operators one may be called as the other begins. */
static uint32_t node_of(const mr_plan *plan, const char *table)
{
    uint32_t found = MR_NOWHERE;
    size_t longest = 0;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        size_t length = strlen(plan->nodes[n].id);
        if (length < longest || strncmp(plan->nodes[n].id, table, length) != 0 ||
            table[length] != '/')
            continue;
        longest = length;
        found = n;
    }
    return found;
}

static uint32_t change_of(const mr_difference *d, uint32_t from)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (!d->changes[i].is_table && d->changes[i].from == from)
            return i;
    return MR_NOWHERE;
}

static uint32_t find_table(mr_state *state, const char *id, const char *role)
{
    for (uint32_t t = 0; t < mr_state_tables_count(state); t++) {
        const char *name = mr_state_table_name(state, t);
        size_t length = strlen(id);
        if (strncmp(name, id, length) == 0 && strcmp(name + length, role) == 0)
            return t;
    }
    return MR_NOWHERE;
}

/* Where the entries of each old table go. */
typedef struct carrying {
    mr_state *to;
    uint32_t *tables;        /* [old tables] number in `to`; MR_NOWHERE: nowhere */
    mr_upgrade_fact **facts; /* [old tables] what is counted there; NULL: nothing */
} carrying;

static mr_status carry(void *context, const mr_store_change *entry, mr_error *err)
{
    const carrying *c = context;
    mr_upgrade_fact *fact = c->facts[entry->table];
    if (fact != NULL) {
        fact->entries++;
        fact->bytes += entry->key_length + entry->value_length;
    }
    if (c->tables[entry->table] == MR_NOWHERE)
        return MR_OK;
    mr_store_change moved = *entry;
    moved.table = (uint16_t)c->tables[entry->table];
    return mr_state_load(c->to, &moved, err);
}

static mr_status find_way(const mr_upgrade *u, mr_state *from, uint32_t table, carrying *c,
                          mr_error *err)
{
    const mr_difference *d = u->difference;
    const char *name = mr_state_table_name(from, table);
    uint32_t node = node_of(d->from, name);
    uint32_t at = node != MR_NOWHERE ? change_of(d, node) : MR_NOWHERE;
    c->tables[table] = MR_NOWHERE;
    c->facts[table] = at != MR_NOWHERE ? &u->facts[at] : NULL;
    if (at == MR_NOWHERE)
        return mr_error_set(err, MR_E_INTERNAL, "table `%s` belongs to no operator", name);
    if (d->changes[at].fate != MR_FATE_KEEP)
        return MR_OK;
    c->tables[table] = find_table(c->to, d->to->nodes[d->changes[at].to].id,
                                  name + strlen(d->from->nodes[node].id));
    return c->tables[table] != MR_NOWHERE
               ? MR_OK
               : mr_error_set(err, MR_E_INTERNAL, "table `%s` has no counterpart", name);
}

static mr_status carry_state(const mr_upgrade *u, mr_state *from, mr_state *to, mr_error *err)
{
    mr_arena arena = {0};
    uint32_t count = mr_state_tables_count(from);
    carrying c = {.to = to,
                  .tables = mr_arena_zalloc(&arena, count + 1, sizeof *c.tables),
                  .facts = mr_arena_zalloc(&arena, count + 1, sizeof *c.facts)};
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < count; t++)
        status = find_way(u, from, t, &c, err);
    if (status == MR_OK)
        status = mr_state_entries(from, carry, &c, err);
    mr_arena_release(&arena);
    return status;
}

/* ---- the epoch record ---- */

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

static void add_input(mr_epoch_record *record, mr_epoch_input input)
{
    record->inputs[record->inputs_count++] = input;
}

/* Partitions of a table that nobody has read. Where that begins is found out now and committed:
 * "the latest" asked again later would leave out what came in between. */
static mr_status add_new_table(mr_upgrade *u, uint32_t task, uint32_t source,
                               mr_epoch_record *record, mr_error *err)
{
    const mr_plan *plan = new_plan(u);
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
            mr_epoch_input *grown =
                mr_arena_zalloc(&u->arena, record->inputs_count + 1, sizeof *grown);
            memcpy(grown, record->inputs, record->inputs_count * sizeof *grown);
            record->inputs = grown;
            add_input(record, (mr_epoch_input){.source = table->table,
                                               .topic = table->topics[t],
                                               .partition = p,
                                               .offset_next = first,
                                               .watermark = {.value_ms = MR_TIME_NONE}});
        }
    }
    return MR_OK;
}

static mr_status carry_record(mr_upgrade *u, uint32_t task, const mr_epoch_record *was,
                              mr_error *err)
{
    const mr_difference *d = u->difference;
    mr_epoch_record *record = &u->records[task];
    *record = *was;
    record->counters_count = 0;
    record->counters = NULL;
    record->sources_count = d->to->sources_count;
    record->source_watermarks_ms =
        mr_arena_alloc(&u->arena, (d->to->sources_count + 1) * sizeof(int64_t));
    for (uint32_t s = 0; s < d->to->sources_count; s++)
        record->source_watermarks_ms[s] = MR_TIME_NONE;
    record->inputs_count = 0;
    record->inputs = mr_arena_zalloc(&u->arena, was->inputs_count + 1, sizeof *record->inputs);
    for (uint32_t i = 0; i < was->inputs_count; i++) {
        mr_epoch_input input = was->inputs[i];
        uint32_t from, to = table_of(d, input.source, &from);
        if (to == MR_NOWHERE)
            continue;
        input.source = d->to->sources[to].table;
        add_input(record, input);
        if (was->sources_count == d->from->sources_count)
            record->source_watermarks_ms[to] = was->source_watermarks_ms[from];
    }
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < d->count; i++)
        if (d->changes[i].is_table && d->changes[i].fate == MR_FATE_NEW)
            status = add_new_table(u, task, d->changes[i].to, record, err);
    return status;
}

/* ---- looking ---- */

static int32_t no_partitions(void *context, const char *topic)
{
    (void)context;
    (void)topic;
    return 0;
}

static void prepare(mr_upgrade *u)
{
    mr_arena *arena = &u->arena;
    uint32_t count = old_plan(u)->tasks_count;
    uint32_t sinks = old_plan(u)->sinks_count + new_plan(u)->sinks_count;
    u->facts = mr_arena_zalloc(arena, u->difference->count + 1, sizeof *u->facts);
    u->last = mr_arena_zalloc(arena, count, sizeof *u->last);
    u->was = mr_arena_zalloc(arena, count, sizeof *u->was);
    u->will = mr_arena_zalloc(arena, count, sizeof *u->will);
    u->records = mr_arena_zalloc(arena, count, sizeof *u->records);
    u->transplants = mr_arena_zalloc(arena, count, sizeof *u->transplants);
    u->io = (mr_task_io){.job = new_plan(u)->job,
                         .clock = u->moments->clock,
                         .logger = u->moments->logger,
                         .dlq_partitions = no_partitions,
                         .sinks = mr_arena_zalloc(arena, sinks + 1, sizeof(mr_sink *))};
}

static mr_status check_topic(mr_upgrade *u, mr_error *err)
{
    mr_log *log = u->moments->log;
    mr_topic_facts facts;
    uint32_t tasks = old_plan(u)->tasks_count;
    mr_status status = log->class->describe(log, u->moments->state_topic, &facts, err);
    u->has_never_run = status == MR_OK && !facts.exists;
    if (status == MR_OK && facts.exists && facts.partitions != (int32_t)tasks)
        status = mr_error_set(err, MR_E_STATE_TASKS,
                              "state topic `%s` has %" PRId32 " partitions, the job has %" PRIu32
                              " tasks",
                              u->moments->state_topic, facts.partitions, tasks);
    return status;
}

/* Whose plan each log ends with: all the old one's, or all the new one's. */
static mr_status find_last(mr_upgrade *u, mr_error *err)
{
    const mr_plan *from = old_plan(u), *to = new_plan(u);
    mr_arena arena = {0};
    uint32_t done = 0;
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < from->tasks_count; t++) {
        mr_epoch_record record = {0};
        status = mr_moments_find_task(u->moments, &(mr_point){.kind = MR_POINT_END}, t, &u->last[t],
                                      err);
        if (status == MR_OK)
            status = mr_moment_record(u->moments, t, &u->last[t], &arena, &record, err);
        if (status != MR_OK)
            break;
        done += record.plan_version == to->version;
        if (record.plan_version != to->version && record.plan_version != from->version)
            status = mr_error_set(err, MR_E_STATE_PLAN,
                                  "state was written by plan %016" PRIx64
                                  ", neither the old one (%016" PRIx64
                                  ") nor the new one (%016" PRIx64 "): take the text that wrote it",
                                  record.plan_version, from->version, to->version);
        else if (record.is_finished)
            status = mr_error_set(err, MR_E_UPGRADE_NEVER,
                                  "job `%s` has finished: its windows are closed, nothing goes on",
                                  from->job);
    }
    mr_arena_release(&arena);
    u->is_done = status == MR_OK && done == from->tasks_count;
    if (status == MR_OK && done > 0 && !u->is_done)
        status = mr_error_set(err, MR_E_STATE_PLAN, "only some tasks are of the new plan");
    return status;
}

static mr_status look_at(mr_upgrade *u, uint32_t task, mr_error *err)
{
    const mr_moments *m = u->moments;
    mr_recovered recovered;
    mr_status status = mr_moment_restore(m, task, &u->last[task], &u->io, &u->arena, &u->was[task],
                                         &recovered, err);
    if (status == MR_OK)
        status = mr_task_new(new_plan(u), task, m->budget, &u->io, &u->will[task], err);
    if (status == MR_OK)
        status = carry_state(u, mr_task_state(u->was[task]), mr_task_state(u->will[task]), err);
    const mr_epoch_record *was = u->last[task].epoch == 0 ? &recovered.claim : &recovered.epoch;
    if (status == MR_OK)
        status = carry_record(u, task, was, err);
    u->transplants[task] =
        (mr_transplant_task){.task = u->will[task],
                             .record = &u->records[task],
                             .last = &u->last[task],
                             .present = mr_arena_copy(&u->arena, was, sizeof *was)};
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
    for (uint32_t t = 0; status == MR_OK && has_state && t < old_plan(u)->tasks_count; t++)
        status = look_at(u, t, err);
    return status;
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

mr_status mr_upgrade_run(const mr_upgrade *u, mr_error *err)
{
    if (u->has_never_run || u->is_done)
        return MR_OK;
    const mr_transplant transplant = {.plan = new_plan(u),
                                      .log = u->moments->log,
                                      .clock = u->moments->clock,
                                      .logger = u->moments->logger,
                                      .state_topic = u->moments->state_topic,
                                      .transactional_id = u->transactional_id,
                                      .tasks = u->transplants};
    return mr_transplant_run(&transplant, err);
}

void mr_upgrade_release(mr_upgrade *u)
{
    uint32_t count = u->was != NULL ? old_plan(u)->tasks_count : 0;
    for (uint32_t t = 0; t < count; t++) {
        mr_task_free(u->was[t]);
        mr_task_free(u->will[t]);
    }
    mr_arena_release(&u->arena);
}
