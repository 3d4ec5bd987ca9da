/*
 * Goal: EXPLAIN says what a reader must know (state and what bounds it, where rows are late or
 * die, what each sink promises), and its three forms agree. Method: plans built by hand; texts
 * compared with blanks and line breaks made one, since where lines break is no promise.
 */
#include "jobs/explain/explain.h"

#include "connectors/local/files/reader.h"
#include "connectors/local/print_sink.h"
#include "engine/base/arena.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "tests/sim/job.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef void explain_form(const mr_plan *plan, mr_buffer *out);

/* The form's text, the caller's to free. Tree lines and blanks become one blank when `is_flat`. */
static char *text_of(explain_form *form, const mr_plan *plan, bool is_flat)
{
    mr_buffer out = {0};
    form(plan, &out);
    char *text = calloc(out.length + 1, 1);
    cr_assert_not_null(text);
    size_t at = 0;
    bool is_line_start = true;
    for (size_t i = 0; i < out.length; i++) {
        char c = out.data[i];
        bool is_frame = is_line_start && (c == '|' || c == ' ');
        if (is_flat && (c == '\n' || is_frame))
            c = ' ';
        is_line_start = out.data[i] == '\n' || (is_line_start && is_frame);
        if (is_flat && c == ' ' && at > 0 && text[at - 1] == ' ')
            continue;
        text[at++] = c;
    }
    text[at] = '\0';
    mr_buffer_release(&out);
    return text;
}

static void expect(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "missing: %s\nin:\n%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
    cr_expect(strstr(text, part) == NULL, "unwanted: %s\nin:\n%s", part, text);
}

/* In place: the plan points into the job. */
static void sim_job_init(mr_sim_job *job, bool is_hop, mr_guarantee guarantee,
                         int64_t idle_timeout_ms)
{
    mr_sim_job_options options = {.tasks_count = 1,
                                  .is_hop = is_hop,
                                  .guarantee = guarantee,
                                  .idle_timeout_ms = idle_timeout_ms};
    mr_sim_job_init(job, &options);
}

/* ---- a second job: a file and a topic, united, filtered, deduplicated, printed ---- */

typedef struct small_job {
    mr_expr column, is_good;
    const mr_expr *exprs[1];
    mr_source_column columns[1];
    mr_type types[1];
    mr_field fields[1];
    uint32_t keys[1];
    mr_reader_factory reader;
    mr_file_reader_config file;
    mr_filter_config filter;
    mr_project_config project;
    mr_deduplicate_config first;
    mr_origin inputs[5];
    const char *topics[1];
    mr_plan_source sources[2];
    mr_plan_node nodes[4];
    mr_plan_sink sinks[1];
    mr_plan plan;
} small_job;

static void set_sources(small_job *job)
{
    mr_type time = mr_type_time(MR_TYPE_TIMESTAMP, 3);
    job->column = (mr_expr){.kind = MR_EXPR_COLUMN, .type = time};
    job->is_good = (mr_expr){.kind = MR_EXPR_CALL,
                             .type = mr_type_of(MR_TYPE_BOOLEAN),
                             .text = "ts > TIMESTAMP '2024-01-01 00:00:00'"};
    job->exprs[0] = &job->column;
    job->types[0] = time;
    job->fields[0] = (mr_field){.name = "seen_at", .type = time};
    job->columns[0].field = (mr_field){.name = "ts", .type = time};
    job->file.path = "in.json";
    job->reader = (mr_reader_factory){
        .splits = mr_file_reader_splits, .open = mr_file_reader_open, .config = &job->file};
    job->topics[0] = "more";
    job->sources[0] = (mr_plan_source){.table = "file",
                                       .reader = &job->reader,
                                       .columns_count = 1,
                                       .columns = job->columns,
                                       .watermark = &job->column,
                                       .guard = {.skew_max_ms = 86400000}};
    job->sources[1] = job->sources[0];
    job->sources[1].table = "more";
    job->sources[1].reader = NULL;
    job->sources[1].topics_count = 1;
    job->sources[1].topics = job->topics;
    job->sources[1].errors = (mr_errors_policy){.mode = MR_ERRORS_FAIL};
}

static void set_nodes(small_job *job, int64_t ttl_ms)
{
    job->filter.predicate = &job->is_good;
    job->project = (mr_project_config){.columns_count = 1, .columns = job->exprs};
    job->first = (mr_deduplicate_config){.keys_count = 1,
                                         .keys = job->keys,
                                         .key_types = job->types,
                                         .columns_count = 1,
                                         .column_types = job->types,
                                         .ttl_ms = ttl_ms};
    job->inputs[0] = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = 0};
    job->inputs[1] = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = 1};
    for (uint32_t n = 0; n < 3; n++)
        job->inputs[2 + n] = (mr_origin){.kind = MR_ORIGIN_NODE_ROWS, .index = n};
    mr_schema before = {.columns_count = 1, .columns = &job->columns[0].field};
    mr_schema behind = {.columns_count = 1, .columns = job->fields};
    job->nodes[0] = (mr_plan_node){.id = "v/union",
                                   .class = &mr_union_all_class,
                                   .inputs_count = 2,
                                   .inputs = job->inputs,
                                   .schema = before};
    job->nodes[1] = (mr_plan_node){
        .id = "v/where", .class = &mr_filter_class, .config = &job->filter, .schema = before};
    job->nodes[2] = (mr_plan_node){
        .id = "v/select", .class = &mr_project_class, .config = &job->project, .schema = behind};
    job->nodes[3] = (mr_plan_node){
        .id = "v/first", .class = &mr_deduplicate_class, .config = &job->first, .schema = behind};
    for (uint32_t n = 1; n < 4; n++) {
        job->nodes[n].inputs_count = 1;
        job->nodes[n].inputs = &job->inputs[1 + n];
    }
}

/* file, topic -> union -> where -> select -> deduplicate -> print */
static void small_job_init(small_job *job, int64_t ttl_ms)
{
    *job = (small_job){0};
    set_sources(job);
    set_nodes(job, ttl_ms);
    job->sinks[0] = (mr_plan_sink){.table = "shown",
                                   .input = {.kind = MR_ORIGIN_NODE_ROWS, .index = 3},
                                   .open = mr_print_sink_open,
                                   .schema = job->nodes[3].schema};
    job->plan = (mr_plan){.job = "small",
                          .version = 0xABCDu,
                          .tasks_count = 1,
                          .commit_interval_ms = 1000,
                          .transaction_timeout_ms = 10000,
                          .is_pipelined = true,
                          .uses_log = true,
                          .sources_count = 2,
                          .sources = job->sources,
                          .nodes_count = 4,
                          .nodes = job->nodes,
                          .sinks_count = 1,
                          .sinks = job->sinks};
}

/* ---- text ---- */

Test(explain_text, says_what_a_window_keeps_and_until_when)
{
    mr_sim_job job;
    sim_job_init(&job, true, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "window_aggregate `counts/window`");
    expect(text, "HOP of 10 ms, every 5 ms; [s, e) fires when the watermark reaches e - 1 ms");
    expect(text, "keys key ");
    expect(text, "COUNT(*), SUM(amount)");
    expect(text, "for each key and slice of 5 ms; a row updates one, a window combines up to 2");
    expect(text, "a slice is dropped whole when the watermark reaches the end of its last window");
    expect_not(text, "UNBOUNDED");
    expect_not(text, "warning:");
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_text, says_where_late_and_dead_rows_go)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "rows whose window has fired: $late goes to `late`");
    expect(text, "results out of range: to the dead letter topic `dlq`");
    expect(text, "or that the broker refuses: to the dead letter topic `dlq`");
    free(text);
    job.plan.sinks_count = 1; /* without the reader of late rows */
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "nobody reads $late, so they are counted and sampled in the log");
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_text, shows_a_shared_part_once)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_text, &job.plan, false);
    expect(text, "`- window_aggregate `counts/window`\n");
    expect(text, "`- window_aggregate `counts/window`, late rows: see above\n");
    const char *first = strstr(text, "source `in`, kafka");
    cr_assert_not_null(first);
    cr_expect_null(strstr(first + 1, "source `in`, kafka"));
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_text, warns_of_a_partition_that_holds_the_watermark)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "never: a partition without records holds the watermark");
    expect(text, "guard off");
    free(text);
    mr_sim_job_release(&job);
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 30000);
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "stops holding the watermark after 30 s");
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_text, tells_the_guarantees_apart)
{
    static const char *const jobs[] = {"one Kafka transaction", "state is exact against offsets",
                                       "neither state nor offsets are kept"};
    static const char *const sinks[] = {"isolation.level=read_committed",
                                        "rows since the last commit are repeated after a crash",
                                        "a run starts anew, so its rows come again"};
    for (int g = 0; g < 3; g++) {
        mr_sim_job job;
        sim_job_init(&job, false, (mr_guarantee)g, 0);
        char *text = text_of(mr_explain_text, &job.plan, true);
        for (int i = 0; i < 3; i++) {
            (i == g ? expect : expect_not)(text, jobs[i]);
            (i == g ? expect : expect_not)(text, sinks[i]);
        }
        free(text);
        mr_sim_job_release(&job);
    }
}

Test(explain_text, says_unbounded_state_out_loud)
{
    small_job job;
    small_job_init(&job, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "bound UNBOUNDED: every key is kept for ever");
    expect(text, "warning: `v/first`: UNBOUNDED");
    free(text);
    small_job_init(&job, 86400000);
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "a key is forgotten 1 d of event time after its first row");
    expect_not(text, "UNBOUNDED");
    free(text);
}

Test(explain_text, warns_that_print_may_repeat_rows_of_an_exactly_once_job)
{
    small_job job;
    small_job_init(&job, 1000);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "sink `shown`, print");
    expect(text, "warning: `shown`: at least once: flushed before each commit; rows since the last "
                 "commit are repeated after a crash");
    expect(text, "by event time, as the watermark passes");
    free(text);
}

Test(explain_text, names_columns_and_expressions)
{
    small_job job;
    small_job_init(&job, 1000);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "columns seen_at TIMESTAMP(3)");
    expect(text, "rows with ts > TIMESTAMP '2024-01-01 00:00:00'");
    expect(text, "computes ts AS seen_at");
    expect(text, "lines of `in.json`");
    expect(text, "a row more than 1 d ahead of its record's timestamp does not move the watermark");
    expect(text, "off: these records have no timestamp to be ahead of");
    expect(text, "computed columns that fail: stop the job");
    free(text);
}

Test(explain_text, says_why_there_are_so_many_tasks)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "1: `counts/window` keeps state by key");
    free(text);
    mr_plan_source source = job.plan.sources[0];
    source.partitioned_by = " key ";
    job.plan.sources = &source;
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "as many as the source has partitions");
    free(text);
    source.partitioned_by = "key; amount"; /* the key holds but one of them */
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "1: `counts/window` keeps state by key");
    free(text);
    job.plan.nodes_count = 0;
    mr_plan_sink sink = job.plan.sinks[0];
    sink.input.kind = MR_ORIGIN_SOURCE_ROWS;
    job.plan.sinks = &sink;
    job.plan.sinks_count = 1;
    text = text_of(mr_explain_text, &job.plan, true);
    expect(text, "nothing is kept by key, so 'parallelism.default' decides");
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_text, keeps_lines_short)
{
    small_job job;
    small_job_init(&job, 0);
    char *text = text_of(mr_explain_text, &job.plan, false);
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        cr_expect_leq(length, 110, "%.*s", (int)length, line);
        line += length + (line[length] != '\0');
    }
    free(text);
}

/* ---- dot ---- */

Test(explain_dot, draws_late_rows_dashed)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 0);
    char *text = text_of(mr_explain_dot, &job.plan, false);
    cr_expect_eq(strncmp(text, "digraph \"sim\" {\n", 16), 0, "%s", text);
    expect(text, "p0 [shape=cds, label=\"kafka in\\l");
    expect(text, "  p0 -> p1;\n");
    expect(text, "  p1 -> p2;\n");
    expect(text, "  p1 -> p3 [style=dashed, label=\"late\"];\n");
    free(text);
    mr_sim_job_release(&job);
}

Test(explain_dot, escapes_quotes_of_names)
{
    small_job job;
    small_job_init(&job, 1000);
    job.is_good.text = "s = 'say \"x\\y\"'";
    char *text = text_of(mr_explain_dot, &job.plan, false);
    expect(text, "keeps: rows with s = 'say \\\"x\\\\y\\\"'\\l");
    free(text);
}

/* ---- json ---- */

static json_t *json_of(const mr_plan *plan)
{
    char *text = text_of(mr_explain_json, plan, false);
    json_error_t error;
    json_t *object = json_loads(text, 0, &error);
    cr_assert_not_null(object, "%s in %s", error.text, text);
    free(text);
    return object;
}

static const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "(none)";
}

Test(explain_json, gives_the_graph_to_programs)
{
    mr_sim_job job;
    sim_job_init(&job, false, MR_EXACTLY_ONCE, 250);
    json_t *object = json_of(&job.plan);
    cr_expect_str_eq(json_text(object, "job"), "sim");
    cr_expect_str_eq(json_text(object, "guarantee"), "exactly-once");
    cr_expect_eq(json_integer_value(json_object_get(object, "commit_interval_ms")), 40);
    json_t *source = json_array_get(json_object_get(object, "sources"), 0);
    cr_expect_eq(json_integer_value(json_object_get(source, "idle_timeout_ms")), 250);
    json_t *column = json_array_get(json_object_get(source, "columns"), 1);
    cr_expect_str_eq(json_text(column, "name"), "time");
    cr_expect_str_eq(json_text(column, "type"), "TIMESTAMP(3)");
    json_t *sinks = json_object_get(object, "sinks");
    cr_assert_eq(json_array_size(sinks), 2);
    json_t *late = json_array_get(json_object_get(json_array_get(sinks, 1), "inputs"), 0);
    cr_expect_str_eq(json_text(late, "node"), "counts/window");
    cr_expect_str_eq(json_text(late, "rows"), "late");
    json_decref(object);
    mr_sim_job_release(&job);
}

Test(explain_json, marks_unbounded_state)
{
    small_job job;
    small_job_init(&job, 0);
    json_t *object = json_of(&job.plan);
    json_t *first = json_array_get(json_object_get(object, "nodes"), 3);
    cr_expect(json_is_true(json_object_get(first, "keeps_state")));
    cr_expect(json_is_false(json_object_get(first, "is_bounded")));
    json_t *warning = json_array_get(json_object_get(object, "warnings"), 0);
    cr_expect_str_eq(json_text(warning, "node"), "v/first");
    cr_expect_str_eq(json_text(warning, "about"), "bound");
    json_decref(object);
}

Test(explain_json, says_the_same_facts_as_the_text)
{
    small_job job;
    small_job_init(&job, 0);
    char *text = text_of(mr_explain_text, &job.plan, true);
    json_t *object = json_of(&job.plan), *part, *fact;
    static const char *const lists[] = {"sources", "nodes", "sinks"};
    size_t i, facts = 0;
    const char *name;
    for (int l = 0; l < 3; l++)
        json_array_foreach(json_object_get(object, lists[l]), i, part)
            json_object_foreach(json_object_get(part, "facts"), name, fact)
        {
            expect(text, json_string_value(fact));
            facts++;
        }
    cr_expect_gt(facts, 15);
    json_decref(object);
    free(text);
}
