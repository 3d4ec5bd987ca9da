#include "jobs/plan/job.h"

#include "engine/base/assert.h"
#include "jobs/plan/alignment.h"
#include "jobs/plan/planner/planner.h"
#include "jobs/plan/version.h"
#include "jobs/plan/zone.h"
#include "jobs/sql/parser/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- names and guarantees ---- */

/* Topics and groups take letters, digits, `.`, `_` and `-`. */
static const char *job_name(mr_job *job, const mr_job_options *options, mr_diagnostics *diagnostics)
{
    const char *given = options->name != NULL ? options->name : job->settings.name;
    const char *name = given != NULL ? given : options->stem != NULL ? options->stem : "job";
    char *clean = mr_arena_string(&job->arena, name, strlen(name));
    bool is_clean = *clean != '\0' && strlen(clean) <= MR_JOB_NAME_MAX;
    for (char *c = clean; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) {
            is_clean = false;
            *c = '_';
        }
    if (!is_clean && given != NULL) {
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, (mr_span){0},
                              "`%s` cannot be the name of a job", given);
        mr_diagnostics_hint(diagnostics, "letters, digits, `.`, `_` and `-`, at most %d",
                            MR_JOB_NAME_MAX);
    }
    return clean;
}

/* SET wins; else what the tables agree on. */
static mr_guarantee guarantee_of(const mr_binder *binder)
{
    const mr_option *first = NULL;
    if (binder->settings->has_guarantee)
        return binder->settings->guarantee;
    for (uint32_t i = 0; i < binder->sinks_count; i++) {
        const mr_table *table = binder->sinks[i].table;
        const mr_option *option =
            table != NULL ? mr_options_find(&table->options, "sink.delivery-guarantee") : NULL;
        if (option == NULL)
            continue;
        if (first != NULL && first->number != option->number) {
            mr_diagnostics_report(binder->diagnostics, MR_E_GUARANTEE, option->value_span,
                                  "a job has one delivery guarantee, and another table says `%s`",
                                  first->text);
            mr_diagnostics_hint(binder->diagnostics, "SET 'execution.guarantee' = '%s' decides",
                                first->text);
        }
        if (first == NULL)
            first = option;
    }
    return first != NULL ? (mr_guarantee)first->number : MR_EXACTLY_ONCE;
}

/* ---- planning ---- */

/* Nothing else may bound the state of a deduplication than the TTL. */
static void check_state(const mr_planner *planner)
{
    for (uint32_t i = 0; i < planner->binder->relations.count; i++) {
        const mr_relation *relation = planner->binder->relations.items[i];
        if (relation->kind != MR_RELATION_DEDUPLICATE || !planner->planned[i].is_reached ||
            planner->settings->state_ttl_ms > 0 || !planner->settings->forbids_unbounded_state)
            continue;
        mr_diagnostics_report(planner->diagnostics, MR_E_UNBOUNDED_GROUP, relation->span,
                              "this keeps every key for ever, and 'state.unbounded' is `forbid`");
        mr_diagnostics_hint(planner->diagnostics, "SET 'table.exec.state.ttl' = '1 d' bounds it");
    }
}

/* Dead letters go to the job's cluster: there must be one. */
static void check_dead_letters(const mr_planner *planner, const mr_cluster *cluster)
{
    for (uint32_t i = 0; i < planner->binder->names.count; i++) {
        const mr_table *table = planner->binder->names.items[i]->table;
        if (table == NULL || table->errors.mode != MR_ERRORS_DLQ || cluster->bootstrap != NULL)
            continue;
        mr_diagnostics_report(planner->diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                              "the dead letter topic of `%s` lies in no cluster", table->name);
        mr_diagnostics_hint(planner->diagnostics,
                            "no table of the job has 'properties.bootstrap.servers'");
    }
}

static const char *path_of(const mr_table *table)
{
    return table->connector->kind == MR_CONNECTOR_FILESYSTEM
               ? mr_options_text(&table->options, "path", NULL)
               : NULL;
}

static bool reads(const mr_relation *source, const mr_plan_sink *sink, const char *path)
{
    const char *own = path_of(source->table);
    for (uint32_t t = 0; sink->topic != NULL && t < source->table->topics_count; t++)
        if (strcmp(source->table->topics[t], sink->topic) == 0)
            return true;
    return own != NULL && path != NULL && strcmp(own, path) == 0;
}

/* A job that writes where it reads may mean to (a loop that ends by its WHERE): it is told, not
 * refused. */
static void check_feedback(const mr_planner *planner)
{
    if (planner->diagnostics->errors > 0)
        return;
    for (uint32_t i = 0; i < planner->sinks_count; i++) {
        const mr_bound_sink *bound = &planner->binder->sinks[i];
        for (uint32_t r = 0; bound->table != NULL && r < planner->binder->relations.count; r++) {
            const mr_relation *source = planner->binder->relations.items[r];
            if (source->kind != MR_RELATION_TABLE || !planner->planned[r].is_reached ||
                !reads(source, &planner->sinks[i], path_of(bound->table)))
                continue;
            mr_diagnostics_report(planner->diagnostics, MR_W_FEEDS_ITSELF, bound->span,
                                  "`%s` is written where `%s` reads: the job's own rows come back",
                                  bound->table->name, source->table->name);
            mr_diagnostics_hint(planner->diagnostics,
                                "they are rows like any others, without end unless the query "
                                "leaves them out");
            break;
        }
    }
}

/* Rows have to go to the task of their key, where there is more than one. */
static void cut(mr_job *job, const mr_planner *planner)
{
    mr_plan *plan = &job->plan;
    uint32_t tasks = job->settings.parallelism;
    if (plan->guarantee == MR_NO_GUARANTEE)
        plan->why_uncut = "without a guarantee one worker has all tasks";
    else
        plan->why_uncut = mr_stages_cut(plan, tasks, &job->arena, &job->stages);
    if (plan->stages_count == 0 || plan->guarantee == MR_EXACTLY_ONCE)
        return;
    mr_diagnostics_report(planner->diagnostics, MR_E_EXCHANGE_GUARANTEE, (mr_span){0},
                          "'parallelism.default' = '%u' puts an exchange before state that is kept "
                          "by key, and an exchange needs the guarantee exactly-once",
                          tasks);
    mr_diagnostics_hint(planner->diagnostics,
                        "SET 'execution.guarantee' = 'exactly-once', or one task: SET "
                        "'parallelism.default' = '1'");
}

static void finish(mr_job *job, const mr_planner *planner, const mr_job_options *options)
{
    mr_plan *plan = &job->plan;
    mr_plan_source *sources =
        mr_arena_copy(&job->arena, planner->sources, planner->sources_count * sizeof *sources);
    for (uint32_t i = 0; options->is_bounded && i < planner->sources_count; i++)
        if (sources[i].bound.mode == MR_BOUND_NONE)
            sources[i].bound.mode = MR_BOUND_LATEST;
    job->tasks_follow_partitions = planner->is_keyed && planner->is_partitioned;
    job->joins_partitions = planner->joins_partitions;
    plan->sources = sources;
    plan->nodes =
        mr_arena_copy(&job->arena, planner->nodes, planner->nodes_count * sizeof *planner->nodes);
    plan->sinks =
        mr_arena_copy(&job->arena, planner->sinks, planner->sinks_count * sizeof *planner->sinks);
    plan->sources_count = planner->sources_count;
    plan->nodes_count = planner->nodes_count;
    plan->sinks_count = planner->sinks_count;
    plan->uses_log = planner->uses_log;
    plan->tasks_count = planner->is_keyed ? 1 : job->settings.parallelism;
    plan->commit_interval_ms = job->settings.commit_interval_ms;
    plan->transaction_timeout_ms = job->settings.transaction_timeout_ms;
    plan->is_pipelined = job->settings.is_pipelined;
    plan->guarantee = plan->uses_log ? guarantee_of(planner->binder) : MR_NO_GUARANTEE;
    plan->version = job->version = mr_plan_version(plan);
    job->tasks_are_free = !planner->is_keyed && plan->guarantee == MR_EXACTLY_ONCE;
    mr_plan_group_sources(plan, sources);
    if (planner->is_keyed && !planner->is_partitioned && job->settings.parallelism > 1)
        cut(job, planner);
}

static void make_plan(mr_job *job, const mr_binder *binder, const mr_job_options *options)
{
    mr_planner planner = {
        .binder = binder,
        .arena = &job->arena,
        .diagnostics = binder->diagnostics,
        .settings = &job->settings,
        .planned = mr_arena_zalloc(&job->arena, binder->relations.count, sizeof(mr_planned))};
    mr_plan_mark(&planner);
    if (binder->diagnostics->errors > 0) /* a table that is read and cannot be */
        return;
    for (uint32_t i = 0; i < binder->relations.count; i++)
        if (planner.planned[i].is_reached)
            mr_plan_emit(&planner, binder->relations.items[i]);
    for (uint32_t i = 0; i < binder->sinks_count; i++)
        mr_plan_emit_sink(&planner, &binder->sinks[i]);
    check_state(&planner);
    check_dead_letters(&planner, &job->cluster);
    check_feedback(&planner);
    finish(job, &planner, options);
    free(planner.sources);
    free(planner.nodes);
    free(planner.sinks);
}

static void load_zone(mr_job *job, mr_diagnostics *diagnostics)
{
    mr_error err;
    if (mr_zone_load(job->settings.zone_name, &job->zone, &err) != MR_OK)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, job->settings.zone_span,
                              "'table.local-time-zone': %s", err.message);
    job->plan.expr.zone = job->zone;
}

mr_job *mr_job_new(const mr_script *script, const mr_job_options *options,
                   mr_diagnostics *diagnostics)
{
    mr_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    mr_ast_script ast = mr_parse(script, &job->arena, diagnostics);
    bool is_complete = diagnostics->errors == 0;
    mr_setting_sources sources = {.flags = options->settings,
                                  .flags_count = options->settings_count,
                                  .environment = options->environment};
    job->settings = mr_settings_read(&ast, &sources, &job->arena, diagnostics);
    load_zone(job, diagnostics);
    job->plan.job = job_name(job, options, diagnostics);
    mr_binder binder;
    mr_binder_init(&binder, script, &job->settings, &job->plan.expr, &job->arena, diagnostics);
    if (is_complete) /* else a statement that is missing would be missed everywhere */
        mr_bind_script(&binder, &ast);
    job->cluster = mr_cluster_read(&binder, options->properties, options->properties_count);
    job->is_explain = binder.is_explain;
    if (diagnostics->errors == 0)
        make_plan(job, &binder, options);
    mr_binder_release(&binder);
    if (diagnostics->errors == 0)
        return job;
    mr_job_free(job);
    return NULL;
}

void mr_job_free(mr_job *job)
{
    if (job == NULL)
        return;
    mr_zone_free(job->zone);
    mr_arena_release(&job->arena);
    free(job);
}
