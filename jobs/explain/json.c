/* The JSON form. Texts of facts are for people; names, types, inputs and numbers for programs. */
#include "jobs/explain/explain.h"
#include "jobs/explain/explanation.h"

#include "engine/base/assert.h"
#include "operators/rank/deduplicate.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Text of a job is valid UTF-8; what came from elsewhere (a path) may not be. */
static json_t *text_of(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : json_string("(not UTF-8)");
}

static void put(json_t *object, const char *name, json_t *value)
{
    MR_ASSERT(json_object_set_new(object, name, value) == 0);
}

static json_t *facts_of(const mr_facts *facts)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < facts->count; i++)
        put(object, facts->items[i].name, text_of(facts->items[i].text));
    return object;
}

static json_t *columns_of(const mr_part *part)
{
    char type[MR_TYPE_NAME_MAX];
    json_t *array = json_array();
    for (uint32_t i = 0; i < part->columns_count; i++) {
        mr_type plain = mr_type_nullable(part->columns[i].type, true);
        json_t *column = json_object();
        put(column, "name", text_of(part->columns[i].name));
        put(column, "type", text_of(mr_type_name(plain, type, sizeof type)));
        put(column, "nullable", json_boolean(part->columns[i].type.is_nullable));
        MR_ASSERT(json_array_append_new(array, column) == 0);
    }
    return array;
}

static json_t *inputs_of(const mr_explanation *explanation, const mr_part *part)
{
    static const char *const rows[] = {
        [MR_ORIGIN_SOURCE_ROWS] = "rows",        [MR_ORIGIN_SOURCE_ERRORS] = "errors",
        [MR_ORIGIN_NODE_ROWS] = "rows",          [MR_ORIGIN_NODE_LATE] = "late",
        [MR_ORIGIN_SINK_ERRORS] = "errors",      [MR_ORIGIN_NODE_RAW] = "raw",
        [MR_ORIGIN_SOURCE_PARTIALS] = "partials"};
    json_t *array = json_array();
    for (uint32_t i = 0; i < part->inputs_count; i++) {
        const mr_part *from = &explanation->parts[mr_explanation_input(explanation, part, i)];
        json_t *input = json_object();
        put(input, mr_part_role_name(from->role), text_of(from->name));
        put(input, "rows", text_of(rows[part->inputs[i].kind]));
        MR_ASSERT(json_array_append_new(array, input) == 0);
    }
    return array;
}

/* Numbers behind the texts, where there are any. */
static void put_numbers(json_t *object, const mr_plan *job, const mr_part *part)
{
    const mr_plan *plan = part->plan;
    if (job->stages_count > 0)
        put(object, "stage", json_integer(part->stage + 1));
    if (part->role == MR_PART_IS_SOURCE) {
        const mr_plan_source *source = &plan->sources[part->index];
        put(object, "idle_timeout_ms", json_integer(source->idle_timeout_ms));
        put(object, "alignment_max_drift_ms", json_integer(source->drift_max_ms));
        put(object, "future_skew_max_ms",
            source->guard.skew_max_ms < 0 ? json_null() : json_integer(source->guard.skew_max_ms));
    }
    if (part->role == MR_PART_IS_SINK)
        put(object, "is_transactional", json_boolean(plan->sinks[part->index].is_transactional));
    if (part->role != MR_PART_IS_NODE)
        return;
    const mr_plan_node *node = &plan->nodes[part->index];
    bool is_unbounded = node->class == &mr_deduplicate_class &&
                        ((const mr_deduplicate_config *)node->config)->ttl_ms == 0;
    put(object, "keeps_state", json_boolean(mr_explain_is_keyed(node)));
    put(object, "is_bounded", json_boolean(!is_unbounded));
}

static json_t *part_of(const mr_explanation *explanation, const mr_part *part)
{
    json_t *object = json_object();
    put(object, "name", text_of(part->name));
    put(object, "class", text_of(part->class));
    if (part->inputs_count > 0)
        put(object, "inputs", inputs_of(explanation, part));
    put(object, "columns", columns_of(part));
    put_numbers(object, explanation->plan, part);
    put(object, "facts", facts_of(&part->facts));
    return object;
}

static json_t *parts_of(const mr_explanation *explanation, mr_part_role role)
{
    json_t *array = json_array();
    for (uint32_t p = 0; p < explanation->parts_count; p++)
        if (explanation->parts[p].role == role)
            MR_ASSERT(json_array_append_new(array, part_of(explanation, &explanation->parts[p])) ==
                      0);
    return array;
}

static void append_warnings(json_t *array, const char *what, const char *name,
                            const mr_facts *facts)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        if (!facts->items[i].is_warning)
            continue;
        json_t *warning = json_object();
        put(warning, what, text_of(name));
        put(warning, "about", text_of(facts->items[i].name));
        put(warning, "text", text_of(facts->items[i].text));
        MR_ASSERT(json_array_append_new(array, warning) == 0);
    }
}

static json_t *warnings_of(const mr_explanation *explanation)
{
    json_t *array = json_array();
    append_warnings(array, "job", explanation->plan->job, &explanation->facts);
    for (uint32_t p = 0; p < explanation->parts_count; p++) {
        const mr_part *part = &explanation->parts[p];
        append_warnings(array, mr_part_role_name(part->role), part->name, &part->facts);
    }
    return array;
}

static json_t *stages_of(const mr_plan *plan)
{
    json_t *array = json_array();
    for (uint32_t k = 0; k < plan->stages_count; k++) {
        json_t *stage = json_object();
        put(stage, "stage", json_integer(k + 1));
        put(stage, k == 0 ? "tasks_max" : "tasks", json_integer(plan->stages[k].tasks_count));
        MR_ASSERT(json_array_append_new(array, stage) == 0);
    }
    return array;
}

void mr_explain_json(const mr_plan *plan, mr_buffer *out)
{
    static const char *const guarantees[] = {"exactly-once", "at-least-once", "none"};
    mr_explanation explanation;
    mr_explanation_init(&explanation, plan);
    char version[17];
    snprintf(version, sizeof version, "%016" PRIx64, plan->version);
    json_t *object = json_object();
    put(object, "job", text_of(plan->job));
    put(object, "version", text_of(version));
    put(object, "guarantee", text_of(guarantees[plan->guarantee]));
    put(object, "commit_interval_ms", json_integer(plan->commit_interval_ms));
    put(object, "tasks", json_integer(plan->tasks_count));
    if (plan->stages_count > 0)
        put(object, "stages", stages_of(plan));
    put(object, "facts", facts_of(&explanation.facts));
    put(object, "sources", parts_of(&explanation, MR_PART_IS_SOURCE));
    if (plan->stages_count > 0)
        put(object, "exchanges", parts_of(&explanation, MR_PART_IS_EXCHANGE));
    put(object, "nodes", parts_of(&explanation, MR_PART_IS_NODE));
    put(object, "sinks", parts_of(&explanation, MR_PART_IS_SINK));
    put(object, "warnings", warnings_of(&explanation));
    char *text = json_dumps(object, JSON_INDENT(2));
    MR_ASSERT(text != NULL);
    mr_buffer_printf(out, "%s\n", text);
    free(text);
    json_decref(object);
    mr_explanation_release(&explanation);
}
