/* Facts about the job as a whole. */
#include "jobs/explain/explanation.h"

#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "operators/window/session_aggregate.h"

#include <inttypes.h>
#include <string.h>

static void add_guarantee(mr_explanation *explanation)
{
    const mr_plan *plan = explanation->plan;
    mr_facts *facts = &explanation->facts;
    switch (plan->guarantee) {
    case MR_EXACTLY_ONCE:
        mr_fact_add(facts, "guarantee",
                    "exactly-once: output, late rows, dead letters, state and offsets go into one "
                    "Kafka transaction");
        break;
    case MR_AT_LEAST_ONCE:
        mr_fact_add(
            facts, "guarantee",
            "at-least-once: state is exact against offsets; output since the last commit is "
            "repeated after a crash");
        break;
    case MR_NO_GUARANTEE:
        if (plan->uses_log)
            mr_fact_warn(facts, "guarantee",
                         "none: neither state nor offsets are kept, a run starts anew");
        else
            mr_fact_warn(facts, "guarantee",
                         "none: no Kafka topic is used, so nothing is kept and a run starts from "
                         "the beginning");
        break;
    }
}

static void add_commit(mr_explanation *explanation)
{
    const mr_plan *plan = explanation->plan;
    mr_arena *arena = &explanation->arena;
    const char *every = mr_explain_duration(plan->commit_interval_ms, arena);
    if (plan->guarantee == MR_EXACTLY_ONCE)
        mr_fact_add(&explanation->facts, "commit",
                    "every %s%s; the broker aborts the transaction of a dead worker after %s",
                    every, plan->is_pipelined ? "" : ", not pipelined",
                    mr_explain_duration(plan->transaction_timeout_ms, arena));
    else
        mr_fact_add(&explanation->facts, "commit", "every %s", every);
}

/* ---- tasks ---- */

/* The place of a name in a list "a;b"; -1: it is not there. */
static int32_t place_of_name(const char *list, const char *name)
{
    size_t length = strlen(name);
    int32_t place = 0;
    for (const char *at = list; *at != '\0'; place++) {
        size_t part = strcspn(at, ";");
        const char *from = at, *to = at + part;
        while (from < to && *from == ' ')
            from++;
        while (to > from && to[-1] == ' ')
            to--;
        if ((size_t)(to - from) == length && strncmp(from, name, length) == 0)
            return place;
        at += part + (at[part] == ';');
    }
    return -1;
}

/* The source column that column `column` of `origin` is, unchanged; NULL: it is computed or
 * merged. */
static const char *trace(const mr_plan *plan, mr_origin origin, uint32_t column,
                         const mr_plan_source **source)
{
    while (origin.kind == MR_ORIGIN_NODE_ROWS) {
        const mr_plan_node *node = &plan->nodes[origin.index];
        if (mr_class_aggregates_windows(node->class) || node->class == &mr_union_all_class ||
            node->class == &mr_interval_join_class)
            return NULL;
        if (node->class == &mr_project_class) {
            const mr_project_config *config = node->config;
            if (config->columns[column]->kind != MR_EXPR_COLUMN)
                return NULL;
            column = config->columns[column]->column;
        }
        origin = node->inputs[0];
    }
    if (origin.kind != MR_ORIGIN_SOURCE_ROWS)
        return NULL;
    *source = &plan->sources[origin.index];
    return (*source)->columns[column].field.name;
}

/* How many of the names in 'partitioned-by' there are. */
static uint32_t count_names(const char *list)
{
    uint32_t count = *list != '\0';
    for (const char *c = list; *c != '\0'; c++)
        count += *c == ';' && c[1] != '\0';
    return count;
}

/* All rows of a key come from one partition of the source behind `origin`: the key holds the
 * 'partitioned-by' columns. */
static bool holds_partitions(const mr_plan *plan, mr_origin origin, const uint32_t *keys,
                             uint32_t count)
{
    uint32_t held = 0;
    const mr_plan_source *source = NULL;
    for (uint32_t k = 0; k < count; k++) {
        const char *name = trace(plan, origin, keys[k], &source);
        if (name != NULL && source->partitioned_by != NULL)
            held += place_of_name(source->partitioned_by, name) >= 0;
    }
    return held > 0 && held >= count_names(source->partitioned_by);
}

/* Both sides are partitioned by the same keys in the same order. */
static bool join_is_partitioned(const mr_plan *plan, const mr_plan_node *node)
{
    const mr_interval_join_config *config = node->config;
    for (uint32_t s = 0; s < 2; s++)
        if (!holds_partitions(plan, node->inputs[s], config->sides[s].keys, config->keys_count))
            return false;
    for (uint32_t k = 0; k < config->keys_count; k++) {
        int32_t places[2];
        for (uint32_t s = 0; s < 2; s++) {
            const mr_plan_source *source = NULL;
            const char *name = trace(plan, node->inputs[s], config->sides[s].keys[k], &source);
            places[s] = name != NULL ? place_of_name(source->partitioned_by, name) : -1;
        }
        if (places[0] != places[1])
            return false;
    }
    return true;
}

static bool is_partitioned(const mr_plan *plan, const mr_plan_node *node)
{
    const uint32_t *keys;
    uint32_t count;
    if (node->class == &mr_interval_join_class)
        return join_is_partitioned(plan, node);
    if (mr_class_aggregates_windows(node->class)) {
        keys = ((const mr_window_config *)node->config)->keys;
        count = ((const mr_window_config *)node->config)->keys_count;
    } else {
        keys = ((const mr_deduplicate_config *)node->config)->keys;
        count = ((const mr_deduplicate_config *)node->config)->keys_count;
    }
    return holds_partitions(plan, node->inputs[0], keys, count);
}

static void add_stages(mr_explanation *explanation)
{
    const mr_plan *plan = explanation->plan;
    mr_arena *arena = &explanation->arena;
    const char *text = mr_arena_printf(arena,
                                       "stage 1: one for each partition of its narrowest source, "
                                       "%" PRIu32 " at most",
                                       plan->stages[0].tasks_count);
    for (uint32_t k = 1; k < plan->stages_count; k++)
        text = mr_arena_printf(arena, "%s; stage %" PRIu32 ": %" PRIu32 "%s", text, k + 1,
                               plan->stages[k].tasks_count,
                               plan->stages[k].tasks_count > 1 ? ", as 'parallelism.default' says"
                                                               : ", for there is no key");
    mr_fact_add(&explanation->facts, "tasks", "%s", text);
}

static void add_tasks(mr_explanation *explanation)
{
    const mr_plan *plan = explanation->plan;
    if (plan->stages_count > 0) {
        add_stages(explanation);
        return;
    }
    const mr_plan_node *keyed = NULL, *unpartitioned = NULL;
    for (uint32_t n = 0; n < plan->nodes_count; n++) {
        if (!mr_explain_is_keyed(&plan->nodes[n]))
            continue;
        keyed = &plan->nodes[n];
        if (unpartitioned == NULL && !is_partitioned(plan, keyed))
            unpartitioned = keyed;
    }
    uint32_t tasks = plan->tasks_count;
    if (keyed == NULL)
        mr_fact_add(&explanation->facts, "tasks",
                    "%" PRIu32 ": nothing is kept by key, so 'parallelism.default' decides; "
                    "partition p of a source belongs to task p mod %" PRIu32,
                    tasks, tasks);
    else if (unpartitioned != NULL)
        mr_fact_add(&explanation->facts, "tasks",
                    "%" PRIu32 ": `%s` keeps state by key, and a row of any key may come from any "
                    "partition; 'partitioned-by' on the source would say that it may not%s%s",
                    tasks, unpartitioned->id,
                    plan->why_uncut != NULL ? "; no exchange is put before it: " : "",
                    plan->why_uncut != NULL ? plan->why_uncut : "");
    else if (keyed->class == &mr_interval_join_class)
        mr_fact_add(&explanation->facts, "tasks",
                    "as many as each source has partitions, which must be equally many: both "
                    "sides of `%s` are 'partitioned-by' its keys, so partition p meets partition p",
                    keyed->id);
    else
        mr_fact_add(&explanation->facts, "tasks",
                    "as many as the source has partitions: its 'partitioned-by' columns are in the "
                    "key of `%s`, so no key crosses partitions",
                    keyed->id);
}

void mr_explain_job(mr_explanation *explanation)
{
    const mr_plan *plan = explanation->plan;
    add_guarantee(explanation);
    add_commit(explanation);
    add_tasks(explanation);
    if (plan->guarantee != MR_NO_GUARANTEE)
        mr_fact_add(&explanation->facts, "state",
                    "topic `%s.state`, one partition a task, is the truth; a RocksDB store beside "
                    "each worker restarts fast",
                    plan->job);
}
