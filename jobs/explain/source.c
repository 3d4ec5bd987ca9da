/* Facts about a source: what it reads, how time passes, what becomes of bad records. */
#include "jobs/explain/explanation.h"

#include "connectors/local/datagen.h"
#include "connectors/local/files/reader.h"
#include "engine/base/buffer.h"

#include <inttypes.h>
#include <string.h>

static const char *class_of(const mr_plan_source *source)
{
    if (source->reader == NULL)
        return "kafka";
    if (source->reader->open == mr_file_reader_open)
        return "filesystem";
    return source->reader->open == mr_datagen_open ? "datagen" : "reader";
}

static void add_place(const mr_plan_source *source, mr_facts *facts)
{
    if (source->reader == NULL) {
        const char *topics = "";
        for (uint32_t t = 0; t < source->topics_count; t++)
            topics = mr_arena_printf(facts->arena, "%s%s`%s`", topics, t > 0 ? ", " : "",
                                     source->topics[t]);
        mr_fact_add(facts, "reads", "%s %s", source->topics_count == 1 ? "topic" : "topics",
                    topics);
        return;
    }
    if (source->reader->open == mr_file_reader_open)
        mr_fact_add(facts, "reads", "lines of `%s`",
                    ((const mr_file_reader_config *)source->reader->config)->path);
    else if (source->reader->open == mr_datagen_open)
        mr_fact_add(facts, "reads", "generated rows, the same in every run");
    else
        mr_fact_add(facts, "reads", "a reader of its own");
}

static void add_range(const mr_plan_source *source, mr_facts *facts)
{
    static const char *const ends[] = {
        [MR_BOUND_NONE] = "never ends",
        [MR_BOUND_LATEST] = "ends at the ends known at start",
        [MR_BOUND_GROUP_OFFSETS] = "ends at the group's committed offsets",
        [MR_BOUND_TIMESTAMP] = "ends at a timestamp",
        [MR_BOUND_SPECIFIC] = "ends at the offsets given",
    };
    const char *start = "";
    if (source->reader != NULL) {
        mr_fact_add(facts, "range", "from the start, to where the reader ends");
        return;
    }
    switch (source->start.mode) {
    case MR_START_GROUP_OFFSETS:
        start = source->start.group != NULL
                    ? mr_arena_printf(facts->arena, "the offsets of group `%s`, else the start",
                                      source->start.group)
                    : "the job's committed offsets, else the start";
        break;
    case MR_START_EARLIEST: start = "the start"; break;
    case MR_START_LATEST: start = "the end"; break;
    case MR_START_TIMESTAMP:
        start =
            mr_arena_printf(facts->arena, "timestamp %" PRId64 " ms", source->start.timestamp_ms);
        break;
    case MR_START_SPECIFIC: start = "the offsets given, else the start"; break;
    }
    mr_fact_add(facts, "range", "without state from %s; %s", start, ends[source->bound.mode]);
}

/* The delay of `ts - INTERVAL`; -1: the expression is of another form. */
static int64_t delay_of(const mr_plan_source *source)
{
    const mr_expr *e = source->watermark;
    if (e->kind == MR_EXPR_COLUMN && e->column == (uint32_t)source->time_column)
        return 0;
    if (e->kind != MR_EXPR_CALL || e->args_count != 2 || strcmp(e->function->name, "-") != 0 ||
        e->args[0]->kind != MR_EXPR_COLUMN || e->args[0]->column != (uint32_t)source->time_column ||
        e->args[1]->kind != MR_EXPR_CONSTANT || e->args[1]->type.kind != MR_TYPE_INTERVAL_SECOND ||
        e->args[1]->value.is_null)
        return -1;
    return e->args[1]->value.i64 / 1000;
}

static void add_guard(const mr_plan_source *source, mr_facts *facts)
{
    if (source->reader != NULL)
        mr_fact_add(facts, "guard", "off: these records have no timestamp to be ahead of");
    else if (source->guard.skew_max_ms < 0)
        mr_fact_add(facts, "guard",
                    "off: one row with a time far ahead closes every window before it");
    else
        mr_fact_add(facts, "guard",
                    "a row more than %s ahead of its record's timestamp does not move the "
                    "watermark and %s",
                    mr_explain_duration(source->guard.skew_max_ms, facts->arena),
                    source->guard_is_dead_letter ? "dies" : "goes on");
}

static void add_time(const mr_plan_source *source, mr_schema schema, mr_facts *facts)
{
    if (source->watermark == NULL) {
        mr_fact_add(facts, "watermark", "none: no window and no deduplication on these rows");
        return;
    }
    const char *text = mr_explain_expr(source->watermark, schema, facts->arena);
    int64_t delay = delay_of(source);
    const char *behind = delay > 0
                             ? mr_arena_printf(facts->arena, ": %s behind the highest `%s` so far",
                                               mr_explain_duration(delay, facts->arena),
                                               schema.columns[source->time_column].name)
                             : "";
    mr_fact_add(facts, "watermark", "%s%s; one per partition, the lowest counts", text, behind);
    if (source->idle_timeout_ms > 0)
        mr_fact_add(facts, "idle",
                    "a partition read to its end with nothing under way stops holding the "
                    "watermark after %s",
                    mr_explain_duration(source->idle_timeout_ms, facts->arena));
    else
        mr_fact_add(facts, "idle",
                    "never: a partition without records holds the watermark, and with it windows "
                    "and state ('scan.watermark.idle-timeout')");
    add_guard(source, facts);
}

static void add_alignment(const mr_plan *plan, const mr_plan_source *source, mr_facts *facts)
{
    if (source->watermark == NULL)
        return;
    if (source->drift_max_ms <= 0) {
        mr_fact_add(facts, "alignment", "off: partitions are read as they come");
        return;
    }
    const char *others = "";
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (&plan->sources[s] != source && plan->sources[s].drift_max_ms > 0 &&
            plan->sources[s].aligned_with == source->aligned_with)
            others = mr_arena_printf(facts->arena, "%s, `%s`", others, plan->sources[s].table);
    mr_fact_add(facts, "alignment",
                "a partition waits while it is more than %s ahead of the slowest with more to "
                "read%s%s%s",
                mr_explain_duration(source->drift_max_ms, facts->arena),
                others[0] != '\0' ? ", those of " : "", others[0] != '\0' ? others + 2 : "",
                others[0] != '\0' ? " included" : "");
}

static void add_constraints(const mr_plan_source *source, mr_schema schema, mr_facts *facts)
{
    static const char *const actions[] = {
        [MR_VIOLATION_TABLE] = "dies as the table's errors.mode says",
        [MR_VIOLATION_DLQ] = "becomes a dead letter",
        [MR_VIOLATION_DROP] = "is dropped and counted",
        [MR_VIOLATION_FAIL] = "stops the job",
        [MR_VIOLATION_WARN] = "goes on, is counted and sampled in the log",
    };
    mr_buffer text = {0};
    for (uint32_t i = 0; i < source->constraints_count; i++) {
        const mr_constraint *c = &source->constraints[i];
        mr_buffer_printf(&text, "%s%s: a row with %s FALSE %s", i > 0 ? "; " : "", c->name,
                         mr_explain_expr(c->check, schema, facts->arena), actions[c->on_violation]);
    }
    if (text.length > 0)
        mr_fact_add(facts, "checks", "%.*s", (int)text.length, text.data);
    mr_buffer_release(&text);
}

static void add_computed(const mr_plan_source *source, mr_schema schema, mr_facts *facts)
{
    mr_buffer text = {0};
    for (uint32_t i = 0; i < source->columns_count; i++) {
        const mr_source_column *column = &source->columns[i];
        if (column->origin == MR_COLUMN_COMPUTED)
            mr_buffer_printf(&text, "%s%s AS %s", text.length > 0 ? ", " : "", column->field.name,
                             mr_explain_expr(column->expr, schema, facts->arena));
    }
    if (text.length > 0)
        mr_fact_add(facts, "computes", "%.*s", (int)text.length, text.data);
    mr_buffer_release(&text);
}

void mr_explain_source(mr_explanation *explanation, mr_part *part)
{
    (void)explanation;
    const mr_plan *plan = part->plan;
    const mr_plan_source *source = &plan->sources[part->index];
    mr_facts *facts = &part->facts;
    mr_schema schema = mr_plan_schema(
        plan, (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = part->index}, facts->arena);
    part->name = source->table;
    part->class = class_of(source);
    part->columns_count = schema.columns_count;
    part->columns = schema.columns;
    add_place(source, facts);
    add_range(source, facts);
    if (source->partitioned_by != NULL)
        mr_fact_add(facts, "partitions", "rows with equal (%s) lie in one partition",
                    source->partitioned_by);
    add_computed(source, schema, facts);
    add_time(source, schema, facts);
    add_alignment(plan, source, facts);
    add_constraints(source, schema, facts);
    const char *readers = mr_explain_readers(
        plan, (mr_origin){.kind = MR_ORIGIN_SOURCE_ERRORS, .index = part->index}, facts->arena);
    mr_fact_add(facts, "dead", "undecodable records, computed columns that fail: %s%s%s",
                mr_explain_errors(&source->errors, facts->arena),
                readers != NULL ? "; $errors goes to " : "", readers != NULL ? readers : "");
}
