/*
 * What stands in FROM: tables, queries, windows, joins.
 */
#include "jobs/sql/parser/state.h"

static mr_ast_ref *parse_joins(mr_parser *parser);

static mr_ast_ref *new_ref(mr_parser *parser, mr_ast_ref_kind kind)
{
    mr_ast_ref *ref = mr_arena_zalloc(parser->arena, 1, sizeof *ref);
    ref->kind = kind;
    ref->depth = 1;
    return ref;
}

static void parse_system_time(mr_parser *parser, mr_ast_ref *ref)
{
    if (!mr_parser_at_words(parser, MR_WORD_FOR, MR_WORD_SYSTEM_TIME))
        return;
    mr_parser_take(parser);
    mr_parser_take(parser);
    mr_parser_expect_word(parser, MR_WORD_AS);
    mr_parser_expect_word(parser, MR_WORD_OF);
    ref->system_time = mr_parse_expression(parser);
    if (ref->system_time != NULL)
        mr_parser_deepen(parser, &ref->depth, ref->system_time->depth);
}

static void parse_alias(mr_parser *parser, mr_ast_ref *ref)
{
    if (!mr_parser_accept_word(parser, MR_WORD_AS) && !mr_parser_at_name(parser))
        return;
    ref->alias = mr_parser_name(parser, "an alias");
    if (mr_parser_at(parser, MR_TOKEN_OPEN))
        ref->columns_alias = mr_parser_names(parser, "a column");
}

static mr_ast_ref *parse_query_ref(mr_parser *parser)
{
    mr_span open = mr_parser_take(parser).span;
    mr_ast_ref *ref = new_ref(parser, MR_AST_REF_SUBQUERY);
    ref->query = mr_parse_query(parser);
    mr_parser_close(parser, open);
    if (ref->query != NULL)
        mr_parser_deepen(parser, &ref->depth, ref->query->depth);
    return ref;
}

static mr_ast_ref *parse_nested_joins(mr_parser *parser)
{
    mr_span open = mr_parser_take(parser).span;
    mr_ast_ref *ref = NULL;
    if (mr_parser_enter(parser))
        ref = parse_joins(parser);
    mr_parser_leave(parser);
    mr_parser_close(parser, open);
    return ref;
}

/* TABLE(TUMBLE(..)): the wrapping word may be absent. */
static mr_ast_ref *parse_wrapped_window(mr_parser *parser)
{
    mr_parser_take(parser);
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` behind TABLE");
    mr_ast_ref *ref = mr_parse_window(parser);
    mr_parser_close(parser, open);
    return ref;
}

static void refuse_ref(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.word == MR_WORD_UNNEST || token.word == MR_WORD_LATERAL)
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span, "%s is not supported yet",
                       mr_word_text(token.word));
}

static void refuse_behind_ref(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.word == MR_WORD_MATCH_RECOGNIZE || token.word == MR_WORD_TABLESAMPLE ||
        (token.word == MR_WORD_PIVOT && mr_parser_peek(parser, 1).kind == MR_TOKEN_OPEN))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span, "%s is not supported yet",
                       mr_word_text(token.word));
}

static mr_ast_ref *parse_ref(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_ref *ref = NULL;
    refuse_ref(parser);
    if (mr_parser_at(parser, MR_TOKEN_OPEN)) {
        ref = mr_parser_at_query(parser, 1) ? parse_query_ref(parser) : parse_nested_joins(parser);
    } else if (mr_parser_at_word(parser, MR_WORD_TABLE)) {
        ref = parse_wrapped_window(parser);
    } else if (mr_parser_at_window(parser)) {
        ref = mr_parse_window(parser);
    } else {
        ref = new_ref(parser, MR_AST_REF_TABLE);
        ref->table = mr_parser_path(parser, "a table");
        parse_system_time(parser, ref);
    }
    if (parser->is_failed || ref == NULL)
        return NULL;
    refuse_behind_ref(parser);
    if (ref->kind != MR_AST_REF_JOIN)
        parse_alias(parser, ref);
    refuse_behind_ref(parser);
    ref->span = mr_parser_span_from(parser, start);
    return parser->is_failed ? NULL : ref;
}

/* The words in front of a joined table; false when none come next. */
static bool take_join(mr_parser *parser, mr_ast_join *kind, bool *is_natural, mr_span *span)
{
    uint32_t start = mr_parser_start(parser);
    *kind = MR_AST_JOIN_INNER;
    *is_natural = mr_parser_accept_word(parser, MR_WORD_NATURAL);
    if (mr_parser_accept(parser, MR_TOKEN_COMMA)) {
        *kind = MR_AST_JOIN_CROSS;
        *span = parser->last.span;
        return true;
    }
    mr_word word = mr_parser_peek(parser, 0).word;
    switch (word) {
    case MR_WORD_LEFT: *kind = MR_AST_JOIN_LEFT; break;
    case MR_WORD_RIGHT: *kind = MR_AST_JOIN_RIGHT; break;
    case MR_WORD_FULL: *kind = MR_AST_JOIN_FULL; break;
    case MR_WORD_CROSS: *kind = MR_AST_JOIN_CROSS; break;
    case MR_WORD_INNER:
    case MR_WORD_JOIN: break;
    default:
        if (*is_natural)
            mr_parser_unexpected(parser, "JOIN");
        return false;
    }
    if (word != MR_WORD_JOIN)
        mr_parser_take(parser);
    if (*kind == MR_AST_JOIN_LEFT || *kind == MR_AST_JOIN_RIGHT || *kind == MR_AST_JOIN_FULL)
        mr_parser_accept_word(parser, MR_WORD_OUTER);
    mr_parser_expect_word(parser, MR_WORD_JOIN);
    *span = mr_parser_span_from(parser, start);
    return true;
}

static void parse_join_condition(mr_parser *parser, mr_ast_ref *ref)
{
    if (mr_parser_accept_word(parser, MR_WORD_ON)) {
        ref->join.on = mr_parse_expression(parser);
        if (ref->join.on != NULL)
            mr_parser_deepen(parser, &ref->depth, ref->join.on->depth);
    } else if (mr_parser_accept_word(parser, MR_WORD_USING)) {
        ref->join.using = mr_parser_names(parser, "a column");
    } else if (ref->join.kind != MR_AST_JOIN_CROSS && !ref->join.is_natural) {
        mr_parser_unexpected(parser, "ON and the join's condition");
    }
}

static mr_ast_ref *parse_joins(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_ref *left = parse_ref(parser);
    mr_ast_join kind = MR_AST_JOIN_INNER;
    bool is_natural = false;
    mr_span span = {0};
    while (!parser->is_failed && take_join(parser, &kind, &is_natural, &span)) {
        mr_ast_ref *ref = new_ref(parser, MR_AST_REF_JOIN);
        ref->join.kind = kind;
        ref->join.is_natural = is_natural;
        ref->join.span = span;
        ref->join.left = left;
        ref->join.right = parse_ref(parser);
        if (parser->is_failed)
            return NULL;
        mr_parser_deepen(parser, &ref->depth, ref->join.left->depth);
        mr_parser_deepen(parser, &ref->depth, ref->join.right->depth);
        parse_join_condition(parser, ref);
        ref->span = mr_parser_span_from(parser, start);
        left = ref;
    }
    return parser->is_failed ? NULL : left;
}

mr_ast_ref *mr_parse_from(mr_parser *parser)
{
    return parse_joins(parser);
}
