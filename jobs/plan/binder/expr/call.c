#include "jobs/plan/binder/expr/scope.h"
#include "jobs/plan/binder/query/group.h"
#include "jobs/plan/binder/query/group_window.h"
#include "jobs/sql/suggest.h"

#include <string.h>
#include <strings.h>

typedef struct aggregate_row {
    const char *name;
    bool is_known;
    mr_aggregate_function function;
} aggregate_row;

static const aggregate_row aggregate_rows[] = {
    {"COUNT", true, MR_FUNCTION_COUNT},
    {"SUM", true, MR_FUNCTION_SUM},
    {"MIN", true, MR_FUNCTION_MIN},
    {"MAX", true, MR_FUNCTION_MAX},
    {"AVG", true, MR_FUNCTION_AVG},
    {"FIRST_VALUE", false, 0},
    {"LAST_VALUE", false, 0},
    {"LISTAGG", false, 0},
    {"ARRAY_AGG", false, 0},
    {"COLLECT", false, 0},
    {"STDDEV", false, 0},
    {"STDDEV_POP", false, 0},
    {"STDDEV_SAMP", false, 0},
    {"VARIANCE", false, 0},
    {"VAR_POP", false, 0},
    {"VAR_SAMP", false, 0},
    {"APPROX_COUNT_DISTINCT", false, 0},
    {"JSON_ARRAYAGG", false, 0},
    {"JSON_OBJECTAGG", false, 0},
    {"PERCENTILE", false, 0},
};

static const aggregate_row *aggregate_of(const char *name)
{
    for (size_t i = 0; i < sizeof aggregate_rows / sizeof *aggregate_rows; i++)
        if (strcasecmp(aggregate_rows[i].name, name) == 0)
            return &aggregate_rows[i];
    return NULL;
}

bool mr_is_aggregate(const char *name)
{
    return aggregate_of(name) != NULL;
}

static mr_expr *refuse(mr_binder *binder, mr_code code, mr_span span, const char *message,
                       const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, code, span, "%s", message);
    if (hint != NULL)
        mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return NULL;
}

static mr_expr *bind_aggregate(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                               const aggregate_row *row)
{
    mr_diagnostics *list = binder->diagnostics;
    if (!row->is_known) {
        mr_diagnostics_report(list, MR_E_AGGREGATE, ast->span,
                              "aggregate `%s` is not supported yet", row->name);
        mr_diagnostics_hint(list, "there are COUNT, SUM, MIN, MAX and AVG");
        return NULL;
    }
    if (scope->grouping == NULL) {
        mr_diagnostics_report(list, MR_E_AGGREGATE_PLACE, ast->span,
                              "aggregate `%s` may not stand in %s", row->name, scope->clause);
        if (strcmp(scope->clause, "WHERE") == 0)
            mr_diagnostics_hint(list, "HAVING filters what was aggregated");
        return NULL;
    }
    return mr_group_bind_aggregate(binder, scope->grouping, ast, row->function);
}

static mr_expr *string_of(mr_binder *binder, const char *text)
{
    return mr_make_string(&binder->resolver, text, (uint32_t)strlen(text));
}

/* TRIM(BOTH c FROM s): the resolver wants ('BOTH', c, s); the tree has (s [, c]). */
static mr_expr *bind_trim(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    static const char *const sides[] = {
        [MR_AST_TRIM_NONE] = "BOTH",
        [MR_AST_TRIM_BOTH] = "BOTH",
        [MR_AST_TRIM_LEADING] = "LEADING",
        [MR_AST_TRIM_TRAILING] = "TRAILING",
    };
    const mr_ast_call *call = &ast->call;
    mr_expr *text = mr_bind_expr(binder, scope, call->args.items[0]);
    mr_expr *characters = call->args.count > 1 ? mr_bind_expr(binder, scope, call->args.items[1])
                                               : string_of(binder, " ");
    if (text == NULL || characters == NULL)
        return NULL;
    mr_expr *args[] = {string_of(binder, sides[call->trim]), characters, text};
    mr_span text_span = call->args.items[0]->span;
    mr_span characters_span = call->args.count > 1 ? call->args.items[1]->span : ast->span;
    mr_span spans[] = {ast->span, characters_span, text_span};
    return mr_bind_named(binder, "TRIM", args, 3, spans, ast->span);
}

/* FLOOR(x TO u) has its unit behind, EXTRACT and its like in front. */
static bool unit_is_last(const char *name)
{
    return strcasecmp(name, "FLOOR") == 0 || strcasecmp(name, "CEIL") == 0 ||
           strcasecmp(name, "CEILING") == 0;
}

static mr_expr *bind_function(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    const mr_ast_call *call = &ast->call;
    uint32_t count = 0, room = call->args.count + 1;
    mr_expr **args = mr_arena_zalloc(binder->arena, room, sizeof *args);
    mr_span *spans = mr_arena_zalloc(binder->arena, room, sizeof *spans);
    bool has_unit = call->unit != MR_AST_UNIT_NONE, is_bad = false;
    bool is_last = unit_is_last(call->name.text);
    for (uint32_t i = 0; i <= call->args.count; i++) {
        if (has_unit && i == (is_last ? call->args.count : 0)) {
            spans[count] = call->unit_span;
            args[count++] = string_of(binder, mr_ast_unit_name(call->unit));
        }
        if (i == call->args.count)
            break;
        spans[count] = call->args.items[i]->span;
        args[count] = mr_bind_expr(binder, scope, call->args.items[i]);
        is_bad |= args[count++] == NULL;
    }
    if (is_bad)
        return NULL;
    return mr_bind_named(binder, call->name.text, args, count, spans, ast->span);
}

static const char *nearest_aggregate(const char *name)
{
    const char *names[(sizeof aggregate_rows / sizeof *aggregate_rows)];
    for (size_t i = 0; i < (sizeof aggregate_rows / sizeof *aggregate_rows); i++)
        names[i] = aggregate_rows[i].is_known ? aggregate_rows[i].name : NULL;
    return mr_suggest(name, names, sizeof names / sizeof *names);
}

static mr_expr *refuse_misspelt(mr_binder *binder, const mr_ast_expr *ast)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_FUNCTION, ast->span,
                          "there is no function %s", ast->call.name.text);
    mr_diagnostics_hint(binder->diagnostics, "did you mean `%s`?",
                        nearest_aggregate(ast->call.name.text));
    return NULL;
}

/* Only COUNT takes `*`, so that is what was meant, however it is spelt. */
static mr_expr *refuse_as_aggregate(mr_binder *binder, const mr_ast_expr *ast)
{
    const mr_ast_call *call = &ast->call;
    const char *nearest = call->is_star ? "COUNT(*)" : nearest_aggregate(call->name.text);
    mr_diagnostics_report(binder->diagnostics, MR_E_AGGREGATE, ast->span,
                          "%s is no aggregate: only those take *, DISTINCT and FILTER",
                          call->name.text);
    if (nearest != NULL)
        mr_diagnostics_hint(binder->diagnostics, "did you mean `%s`?", nearest);
    return NULL;
}

mr_expr *mr_bind_call(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast)
{
    const mr_ast_call *call = &ast->call;
    if (call->over != NULL) {
        bool is_rank = strcasecmp(call->name.text, "ROW_NUMBER") == 0;
        return refuse(binder, is_rank ? MR_E_RANK : MR_E_UNSUPPORTED_EXPRESSION, ast->span,
                      is_rank ? "ROW_NUMBER() may only be a column of a subquery"
                              : "OVER aggregation is not supported yet",
                      "SELECT .. FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts) "
                      "AS n FROM t) WHERE n = 1 keeps the first row of each key");
    }
    const aggregate_row *aggregate = aggregate_of(call->name.text);
    if (aggregate != NULL)
        return bind_aggregate(binder, scope, ast, aggregate);
    if (call->is_star || call->is_distinct || call->filter != NULL)
        return refuse_as_aggregate(binder, ast);
    if (strcasecmp(call->name.text, "PROCTIME") == 0)
        return refuse(binder, MR_E_UNSUPPORTED_FUNCTION, ast->span,
                      "there is no processing time: a replay would give other rows",
                      "for when Kafka got a record write: ts TIMESTAMP_LTZ(3) METADATA FROM "
                      "'timestamp', WATERMARK FOR ts AS ts - INTERVAL '5' SECOND");
    mr_column_role role;
    if (mr_group_window_part(binder, NULL, ast, &role)) /* those of a grouping do not come here */
        return NULL;
    if (mr_function_nearest(call->name.text) == NULL && nearest_aggregate(call->name.text) != NULL)
        return refuse_misspelt(binder, ast);
    if (call->trim != MR_AST_TRIM_NONE && call->args.count > 0)
        return bind_trim(binder, scope, ast);
    return bind_function(binder, scope, ast);
}
