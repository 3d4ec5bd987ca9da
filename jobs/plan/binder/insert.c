/* INSERT INTO: columns by position, converted as INSERT does. */
#include "jobs/plan/binder/query/query.h"

#include <stdlib.h>
#include <string.h>

/* Columns of a table that rows are written to, in order. */
static uint32_t target_columns(const mr_table *table, uint32_t *columns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->columns_count; i++)
        if (mr_table_column_is_written(&table->columns[i]))
            columns[count++] = i;
    return count;
}

/* Which target column takes input column i; UINT32_MAX entries: reported. */
static bool place_listed(mr_binder *binder, const mr_ast_insert *insert, const mr_table *table,
                         uint32_t *places)
{
    bool is_good = true;
    for (uint32_t i = 0; i < insert->columns.count; i++) {
        const mr_ast_name *name = &insert->columns.items[i];
        uint32_t column = mr_table_column_find(table, name->text);
        places[i] = column;
        bool is_twice = false;
        for (uint32_t j = 0; j < i; j++)
            is_twice |= places[j] == column && column != UINT32_MAX;
        if (column != UINT32_MAX && mr_table_column_is_written(&table->columns[column]) &&
            !is_twice)
            continue;
        is_good = false;
        mr_diagnostics_report(binder->diagnostics, MR_E_INSERT_COLUMN, name->span,
                              column == UINT32_MAX ? "no column `%s` in table `%s`"
                              : is_twice           ? "column `%s` of `%s` is listed twice"
                                                   : "column `%s` of `%s` cannot be written",
                              name->text, table->name);
    }
    return is_good;
}

static bool check_rest(mr_binder *binder, const mr_ast_insert *insert, const mr_table *table,
                       const uint32_t *places)
{
    for (uint32_t i = 0; i < table->columns_count; i++) {
        bool is_listed = false;
        for (uint32_t j = 0; j < insert->columns.count; j++)
            is_listed |= places[j] == i;
        const mr_table_column *column = &table->columns[i];
        if (is_listed || !mr_table_column_is_written(column) || column->type.is_nullable)
            continue;
        mr_diagnostics_report(binder->diagnostics, MR_E_INSERT_COLUMN,
                              mr_span_join(insert->columns.items[0].span,
                                           insert->columns.items[insert->columns.count - 1].span),
                              "column `%s` of `%s` is NOT NULL and gets no value", column->name,
                              table->name);
        return false;
    }
    return true;
}

/* One input column as the target's type. NULL: reported. */
static mr_expr *convert(mr_binder *binder, const mr_relation *input, uint32_t i,
                        const mr_table_column *target, mr_span span)
{
    const mr_relation_column *column = &input->columns[i];
    mr_expr *arg = mr_make_column(&binder->resolver, i, column->type);
    if (column->path_length > 0) {
        mr_diagnostics_report(binder->diagnostics, MR_E_WHOLE_ROW, span,
                              "column `%s` is a ROW and cannot be written as a whole yet",
                              column->name);
        mr_diagnostics_hint(binder->diagnostics, "name its fields in place of `*`");
        return NULL;
    }
    arg->text = column->name;
    mr_expr *made = column->type.kind == MR_TYPE_NULL
                        ? mr_make_null(&binder->resolver, target->type)
                        : mr_make_insert(&binder->resolver, arg, target->type);
    if (made != NULL)
        return made;
    mr_diagnostics_report(binder->diagnostics, MR_E_INSERT_TYPE, span,
                          "column %u of the query (`%s`) does not fit column `%s`: %s", i + 1,
                          column->name, target->name, binder->resolver.refusal.message);
    mr_diagnostics_hint(binder->diagnostics, "%s",
                        binder->resolver.refusal.hint[0] != '\0'
                            ? binder->resolver.refusal.hint
                            : "write a CAST in the SELECT list");
    return NULL;
}

/* A record's timestamp is an instant; a TIMESTAMP column means it in the job's zone. */
static const mr_expr *as_instant(mr_binder *binder, const mr_table_column *target, mr_expr *expr,
                                 mr_type *type)
{
    bool is_local = target->kind == MR_AST_COLUMN_METADATA &&
                    target->metadata == MR_METADATA_TIMESTAMP &&
                    target->type.kind == MR_TYPE_TIMESTAMP;
    *type = target->type;
    if (!is_local || expr == NULL)
        return expr;
    *type = mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3);
    type->is_nullable = target->type.is_nullable;
    return mr_make_cast(&binder->resolver, expr, *type, false);
}

/* Where to point for column `i`: its item where the query is a plain SELECT. */
static mr_span item_span(const mr_ast_query *query, const mr_relation *input, uint32_t i)
{
    if (query->kind == MR_AST_SELECT && query->select.items_count == input->columns_count)
        return query->select.items[i].span;
    return query->kind == MR_AST_SELECT && query->select.items_count > 0
               ? mr_span_join(query->select.items[0].span,
                              query->select.items[query->select.items_count - 1].span)
               : query->span;
}

static mr_relation *project_for(mr_binder *binder, const mr_ast_insert *insert, mr_relation *input,
                                const mr_table *table, const uint32_t *places,
                                uint32_t places_count)
{
    uint32_t *targets = mr_arena_zalloc(binder->arena, table->columns_count, sizeof *targets);
    uint32_t count = target_columns(table, targets);
    mr_relation *project =
        mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT, &input, 1, count);
    project->exprs = mr_arena_zalloc(binder->arena, count, sizeof *project->exprs);
    project->id = mr_binder_id(binder, "insert");
    bool is_good = true;
    for (uint32_t t = 0; t < count; t++) {
        const mr_table_column *target = &table->columns[targets[t]];
        mr_expr *made = mr_make_null(&binder->resolver, target->type);
        for (uint32_t i = 0; i < places_count; i++)
            if (places[i] == targets[t])
                made = convert(binder, input, i, target, item_span(insert->query, input, i));
        mr_type type;
        const mr_expr *expr = as_instant(binder, target, made, &type);
        is_good &= expr != NULL;
        project->exprs[t] = expr;
        project->columns[t] = (mr_relation_column){
            .name = target->name,
            .type = type,
            .role = expr != NULL && expr->kind == MR_EXPR_COLUMN ? input->columns[expr->column].role
                                                                 : MR_ROLE_NONE};
    }
    return is_good ? project : NULL;
}

static void add_sink(mr_binder *binder, mr_relation *input, mr_table *table, const char *id,
                     mr_span span)
{
    if (binder->sinks_count == binder->sinks_capacity) {
        binder->sinks_capacity = binder->sinks_capacity == 0 ? 16 : binder->sinks_capacity * 2;
        binder->sinks = realloc(binder->sinks, binder->sinks_capacity * sizeof *binder->sinks);
        if (binder->sinks == NULL)
            abort();
    }
    binder->sinks[binder->sinks_count++] =
        (mr_bound_sink){.input = input, .table = table, .id = id, .span = span};
}

/* Sinks take one time attribute: it is the record's event time. */
static bool check_times(mr_binder *binder, const mr_relation *input, mr_span span)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < input->columns_count; i++)
        count += mr_role_is_time(input->columns[i].role);
    if (count < 2)
        return true;
    mr_diagnostics_report(binder->diagnostics, MR_E_TIME_ATTRIBUTES, span,
                          "the rows of a sink have at most one time attribute, these have %u",
                          count);
    mr_diagnostics_hint(binder->diagnostics, "CAST the others: CAST(ts AS TIMESTAMP(3))");
    return false;
}

/* False: reported. Fills *places_count columns of the query's places among the table's. */
static bool place_columns(mr_binder *binder, const mr_ast_insert *insert, const mr_relation *input,
                          const mr_table *table, uint32_t *places, uint32_t *places_count)
{
    *places_count =
        insert->columns.count > 0 ? insert->columns.count : target_columns(table, places);
    if (insert->columns.count > 0 && (!place_listed(binder, insert, table, places) ||
                                      !check_rest(binder, insert, table, places)))
        return false;
    if (*places_count == input->columns_count)
        return true;
    mr_span first = item_span(insert->query, input, 0);
    mr_diagnostics_report(binder->diagnostics, MR_E_INSERT_COUNT, first,
                          "`%s` takes %u columns, the query has %u", table->name, *places_count,
                          input->columns_count);
    mr_diagnostics_hint(binder->diagnostics, "columns are matched by position, not by name");
    return false;
}

void mr_bind_insert(mr_binder *binder, const mr_ast_insert *insert)
{
    const char *target = mr_path_text(&insert->table, binder->arena);
    mr_name *name = mr_names_find(&binder->names, target);
    binder->context = target;
    mr_table *table = name != NULL ? name->table : NULL;
    bool is_good =
        table != NULL && mr_table_check_sink(table, insert->table.span, binder->diagnostics);
    if (name == NULL || name->is_view) {
        mr_diagnostics_report(
            binder->diagnostics, name == NULL ? MR_E_UNKNOWN_TABLE : MR_E_NOT_A_SINK,
            insert->table.span,
            name == NULL ? "no table `%s`" : "`%s` is a view and cannot be written", target);
        const char *nearest = name == NULL ? mr_names_nearest(&binder->names, target) : NULL;
        if (nearest != NULL)
            mr_diagnostics_label(binder->diagnostics, "did you mean `%s`?", nearest);
    }
    mr_relation *input = mr_bind_query(binder, insert->query);
    if (input == NULL || !is_good || !mr_bind_is_plain(binder, input, insert->query->span))
        return;
    uint32_t room = insert->columns.count + table->columns_count, count;
    uint32_t *places = mr_arena_zalloc(binder->arena, room, sizeof *places);
    if (!place_columns(binder, insert, input, table, places, &count))
        return;
    mr_relation *project = project_for(binder, insert, input, table, places, count);
    if (project == NULL || !check_times(binder, project, insert->query->span))
        return;
    for (uint32_t i = 0; i < project->columns_count; i++)
        project = mr_bind_retimed(binder, project, i);
    add_sink(binder, project, table, mr_binder_id(binder, "sink"), insert->table.span);
}

void mr_bind_select(mr_binder *binder, const mr_ast_query *query, mr_span span)
{
    uint32_t number = ++binder->selects_count;
    binder->context = number == 1 ? "print" : mr_arena_printf(binder->arena, "print_%u", number);
    mr_relation *input = mr_bind_query(binder, query);
    if (input == NULL || !mr_bind_is_plain(binder, input, query->span))
        return;
    for (uint32_t i = 0; i < input->columns_count; i++)
        if (input->columns[i].type.kind == MR_TYPE_NULL)
            input->columns[i].type = mr_type_string();
    add_sink(binder, input, NULL, binder->context, span);
}
