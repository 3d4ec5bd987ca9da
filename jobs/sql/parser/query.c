/*
 * Queries: WITH, SELECT, VALUES, set operations, ORDER BY, LIMIT.
 */
#include "jobs/sql/parser/state.h"

static bool begins_query(mr_word word)
{
    return word == MR_WORD_SELECT || word == MR_WORD_WITH || word == MR_WORD_VALUES;
}

bool mr_parser_at_query(mr_parser *parser, uint32_t n)
{
    while (n + 1 < MR_PARSER_AHEAD_MAX && mr_parser_peek(parser, n).kind == MR_TOKEN_OPEN)
        n++;
    return begins_query(mr_parser_peek(parser, n).word);
}

static mr_ast_query *new_query(mr_parser *parser, mr_ast_query_kind kind)
{
    mr_ast_query *query = mr_arena_zalloc(parser->arena, 1, sizeof *query);
    query->kind = kind;
    query->depth = 1;
    return query;
}

static void above(mr_parser *parser, mr_ast_query *query, const mr_ast_expr *expr)
{
    if (expr != NULL)
        mr_parser_deepen(parser, &query->depth, expr->depth);
}

/* ---- SELECT ---- */

static void refuse_star_except(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    bool is_list =
        mr_parser_peek(parser, 1).kind == MR_TOKEN_OPEN && !mr_parser_at_query(parser, 1);
    bool is_except = token.word == MR_WORD_EXCEPT || token.word == MR_WORD_EXCLUDE ||
                     token.word == MR_WORD_REPLACE;
    if (is_except && is_list &&
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span, "`*` cannot leave columns out"))
        mr_diagnostics_label(parser->diagnostics, "name the columns that you want");
}

static mr_ast_item parse_item(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_item item = {0};
    if (mr_parser_accept(parser, MR_TOKEN_STAR)) {
        item.expr = mr_parser_new(parser, MR_AST_STAR);
        item.expr->path.span = parser->last.span;
        mr_parser_done(parser, item.expr, start);
    } else {
        item.expr = mr_parse_expression(parser);
    }
    if (item.expr != NULL && item.expr->kind == MR_AST_STAR)
        refuse_star_except(parser);
    else if (mr_parser_accept_word(parser, MR_WORD_AS) || mr_parser_at_name(parser))
        item.alias = mr_parser_name(parser, "an alias");
    item.span = mr_parser_span_from(parser, start);
    return item;
}

static void parse_items(mr_parser *parser, mr_ast_query *query)
{
    mr_parser_list items = {0};
    do {
        mr_ast_item item = parse_item(parser);
        above(parser, query, item.expr);
        mr_ast_item *slot = mr_parser_push(parser, &items, sizeof *slot);
        *slot = item;
    } while (mr_parser_comma(parser));
    query->select.items = items.items;
    query->select.items_count = items.count;
}

static void refuse_grouping(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    bool is_set = token.word == MR_WORD_GROUPING && mr_parser_peek(parser, 1).word == MR_WORD_SETS;
    if (is_set || token.word == MR_WORD_ROLLUP || token.word == MR_WORD_CUBE)
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                       "GROUPING SETS, ROLLUP and CUBE are not supported yet");
    else if (token.word == MR_WORD_ALL &&
             mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                            "GROUP BY ALL is not supported"))
        mr_diagnostics_label(parser->diagnostics, "name the columns");
}

static void parse_group_by(mr_parser *parser, mr_ast_query *query)
{
    mr_ast_select *select = &query->select;
    uint32_t start = mr_parser_take(parser).span.start;
    mr_parser_expect_word(parser, MR_WORD_BY);
    select->has_group_by = true;
    mr_parser_list list = {0};
    do {
        refuse_grouping(parser);
        mr_ast_expr *expr = mr_parse_expression(parser);
        above(parser, query, expr);
        mr_parser_push_expr(parser, &list, expr);
    } while (mr_parser_comma(parser));
    select->group_by = (mr_ast_list){.items = list.items, .count = list.count};
    select->group_by_span = mr_parser_span_from(parser, start);
}

static void refuse_select_clause(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.word == MR_WORD_WINDOW || token.word == MR_WORD_QUALIFY)
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, token.span,
                       "the clause %s is not supported yet", mr_word_text(token.word));
}

static mr_ast_query *parse_select(mr_parser *parser)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_ast_query *query = new_query(parser, MR_AST_SELECT);
    mr_ast_select *select = &query->select;
    select->is_distinct = mr_parser_accept_word(parser, MR_WORD_DISTINCT);
    if (select->is_distinct && mr_parser_at_word(parser, MR_WORD_ON))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "DISTINCT ON is not supported");
    if (!select->is_distinct)
        mr_parser_accept_word(parser, MR_WORD_ALL);
    parse_items(parser, query);
    if (mr_parser_accept_word(parser, MR_WORD_FROM)) {
        select->from = mr_parse_from(parser);
        if (select->from != NULL)
            mr_parser_deepen(parser, &query->depth, select->from->depth);
    }
    if (mr_parser_accept_word(parser, MR_WORD_WHERE))
        above(parser, query, select->where = mr_parse_expression(parser));
    if (mr_parser_at_word(parser, MR_WORD_GROUP))
        parse_group_by(parser, query);
    if (mr_parser_accept_word(parser, MR_WORD_HAVING))
        above(parser, query, select->having = mr_parse_expression(parser));
    refuse_select_clause(parser);
    query->span = mr_parser_span_from(parser, start);
    return query;
}

/* ---- VALUES, brackets, set operations ---- */

static mr_ast_list parse_values_row(mr_parser *parser, mr_ast_query *query)
{
    mr_parser_list list = {0};
    mr_span open = mr_parser_peek(parser, 0).span;
    bool has_row_word = mr_parser_at_word(parser, MR_WORD_ROW);
    if (has_row_word)
        mr_parser_take(parser);
    bool has_brackets = has_row_word || mr_parser_at(parser, MR_TOKEN_OPEN);
    if (has_brackets)
        mr_parser_expect(parser, MR_TOKEN_OPEN, "`(`");
    do {
        mr_ast_expr *expr = mr_parse_expression(parser);
        above(parser, query, expr);
        mr_parser_push_expr(parser, &list, expr);
    } while (has_brackets && mr_parser_comma(parser));
    if (has_brackets)
        mr_parser_close(parser, open);
    return (mr_ast_list){.items = list.items, .count = list.count};
}

static mr_ast_query *parse_values(mr_parser *parser)
{
    uint32_t start = mr_parser_take(parser).span.start;
    mr_ast_query *query = new_query(parser, MR_AST_VALUES);
    mr_parser_list rows = {0};
    do {
        mr_ast_list row = parse_values_row(parser, query);
        mr_ast_list *slot = mr_parser_push(parser, &rows, sizeof *slot);
        *slot = row;
    } while (mr_parser_comma(parser));
    query->rows = rows.items;
    query->rows_count = rows.count;
    query->span = mr_parser_span_from(parser, start);
    return query;
}

static mr_ast_query *parse_term(mr_parser *parser)
{
    if (mr_parser_at_word(parser, MR_WORD_SELECT))
        return parse_select(parser);
    if (mr_parser_at_word(parser, MR_WORD_VALUES))
        return parse_values(parser);
    mr_span open = mr_parser_peek(parser, 0).span;
    if (!mr_parser_accept(parser, MR_TOKEN_OPEN)) {
        mr_parser_unexpected(parser, "a query");
        return NULL;
    }
    mr_ast_query *query = mr_parse_query(parser);
    mr_parser_close(parser, open);
    return query;
}

static void push_input(mr_parser *parser, mr_ast_query *query, mr_parser_list *inputs,
                       mr_ast_query *input)
{
    mr_ast_query **slot = mr_parser_push(parser, inputs, sizeof *slot);
    *slot = input;
    if (input != NULL)
        mr_parser_deepen(parser, &query->depth, input->depth);
}

/* True when the words of a set operator come next; takes them. */
static bool take_set_operator(mr_parser *parser, mr_word word, bool *is_all, mr_span *span)
{
    uint32_t start = mr_parser_start(parser);
    if (!mr_parser_accept_word(parser, word))
        return false;
    *is_all = mr_parser_accept_word(parser, MR_WORD_ALL);
    if (!*is_all)
        mr_parser_accept_word(parser, MR_WORD_DISTINCT);
    *span = mr_parser_span_from(parser, start);
    return true;
}

/* left op right op right .. with one and the same operator as one flat node. */
static mr_ast_query *parse_set_level(mr_parser *parser, mr_word first, mr_word second,
                                     mr_ast_query *(*parse_input)(mr_parser *))
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_query *left = parse_input(parser);
    mr_ast_query *open = NULL; /* the node that further inputs of the same operator join */
    mr_parser_list inputs = {0};
    while (!parser->is_failed) {
        bool is_all = false;
        mr_span span = {0};
        mr_word word = mr_parser_at_word(parser, first) ? first : second;
        if (!take_set_operator(parser, word, &is_all, &span))
            break;
        mr_ast_set_operator kind = word == MR_WORD_UNION    ? MR_AST_UNION
                                   : word == MR_WORD_EXCEPT ? MR_AST_EXCEPT
                                                            : MR_AST_INTERSECT;
        if (open == NULL || open->set.kind != kind || open->set.is_all != is_all) {
            open = new_query(parser, MR_AST_SET_OPERATION);
            open->set.kind = kind;
            open->set.is_all = is_all;
            open->set.span = span;
            inputs = (mr_parser_list){0};
            push_input(parser, open, &inputs, left);
        }
        push_input(parser, open, &inputs, parse_input(parser));
        open->set.inputs = (mr_ast_query **)inputs.items;
        open->set.inputs_count = inputs.count;
        open->span = mr_parser_span_from(parser, start);
        left = open;
    }
    return left;
}

static mr_ast_query *parse_intersect(mr_parser *parser)
{
    return parse_set_level(parser, MR_WORD_INTERSECT, MR_WORD_INTERSECT, parse_term);
}

static mr_ast_query *parse_union(mr_parser *parser)
{
    mr_ast_query *query = parse_set_level(parser, MR_WORD_UNION, MR_WORD_EXCEPT, parse_intersect);
    if (mr_parser_at_word(parser, MR_WORD_MINUS) &&
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "MINUS between queries is not supported"))
        mr_diagnostics_label(parser->diagnostics, "write EXCEPT");
    return query;
}

/* ---- WITH and the tail ---- */

static void parse_with(mr_parser *parser, mr_parser_list *with)
{
    mr_parser_take(parser);
    if (mr_parser_at_word(parser, MR_WORD_RECURSIVE))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "recursive queries are not supported");
    do {
        mr_ast_with item = {.name = mr_parser_name(parser, "a name behind WITH")};
        if (mr_parser_at(parser, MR_TOKEN_OPEN))
            item.columns = mr_parser_names(parser, "a column");
        mr_parser_expect_word(parser, MR_WORD_AS);
        mr_span open = mr_parser_peek(parser, 0).span;
        mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` and a query behind AS");
        item.query = mr_parse_query(parser);
        mr_parser_close(parser, open);
        mr_ast_with *slot = mr_parser_push(parser, with, sizeof *slot);
        *slot = item;
    } while (mr_parser_comma(parser));
}

static void parse_limit(mr_parser *parser, mr_ast_query *query)
{
    if (mr_parser_accept_word(parser, MR_WORD_LIMIT)) {
        query->limit = mr_parse_expression(parser);
        if (mr_parser_at(parser, MR_TOKEN_COMMA) &&
            mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                           "LIMIT takes one number"))
            mr_diagnostics_label(parser->diagnostics, "write LIMIT n OFFSET m");
    }
    if (mr_parser_accept_word(parser, MR_WORD_OFFSET)) {
        query->offset = mr_parse_expression(parser);
        if (!mr_parser_accept_word(parser, MR_WORD_ROWS))
            mr_parser_accept_word(parser, MR_WORD_ROW);
    }
    if (mr_parser_accept_word(parser, MR_WORD_FETCH)) {
        if (!mr_parser_accept_word(parser, MR_WORD_FIRST))
            mr_parser_expect_word(parser, MR_WORD_NEXT);
        query->limit = mr_parse_expression(parser);
        if (!mr_parser_accept_word(parser, MR_WORD_ROW))
            mr_parser_expect_word(parser, MR_WORD_ROWS);
        mr_parser_expect_word(parser, MR_WORD_ONLY);
    }
}

static void parse_tail(mr_parser *parser, mr_ast_query *query)
{
    if (mr_parser_at_word(parser, MR_WORD_ORDER)) {
        uint32_t start = mr_parser_start(parser);
        query->order_by = mr_parse_order_by(parser, &query->order_count);
        query->order_span = mr_parser_span_from(parser, start);
        for (uint32_t i = 0; i < query->order_count; i++)
            above(parser, query, query->order_by[i].expr);
    }
    parse_limit(parser, query);
    above(parser, query, query->limit);
    above(parser, query, query->offset);
}

static bool has_tail(mr_parser *parser)
{
    mr_word word = mr_parser_peek(parser, 0).word;
    return word == MR_WORD_ORDER || word == MR_WORD_LIMIT || word == MR_WORD_OFFSET ||
           word == MR_WORD_FETCH;
}

/* A bracketed query that has a tail or a WITH of its own may not take a second one:
 * `(q LIMIT 1) LIMIT 2` keeps both by wrapping the inner one as SELECT * FROM (..). */
static mr_ast_query *wrap(mr_parser *parser, mr_ast_query *inner, uint32_t start)
{
    mr_ast_query *query = new_query(parser, MR_AST_SELECT);
    mr_ast_expr *star = mr_parser_new(parser, MR_AST_STAR);
    star->span = star->path.span = inner->span;
    mr_ast_item *item = mr_arena_zalloc(parser->arena, 1, sizeof *item);
    *item = (mr_ast_item){.expr = star, .span = inner->span};
    mr_ast_ref *ref = mr_arena_zalloc(parser->arena, 1, sizeof *ref);
    *ref = (mr_ast_ref){.kind = MR_AST_REF_SUBQUERY,
                        .span = inner->span,
                        .depth = inner->depth + 1,
                        .query = inner};
    query->select = (mr_ast_select){.items = item, .items_count = 1, .from = ref};
    mr_parser_deepen(parser, &query->depth, ref->depth);
    query->span = mr_parser_span_from(parser, start);
    return query;
}

static void refuse_insert(mr_parser *parser, bool is_behind_with)
{
    if (is_behind_with && mr_parser_at_word(parser, MR_WORD_INSERT) &&
        mr_parser_fail(parser, MR_E_UNEXPECTED, mr_parser_peek(parser, 0).span,
                       "WITH does not stand in front of INSERT"))
        mr_diagnostics_label(parser->diagnostics, "write INSERT INTO t WITH .. SELECT ..");
}

mr_ast_query *mr_parse_query(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_query *query = NULL;
    if (mr_parser_enter(parser)) {
        mr_parser_list with = {0};
        if (mr_parser_at_word(parser, MR_WORD_WITH))
            parse_with(parser, &with);
        refuse_insert(parser, with.count != 0);
        query = parse_union(parser);
        bool has_more = with.count != 0 || has_tail(parser);
        if (query != NULL && has_more &&
            (query->with_count != 0 || query->order_count != 0 || query->limit != NULL ||
             query->offset != NULL))
            query = wrap(parser, query, start);
        if (query != NULL && !parser->is_failed) {
            query->with = with.count != 0 ? with.items : query->with;
            query->with_count = with.count != 0 ? with.count : query->with_count;
            for (uint32_t i = 0; i < with.count; i++)
                mr_parser_deepen(parser, &query->depth, query->with[i].query->depth);
            parse_tail(parser, query);
            query->span = mr_parser_span_from(parser, start);
        }
    }
    mr_parser_leave(parser);
    return parser->is_failed ? NULL : query;
}
