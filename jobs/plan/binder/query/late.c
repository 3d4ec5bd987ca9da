#include "engine/run/late.h"
#include "jobs/plan/binder/query/query.h"

#include <string.h>

/* The relation of the rows that `judge` found late. */
static mr_relation *late_of(mr_binder *binder, mr_relation *judge, uint32_t columns)
{
    mr_relation *late = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_LATE, &judge,
                                        1, columns + MR_LATE_COLUMNS);
    const mr_relation *rows = judge->inputs[0];
    memcpy(late->columns, rows->columns, columns * sizeof *late->columns);
    for (uint32_t i = 0; i < columns; i++)
        if (mr_role_is_time(late->columns[i].role))
            late->columns[i].role = MR_ROLE_NONE;
    for (uint32_t i = 0; i < MR_LATE_COLUMNS; i++)
        late->columns[columns + i] =
            (mr_relation_column){.name = mr_late_columns[i].name, .type = mr_late_columns[i].type};
    late->window = NULL;
    late->unranked = NULL;
    late->id = mr_arena_printf(binder->arena, "%s/late", judge->id);
    return late;
}

/* Columns of a judge's input that its table or view has: without what was added for the judge. */
static uint32_t visible_columns(const mr_relation *rows)
{
    while (rows->kind == MR_RELATION_FILTER || rows->is_extension ||
           rows->kind == MR_RELATION_WINDOW)
        rows = rows->inputs[0];
    return rows->columns_count;
}

/* The one judge that computes `relation`; *is_several: there are more. */
static mr_relation *judge_of(mr_relation *relation, bool *is_several)
{
    for (;;) {
        if (relation->kind == MR_RELATION_AGGREGATE || relation->kind == MR_RELATION_DEDUPLICATE)
            return relation;
        if (relation->kind == MR_RELATION_UNION) {
            *is_several = true;
            return NULL;
        }
        if (relation->inputs_count == 0 || relation->kind == MR_RELATION_LATE ||
            relation->kind == MR_RELATION_JOIN)
            return NULL;
        relation = relation->inputs[0];
    }
}

static mr_relation *union_of(mr_binder *binder, mr_relation **inputs, uint32_t count)
{
    mr_relation *made = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_UNION,
                                        inputs, count, inputs[0]->columns_count);
    memcpy(made->columns, inputs[0]->columns, made->columns_count * sizeof *made->columns);
    made->id = mr_binder_id(binder, "late");
    return made;
}

mr_relation *mr_bind_late(mr_binder *binder, mr_relation *base, const char *name, mr_span span)
{
    bool is_several = false;
    mr_relation *judge = judge_of(base, &is_several);
    if (judge != NULL)
        return late_of(binder, judge, visible_columns(judge->inputs[0]));
    mr_relation **judges =
        mr_arena_zalloc(binder->arena, binder->relations.count, sizeof(mr_relation *));
    uint32_t count = mr_relation_judges(&binder->relations, base, judges);
    if (count == 0) {
        mr_diagnostics_report(binder->diagnostics, MR_E_LATE_RELATION, span,
                              "`%s` has no late rows", name);
        mr_diagnostics_hint(
            binder->diagnostics,
            is_several ? "it is a UNION: read the $late of the views it is made of"
                       : "rows can be late for a window or a deduplication directly on it, and "
                         "there is none");
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        judges[i] = late_of(binder, judges[i], base->columns_count);
    return count == 1 ? judges[0] : union_of(binder, judges, count);
}

mr_relation *mr_bind_errors(mr_binder *binder, mr_relation *table, const char *name, mr_span span)
{
    mr_relation *errors = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_ERRORS,
                                          &table, 1, MR_ERROR_COLUMNS);
    for (uint32_t i = 0; i < MR_ERROR_COLUMNS; i++)
        errors->columns[i] = (mr_relation_column){.name = mr_error_columns[i].name,
                                                  .type = mr_error_columns[i].type};
    errors->table = table->table;
    errors->span = span;
    errors->id = name;
    return errors;
}

static bool ref_reads_late(const mr_ast_ref *ref)
{
    switch (ref->kind) {
    case MR_AST_REF_TABLE: {
        const char *name = ref->table.parts[ref->table.count - 1].text;
        size_t length = strlen(name);
        return length > 5 && strcmp(name + length - 5, "$late") == 0;
    }
    case MR_AST_REF_SUBQUERY: return mr_query_reads_late(ref->query);
    case MR_AST_REF_WINDOW: return ref_reads_late(ref->window.input);
    case MR_AST_REF_JOIN: return ref_reads_late(ref->join.left) || ref_reads_late(ref->join.right);
    }
    return false;
}

bool mr_query_reads_late(const mr_ast_query *query)
{
    for (uint32_t i = 0; i < query->with_count; i++)
        if (mr_query_reads_late(query->with[i].query))
            return true;
    if (query->kind == MR_AST_SELECT)
        return query->select.from != NULL && ref_reads_late(query->select.from);
    if (query->kind == MR_AST_SET_OPERATION)
        for (uint32_t i = 0; i < query->set.inputs_count; i++)
            if (mr_query_reads_late(query->set.inputs[i]))
                return true;
    return false;
}
