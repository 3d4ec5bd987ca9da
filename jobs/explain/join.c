/* Facts about an interval join: what meets, what is kept of each side, and for how long. */
#include "jobs/explain/explanation.h"

#include "operators/join/interval_join.h"
#include "operators/join/list.h"

#include <inttypes.h>
#include <string.h>

/* "- 5 s", "+ 1 h", "" for none. */
static const char *shift_text(int64_t ms, mr_arena *arena)
{
    if (ms == 0)
        return "";
    return mr_arena_printf(arena, " %c %s", ms < 0 ? '-' : '+',
                           mr_explain_duration(ms < 0 ? -ms : ms, arena));
}

static const char *time_of(const mr_plan *plan, const mr_plan_node *node, uint32_t side,
                           mr_arena *arena)
{
    const mr_interval_join_config *config = node->config;
    uint32_t column = (uint32_t)config->sides[side].time_column;
    const char *name = config->sides[side].time_column < 0
                           ? "time"
                           : mr_explain_columns(plan, node->inputs[side], &column, 1, arena);
    return mr_arena_printf(arena, "%s.%s", side == MR_JOIN_LEFT ? "left" : "right", name);
}

static void add_keys(const mr_plan *plan, const mr_plan_node *node, mr_facts *facts)
{
    const mr_interval_join_config *config = node->config;
    const char *text = "";
    for (uint32_t k = 0; k < config->keys_count; k++)
        text = mr_arena_printf(
            facts->arena, "%s%sleft.%s = right.%s", text, k > 0 ? ", " : "",
            mr_explain_columns(plan, node->inputs[MR_JOIN_LEFT],
                               &config->sides[MR_JOIN_LEFT].keys[k], 1, facts->arena),
            mr_explain_columns(plan, node->inputs[MR_JOIN_RIGHT],
                               &config->sides[MR_JOIN_RIGHT].keys[k], 1, facts->arena));
    mr_fact_add(facts, "keys", "%s", text);
}

static void add_interval(const mr_plan *plan, const mr_plan_node *node, mr_facts *facts)
{
    const mr_interval_join_config *config = node->config;
    const char *left = time_of(plan, node, MR_JOIN_LEFT, facts->arena);
    const char *right = time_of(plan, node, MR_JOIN_RIGHT, facts->arena);
    if (config->lower_ms == 0 && config->upper_ms == 0)
        mr_fact_add(facts, "interval", "%s = %s", left, right);
    else
        mr_fact_add(facts, "interval", "%s BETWEEN %s%s AND %s%s, both ends included", left, right,
                    shift_text(config->lower_ms, facts->arena), right,
                    shift_text(config->upper_ms, facts->arena));
}

/* Bytes that a row of a side takes: its entry, and its columns without those that the key or the
 * time says already. */
static const char *side_text(const mr_interval_join_config *config, uint32_t side, mr_arena *arena)
{
    const mr_join_side *from = &config->sides[side];
    bool has_strings = false;
    uint32_t key = mr_explain_key_bytes(config->key_types, config->keys_count, &has_strings);
    uint32_t row = 5, count = 0; /* flags, length, time */
    mr_type *written = mr_arena_zalloc(arena, from->columns_count + 1, sizeof *written);
    for (uint32_t c = 0; c < from->columns_count; c++) {
        bool is_said = from->time_column == (int32_t)from->columns[c];
        for (uint32_t k = 0; k < config->keys_count; k++)
            is_said |= from->keys[k] == from->columns[c];
        if (!is_said)
            written[count++] = from->types[c];
    }
    row += mr_explain_key_bytes(written, count, &has_strings);
    uint32_t entry = mr_explain_entry_bytes(key, (uint32_t)sizeof(mr_join_list));
    return mr_arena_printf(arena,
                           "up to %" PRIu32 " bytes%s a row and %" PRIu32 " a key and bucket", row,
                           has_strings ? " and its strings" : "", entry);
}

static void add_state(const mr_interval_join_config *config, mr_facts *facts)
{
    mr_arena *arena = facts->arena;
    mr_fact_add(facts, "state", "left: %s; right: %s; buckets of %s",
                side_text(config, MR_JOIN_LEFT, arena), side_text(config, MR_JOIN_RIGHT, arena),
                mr_explain_duration(config->bucket_ms, arena));
    const char *waits[2];
    for (uint32_t s = 0; s < 2; s++) {
        int64_t reach = mr_interval_join_reach_ms(config, s);
        waits[s] = reach < 0 ? "never kept: its partners come before it"
                             : mr_arena_printf(arena,
                                               "until the watermark of both reaches its "
                                               "time%s",
                                               shift_text(reach, arena));
    }
    mr_fact_add(facts, "bound",
                "event time: a left row is kept %s; a right row %s; a bucket is dropped whole when "
                "that is so for all of it",
                waits[0], waits[1]);
}

void mr_explain_join(mr_explanation *explanation, mr_part *part)
{
    (void)explanation;
    const mr_plan *plan = part->plan;
    const mr_plan_node *node = &plan->nodes[part->index];
    const mr_interval_join_config *config = node->config;
    mr_facts *facts = &part->facts;
    mr_arena *arena = facts->arena;
    mr_fact_add(facts, "kind",
                config->is_left_outer ? "LEFT JOIN: a left row that met nobody is "
                                        "padded with NULLs when its time is over"
                                      : "INNER JOIN");
    add_keys(plan, node, facts);
    add_interval(plan, node, facts);
    if (config->residual != NULL)
        mr_fact_add(facts, "keeps", "pairs with %s",
                    mr_explain_expr(config->residual, node->schema, arena));
    add_state(config, facts);
    mr_fact_add(facts, "late",
                "none is dropped for it: a late row meets what is still kept; what comes after its "
                "partners' time %s",
                config->is_left_outer ? "joins nothing, or is padded" : "joins nothing");
    int64_t delay = mr_interval_join_delay_ms(config);
    mr_fact_add(facts, "watermark", "that of both sides, the lower one%s",
                delay == 0 ? ""
                           : mr_arena_printf(arena, ", less %s: so far may a row lie behind it",
                                             mr_explain_duration(delay, arena)));
    mr_explain_dead(node,
                    config->residual != NULL ? "rows without a time, pairs for which the "
                                               "condition fails"
                                             : "rows without a time",
                    facts);
}
