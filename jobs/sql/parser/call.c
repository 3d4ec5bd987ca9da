/*
 * Calls of functions and aggregates, with the forms that SQL writes with words inside the
 * brackets, and
 * what may stand behind: FILTER and OVER.
 */
#include "jobs/sql/parser/state.h"

static void push_arg(mr_parser *parser, mr_ast_expr *call, mr_parser_list *args, mr_ast_expr *arg)
{
    mr_parser_push_expr(parser, args, arg);
    mr_parser_above(parser, call, arg);
}

static void parse_call_unit(mr_parser *parser, mr_ast_expr *call)
{
    call->call.unit_span = mr_parser_peek(parser, 0).span;
    call->call.unit = mr_parse_unit(parser);
}

/* TRIM([BOTH|LEADING|TRAILING] [characters] FROM s), TRIM(s) */
static void parse_trim(mr_parser *parser, mr_ast_expr *call, mr_parser_list *args)
{
    if (mr_parser_accept_word(parser, MR_WORD_BOTH))
        call->call.trim = MR_AST_TRIM_BOTH;
    else if (mr_parser_accept_word(parser, MR_WORD_LEADING))
        call->call.trim = MR_AST_TRIM_LEADING;
    else if (mr_parser_accept_word(parser, MR_WORD_TRAILING))
        call->call.trim = MR_AST_TRIM_TRAILING;
    mr_ast_expr *first = NULL;
    if (!mr_parser_at_word(parser, MR_WORD_FROM))
        first = mr_parse_expression(parser);
    if (!mr_parser_accept_word(parser, MR_WORD_FROM)) {
        if (call->call.trim != MR_AST_TRIM_NONE)
            mr_parser_unexpected(parser, "FROM");
        push_arg(parser, call, args, first);
        return;
    }
    push_arg(parser, call, args, mr_parse_expression(parser));
    if (first != NULL)
        push_arg(parser, call, args, first);
}

/* SUBSTRING(s FROM a [FOR b]) */
static void parse_substring(mr_parser *parser, mr_ast_expr *call, mr_parser_list *args)
{
    push_arg(parser, call, args, mr_parse_expression(parser));
    if (!mr_parser_accept_word(parser, MR_WORD_FROM))
        return;
    push_arg(parser, call, args, mr_parse_expression(parser));
    if (mr_parser_accept_word(parser, MR_WORD_FOR))
        push_arg(parser, call, args, mr_parse_expression(parser));
}

static mr_ast_expr *parse_argument(mr_parser *parser)
{
    if (mr_parser_peek(parser, 1).kind != MR_TOKEN_ARROW || !mr_parser_at_name(parser))
        return mr_parse_expression(parser);
    uint32_t start = mr_parser_start(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_NAMED);
    expr->named.name = mr_parser_name(parser, "an argument's name");
    mr_parser_take(parser);
    expr->named.value = mr_parse_expression(parser);
    mr_parser_above(parser, expr, expr->named.value);
    return mr_parser_done(parser, expr, start);
}

/* The first argument of the functions that have a grammar of their own. */
static void parse_special(mr_parser *parser, mr_ast_expr *call, mr_parser_list *args, mr_word word)
{
    switch (word) {
    case MR_WORD_EXTRACT:
        parse_call_unit(parser, call);
        mr_parser_expect_word(parser, MR_WORD_FROM);
        push_arg(parser, call, args, mr_parse_expression(parser));
        break;
    case MR_WORD_TIMESTAMPADD:
    case MR_WORD_TIMESTAMPDIFF: parse_call_unit(parser, call); break;
    case MR_WORD_FLOOR:
    case MR_WORD_CEIL:
    case MR_WORD_CEILING:
        push_arg(parser, call, args, mr_parse_expression(parser));
        if (mr_parser_accept_word(parser, MR_WORD_TO))
            parse_call_unit(parser, call);
        break;
    case MR_WORD_POSITION:
        push_arg(parser, call, args, mr_parse_sum(parser));
        if (mr_parser_accept_word(parser, MR_WORD_IN))
            push_arg(parser, call, args, mr_parse_expression(parser));
        break;
    case MR_WORD_TRIM: parse_trim(parser, call, args); break;
    case MR_WORD_SUBSTRING: parse_substring(parser, call, args); break;
    default: push_arg(parser, call, args, parse_argument(parser)); break;
    }
}

static void parse_arguments(mr_parser *parser, mr_ast_expr *call, mr_word word)
{
    mr_parser_list args = {0};
    if (mr_parser_at(parser, MR_TOKEN_STAR) && mr_parser_peek(parser, 1).kind == MR_TOKEN_CLOSE) {
        mr_parser_take(parser);
        call->call.is_star = true;
    } else if (!mr_parser_at(parser, MR_TOKEN_CLOSE)) {
        call->call.is_distinct = mr_parser_accept_word(parser, MR_WORD_DISTINCT);
        if (!call->call.is_distinct)
            mr_parser_accept_word(parser, MR_WORD_ALL);
        parse_special(parser, call, &args, word);
        while (mr_parser_comma(parser))
            push_arg(parser, call, &args, parse_argument(parser));
    }
    call->call.args = (mr_ast_list){.items = args.items, .count = args.count};
}

static mr_ast_bound parse_bound(mr_parser *parser, mr_ast_expr **expr)
{
    if (mr_parser_accept_word(parser, MR_WORD_UNBOUNDED)) {
        if (mr_parser_accept_word(parser, MR_WORD_FOLLOWING))
            return MR_AST_BOUND_UNBOUNDED_FOLLOWING;
        mr_parser_expect_word(parser, MR_WORD_PRECEDING);
        return MR_AST_BOUND_UNBOUNDED_PRECEDING;
    }
    if (mr_parser_accept_word(parser, MR_WORD_CURRENT)) {
        mr_parser_expect_word(parser, MR_WORD_ROW);
        return MR_AST_BOUND_CURRENT_ROW;
    }
    *expr = mr_parse_sum(parser);
    if (mr_parser_accept_word(parser, MR_WORD_FOLLOWING))
        return MR_AST_BOUND_FOLLOWING;
    mr_parser_expect_word(parser, MR_WORD_PRECEDING);
    return MR_AST_BOUND_PRECEDING;
}

static mr_ast_frame *parse_frame(mr_parser *parser)
{
    mr_ast_frame *frame = mr_arena_zalloc(parser->arena, 1, sizeof *frame);
    mr_token token = mr_parser_take(parser);
    frame->is_rows = token.word == MR_WORD_ROWS;
    frame->to = MR_AST_BOUND_CURRENT_ROW;
    bool has_both = mr_parser_accept_word(parser, MR_WORD_BETWEEN);
    frame->from = parse_bound(parser, &frame->from_expr);
    if (has_both) {
        mr_parser_expect_word(parser, MR_WORD_AND);
        frame->to = parse_bound(parser, &frame->to_expr);
    }
    frame->span = mr_parser_span_from(parser, token.span.start);
    return frame;
}

static void parse_order_item(mr_parser *parser, mr_ast_order *item)
{
    uint32_t start = mr_parser_start(parser);
    item->expr = mr_parse_expression(parser);
    item->is_descending = mr_parser_accept_word(parser, MR_WORD_DESC);
    if (!item->is_descending)
        mr_parser_accept_word(parser, MR_WORD_ASC);
    if (mr_parser_accept_word(parser, MR_WORD_NULLS)) {
        item->has_nulls = true;
        item->is_nulls_first = mr_parser_accept_word(parser, MR_WORD_FIRST);
        if (!item->is_nulls_first)
            mr_parser_expect_word(parser, MR_WORD_LAST);
    }
    item->span = mr_parser_span_from(parser, start);
}

mr_ast_order *mr_parse_order_by(mr_parser *parser, uint32_t *count)
{
    mr_parser_expect_word(parser, MR_WORD_ORDER);
    mr_parser_expect_word(parser, MR_WORD_BY);
    mr_parser_list list = {0};
    do {
        mr_ast_order item = {0};
        parse_order_item(parser, &item);
        mr_ast_order *slot = mr_parser_push(parser, &list, sizeof *slot);
        *slot = item;
    } while (mr_parser_comma(parser));
    *count = list.count;
    return list.items;
}

static uint32_t depth_of(const mr_ast_expr *expr)
{
    return expr == NULL ? 0 : expr->depth;
}

static void deepen_over(mr_parser *parser, mr_ast_expr *call, const mr_ast_over *over)
{
    for (uint32_t i = 0; i < over->partition_by.count; i++)
        mr_parser_deepen(parser, &call->depth, depth_of(over->partition_by.items[i]));
    for (uint32_t i = 0; i < over->order_count; i++)
        mr_parser_deepen(parser, &call->depth, depth_of(over->order_by[i].expr));
    if (over->frame != NULL) {
        mr_parser_deepen(parser, &call->depth, depth_of(over->frame->from_expr));
        mr_parser_deepen(parser, &call->depth, depth_of(over->frame->to_expr));
    }
}

static mr_ast_over *parse_over(mr_parser *parser)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_ast_over *over = mr_arena_zalloc(parser->arena, 1, sizeof *over);
    mr_span open = mr_parser_peek(parser, 0).span;
    if (mr_parser_at_name(parser) &&
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, open, "named windows are not supported"))
        mr_diagnostics_label(parser->diagnostics, "write the window here: OVER (ORDER BY ..)");
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` behind OVER");
    if (mr_parser_accept_word(parser, MR_WORD_PARTITION)) {
        mr_parser_expect_word(parser, MR_WORD_BY);
        mr_parser_list list = {0};
        do {
            mr_parser_push_expr(parser, &list, mr_parse_expression(parser));
        } while (mr_parser_comma(parser));
        over->partition_by = (mr_ast_list){.items = list.items, .count = list.count};
    }
    if (mr_parser_at_word(parser, MR_WORD_ORDER))
        over->order_by = mr_parse_order_by(parser, &over->order_count);
    if (mr_parser_at_word(parser, MR_WORD_ROWS) || mr_parser_at_word(parser, MR_WORD_RANGE))
        over->frame = parse_frame(parser);
    mr_parser_close(parser, open);
    over->span = mr_parser_span_from(parser, start);
    return over;
}

static void refuse_behind_call(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (mr_parser_at_words(parser, MR_WORD_WITHIN, MR_WORD_GROUP))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                       "WITHIN GROUP is not supported in a stream");
}

mr_ast_expr *mr_parse_call(mr_parser *parser)
{
    mr_token token = mr_parser_take(parser);
    mr_ast_expr *expr = mr_parser_new(parser, MR_AST_CALL);
    bool is_quoted = token.kind == MR_TOKEN_QUOTED_NAME;
    expr->call.name =
        (mr_ast_name){.text = is_quoted ? token.text : mr_parser_text(parser, token.span),
                      .span = token.span,
                      .is_quoted = is_quoted};
    expr->call.has_brackets = true;
    mr_span open = mr_parser_take(parser).span;
    parse_arguments(parser, expr, token.word);
    mr_parser_close(parser, open);
    refuse_behind_call(parser);
    if (mr_parser_accept_word(parser, MR_WORD_FILTER)) {
        open = mr_parser_peek(parser, 0).span;
        mr_parser_expect(parser, MR_TOKEN_OPEN, "`(WHERE ..)` behind FILTER");
        mr_parser_expect_word(parser, MR_WORD_WHERE);
        expr->call.filter = mr_parse_expression(parser);
        mr_parser_close(parser, open);
        mr_parser_above(parser, expr, expr->call.filter);
    }
    if (mr_parser_at_word(parser, MR_WORD_OVER)) {
        expr->call.over = parse_over(parser);
        deepen_over(parser, expr, expr->call.over);
    }
    return mr_parser_done(parser, expr, token.span.start);
}
