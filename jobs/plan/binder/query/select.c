#include "jobs/plan/binder/query/group.h"
#include "jobs/plan/binder/query/group_window.h"
#include "jobs/plan/binder/query/query.h"
#include "jobs/plan/binder/query/walk.h"

#include <string.h>

/* ---- FROM ---- */

bool mr_bind_ref(mr_binder *binder, const mr_ast_ref *ref, mr_scope *scope)
{
    *scope = (mr_scope){.alias = ref->alias.text, .clause = "SELECT"};
    mr_relation *relation = NULL;
    switch (ref->kind) {
    case MR_AST_REF_JOIN: return mr_bind_join(binder, ref, NULL, scope);
    case MR_AST_REF_TABLE:
        if (ref->system_time != NULL) {
            mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_JOIN,
                                  ref->system_time->span,
                                  "FOR SYSTEM_TIME AS OF is not supported yet");
            return false;
        }
        relation = mr_bind_name(binder, &ref->table);
        if (scope->alias == NULL) {
            scope->alias = ref->table.parts[ref->table.count - 1].text;
            scope->name = &ref->table;
        }
        break;
    case MR_AST_REF_SUBQUERY: relation = mr_bind_query(binder, ref->query); break;
    case MR_AST_REF_WINDOW: relation = mr_bind_window(binder, ref); break;
    }
    scope->relation = mr_bind_rename(binder, relation, &ref->columns_alias);
    return scope->relation != NULL;
}

static mr_relation *relation_of(mr_binder *binder, const mr_scope *scope)
{
    return binder->relations.items[scope->relation->number];
}

/* ---- WHERE ---- */

/* The rank column becomes the constant 1 that it is. */
static void settle_rank(mr_relation *filter)
{
    filter->unranked = NULL;
    for (uint32_t i = 0; i < filter->columns_count; i++)
        if (filter->columns[i].role == MR_ROLE_RANK)
            filter->columns[i].role = MR_ROLE_NONE;
}

static bool bind_where(mr_binder *binder, const mr_ast_expr *where, mr_scope *scope)
{
    mr_scope inner = *scope;
    inner.clause = "WHERE";
    const mr_ast_expr *single[] = {where};
    const mr_ast_expr *const *parts =
        where->kind == MR_AST_AND ? (const mr_ast_expr *const *)where->list.items : single;
    uint32_t count = where->kind == MR_AST_AND ? where->list.count : 1, kept = 0;
    mr_expr **exprs = mr_arena_zalloc(binder->arena, count, sizeof *exprs);
    bool is_good = true, is_ranked = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_bad = false;
        if (mr_bind_rank_condition(binder, &inner, parts[i], &is_bad)) {
            is_ranked = true;
            is_good &= !is_bad;
            continue;
        }
        exprs[kept] = mr_bind_condition(binder, &inner, parts[i]);
        is_good &= exprs[kept++] != NULL;
    }
    if (!is_good)
        return false;
    mr_expr *predicate = kept == 0   ? mr_make_boolean(&binder->resolver, true)
                         : kept == 1 ? exprs[0]
                                     : mr_bind_named(binder, "AND", exprs, kept, NULL, where->span);
    if (predicate == NULL)
        return false;
    mr_relation *filter = mr_bind_filter(binder, relation_of(binder, scope), predicate, "where");
    if (is_ranked)
        settle_rank(filter);
    scope->relation = filter;
    return true;
}

/* ---- the SELECT list ---- */

typedef struct item_list {
    mr_relation_column *columns;
    const mr_expr **exprs;
    uint32_t count;
    bool is_bad;
} item_list;

/* Copies a column of the scope, window columns and ROW_NUMBER() included. */
static void put_column(mr_binder *binder, const mr_scope *scope, uint32_t i, item_list *items)
{
    items->columns[items->count] = scope->relation->columns[i];
    items->exprs[items->count++] =
        mr_role_is_window(scope->relation->columns[i].role)
            ? NULL
            : mr_make_column(&binder->resolver, i, scope->relation->columns[i].type);
}

static void put_star(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                     item_list *items)
{
    if (scope->grouping != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_NOT_GROUPED, ast->span,
                              "`*` has no meaning beside GROUP BY");
        items->is_bad = true;
        return;
    }
    const mr_ast_path *path = &ast->path;
    uint32_t first = 0, end = scope->relation->columns_count, names = path->count;
    bool is_known =
        names == 0 || mr_scope_qualifier(scope->alias, scope->name, path, names) == names;
    for (uint32_t p = 0; !is_known && p < scope->parts_count; p++) {
        const mr_scope_part *part = &scope->parts[p];
        is_known = mr_scope_qualifier(part->alias, part->name, path, names) == names;
        first = part->first;
        end = first + part->count;
    }
    if (!is_known) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_TABLE, ast->span,
                              "no relation `%s` in FROM", mr_path_text(path, binder->arena));
        items->is_bad = true;
        return;
    }
    for (uint32_t i = first; i < end; i++)
        put_column(binder, scope, i, items);
}

/* Of a join: a, b, a -> a, b, a0. */
static void make_names_unique(mr_binder *binder, item_list *items)
{
    for (uint32_t i = 1; i < items->count; i++) {
        const char *name = items->columns[i].name;
        uint32_t number = 0;
        for (uint32_t k = 0; items->columns[i].path_length == 0 && k < i; k++)
            if (items->columns[k].path_length == 0 &&
                strcmp(items->columns[k].name, items->columns[i].name) == 0) {
                items->columns[i].name = mr_arena_printf(binder->arena, "%s%u", name, number++);
                k = UINT32_MAX; /* the new one may be taken, too */
            }
    }
}

static const char *name_of(mr_binder *binder, const mr_ast_item *item, uint32_t index)
{
    if (item->alias.text != NULL)
        return item->alias.text;
    if (item->expr->kind == MR_AST_COLUMN)
        return item->expr->path.parts[item->expr->path.count - 1].text;
    return mr_arena_printf(binder->arena, "EXPR$%u", index);
}

/* A column that keeps what it is: role and all. False: not one. */
static bool put_plain(mr_binder *binder, const mr_scope *scope, const mr_ast_item *item,
                      uint32_t index, item_list *items)
{
    if (scope->grouping != NULL || item->expr->kind != MR_AST_COLUMN)
        return false;
    uint32_t i = mr_find_column(scope, &item->expr->path);
    if (i == UINT32_MAX)
        return false;
    put_column(binder, scope, i, items);
    mr_relation_column *column = &items->columns[items->count - 1];
    column->name = name_of(binder, item, index);
    column->path_length = 0;
    return true;
}

/* Aggregated columns keep the time attribute: window_time. */
static mr_column_role role_of(const mr_scope *scope, const mr_expr *expr)
{
    if (scope->grouping == NULL || expr->kind != MR_EXPR_COLUMN)
        return MR_ROLE_NONE;
    return mr_group_relation(scope->grouping)->columns[expr->column].role;
}

static void put_item(mr_binder *binder, const mr_scope *scope, const mr_ast_item *item,
                     uint32_t index, item_list *items)
{
    if (item->expr->kind == MR_AST_STAR) {
        put_star(binder, scope, item->expr, items);
        return;
    }
    if (put_plain(binder, scope, item, index, items))
        return;
    bool is_rank = scope->grouping == NULL && mr_is_row_number(item->expr);
    mr_expr *expr =
        is_rank ? mr_make_constant(&binder->resolver, mr_type_not_null(mr_type_of(MR_TYPE_BIGINT)),
                                   (mr_value){.i64 = 1})
                : mr_bind_expr(binder, scope, item->expr);
    if (expr == NULL) {
        items->is_bad = true;
        return;
    }
    items->columns[items->count] =
        (mr_relation_column){.name = name_of(binder, item, index),
                             .type = expr->type,
                             .role = is_rank ? MR_ROLE_RANK : role_of(scope, expr)};
    items->exprs[items->count++] = expr;
}

static item_list bind_items(mr_binder *binder, const mr_scope *scope, const mr_ast_select *select)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < select->items_count; i++)
        room += select->items[i].expr->kind == MR_AST_STAR ? scope->relation->columns_count : 1;
    item_list items = {.columns = mr_arena_zalloc(binder->arena, room, sizeof *items.columns),
                       .exprs = mr_arena_zalloc(binder->arena, room, sizeof *items.exprs)};
    for (uint32_t i = 0; i < select->items_count; i++)
        put_item(binder, scope, &select->items[i], i, &items);
    if (scope->parts_count > 0)
        make_names_unique(binder, &items);
    return items;
}

static mr_relation *make_project(mr_binder *binder, mr_relation *input, const item_list *items)
{
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &input, 1, items->count);
    memcpy(project->columns, items->columns, items->count * sizeof *items->columns);
    project->exprs = items->exprs;
    project->id = mr_binder_id(binder, "select");
    return project;
}

/* ---- SELECT as a whole ---- */

static bool has_aggregates(const mr_ast_select *select)
{
    uint32_t count = select->having != NULL || select->has_group_by;
    for (uint32_t i = 0; i < select->items_count && count == 0; i++)
        count = mr_count_aggregates(select->items[i].expr);
    return count > 0;
}

static mr_relation *bind_grouped(mr_binder *binder, const mr_ast_query *query, mr_scope *scope)
{
    const mr_ast_select *select = &query->select;
    if (scope->relation->unranked != NULL &&
        !mr_bind_is_plain(binder, scope->relation, query->span))
        return NULL;
    mr_grouping *grouping = mr_group_begin(binder, scope, select, query->span);
    if (grouping == NULL)
        return NULL;
    mr_scope grouped = {.relation = mr_group_relation(grouping),
                        .alias = scope->alias,
                        .name = scope->name,
                        .clause = "HAVING",
                        .grouping = grouping};
    mr_expr *having = NULL;
    if (select->having != NULL) {
        having = mr_bind_condition(binder, &grouped, select->having);
        if (having == NULL)
            return NULL;
    }
    grouped.clause = "SELECT";
    item_list items = bind_items(binder, &grouped, select);
    if (items.is_bad)
        return NULL;
    mr_group_end(binder, grouping);
    mr_relation *input = mr_group_relation(grouping);
    if (having != NULL)
        input = mr_bind_filter(binder, input, having, "having");
    return make_project(binder, input, &items);
}

/* ROW_NUMBER() in the list puts a DEDUPLICATE below it. False: reported. */
static bool bind_rank(mr_binder *binder, const mr_ast_select *select, mr_scope *scope)
{
    for (uint32_t i = 0; i < select->items_count; i++) {
        if (!mr_is_row_number(select->items[i].expr))
            continue;
        mr_relation *ranked = mr_bind_rank(binder, scope, select->items[i].expr);
        if (ranked == NULL)
            return false;
        scope->relation = ranked;
        return true;
    }
    return true;
}

static mr_relation *bind_select(mr_binder *binder, const mr_ast_query *query)
{
    const mr_ast_select *select = &query->select;
    if (select->from == NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, query->span,
                              "SELECT without FROM is not supported yet");
        return NULL;
    }
    mr_scope scope;
    const mr_ast_ref *from = mr_group_window_from(binder, select);
    if (from == NULL)
        return NULL;
    bool is_join = from->kind == MR_AST_REF_JOIN;
    if (is_join ? !mr_bind_join(binder, from, select->where, &scope)
                : !mr_bind_ref(binder, from, &scope))
        return NULL;
    binder->select = select;
    if (select->is_distinct) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_QUERY, query->span,
                              "SELECT DISTINCT is not supported yet");
        mr_diagnostics_hint(binder->diagnostics,
                            "ROW_NUMBER() .. = 1 keeps the first row of each key");
        return NULL;
    }
    bool is_filtered = is_join || from != select->from; /* by WHERE, where it belongs */
    bool is_good =
        select->where == NULL || is_filtered || bind_where(binder, select->where, &scope);
    if (has_aggregates(select))
        return is_good ? bind_grouped(binder, query, &scope) : NULL;
    if (!bind_rank(binder, select, &scope))
        return NULL;
    item_list items = bind_items(binder, &scope, select);
    if (items.is_bad || !is_good)
        return NULL;
    return make_project(binder, relation_of(binder, &scope), &items);
}

mr_relation *mr_bind_simple_select(mr_binder *binder, const mr_ast_query *query)
{
    const mr_ast_select *outer = binder->select;
    mr_relation *relation = bind_select(binder, query);
    binder->select = outer;
    return relation;
}
