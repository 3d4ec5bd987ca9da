#include "jobs/plan/binder/query/walk.h"

static const mr_ast_expr *one_of(const mr_ast_expr *const *parts, uint32_t count, uint32_t i)
{
    for (uint32_t at = 0; at < count; at++) {
        if (parts[at] == NULL)
            continue;
        if (i == 0)
            return parts[at];
        i--;
    }
    return NULL;
}

static const mr_ast_expr *of_list(const mr_ast_list *list, uint32_t i)
{
    return i < list->count ? list->items[i] : NULL;
}

static const mr_ast_expr *of_case(const mr_ast_expr *ast, uint32_t i)
{
    uint32_t whens = ast->cases.whens_count * 2;
    if (i < whens)
        return i % 2 == 0 ? ast->cases.whens[i / 2].when : ast->cases.whens[i / 2].then;
    const mr_ast_expr *rest[] = {ast->cases.arg, ast->cases.otherwise};
    return one_of(rest, 2, i - whens);
}

static const mr_ast_expr *of_call(const mr_ast_call *call, uint32_t i)
{
    if (i < call->args.count)
        return call->args.items[i];
    return i == call->args.count ? call->filter : NULL;
}

static const mr_ast_expr *of_in(const mr_ast_expr *ast, uint32_t i)
{
    return i == 0 ? ast->in.arg : of_list(&ast->in.list, i - 1);
}

const mr_ast_expr *mr_ast_part(const mr_ast_expr *ast, uint32_t i)
{
    switch (ast->kind) {
    case MR_AST_AND:
    case MR_AST_OR:
    case MR_AST_ROW:
    case MR_AST_ARRAY:
    case MR_AST_MAP: return of_list(&ast->list, i);
    case MR_AST_UNARY: return i == 0 ? ast->unary.arg : NULL;
    case MR_AST_BINARY:
        return one_of((const mr_ast_expr *[]){ast->binary.left, ast->binary.right}, 2, i);
    case MR_AST_IS: return i == 0 ? ast->is.arg : NULL;
    case MR_AST_BETWEEN:
        return one_of(
            (const mr_ast_expr *[]){ast->between.arg, ast->between.low, ast->between.high}, 3, i);
    case MR_AST_LIKE:
        return one_of((const mr_ast_expr *[]){ast->like.arg, ast->like.pattern, ast->like.escape},
                      3, i);
    case MR_AST_IN: return of_in(ast, i);
    case MR_AST_CASE: return of_case(ast, i);
    case MR_AST_CAST: return i == 0 ? ast->cast.arg : NULL;
    case MR_AST_CALL: return of_call(&ast->call, i);
    case MR_AST_FIELD: return i == 0 ? ast->field.arg : NULL;
    case MR_AST_INDEX:
        return one_of((const mr_ast_expr *[]){ast->index.arg, ast->index.index}, 2, i);
    case MR_AST_INTERVAL:
        return one_of((const mr_ast_expr *[]){ast->interval.expr, ast->interval.minus}, 2, i);
    default: return NULL;
    }
}
