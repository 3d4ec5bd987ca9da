/* May the partitions of keyed state be tasks of their own? */
#include "jobs/plan/planner/planner.h"

#include <string.h>

#define COLUMNS_MAX 64

/* The table that `keys` of `input` come from unchanged, row by row; NULL: there is no such table.
 * columns[] become its columns, UINT32_MAX where a key is computed. */
static const mr_relation *table_of(const mr_relation *input, const uint32_t *keys, uint32_t count,
                                   uint32_t *columns)
{
    const mr_relation *at = input;
    memcpy(columns, keys, count * sizeof *columns);
    while (at->kind != MR_RELATION_TABLE) {
        if (at->inputs_count != 1 || at->kind == MR_RELATION_LATE ||
            at->kind == MR_RELATION_AGGREGATE || at->kind == MR_RELATION_ERRORS)
            return NULL;
        for (uint32_t k = 0; at->kind == MR_RELATION_PROJECT && k < count; k++) {
            const mr_expr *expr = columns[k] != UINT32_MAX ? at->exprs[columns[k]] : NULL;
            columns[k] = expr != NULL && expr->kind == MR_EXPR_COLUMN ? expr->column : UINT32_MAX;
        }
        at = at->inputs[0];
    }
    return at;
}

/* Which key each 'partitioned-by' column of the input's table is; how many there are, 0: not all of
 * them are keys, so rows of one key may lie in several partitions. */
static uint32_t places_of(const mr_relation *input, const uint32_t *keys, uint32_t count,
                          uint32_t *places)
{
    uint32_t columns[COLUMNS_MAX];
    if (count == 0 || count > COLUMNS_MAX)
        return 0;
    const mr_relation *at = table_of(input, keys, count, columns);
    if (at == NULL || at->table->partitioned_by_count > COLUMNS_MAX)
        return 0;
    const mr_table *table = at->table;
    for (uint32_t p = 0; p < table->partitioned_by_count; p++) {
        const char *name = table->columns[table->partitioned_by[p]].name;
        places[p] = UINT32_MAX;
        for (uint32_t k = 0; k < count; k++)
            if (columns[k] != UINT32_MAX && strcmp(at->columns[columns[k]].name, name) == 0)
                places[p] = k;
        if (places[p] == UINT32_MAX)
            return 0;
    }
    return table->partitioned_by_count;
}

/* Both sides are partitioned by the same keys in the same order: partition i meets partition i. */
static bool join_is_partitioned(const mr_relation *relation)
{
    const mr_join_spec *join = relation->join;
    uint32_t left[COLUMNS_MAX], right[COLUMNS_MAX];
    uint32_t count = places_of(relation->inputs[0], join->left_keys, join->keys_count, left);
    return count > 0 &&
           count == places_of(relation->inputs[1], join->right_keys, join->keys_count, right) &&
           memcmp(left, right, count * sizeof *left) == 0;
}

void mr_plan_note_key(mr_planner *planner, const mr_relation *relation)
{
    uint32_t places[COLUMNS_MAX];
    bool is_join = relation->kind == MR_RELATION_JOIN;
    bool is_partitioned =
        is_join ? join_is_partitioned(relation)
                : places_of(relation->inputs[0], relation->keys, relation->keys_count, places) > 0;
    planner->is_partitioned = (planner->is_partitioned || !planner->is_keyed) && is_partitioned;
    planner->joins_partitions |= is_join;
    planner->is_keyed = true;
}
