/*
 * Keep-first deduplication:
 *   SELECT .. FROM (SELECT .., ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) AS rn FROM t) WHERE
 *   rn = 1
 * The inner SELECT makes the DEDUPLICATE, the outer WHERE asks for it.
 */
#include "jobs/plan/binder/query/query.h"

#include <string.h>
#include <strings.h>

bool mr_is_row_number(const mr_ast_expr *ast)
{
    return ast->kind == MR_AST_CALL && ast->call.over != NULL &&
           strcasecmp(ast->call.name.text, "ROW_NUMBER") == 0;
}

static mr_relation *refuse(mr_binder *binder, mr_span span, const char *what, const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_RANK, span, "%s", what);
    if (hint != NULL)
        mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return NULL;
}

/* ORDER BY exactly the time attribute, ascending. */
static bool check_order(mr_binder *binder, mr_scope *scope, const mr_ast_over *over)
{
    if (over->order_count != 1 || over->order_by[0].expr->kind != MR_AST_COLUMN) {
        refuse(binder, over->span, "ROW_NUMBER() must be ordered by one time attribute",
               "OVER (PARTITION BY k ORDER BY ts)");
        return false;
    }
    const mr_ast_expr *order = over->order_by[0].expr;
    uint32_t i = mr_bind_column(binder, scope, &order->path);
    if (i == UINT32_MAX)
        return false;
    if (!mr_role_is_time(scope->relation->columns[i].role)) {
        refuse(binder, order->span,
               "Top-N is not supported yet: ROW_NUMBER() must be ordered by a "
               "time attribute",
               "keep-first deduplication is: ORDER BY the column that has the WATERMARK");
        return false;
    }
    if (over->order_by[0].is_descending) {
        refuse(binder, over->order_by[0].span,
               "keeping the last row of each key is not supported yet",
               "ORDER BY .. ASC keeps the first");
        return false;
    }
    if (over->frame != NULL) {
        refuse(binder, over->frame->span, "ROW_NUMBER() takes no frame", NULL);
        return false;
    }
    scope->relation = mr_bind_retimed(binder, binder->relations.items[scope->relation->number], i);
    return true;
}

/* The scope's relation with the computed keys behind its columns; keys[] are columns of it. */
static mr_relation *add_keys(mr_binder *binder, const mr_scope *scope, const mr_ast_list *by,
                             uint32_t *keys)
{
    mr_relation *input = binder->relations.items[scope->relation->number];
    mr_expr **exprs = mr_arena_zalloc(binder->arena, by->count, sizeof *exprs);
    uint32_t computed = 0, own = input->columns_count;
    for (uint32_t i = 0; i < by->count; i++) {
        exprs[i] = mr_bind_expr(binder, scope, by->items[i]);
        if (exprs[i] == NULL)
            return NULL;
        keys[i] = exprs[i]->kind == MR_EXPR_COLUMN ? exprs[i]->column : own + computed++;
    }
    if (computed == 0)
        return input;
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &input, 1, own + computed);
    project->is_extension = true;
    project->id = mr_binder_id(binder, "keys");
    project->exprs = mr_arena_zalloc(binder->arena, own + computed, sizeof *project->exprs);
    memcpy(project->columns, input->columns, own * sizeof *input->columns);
    for (uint32_t i = 0; i < own; i++)
        project->exprs[i] = mr_make_column(&binder->resolver, i, input->columns[i].type);
    for (uint32_t i = 0; i < by->count; i++)
        if (keys[i] >= own) {
            project->exprs[keys[i]] = exprs[i];
            project->columns[keys[i]] =
                (mr_relation_column){.name = mr_arena_printf(binder->arena, "$%u", keys[i] - own),
                                     .type = exprs[i]->type};
        }
    return project;
}

static const char *details_of(mr_binder *binder, const mr_relation *input, const uint32_t *keys,
                              uint32_t count)
{
    const char *text = "first row";
    for (uint32_t i = 0; i < count; i++) {
        const mr_relation_column *column = &input->columns[keys[i]];
        const mr_expr *expr = input->is_extension ? input->exprs[keys[i]] : NULL;
        text = mr_arena_printf(binder->arena, "%s%s%s", text, i == 0 ? " of each " : ", ",
                               expr != NULL && expr->kind != MR_EXPR_COLUMN && expr->text != NULL
                                   ? expr->text
                                   : column->name);
    }
    return text;
}

mr_relation *mr_bind_rank(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *call)
{
    const mr_ast_over *over = call->call.over;
    mr_scope inner = *scope;
    inner.clause = "PARTITION BY";
    if (call->call.args.count > 0)
        return refuse(binder, call->span, "ROW_NUMBER() takes no argument", NULL);
    if (!mr_bind_is_plain(binder, scope->relation, call->span) ||
        !check_order(binder, &inner, over))
        return NULL;
    uint32_t *keys = mr_arena_zalloc(binder->arena, over->partition_by.count, sizeof *keys);
    mr_relation *input = add_keys(binder, &inner, &over->partition_by, keys);
    if (input == NULL)
        return NULL;
    mr_relation *made = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_DEDUPLICATE,
                                        &input, 1, scope->relation->columns_count);
    memcpy(made->columns, input->columns, made->columns_count * sizeof *input->columns);
    made->keys_count = over->partition_by.count;
    made->keys = keys;
    made->id = mr_binder_id(binder, "deduplicate");
    made->details = details_of(binder, input, keys, made->keys_count);
    made->span = call->span;
    made->unranked = made;
    return made;
}

/* The ROW_NUMBER() column a path names; false: it names something else. */
static bool is_rank_column(const mr_scope *scope, const mr_ast_expr *ast)
{
    if (ast->kind != MR_AST_COLUMN)
        return false;
    uint32_t i = mr_find_column(scope, &ast->path);
    return i != UINT32_MAX && scope->relation->columns[i].role == MR_ROLE_RANK;
}

static bool is_number(const mr_ast_expr *ast, const char *text)
{
    return ast->kind == MR_AST_NUMBER && strcmp(ast->number.text, text) == 0;
}

bool mr_bind_rank_condition(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                            bool *is_bad)
{
    if (ast->kind != MR_AST_BINARY)
        return false;
    bool is_left = is_rank_column(scope, ast->binary.left);
    if (!is_left && !is_rank_column(scope, ast->binary.right))
        return false;
    const mr_ast_expr *bound = is_left ? ast->binary.right : ast->binary.left;
    mr_ast_operator op = ast->binary.op;
    bool is_first =
        (op == MR_AST_EQUAL && is_number(bound, "1")) ||
        (op == (is_left ? MR_AST_LESS_EQUAL : MR_AST_GREATER_EQUAL) && is_number(bound, "1")) ||
        (op == (is_left ? MR_AST_LESS : MR_AST_GREATER) && is_number(bound, "2"));
    *is_bad = !is_first;
    if (!is_first)
        refuse(binder, ast->span,
               "Top-N is not supported yet: only `= 1` may be asked of a "
               "ROW_NUMBER()",
               NULL);
    return true;
}
