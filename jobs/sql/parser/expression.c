/*
 * Operators, by precedence climbing. Powers from loose to tight follow the dialect:
 * OR, AND, NOT, IS, comparison, IN BETWEEN LIKE, + -, * / % ||, signs.
 */
#include "jobs/sql/parser/state.h"

typedef enum power {
    POWER_NONE = 0,
    POWER_OR,
    POWER_AND,
    POWER_NOT,
    POWER_IS,
    POWER_COMPARE,
    POWER_RANGE, /* IN, BETWEEN, LIKE */
    POWER_SUM,
    POWER_PRODUCT,
    POWER_SIGN,
} power;

static mr_ast_expr *parse_power(mr_parser *parser, power power_min);

mr_ast_expr *mr_parse_expression(mr_parser *parser)
{
    mr_ast_expr *expr = NULL;
    if (mr_parser_enter(parser))
        expr = parse_power(parser, POWER_OR);
    mr_parser_leave(parser);
    return parser->is_failed ? NULL : expr;
}

mr_ast_expr *mr_parse_sum(mr_parser *parser)
{
    return parse_power(parser, POWER_SUM);
}

static mr_ast_expr *parse_unary(mr_parser *parser, mr_ast_operator op, power power_min)
{
    uint32_t start = mr_parser_start(parser);
    mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_UNARY);
    expr->unary.op = op;
    if (mr_parser_enter(parser))
        expr->unary.arg = parse_power(parser, power_min);
    mr_parser_leave(parser);
    mr_parser_above(parser, expr, expr->unary.arg);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_prefix(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.word == MR_WORD_NOT)
        return parse_unary(parser, MR_AST_NOT, POWER_NOT);
    if (token.kind == MR_TOKEN_MINUS)
        return parse_unary(parser, MR_AST_NEGATE, POWER_SIGN);
    if (token.kind == MR_TOKEN_PLUS)
        return parse_unary(parser, MR_AST_PLUS, POWER_SIGN);
    return mr_parse_primary(parser);
}

/* a AND b AND c as one flat node. */
static mr_ast_expr *parse_chain(mr_parser *parser, mr_ast_expr *left, uint32_t start,
                                mr_ast_expr_kind kind, mr_word word, power above)
{
    mr_ast_expr *expr = mr_parser_new(parser, kind);
    mr_parser_list list = {0};
    mr_parser_push_expr(parser, &list, left);
    mr_parser_above(parser, expr, left);
    while (mr_parser_accept_word(parser, word)) {
        mr_ast_expr *item = parse_power(parser, above);
        mr_parser_push_expr(parser, &list, item);
        mr_parser_above(parser, expr, item);
    }
    expr->list = (mr_ast_list){.items = list.items, .count = list.count};
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *make_binary(mr_parser *parser, mr_ast_expr *left, uint32_t start,
                                mr_ast_operator op, mr_span op_span, power right_min)
{
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_BINARY);
    expr->binary.op = op;
    expr->binary.op_span = op_span;
    expr->binary.left = left;
    expr->binary.right = parse_power(parser, right_min);
    mr_parser_above(parser, expr, left);
    mr_parser_above(parser, expr, expr->binary.right);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_is(mr_parser *parser, mr_ast_expr *left, uint32_t start)
{
    mr_span op_span = mr_parser_take(parser).span;
    bool is_not = mr_parser_accept_word(parser, MR_WORD_NOT);
    if (mr_parser_accept_word(parser, MR_WORD_DISTINCT)) {
        mr_parser_expect_word(parser, MR_WORD_FROM);
        op_span = mr_parser_span_from(parser, op_span.start);
        return make_binary(parser, left, start,
                           is_not ? MR_AST_IS_NOT_DISTINCT : MR_AST_IS_DISTINCT, op_span,
                           POWER_RANGE);
    }
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_IS);
    expr->is.arg = left;
    expr->is.is_not = is_not;
    if (mr_parser_accept_word(parser, MR_WORD_NULL))
        expr->is.what = MR_AST_IS_NULL;
    else if (mr_parser_accept_word(parser, MR_WORD_TRUE))
        expr->is.what = MR_AST_IS_TRUE;
    else if (mr_parser_accept_word(parser, MR_WORD_FALSE))
        expr->is.what = MR_AST_IS_FALSE;
    else if (mr_parser_accept_word(parser, MR_WORD_UNKNOWN))
        expr->is.what = MR_AST_IS_UNKNOWN;
    else
        mr_parser_unexpected(parser, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
    mr_parser_above(parser, expr, left);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_between(mr_parser *parser, mr_ast_expr *left, uint32_t start, bool is_not)
{
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_BETWEEN);
    expr->between.arg = left;
    expr->between.is_not = is_not;
    expr->between.is_symmetric = mr_parser_accept_word(parser, MR_WORD_SYMMETRIC);
    if (!expr->between.is_symmetric)
        mr_parser_accept_word(parser, MR_WORD_ASYMMETRIC);
    expr->between.low = parse_power(parser, POWER_SUM);
    mr_parser_expect_word(parser, MR_WORD_AND);
    expr->between.high = parse_power(parser, POWER_SUM);
    mr_parser_above(parser, expr, left);
    mr_parser_above(parser, expr, expr->between.low);
    mr_parser_above(parser, expr, expr->between.high);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_like(mr_parser *parser, mr_ast_expr *left, uint32_t start, bool is_not,
                               bool is_similar)
{
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_LIKE);
    expr->like.arg = left;
    expr->like.is_not = is_not;
    expr->like.is_similar = is_similar;
    if (is_similar)
        mr_parser_expect_word(parser, MR_WORD_TO);
    expr->like.pattern = parse_power(parser, POWER_SUM);
    if (mr_parser_accept_word(parser, MR_WORD_ESCAPE))
        expr->like.escape = parse_power(parser, POWER_SUM);
    mr_parser_above(parser, expr, left);
    mr_parser_above(parser, expr, expr->like.pattern);
    mr_parser_above(parser, expr, expr->like.escape);
    return mr_parser_done(parser, expr, start);
}

static mr_ast_expr *parse_in(mr_parser *parser, mr_ast_expr *left, uint32_t start, bool is_not)
{
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_IN);
    expr->in.arg = left;
    expr->in.is_not = is_not;
    mr_parser_above(parser, expr, left);
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` with a list or a query behind IN");
    if (mr_parser_at_query(parser, 0)) {
        expr->in.query = mr_parse_query(parser);
        if (expr->in.query != NULL)
            mr_parser_deepen(parser, &expr->depth, expr->in.query->depth);
    } else {
        mr_parser_list list = {0};
        do {
            mr_ast_expr *item = mr_parse_expression(parser);
            mr_parser_push_expr(parser, &list, item);
            mr_parser_above(parser, expr, item);
        } while (mr_parser_comma(parser));
        expr->in.list = (mr_ast_list){.items = list.items, .count = list.count};
    }
    mr_parser_close(parser, open);
    return mr_parser_done(parser, expr, start);
}

static power power_of_sign(mr_token_kind kind, mr_ast_operator *op)
{
    static const struct {
        mr_token_kind kind;
        mr_ast_operator op;
        power power;
    } rows[] = {
        {MR_TOKEN_PLUS, MR_AST_ADD, POWER_SUM},
        {MR_TOKEN_MINUS, MR_AST_SUBTRACT, POWER_SUM},
        {MR_TOKEN_STAR, MR_AST_MULTIPLY, POWER_PRODUCT},
        {MR_TOKEN_SLASH, MR_AST_DIVIDE, POWER_PRODUCT},
        {MR_TOKEN_PERCENT, MR_AST_MODULO, POWER_PRODUCT},
        {MR_TOKEN_CONCAT, MR_AST_CONCAT, POWER_PRODUCT},
        {MR_TOKEN_EQUAL, MR_AST_EQUAL, POWER_COMPARE},
        {MR_TOKEN_NOT_EQUAL, MR_AST_NOT_EQUAL, POWER_COMPARE},
        {MR_TOKEN_LESS, MR_AST_LESS, POWER_COMPARE},
        {MR_TOKEN_LESS_EQUAL, MR_AST_LESS_EQUAL, POWER_COMPARE},
        {MR_TOKEN_GREATER, MR_AST_GREATER, POWER_COMPARE},
        {MR_TOKEN_GREATER_EQUAL, MR_AST_GREATER_EQUAL, POWER_COMPARE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].kind == kind) {
            *op = rows[i].op;
            return rows[i].power;
        }
    }
    return POWER_NONE;
}

/* IN, BETWEEN, LIKE, SIMILAR, each with NOT in front; NONE: another word. */
static mr_word range_word(mr_parser *parser, bool *is_not)
{
    *is_not = mr_parser_at_word(parser, MR_WORD_NOT);
    mr_word word = mr_parser_peek(parser, *is_not ? 1 : 0).word;
    bool is_range = word == MR_WORD_IN || word == MR_WORD_BETWEEN || word == MR_WORD_LIKE ||
                    word == MR_WORD_SIMILAR;
    return is_range ? word : MR_NO_WORD;
}

static mr_ast_expr *parse_range(mr_parser *parser, mr_ast_expr *left, uint32_t start, mr_word word,
                                bool is_not)
{
    if (is_not)
        mr_parser_take(parser);
    mr_parser_take(parser);
    if (word == MR_WORD_IN)
        return parse_in(parser, left, start, is_not);
    if (word == MR_WORD_BETWEEN)
        return parse_between(parser, left, start, is_not);
    return parse_like(parser, left, start, is_not, word == MR_WORD_SIMILAR);
}

static void refuse_at_time_zone(mr_parser *parser)
{
    if (mr_parser_at_words(parser, MR_WORD_AT, MR_WORD_TIME) &&
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "AT TIME ZONE is not supported"))
        mr_diagnostics_label(parser->diagnostics,
                             "the job's zone is SET 'table.local-time-zone' = '..'");
}

/* One operator behind `left`, at least as tight as `power_min`; `left` itself without one. */
static mr_ast_expr *parse_operator(mr_parser *parser, mr_ast_expr *left, uint32_t start,
                                   power power_min)
{
    mr_token token = mr_parser_peek(parser, 0);
    bool is_not = false;
    mr_word range = range_word(parser, &is_not);
    if (range != MR_NO_WORD)
        return power_min <= POWER_RANGE ? parse_range(parser, left, start, range, is_not) : left;
    if (token.word == MR_WORD_IS)
        return power_min <= POWER_IS ? parse_is(parser, left, start) : left;
    if (token.word == MR_WORD_AND)
        return power_min <= POWER_AND
                   ? parse_chain(parser, left, start, MR_AST_AND, MR_WORD_AND, POWER_NOT)
                   : left;
    if (token.word == MR_WORD_OR)
        return power_min <= POWER_OR
                   ? parse_chain(parser, left, start, MR_AST_OR, MR_WORD_OR, POWER_AND)
                   : left;
    mr_ast_operator op = MR_AST_ADD;
    power found = power_of_sign(token.kind, &op);
    if (found == POWER_NONE || found < power_min) {
        refuse_at_time_zone(parser);
        return left;
    }
    mr_parser_take(parser);
    return make_binary(parser, left, start, op, token.span, (power)(found + 1));
}

static mr_ast_expr *parse_power(mr_parser *parser, power power_min)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_expr *left = parse_prefix(parser);
    while (!parser->is_failed) {
        mr_ast_expr *next = parse_operator(parser, left, start, power_min);
        if (next == left)
            break;
        left = next;
    }
    return parser->is_failed ? NULL : left;
}
