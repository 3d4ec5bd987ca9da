#include "jobs/explain/explain.h"
#include "jobs/explain/facts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static void set(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, key, json_string(text));
}

static json_t *columns_of(mr_schema schema)
{
    json_t *list = json_array();
    char name[MR_TYPE_NAME_MAX];
    for (uint32_t i = 0; i < schema.columns_count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "name", schema.columns[i].name, "type",
                                        mr_type_name(schema.columns[i].type, name, sizeof name)));
    return list;
}

static json_t *source_of(const mr_plan_source *source, mr_arena *arena)
{
    json_t *object = json_object();
    set(object, "table", source->table);
    set(object, "input", mr_explain_input(source, arena));
    set(object, "start", mr_explain_start(source, arena));
    set(object, "watermark", mr_explain_watermark(source, arena));
    set(object, "errors", mr_explain_errors(&source->errors, arena));
    set(object, "partitioned_by", source->partitioned_by);
    mr_field *fields = mr_arena_zalloc(arena, source->columns_count, sizeof *fields);
    for (uint32_t i = 0; i < source->columns_count; i++)
        fields[i] = source->columns[i].field;
    json_object_set_new(
        object, "columns",
        columns_of((mr_schema){.columns_count = source->columns_count, .columns = fields}));
    json_t *constraints = json_array();
    for (uint32_t i = 0; i < source->constraints_count; i++)
        json_array_append_new(constraints, json_string(source->constraints[i].name));
    json_object_set_new(object, "constraints", constraints);
    return object;
}

static json_t *node_of(const mr_plan *plan, uint32_t i, mr_arena *arena)
{
    const mr_plan_node *node = &plan->nodes[i];
    json_t *object = json_object();
    set(object, "id", node->id);
    set(object, "class", node->class->name);
    json_t *inputs = json_array();
    for (uint32_t j = 0; j < node->inputs_count; j++)
        json_array_append_new(inputs, json_string(mr_explain_origin(plan, node->inputs[j], arena)));
    json_object_set_new(object, "inputs", inputs);
    set(object, "details", node->details);
    json_object_set_new(object, "columns", columns_of(node->schema));
    set(object, "key", mr_explain_key(plan, node, arena));
    set(object, "state", mr_explain_state(node, arena));
    set(object, "bounded_by", mr_explain_bound(node, arena));
    if (mr_explain_state(node, arena) != NULL)
        json_object_set_new(object, "is_unbounded", json_boolean(mr_explain_is_unbounded(node)));
    set(object, "late", mr_explain_late(plan, i, arena));
    set(object, "death", mr_explain_death(node));
    set(object, "errors", mr_explain_errors(&node->errors, arena));
    return object;
}

static json_t *sink_of(const mr_plan *plan, const mr_plan_sink *sink, mr_arena *arena)
{
    json_t *object = json_object();
    set(object, "table", sink->table);
    set(object, "topic", sink->topic);
    set(object, "input", mr_explain_origin(plan, sink->input, arena));
    json_object_set_new(object, "columns", columns_of(sink->schema));
    set(object, "delivery", mr_explain_delivery(plan, sink));
    set(object, "order", mr_explain_order(plan, sink));
    set(object, "errors", mr_explain_errors(&sink->errors, arena));
    return object;
}

void mr_explain_json(const mr_job *job, mr_buffer *out)
{
    const mr_plan *plan = &job->plan;
    mr_arena arena = {0};
    json_t *root = json_object(), *sources = json_array(), *nodes = json_array(),
           *sinks = json_array();
    set(root, "job", plan->job);
    set(root, "version", mr_arena_printf(&arena, "%016" PRIx64, plan->version));
    set(root, "guarantee", mr_explain_guarantee(plan->guarantee));
    json_object_set_new(root, "commit_interval_ms", json_integer(plan->commit_interval_ms));
    json_object_set_new(root, "tasks", json_integer(plan->tasks_count));
    json_object_set_new(root, "tasks_follow_partitions",
                        json_boolean(job->tasks_follow_partitions));
    json_object_set_new(root, "uses_kafka", json_boolean(plan->uses_log));
    for (uint32_t i = 0; i < plan->sources_count; i++)
        json_array_append_new(sources, source_of(&plan->sources[i], &arena));
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        json_array_append_new(nodes, node_of(plan, i, &arena));
    for (uint32_t i = 0; i < plan->sinks_count; i++)
        json_array_append_new(sinks, sink_of(plan, &plan->sinks[i], &arena));
    json_object_set_new(root, "sources", sources);
    json_object_set_new(root, "operators", nodes);
    json_object_set_new(root, "sinks", sinks);
    char *text = json_dumps(root, JSON_INDENT(2));
    mr_buffer_printf(out, "%s\n", text != NULL ? text : "{}");
    free(text);
    json_decref(root);
    mr_arena_release(&arena);
}
