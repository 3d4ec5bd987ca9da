/* Facts about an operator: what it computes, keeps and what bounds that, where rows leave. */
#include "jobs/explain/explanation.h"

#include "engine/base/buffer.h"
#include "engine/state/entry.h"
#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/window/session.h"
#include "operators/window/session_aggregate.h"
#include "operators/window/window_partial.h"

#include <inttypes.h>
#include <string.h>

uint32_t mr_explain_key_bytes(const mr_type *types, uint32_t count, bool *has_strings)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_lane lane = mr_type_lane(types[i]);
        *has_strings |= lane == MR_LANE_STRING;
        bytes += 1 + (lane == MR_LANE_STRING ? 4 : (uint32_t)mr_lane_size(lane));
    }
    return bytes;
}

uint32_t mr_explain_entry_bytes(uint32_t key, uint32_t value)
{
    return (uint32_t)sizeof(mr_entry) + (key > MR_ENTRY_INLINE ? key : 0) + value + 9;
}

static void add_late(const mr_part *part, const char *when, mr_facts *facts)
{
    const char *readers = mr_explain_readers(
        part->plan, (mr_origin){.kind = MR_ORIGIN_NODE_LATE, .index = part->index}, facts->arena);
    mr_fact_add(facts, "late", "%s: %s%s", when,
                readers != NULL ? "$late goes to "
                                : "nobody reads $late, so they are counted and sampled in the log",
                readers != NULL ? readers : "");
}

void mr_explain_dead(const mr_plan_node *node, const char *which, mr_facts *facts)
{
    mr_fact_add(facts, "dead", "%s: %s", which, mr_explain_errors(&node->errors, facts->arena));
}

/* ---- rows ---- */

static void explain_filter(const mr_plan_node *node, mr_schema input, mr_facts *facts)
{
    const mr_filter_config *config = node->config;
    mr_fact_add(facts, "keeps", "rows with %s",
                mr_explain_expr(config->predicate, input, facts->arena));
    mr_fact_add(facts, "state", "none");
    mr_explain_dead(node, "rows for which the condition fails", facts);
}

static void explain_project(const mr_plan_node *node, mr_schema input, mr_facts *facts)
{
    const mr_project_config *config = node->config;
    mr_buffer text = {0};
    for (uint32_t i = 0; i < config->columns_count; i++) {
        const char *own = mr_explain_expr(config->columns[i], input, facts->arena);
        const char *name = i < node->schema.columns_count ? node->schema.columns[i].name : own;
        mr_buffer_printf(&text, "%s%s", i > 0 ? ", " : "", own);
        if (strcmp(own, name) != 0)
            mr_buffer_printf(&text, " AS %s", name);
    }
    mr_fact_add(facts, "computes", "%.*s", (int)text.length, text.data != NULL ? text.data : "");
    mr_buffer_release(&text);
    mr_fact_add(facts, "state", "none");
    mr_explain_dead(node, "rows for which a column fails", facts);
}

/* ---- window ---- */

static const char *aggregate_text(const mr_plan *plan, const mr_plan_node *node, mr_arena *arena)
{
    const mr_window_config *config = node->config;
    mr_origin from = node->inputs[0];
    const char *text = "";
    for (uint32_t i = 0; i < config->aggregates_count; i++) {
        const mr_aggregate *a = &config->aggregates[i];
        uint32_t argument = (uint32_t)a->argument, filter = (uint32_t)a->filter;
        text = mr_arena_printf(
            arena, "%s%s%s(%s%s)", text, i > 0 ? ", " : "", mr_aggregate_name(a->kind),
            a->is_distinct ? "DISTINCT " : "",
            a->argument < 0 ? "*" : mr_explain_columns(plan, from, &argument, 1, arena));
        if (a->filter >= 0)
            text = mr_arena_printf(arena, "%s FILTER (%s)", text,
                                   mr_explain_columns(plan, from, &filter, 1, arena));
    }
    return text;
}

static void add_window(const mr_window_config *config, mr_facts *facts)
{
    static const char *const kinds[] = {"TUMBLE", "HOP", "CUMULATE"};
    mr_arena *arena = facts->arena;
    const char *text = mr_arena_printf(arena, "%s of %s", kinds[config->kind],
                                       mr_explain_duration(config->size_ms, arena));
    if (config->kind != MR_WINDOW_TUMBLE)
        text = mr_arena_printf(arena, "%s, %s %s", text,
                               config->kind == MR_WINDOW_HOP ? "every" : "growing by",
                               mr_explain_duration(config->slide_ms, arena));
    if (config->offset_ms != 0)
        text = mr_arena_printf(arena, "%s, offset %s", text,
                               mr_explain_duration(config->offset_ms, arena));
    mr_fact_add(facts, "window", "%s%s; [s, e) fires when the watermark reaches e - 1 ms", text,
                config->is_local ? ", in the job's time zone" : "");
}

static void add_window_state(const mr_window_config *config, mr_facts *facts)
{
    bool has_strings = false, has_distinct = false, keeps_strings = false;
    uint32_t value = 0,
             key = mr_explain_key_bytes(config->key_types, config->keys_count, &has_strings);
    for (uint32_t i = 0; i < config->aggregates_count; i++) {
        const mr_aggregate *a = &config->aggregates[i];
        value += mr_aggregate_size(a);
        has_distinct |= a->is_distinct;
        keeps_strings |= (a->kind == MR_AGGREGATE_MIN || a->kind == MR_AGGREGATE_MAX) &&
                         mr_type_lane(a->argument_type) == MR_LANE_STRING;
    }
    int64_t slices = config->kind == MR_WINDOW_TUMBLE ? 1 : config->size_ms / config->slide_ms;
    mr_arena *arena = facts->arena;
    mr_fact_add(
        facts, "state",
        "one entry of about %" PRIu32 " bytes%s for each key and slice of %s; a row updates "
        "one%s%s",
        mr_explain_entry_bytes(key, value), has_strings || keeps_strings ? " and its strings" : "",
        mr_explain_duration(config->slide_ms, arena),
        slices > 1 ? mr_arena_printf(arena, ", a window combines up to %" PRId64, slices) : "",
        has_distinct ? "; besides, one entry for each distinct value" : "");
    mr_fact_add(facts, "bound",
                "event time: a slice is dropped whole when the watermark reaches the end of its "
                "last window; what is held are the keys of about %s behind the newest row, plus "
                "the watermark's delay",
                mr_explain_duration(config->size_ms, arena));
}

static void add_session(const mr_window_config *config, mr_facts *facts)
{
    mr_fact_add(facts, "window",
                "SESSION with a gap of %s%s; rows that far apart or nearer share one; [s, last row "
                "+ gap) fires when the watermark reaches its end - 1 ms",
                mr_explain_duration(config->size_ms, facts->arena),
                config->is_local ? ", shown in the job's time zone" : "");
}

static void add_session_state(const mr_window_config *config, mr_facts *facts)
{
    bool has_strings = false, has_distinct = false;
    uint32_t value = sizeof(mr_session),
             key = 4 + mr_explain_key_bytes(config->key_types, config->keys_count, &has_strings);
    for (uint32_t i = 0; i < config->aggregates_count; i++) {
        value += mr_aggregate_size(&config->aggregates[i]);
        has_distinct |= config->aggregates[i].is_distinct;
    }
    mr_fact_add(facts, "state",
                "about %" PRIu32 " bytes%s for each live session, its timer and its key; a row "
                "updates one, or makes one of two that it connects%s",
                mr_explain_entry_bytes(key, value) +
                    mr_explain_entry_bytes(key - 4, sizeof(mr_session_list)) +
                    (uint32_t)sizeof(mr_timer) + (uint32_t)sizeof(void *),
                has_strings ? " and its strings" : "",
                has_distinct ? "; besides, one entry for each distinct value" : "");
    mr_fact_add(facts, "bound",
                "event time: a session is forgotten when it fires; what is held are the sessions "
                "with a row in about %s behind the newest row, plus the watermark's delay",
                mr_explain_duration(config->size_ms, facts->arena));
}

static void explain_window(const mr_part *part, mr_facts *facts)
{
    const mr_plan_node *node = &part->plan->nodes[part->index];
    const mr_window_config *config = node->config;
    bool is_session = config->kind == MR_WINDOW_SESSION;
    if (is_session)
        add_session(config, facts);
    else
        add_window(config, facts);
    mr_fact_add(facts, "keys", "%s",
                config->keys_count == 0
                    ? is_session ? "none: one session at a time" : "none: one group a window"
                    : mr_explain_columns(part->plan, node->inputs[0], config->keys,
                                         config->keys_count, facts->arena));
    if (config->aggregates_count > 0)
        mr_fact_add(facts, "computes", "%s", aggregate_text(part->plan, node, facts->arena));
    if (is_session)
        add_session_state(config, facts);
    else
        add_window_state(config, facts);
    add_late(part,
             is_session ? "rows that touch no open session and whose own would have fired"
             : config->kind == MR_WINDOW_TUMBLE ? "rows whose window has fired"
                                                : "rows whose last window has fired",
             facts);
    mr_explain_dead(node, "rows without a time, results out of range", facts);
}

/* What runs before an exchange of such windows. */
static void explain_partial(const mr_part *part, mr_facts *facts)
{
    const mr_plan_node *node = &part->plan->nodes[part->index];
    const mr_window_config *config = node->config;
    add_window(config, facts);
    mr_fact_add(facts, "keys", "%s",
                config->keys_count == 0
                    ? "none: one group a window"
                    : mr_explain_columns(part->plan, node->inputs[0], config->keys,
                                         config->keys_count, facts->arena));
    mr_fact_add(facts, "computes",
                "the groups of each batch on its own%s%s, to be put together behind the exchange",
                config->aggregates_count > 0 ? ": " : "",
                config->aggregates_count > 0 ? aggregate_text(part->plan, node, facts->arena) : "");
    mr_fact_add(facts, "state", "none");
    mr_fact_add(facts, "late",
                "nothing is judged here: rows that are late for some of their windows, or may be "
                "behind the exchange, go on as they are");
    mr_explain_dead(node, "rows without a time", facts);
}

/* ---- deduplication ---- */

static void explain_deduplicate(const mr_part *part, mr_facts *facts)
{
    const mr_plan_node *node = &part->plan->nodes[part->index];
    const mr_deduplicate_config *config = node->config;
    bool has_strings = false;
    mr_arena *arena = facts->arena;
    uint32_t key = mr_explain_key_bytes(config->key_types, config->keys_count, &has_strings);
    uint32_t row = mr_explain_key_bytes(config->column_types, config->columns_count, &has_strings);
    mr_fact_add(facts, "keys", "%s",
                config->keys_count == 0
                    ? "none: the first row of all"
                    : mr_explain_columns(part->plan, node->inputs[0], config->keys,
                                         config->keys_count, arena));
    mr_fact_add(facts, "keeps",
                "the first row of each key by event time, emitted when the watermark passes it");
    const char *strings = has_strings ? " and its strings" : "";
    mr_fact_add(facts, "state",
                "about %" PRIu32 " bytes%s for each key, and %" PRIu32
                " more while its row waits for the watermark",
                mr_explain_entry_bytes(key, 16), strings, mr_explain_entry_bytes(key, row));
    if (config->ttl_ms > 0)
        mr_fact_add(facts, "bound",
                    "a key is forgotten %s of event time after its first row; a duplicate that "
                    "comes later counts as new or late",
                    mr_explain_duration(config->ttl_ms, arena));
    else
        mr_fact_warn(facts, "bound",
                     "UNBOUNDED: every key is kept for ever; SET 'table.exec.state.ttl' bounds it");
    add_late(part, "rows at or behind the watermark whose key is not known", facts);
    mr_explain_dead(node, "rows without a time", facts);
}

void mr_explain_node(mr_explanation *explanation, mr_part *part)
{
    const mr_plan_node *node = &part->plan->nodes[part->index];
    mr_facts *facts = &part->facts;
    mr_schema input = mr_plan_schema(part->plan, node->inputs[0], facts->arena);
    part->name = node->id;
    part->class = node->class->name;
    part->columns_count = node->schema.columns_count;
    part->columns = node->schema.columns;
    part->inputs_count = node->inputs_count;
    part->inputs = node->inputs;
    if (node->class == &mr_filter_class)
        explain_filter(node, input, facts);
    else if (node->class == &mr_project_class)
        explain_project(node, input, facts);
    else if (node->class == &mr_window_partial_class)
        explain_partial(part, facts);
    else if (mr_class_aggregates_windows(node->class))
        explain_window(part, facts);
    else if (node->class == &mr_deduplicate_class)
        explain_deduplicate(part, facts);
    else if (node->class == &mr_interval_join_class)
        mr_explain_join(explanation, part);
    else {
        mr_fact_add(facts, "keeps", "rows of all its inputs as they come");
        mr_fact_add(facts, "state", "none");
    }
}
