#include "jobs/plan/binder/query/query.h"

#include <string.h>

static mr_relation *unsupported(mr_binder *binder, mr_span span, const char *what, const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, span, "%s not supported yet",
                          what);
    if (hint != NULL)
        mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return NULL;
}

bool mr_bind_is_plain(mr_binder *binder, const mr_relation *relation, mr_span span)
{
    if (relation->window != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WINDOW_COLUMN, span,
                              "rows of a window function that are not aggregated are not "
                              "supported yet");
        mr_diagnostics_hint(binder->diagnostics, "GROUP BY window_start, window_end, ..");
        return false;
    }
    if (relation->unranked != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_RANK, relation->unranked->span,
                              "ROW_NUMBER() needs `= 1` in the WHERE of the query around it");
        mr_diagnostics_hint(binder->diagnostics,
                            "other uses of ROW_NUMBER() are not supported yet");
        return false;
    }
    return true;
}

mr_relation *mr_bind_filter(mr_binder *binder, mr_relation *input, const mr_expr *predicate,
                            const char *part)
{
    mr_relation *filter = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_FILTER,
                                          &input, 1, input->columns_count);
    memcpy(filter->columns, input->columns, input->columns_count * sizeof *input->columns);
    filter->predicate = predicate;
    filter->id = mr_binder_id(binder, part);
    filter->details = predicate->text;
    return filter;
}

mr_relation *mr_bind_rename(mr_binder *binder, mr_relation *relation, const mr_ast_names *names)
{
    if (relation == NULL || names->count == 0)
        return relation;
    if (names->count != relation->columns_count) {
        mr_diagnostics_report(
            binder->diagnostics, MR_E_COLUMN_COUNT,
            mr_span_join(names->items[0].span, names->items[names->count - 1].span),
            "%u column names for %u columns", names->count, relation->columns_count);
        return NULL;
    }
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &relation, 1, relation->columns_count);
    project->id = mr_binder_id(binder, "names");
    project->exprs =
        mr_arena_zalloc(binder->arena, relation->columns_count, sizeof *project->exprs);
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        project->columns[i] = relation->columns[i];
        project->columns[i].name = names->items[i].text;
        if (!mr_role_is_window(relation->columns[i].role))
            project->exprs[i] = mr_make_column(&binder->resolver, i, relation->columns[i].type);
    }
    return project;
}

mr_relation *mr_bind_retimed(mr_binder *binder, mr_relation *input, uint32_t column)
{
    if (input->columns[column].role != MR_ROLE_OTHER_TIME)
        return input;
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &input, 1, input->columns_count);
    project->is_extension = project->is_retimed = true;
    project->id = mr_binder_id(binder, "time");
    project->exprs = mr_arena_zalloc(binder->arena, input->columns_count, sizeof *project->exprs);
    for (uint32_t i = 0; i < input->columns_count; i++) {
        project->columns[i] = input->columns[i];
        if (mr_role_is_time(input->columns[i].role))
            project->columns[i].role = i == column ? MR_ROLE_TIME : MR_ROLE_OTHER_TIME;
        if (!mr_role_is_window(input->columns[i].role))
            project->exprs[i] = mr_make_column(&binder->resolver, i, input->columns[i].type);
    }
    return project;
}

/* ---- UNION ALL ---- */

/* The inputs' common type of column `i`; false: reported. */
static bool common_type(mr_binder *binder, mr_relation *const *inputs, const mr_ast_query *query,
                        uint32_t i, mr_type *type)
{
    uint32_t count = query->set.inputs_count;
    mr_type *types = mr_arena_zalloc(binder->arena, count, sizeof *types);
    for (uint32_t j = 0; j < count; j++)
        types[j] = inputs[j]->columns[i].type;
    if (mr_common_type(&binder->resolver, types, count, type))
        return true;
    uint32_t blamed = binder->resolver.refusal.argument;
    mr_diagnostics_report(binder->diagnostics, MR_E_UNION_COLUMNS,
                          query->set.inputs[blamed < count ? blamed : 1]->span,
                          "column %u (`%s`) of this UNION input does not fit: %s", i + 1,
                          inputs[0]->columns[i].name, binder->resolver.refusal.message);
    mr_diagnostics_hint(binder->diagnostics, "CAST one of them");
    return false;
}

/* `input` with the union's types; the same relation when they are its own. */
static mr_relation *convert(mr_binder *binder, mr_relation *input, const mr_type *types)
{
    bool is_same = true;
    for (uint32_t i = 0; i < input->columns_count; i++)
        is_same &= mr_type_matches(input->columns[i].type, types[i]);
    if (is_same)
        return input;
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &input, 1, input->columns_count);
    project->id = mr_binder_id(binder, "types");
    project->exprs = mr_arena_zalloc(binder->arena, input->columns_count, sizeof *project->exprs);
    for (uint32_t i = 0; i < input->columns_count; i++) {
        mr_expr *column = mr_make_column(&binder->resolver, i, input->columns[i].type);
        mr_expr *made = mr_make_implicit(&binder->resolver, column, types[i]);
        project->columns[i] = input->columns[i];
        project->columns[i].type = mr_type_nullable(types[i], input->columns[i].type.is_nullable);
        if (made != column)
            project->columns[i].role = MR_ROLE_NONE;
        project->exprs[i] = made != NULL ? made : column;
    }
    return project;
}

static mr_relation *make_union(mr_binder *binder, mr_relation **inputs, uint32_t count,
                               const mr_type *types)
{
    for (uint32_t j = 0; j < count; j++)
        inputs[j] = convert(binder, inputs[j], types);
    mr_relation *made = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_UNION,
                                        inputs, count, inputs[0]->columns_count);
    made->id = mr_binder_id(binder, "union");
    for (uint32_t i = 0; i < made->columns_count; i++) {
        made->columns[i] = inputs[0]->columns[i];
        made->columns[i].type = types[i];
        made->columns[i].path_length = 0;
        for (uint32_t j = 0; j < count; j++)
            if (inputs[j]->columns[i].role != made->columns[i].role)
                made->columns[i].role = mr_role_is_time(inputs[j]->columns[i].role) &&
                                                mr_role_is_time(made->columns[i].role)
                                            ? MR_ROLE_OTHER_TIME
                                            : MR_ROLE_NONE;
        if (!mr_role_is_time(made->columns[i].role))
            made->columns[i].role = MR_ROLE_NONE;
    }
    return made;
}

static mr_relation *bind_set(mr_binder *binder, const mr_ast_query *query)
{
    if (query->set.kind != MR_AST_UNION || !query->set.is_all)
        return unsupported(binder, query->set.span,
                           query->set.kind == MR_AST_UNION       ? "UNION without ALL is"
                           : query->set.kind == MR_AST_INTERSECT ? "INTERSECT is"
                                                                 : "EXCEPT is",
                           "UNION ALL is");
    uint32_t count = query->set.inputs_count;
    mr_relation **inputs = mr_arena_zalloc(binder->arena, count, sizeof(mr_relation *));
    bool is_good = true;
    for (uint32_t j = 0; j < count; j++) {
        inputs[j] = mr_bind_query(binder, query->set.inputs[j]);
        is_good &=
            inputs[j] != NULL && mr_bind_is_plain(binder, inputs[j], query->set.inputs[j]->span);
    }
    if (!is_good)
        return NULL;
    for (uint32_t j = 1; j < count; j++)
        if (inputs[j]->columns_count != inputs[0]->columns_count) {
            mr_diagnostics_report(binder->diagnostics, MR_E_UNION_COLUMNS,
                                  query->set.inputs[j]->span,
                                  "this UNION input has %u columns, the first has %u",
                                  inputs[j]->columns_count, inputs[0]->columns_count);
            return NULL;
        }
    uint32_t columns = inputs[0]->columns_count;
    mr_type *types = mr_arena_zalloc(binder->arena, columns, sizeof *types);
    for (uint32_t i = 0; i < columns; i++)
        is_good &= common_type(binder, inputs, query, i, &types[i]);
    return is_good ? make_union(binder, inputs, count, types) : NULL;
}

/* ---- WITH, and the rest of a query ---- */

static void bind_with(mr_binder *binder, const mr_ast_query *query)
{
    for (uint32_t i = 0; i < query->with_count; i++) {
        const mr_ast_with *ast = &query->with[i];
        const char *context = binder->context;
        binder->context = ast->name.text;
        mr_relation *relation = mr_bind_query(binder, ast->query);
        binder->context = context;
        mr_with_name *name = mr_arena_zalloc(binder->arena, 1, sizeof *name);
        *name = (mr_with_name){.name = ast->name.text,
                               .relation = mr_bind_rename(binder, relation, &ast->columns),
                               .outer = binder->with};
        binder->with = name;
    }
}

mr_relation *mr_bind_query(mr_binder *binder, const mr_ast_query *query)
{
    const mr_with_name *outer = binder->with;
    bind_with(binder, query);
    mr_relation *relation = NULL;
    switch (query->kind) {
    case MR_AST_SELECT: relation = mr_bind_simple_select(binder, query); break;
    case MR_AST_SET_OPERATION: relation = bind_set(binder, query); break;
    case MR_AST_VALUES:
        relation = unsupported(binder, query->span, "VALUES is",
                               "a `datagen` table or a file of JSON lines gives test rows");
        break;
    }
    binder->with = outer;
    if (query->order_count > 0)
        return unsupported(binder, query->order_span, "ORDER BY of a query is", NULL);
    if (query->limit != NULL || query->offset != NULL)
        return unsupported(binder, query->limit != NULL ? query->limit->span : query->offset->span,
                           "LIMIT and OFFSET are", NULL);
    return relation;
}
