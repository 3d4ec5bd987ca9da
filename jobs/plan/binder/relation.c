#include "jobs/plan/binder/relation.h"

#include <stdlib.h>
#include <string.h>

void mr_relations_release(mr_relations *relations)
{
    free(relations->items);
    *relations = (mr_relations){0};
}

static void append(mr_relations *relations, mr_relation *relation)
{
    if (relations->count == relations->capacity) {
        relations->capacity = relations->capacity == 0 ? 64 : relations->capacity * 2;
        relations->items =
            realloc(relations->items, relations->capacity * sizeof *relations->items);
        if (relations->items == NULL)
            abort();
    }
    relation->number = relations->count;
    relations->items[relations->count++] = relation;
}

mr_relation *mr_relation_new(mr_relations *relations, mr_arena *arena, mr_relation_kind kind,
                             mr_relation *const *inputs, uint32_t inputs_count,
                             uint32_t columns_count)
{
    mr_relation *relation = mr_arena_zalloc(arena, 1, sizeof *relation);
    *relation =
        (mr_relation){.kind = kind,
                      .inputs_count = inputs_count,
                      .inputs = mr_arena_copy(arena, inputs, inputs_count * sizeof(mr_relation *)),
                      .columns_count = columns_count,
                      .columns = mr_arena_zalloc(arena, columns_count, sizeof(mr_relation_column))};
    if (inputs_count > 0) {
        relation->errors = inputs[0]->errors;
        relation->window = inputs[0]->window;
        relation->unranked = inputs[0]->unranked;
    }
    append(relations, relation);
    return relation;
}

int32_t mr_relation_time_column(const mr_relation *relation)
{
    for (uint32_t i = 0; i < relation->columns_count; i++)
        if (relation->columns[i].role == MR_ROLE_TIME)
            return (int32_t)i;
    return -1;
}

const char *mr_relation_column_name(const mr_relation_column *column, mr_arena *arena)
{
    const char *name = column->name;
    for (uint32_t i = 0; i < column->path_length; i++)
        name = mr_arena_printf(arena, "%s.%s", name, column->path[i]);
    return name;
}

static bool reads_directly(const mr_relation *judge, const mr_relation *base)
{
    for (const mr_relation *at = judge->inputs[0];; at = at->inputs[0]) {
        if (at == base)
            return true;
        bool is_passing = at->kind == MR_RELATION_FILTER || at->kind == MR_RELATION_WINDOW ||
                          (at->kind == MR_RELATION_PROJECT && at->is_extension);
        if (!is_passing)
            return false;
    }
}

uint32_t mr_relation_judges(const mr_relations *relations, const mr_relation *base,
                            mr_relation **judges)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < relations->count; i++) {
        mr_relation *at = relations->items[i];
        if ((at->kind == MR_RELATION_AGGREGATE || at->kind == MR_RELATION_DEDUPLICATE) &&
            reads_directly(at, base))
            judges[count++] = at;
    }
    return count;
}
