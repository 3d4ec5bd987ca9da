/*
 * What operators stand between: literals, names, brackets, CASE, CAST, constructors.
 */
#include "jobs/sql/parser/state.h"

#include <strings.h>

static mr_ast_expr *parse_number(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_NUMBER);
    expr->number.text = mr_parser_text(parser, token.span);
    expr->number.kind = token.kind == MR_TOKEN_INTEGER   ? MR_AST_INTEGER
                        : token.kind == MR_TOKEN_DECIMAL ? MR_AST_DECIMAL
                                                         : MR_AST_DOUBLE;
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_string(mr_parser *parser, mr_ast_expr_kind kind)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, kind);
    expr->string = (mr_ast_text){.text = token.text, .length = token.length, .span = token.span};
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_word(mr_parser *parser, mr_ast_expr_kind kind, int64_t value)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, kind);
    if (kind == MR_AST_BOOLEAN)
        expr->literal.value = value;
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_case(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_CASE);
    if (!mr_parser_at_word(parser, MR_WORD_WHEN)) {
        expr->cases.arg = mr_parse_expression(parser);
        mr_parser_above(parser, expr, expr->cases.arg);
    }
    mr_parser_list whens = {0};
    do {
        mr_parser_expect_word(parser, MR_WORD_WHEN);
        mr_ast_when when = {.when = mr_parse_expression(parser)};
        mr_parser_expect_word(parser, MR_WORD_THEN);
        when.then = mr_parse_expression(parser);
        mr_parser_above(parser, expr, when.when);
        mr_parser_above(parser, expr, when.then);
        mr_ast_when *slot = mr_parser_push(parser, &whens, sizeof *slot);
        *slot = when;
    } while (mr_parser_at_word(parser, MR_WORD_WHEN));
    expr->cases.whens = whens.items;
    expr->cases.whens_count = whens.count;
    if (mr_parser_accept_word(parser, MR_WORD_ELSE)) {
        expr->cases.otherwise = mr_parse_expression(parser);
        mr_parser_above(parser, expr, expr->cases.otherwise);
    }
    if (!mr_parser_at_word(parser, MR_WORD_END))
        mr_parser_unexpected(parser, "WHEN, ELSE or the END of this CASE");
    mr_parser_accept_word(parser, MR_WORD_END);
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_cast(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_CAST);
    expr->cast.is_try = token.word == MR_WORD_TRY_CAST;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` behind CAST");
    expr->cast.arg = mr_parse_expression(parser);
    if (!mr_parser_at_word(parser, MR_WORD_AS))
        mr_parser_unexpected(parser, "AS and a type");
    mr_parser_accept_word(parser, MR_WORD_AS);
    expr->cast.type = mr_parse_type(parser);
    mr_parser_close(parser, open);
    mr_parser_above(parser, expr, expr->cast.arg);
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_list parse_items(mr_parser *parser, mr_ast_expr *above, mr_token_kind close)
{
    mr_parser_list list = {0};
    if (mr_parser_at(parser, close))
        return (mr_ast_list){0};
    do {
        mr_ast_expr *item = mr_parse_expression(parser);
        mr_parser_push_expr(parser, &list, item);
        mr_parser_above(parser, above, item);
    } while (mr_parser_comma(parser));
    return (mr_ast_list){.items = list.items, .count = list.count};
}

/* ROW(a, b), ARRAY[a, b], MAP[k, v] */
static mr_ast_expr *parse_constructor(mr_parser *parser, mr_ast_expr_kind kind)
{
    mr_token token = mr_parser_take(parser);
    mr_span open = mr_parser_take(parser).span;
    mr_ast_expr *expr = mr_parser_new(parser, kind);
    mr_token_kind close = kind == MR_AST_ROW ? MR_TOKEN_CLOSE : MR_TOKEN_CLOSE_SQUARE;
    expr->list = parse_items(parser, expr, close);
    if (close == MR_TOKEN_CLOSE)
        mr_parser_close(parser, open);
    else
        mr_parser_expect(parser, close, "`,` or `]`");
    bool is_uneven = kind == MR_AST_MAP && expr->list.count % 2 != 0;
    if (expr->list.count == 0 || is_uneven)
        mr_parser_fail(parser, MR_E_UNEXPECTED, mr_parser_span_from(parser, token.span.start),
                       is_uneven ? "MAP[..] takes keys and values in pairs"
                                 : "an empty constructor has no type");
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_query_expr(mr_parser *parser, mr_ast_expr_kind kind, uint32_t start,
                                     mr_span open)
{
    mr_ast_expr *expr = mr_parser_new(parser, kind);
    expr->query = mr_parse_query(parser);
    if (expr->query != NULL)
        mr_parser_deepen(parser, &expr->depth, expr->query->depth);
    mr_parser_close(parser, open);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_exists(mr_parser *parser)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` with a query behind EXISTS");
    return parse_query_expr(parser, MR_AST_EXISTS, start, open);
}

/* `(a - b) DAY TO SECOND`, the brackets being read already. */
static mr_ast_expr *parse_difference(mr_parser *parser, mr_ast_expr *inner, uint32_t start)
{
    if (inner->kind != MR_AST_BINARY || inner->binary.op != MR_AST_SUBTRACT ||
        mr_parser_peek_unit(parser, 0) == MR_AST_UNIT_NONE)
        return inner;
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_INTERVAL);
    expr->interval.expr = inner->binary.left;
    expr->interval.minus = inner->binary.right;
    mr_parse_interval_units(parser, &expr->interval);
    mr_parser_above(parser, expr, inner);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_brackets(mr_parser *parser)
{
    mr_span open = mr_parser_take(parser).span;
    if (mr_parser_at_query(parser, 0))
        return parse_query_expr(parser, MR_AST_SUBQUERY, open.start, open);
    mr_ast_expr *inner = mr_parse_expression(parser);
    if (!mr_parser_at(parser, MR_TOKEN_COMMA)) {
        mr_parser_close(parser, open);
        if (parser->is_failed)
            return NULL;
        return parse_difference(parser, inner, open.start);
    }
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_ROW);
    mr_parser_list list = {0};
    mr_parser_push_expr(parser, &list, inner);
    mr_parser_above(parser, expr, inner);
    while (mr_parser_comma(parser)) {
        mr_ast_expr *item = mr_parse_expression(parser);
        mr_parser_push_expr(parser, &list, item);
        mr_parser_above(parser, expr, item);
    }
    mr_parser_close(parser, open);
    expr->list = (mr_ast_list){.items = list.items, .count = list.count};
    return mr_parser_done(parser, expr, open.start);
}

/* a, a.b.c, t.* */
static mr_ast_expr *parse_column(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_COLUMN);
    mr_parser_list parts = {0};
    do {
        if (mr_parser_accept(parser, MR_TOKEN_STAR)) {
            expr->kind = MR_AST_STAR;
            break;
        }
        mr_ast_name *slot = mr_parser_push(parser, &parts, sizeof *slot);
        *slot = mr_parser_name(parser, "a column");
    } while (mr_parser_accept(parser, MR_TOKEN_DOT));
    expr->path = (mr_ast_path){
        .parts = parts.items, .count = parts.count, .span = mr_parser_span_from(parser, start)};
    return mr_parser_done(parser, expr, start);
}

/* [i] and .name behind anything but a plain column path. */
static mr_ast_expr *parse_postfix(mr_parser *parser, mr_ast_expr *expr, uint32_t start)
{
    while (!parser->is_failed) {
        mr_ast_expr *outer = NULL;
        if (mr_parser_accept(parser, MR_TOKEN_OPEN_SQUARE)) {
            outer = mr_parser_new(parser, MR_AST_INDEX);
            outer->index.arg = expr;
            outer->index.index = mr_parse_expression(parser);
            mr_parser_expect(parser, MR_TOKEN_CLOSE_SQUARE, "`]`");
            mr_parser_above(parser, outer, outer->index.index);
        } else if (mr_parser_at(parser, MR_TOKEN_DOT)) {
            mr_parser_take(parser);
            outer = mr_parser_new(parser, MR_AST_FIELD);
            outer->field.arg = expr;
            outer->field.name = mr_parser_name(parser, "a field");
        } else {
            return expr;
        }
        mr_parser_above(parser, outer, expr);
        expr = mr_parser_done(parser, outer, start);
    }
    return NULL;
}

/* A reserved word that begins no expression: most likely meant as a name if something that follows
 * names comes next, else the expression is missing. */
static void refuse_word(mr_parser *parser)
{
    mr_token next = mr_parser_peek(parser, 1);
    bool is_name_like = next.kind == MR_TOKEN_COMMA || next.kind == MR_TOKEN_DOT ||
                        next.kind == MR_TOKEN_CLOSE || next.word == MR_WORD_FROM ||
                        next.word == MR_WORD_AS ||
                        (next.kind >= MR_TOKEN_PLUS && next.kind <= MR_TOKEN_GREATER_EQUAL &&
                         next.kind != MR_TOKEN_STAR);
    mr_word word = mr_parser_peek(parser, 0).word;
    bool begins_clause = word == MR_WORD_FROM || word == MR_WORD_WHERE || word == MR_WORD_AND ||
                         word == MR_WORD_OR || word == MR_WORD_THEN || word == MR_WORD_AS;
    if ((is_name_like && !begins_clause) || word == MR_WORD_USER || word == MR_WORD_VALUE)
        mr_parser_reserved(parser);
    else
        mr_parser_unexpected(parser, "an expression");
}

static mr_ast_expr *parse_niladic(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_CALL);
    expr->call.name = (mr_ast_name){.text = mr_parser_text(parser, token.span), .span = token.span};
    return mr_parser_done(parser, expr, token.span.start);
}

static mr_ast_expr *parse_named_word(mr_parser *parser, mr_token token, mr_token next)
{
    bool has_string = next.kind == MR_TOKEN_STRING;
    switch (token.word) {
    case MR_WORD_CASE: return parse_case(parser);
    case MR_WORD_CAST: return parse_cast(parser);
    case MR_WORD_NULL: return parse_word(parser, MR_AST_NULL, 0);
    case MR_WORD_TRUE: return parse_word(parser, MR_AST_BOOLEAN, 1);
    case MR_WORD_FALSE: return parse_word(parser, MR_AST_BOOLEAN, 0);
    case MR_WORD_INTERVAL: return mr_parse_interval(parser);
    case MR_WORD_EXISTS: return parse_exists(parser);
    case MR_WORD_DATE:
    case MR_WORD_TIME:
    case MR_WORD_TIMESTAMP:
        if (has_string)
            return mr_parse_time_literal(parser);
        break;
    default: break;
    }
    if (mr_word_use_of(token.word) == MR_WORD_USE_NILADIC)
        return parse_niladic(parser);
    refuse_word(parser);
    return NULL;
}

static mr_ast_expr *parse_name_like(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    mr_token next = mr_parser_peek(parser, 1);
    if (next.kind == MR_TOKEN_OPEN_SQUARE && token.word == MR_WORD_ARRAY)
        return parse_constructor(parser, MR_AST_ARRAY);
    if (next.kind == MR_TOKEN_OPEN_SQUARE && token.kind == MR_TOKEN_NAME &&
        strcasecmp(mr_parser_text(parser, token.span), "MAP") == 0)
        return parse_constructor(parser, MR_AST_MAP);
    if (next.kind == MR_TOKEN_OPEN) {
        if (token.word == MR_WORD_ROW)
            return parse_constructor(parser, MR_AST_ROW);
        if (token.word == MR_WORD_TRY_CAST)
            return parse_cast(parser);
        if (mr_word_use_of(token.word) == MR_WORD_USE_CALLABLE || !mr_word_is_reserved(token.word))
            return mr_parse_call(parser);
    }
    if (mr_word_is_reserved(token.word))
        return parse_named_word(parser, token, next);
    return parse_column(parser);
}

mr_ast_expr *mr_parse_primary(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_expr *expr = NULL;
    switch (mr_parser_peek(parser, 0).kind) {
    case MR_TOKEN_INTEGER:
    case MR_TOKEN_DECIMAL:
    case MR_TOKEN_DOUBLE: expr = parse_number(parser); break;
    case MR_TOKEN_STRING: expr = parse_string(parser, MR_AST_STRING); break;
    case MR_TOKEN_BYTES: expr = parse_string(parser, MR_AST_BYTES); break;
    case MR_TOKEN_OPEN: expr = parse_brackets(parser); break;
    case MR_TOKEN_QUOTED_NAME:
        expr = mr_parser_peek(parser, 1).kind == MR_TOKEN_OPEN ? mr_parse_call(parser)
                                                               : parse_column(parser);
        break;
    case MR_TOKEN_NAME: expr = parse_name_like(parser); break;
    default: mr_parser_unexpected(parser, "an expression"); return NULL;
    }
    return expr == NULL || expr->kind == MR_AST_STAR ? expr : parse_postfix(parser, expr, start);
}
