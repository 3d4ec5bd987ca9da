#include "jobs/explain/facts.h"

#include "operators/rank/deduplicate.h"
#include "operators/window/window_aggregate.h"

#include <string.h>

static mr_schema schema_of(const mr_plan *plan, mr_origin origin, mr_arena *arena)
{
    if (origin.kind == MR_ORIGIN_NODE_ROWS)
        return plan->nodes[origin.index].schema;
    if (origin.kind != MR_ORIGIN_SOURCE_ROWS)
        return (mr_schema){0};
    const mr_plan_source *source = &plan->sources[origin.index];
    mr_field *fields = mr_arena_zalloc(arena, source->columns_count, sizeof *fields);
    for (uint32_t i = 0; i < source->columns_count; i++)
        fields[i] = source->columns[i].field;
    return (mr_schema){.columns_count = source->columns_count, .columns = fields};
}

const char *mr_explain_origin(const mr_plan *plan, mr_origin origin, mr_arena *arena)
{
    switch (origin.kind) {
    case MR_ORIGIN_SOURCE_ROWS: return plan->sources[origin.index].table;
    case MR_ORIGIN_SOURCE_ERRORS:
        return mr_arena_printf(arena, "%s$errors", plan->sources[origin.index].table);
    case MR_ORIGIN_NODE_ROWS: return plan->nodes[origin.index].id;
    case MR_ORIGIN_NODE_LATE:
        return mr_arena_printf(arena, "late rows of %s", plan->nodes[origin.index].id);
    }
    return "";
}

const char *mr_explain_input(const mr_plan_source *source, mr_arena *arena)
{
    const char *text = source->reader != NULL ? "local" : "topic";
    for (uint32_t i = 0; i < source->topics_count; i++)
        text = mr_arena_printf(arena, "%s%s %s", text, i > 0 ? "," : "", source->topics[i]);
    return text;
}

const char *mr_explain_start(const mr_plan_source *source, mr_arena *arena)
{
    static const char *const starts[] = {"the offsets of group %s", "the earliest offset",
                                         "the latest offset", "timestamp %s", "given offsets"};
    static const char *const ends[] = {"no end", "the ends at the start of the run",
                                       "the group's offsets", "a timestamp", "given offsets"};
    const char *start = starts[source->start.mode];
    if (source->reader != NULL)
        start = "the beginning";
    else if (source->start.mode == MR_START_GROUP_OFFSETS)
        start = mr_arena_printf(arena, "the offsets of group %s", source->start.group);
    else if (source->start.mode == MR_START_TIMESTAMP)
        start = mr_arena_printf(arena, "timestamp %lld", (long long)source->start.timestamp_ms);
    return mr_arena_printf(arena, "without state from %s; %s%s", start,
                           source->bound.mode == MR_BOUND_NONE ? "" : "up to ",
                           ends[source->bound.mode]);
}

const char *mr_explain_watermark(const mr_plan_source *source, mr_arena *arena)
{
    if (source->watermark == NULL)
        return NULL;
    const char *text = mr_arena_printf(arena, "%s",
                                       source->watermark->text != NULL
                                           ? source->watermark->text
                                           : source->columns[source->time_column].field.name);
    if (source->idle_timeout_ms > 0)
        text = mr_arena_printf(arena, "%s; an input idle for %lld ms does not hold it", text,
                               (long long)source->idle_timeout_ms);
    if (source->guard.skew_max_ms > 0)
        text = mr_arena_printf(arena, "%s; rows more than %lld ms ahead of their record %s", text,
                               (long long)source->guard.skew_max_ms,
                               source->guard_is_dead_letter ? "die" : "do not move it");
    return text;
}

const char *mr_explain_columns(mr_schema schema, mr_arena *arena)
{
    mr_buffer text = {0};
    char name[MR_TYPE_NAME_MAX];
    for (uint32_t i = 0; i < schema.columns_count; i++)
        mr_buffer_printf(&text, "%s%s %s", i > 0 ? ", " : "", schema.columns[i].name,
                         mr_type_name(schema.columns[i].type, name, sizeof name));
    const char *copy = mr_arena_string(arena, text.data != NULL ? text.data : "", text.length);
    mr_buffer_release(&text);
    return copy;
}

const char *mr_explain_source_columns(const mr_plan_source *source, mr_arena *arena)
{
    mr_buffer text = {0};
    char name[MR_TYPE_NAME_MAX];
    for (uint32_t i = 0; i < source->columns_count; i++) {
        const mr_source_column *column = &source->columns[i];
        mr_buffer_printf(&text, "%s%s %s", i > 0 ? ", " : "", column->field.name,
                         mr_type_name(column->field.type, name, sizeof name));
        if (column->origin == MR_COLUMN_COMPUTED && column->expr->text != NULL)
            mr_buffer_printf(&text, " = %s", column->expr->text);
        if (column->origin == MR_COLUMN_METADATA)
            mr_buffer_printf(&text, " (metadata)");
    }
    const char *copy = mr_arena_string(arena, text.data != NULL ? text.data : "", text.length);
    mr_buffer_release(&text);
    return copy;
}

static const char *key_text(mr_schema schema, const uint32_t *keys, uint32_t count, mr_arena *arena)
{
    const char *text = count == 0 ? "none: one group" : "";
    for (uint32_t k = 0; k < count; k++)
        text = mr_arena_printf(arena, "%s%s%s", text, k > 0 ? ", " : "",
                               keys[k] < schema.columns_count ? schema.columns[keys[k]].name : "?");
    return text;
}

const char *mr_explain_key(const mr_plan *plan, const mr_plan_node *node, mr_arena *arena)
{
    if (node->class == &mr_window_aggregate_class) {
        const mr_window_config *config = node->config;
        return key_text(node->schema, (const uint32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                        config->keys_count < 10 ? config->keys_count : 10, arena);
    }
    if (node->class == &mr_deduplicate_class) {
        const mr_deduplicate_config *config = node->config;
        return key_text(schema_of(plan, node->inputs[0], arena), config->keys, config->keys_count,
                        arena);
    }
    return NULL;
}

/* A guess at a key's bytes: strings count as 16. */
static uint32_t bytes_of(const mr_type *types, uint32_t count)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += (uint32_t)mr_lane_size(mr_type_lane(types[i])) + 1;
    return bytes;
}

const char *mr_explain_state(const mr_plan_node *node, mr_arena *arena)
{
    if (node->class == &mr_window_aggregate_class) {
        const mr_window_config *config = node->config;
        uint32_t bytes = 16 + bytes_of(config->key_types, config->keys_count);
        bool is_distinct = false;
        for (uint32_t i = 0; i < config->aggregates_count; i++) {
            bytes += mr_aggregate_size(&config->aggregates[i]);
            is_distinct |= config->aggregates[i].is_distinct;
        }
        return mr_arena_printf(arena, "about %u bytes per key and slice of %lld ms%s", bytes,
                               (long long)config->slide_ms,
                               is_distinct ? ", and one entry per distinct value" : "");
    }
    if (node->class == &mr_deduplicate_class) {
        const mr_deduplicate_config *config = node->config;
        return mr_arena_printf(arena, "about %u bytes per key, %u more until it is emitted",
                               24 + bytes_of(config->key_types, config->keys_count),
                               16 + bytes_of(config->column_types, config->columns_count));
    }
    return NULL;
}

bool mr_explain_is_unbounded(const mr_plan_node *node)
{
    return node->class == &mr_deduplicate_class &&
           ((const mr_deduplicate_config *)node->config)->ttl_ms == 0;
}

const char *mr_explain_bound(const mr_plan_node *node, mr_arena *arena)
{
    if (node->class == &mr_window_aggregate_class)
        return "the watermark: a slice is dropped when its last window has fired";
    if (node->class != &mr_deduplicate_class)
        return NULL;
    int64_t ttl = ((const mr_deduplicate_config *)node->config)->ttl_ms;
    if (ttl > 0)
        return mr_arena_printf(arena, "the TTL: a key is forgotten after %lld ms of event time",
                               (long long)ttl);
    return "UNBOUNDED: every key is kept for ever; SET 'table.exec.state.ttl' bounds it";
}

static bool late_is_read(const mr_plan *plan, uint32_t node)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        for (uint32_t j = 0; j < plan->nodes[i].inputs_count; j++)
            if (plan->nodes[i].inputs[j].kind == MR_ORIGIN_NODE_LATE &&
                plan->nodes[i].inputs[j].index == node)
                return true;
    return false;
}

const char *mr_explain_late(const mr_plan *plan, uint32_t node, mr_arena *arena)
{
    const mr_operator_class *class = plan->nodes[node].class;
    const char *when = NULL;
    if (class == &mr_window_aggregate_class)
        when = "rows all of whose windows have fired (watermark >= window end - 1 ms)";
    if (class == &mr_deduplicate_class)
        when = "rows at or behind the watermark whose key is not known";
    if (when == NULL)
        return NULL;
    return mr_arena_printf(arena, "%s; %s", when,
                           late_is_read(plan, node) ? "read as $late"
                                                    : "counted and sampled in the log");
}

const char *mr_explain_death(const mr_plan_node *node)
{
    if (node->class == &mr_window_aggregate_class)
        return "rows without a time; results out of their type's range";
    if (node->class == &mr_deduplicate_class)
        return "rows without a time";
    if (strcmp(node->class->name, "union_all") == 0)
        return NULL;
    return "rows for which an expression fails";
}

const char *mr_explain_errors(const mr_errors_policy *errors, mr_arena *arena)
{
    static const char *const modes[] = {"counted and sampled in the log", "dead letters to topic ",
                                        "the job stops", "counted only"};
    const char *text = modes[errors->mode];
    if (errors->mode == MR_ERRORS_DLQ)
        text = mr_arena_printf(arena, "%s%s", text, errors->dlq_topic);
    if (errors->budget_rows > 0)
        text = mr_arena_printf(arena, "%s; stops when more than %g %% of %u rows die", text,
                               errors->budget_share * 100, errors->budget_rows);
    return text;
}

const char *mr_explain_guarantee(mr_guarantee guarantee)
{
    static const char *const names[] = {"exactly-once", "at-least-once", "none"};
    return names[guarantee];
}

const char *mr_explain_delivery(const mr_plan *plan, const mr_plan_sink *sink)
{
    if (plan->guarantee == MR_NO_GUARANTEE)
        return plan->uses_log ? "none: rows may be lost or repeated"
                              : "none: no Kafka in the job, so a re-run starts over";
    if (sink->is_transactional && plan->guarantee == MR_EXACTLY_ONCE)
        return "exactly once for read_committed readers";
    if (sink->is_transactional)
        return "at least once: rows since the last commit repeat after a crash";
    return "flushed before each commit: rows since the last commit repeat after a crash";
}

static bool comes_from_window(const mr_plan *plan, mr_origin origin)
{
    while (origin.kind == MR_ORIGIN_NODE_ROWS) {
        const mr_plan_node *node = &plan->nodes[origin.index];
        if (node->class == &mr_window_aggregate_class || node->class == &mr_deduplicate_class)
            return true;
        if (node->inputs_count != 1)
            return false;
        origin = node->inputs[0];
    }
    return false;
}

const char *mr_explain_order(const mr_plan *plan, const mr_plan_sink *sink)
{
    return comes_from_window(plan, sink->input)
               ? "by time within a task: windows as they close"
               : "as in each input partition; inputs interleave as they are fetched";
}
