/*
 * Window functions in FROM: TUMBLE, HOP, CUMULATE, SESSION, arguments by place or by name.
 */
#include "engine/base/assert.h"
#include "jobs/sql/parser/state.h"
#include "jobs/sql/suggest.h"

#include <strings.h>

typedef enum argument {
    ARGUMENT_DATA = 0,
    ARGUMENT_TIMECOL,
    ARGUMENT_SIZE,
    ARGUMENT_SLIDE,
    ARGUMENT_STEP,
    ARGUMENT_GAP,
    ARGUMENT_OFFSET,
    ARGUMENT_NONE,
} argument;

static const char *const argument_names[] = {"DATA", "TIMECOL", "SIZE",  "SLIDE",
                                             "STEP", "GAP",     "OFFSET"};

typedef struct function_row {
    mr_ast_window_kind kind;
    mr_word word;
    argument order[6]; /* by place, ended by NONE; from `required` on optional */
    uint32_t required;
    const char *usage;
} function_row;

static const function_row functions[] = {
    {MR_AST_TUMBLE,
     MR_WORD_TUMBLE,
     {ARGUMENT_DATA, ARGUMENT_TIMECOL, ARGUMENT_SIZE, ARGUMENT_OFFSET, ARGUMENT_NONE},
     3,
     "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])"},
    {MR_AST_HOP,
     MR_WORD_HOP,
     {ARGUMENT_DATA, ARGUMENT_TIMECOL, ARGUMENT_SLIDE, ARGUMENT_SIZE, ARGUMENT_OFFSET,
      ARGUMENT_NONE},
     4,
     "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])"},
    {MR_AST_CUMULATE,
     MR_WORD_CUMULATE,
     {ARGUMENT_DATA, ARGUMENT_TIMECOL, ARGUMENT_STEP, ARGUMENT_SIZE, ARGUMENT_OFFSET,
      ARGUMENT_NONE},
     4,
     "CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])"},
    {MR_AST_SESSION,
     MR_WORD_SESSION,
     {ARGUMENT_DATA, ARGUMENT_TIMECOL, ARGUMENT_GAP, ARGUMENT_NONE},
     3,
     "SESSION(TABLE t [PARTITION BY key], DESCRIPTOR(ts), gap)"},
};

static void parse_partition(mr_parser *parser, const function_row *function, mr_ast_ref *ref)
{
    mr_ast_window *window = &ref->window;
    mr_span partition = mr_parser_peek(parser, 0).span;
    if (!mr_parser_accept_word(parser, MR_WORD_PARTITION))
        return;
    if (function->kind != MR_AST_SESSION &&
        mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, partition,
                       "PARTITION BY belongs to SESSION windows only"))
        mr_diagnostics_label(parser->diagnostics, "group by the key instead");
    mr_parser_expect_word(parser, MR_WORD_BY);
    mr_parser_list list = {0};
    do {
        mr_ast_expr *key = mr_parse_expression(parser);
        mr_parser_push_expr(parser, &list, key);
        if (key != NULL)
            mr_parser_deepen(parser, &ref->depth, key->depth);
        /* The next comma may end the keys as well: DESCRIPTOR or a named argument tells. */
    } while (mr_parser_at(parser, MR_TOKEN_COMMA) &&
             mr_parser_peek(parser, 1).word != MR_WORD_DESCRIPTOR &&
             mr_parser_peek(parser, 2).kind != MR_TOKEN_ARROW && mr_parser_comma(parser));
    window->partition_by = (mr_ast_list){.items = list.items, .count = list.count};
}

/* TABLE t [PARTITION BY a, b] or a bracketed query. */
static void parse_data(mr_parser *parser, const function_row *function, mr_ast_ref *ref)
{
    mr_ast_window *window = &ref->window;
    uint32_t start = mr_parser_start(parser);
    mr_ast_ref *input = mr_arena_zalloc(parser->arena, 1, sizeof *input);
    input->depth = 1;
    window->input = input;
    mr_span open = mr_parser_peek(parser, 0).span;
    if (mr_parser_accept(parser, MR_TOKEN_OPEN)) {
        input->kind = MR_AST_REF_SUBQUERY;
        input->query = mr_parse_query(parser);
        mr_parser_close(parser, open);
        if (input->query != NULL)
            mr_parser_deepen(parser, &input->depth, input->query->depth);
    } else {
        if (!mr_parser_at_word(parser, MR_WORD_TABLE))
            mr_parser_unexpected(parser, "TABLE and the table's name");
        mr_parser_accept_word(parser, MR_WORD_TABLE);
        input->table = mr_parser_path(parser, "a table");
    }
    input->span = mr_parser_span_from(parser, start);
    mr_parser_deepen(parser, &ref->depth, input->depth);
    parse_partition(parser, function, ref);
    mr_token order = mr_parser_peek(parser, 0);
    if (order.word == MR_WORD_ORDER && mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, order.span,
                                                      "a window function takes no ORDER BY"))
        mr_diagnostics_label(parser->diagnostics, "rows are taken by their time");
}

static void parse_descriptor(mr_parser *parser, mr_ast_window *window)
{
    uint32_t start = mr_parser_start(parser);
    mr_parser_expect_word(parser, MR_WORD_DESCRIPTOR);
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(` and the time column behind DESCRIPTOR");
    window->column = mr_parser_path(parser, "the time column");
    mr_parser_close(parser, open);
    window->descriptor_span = mr_parser_span_from(parser, start);
}

static void parse_value(mr_parser *parser, const function_row *function, mr_ast_ref *ref,
                        argument which)
{
    mr_ast_window *window = &ref->window;
    if (which == ARGUMENT_DATA) {
        parse_data(parser, function, ref);
        return;
    }
    if (which == ARGUMENT_TIMECOL) {
        parse_descriptor(parser, window);
        return;
    }
    mr_ast_expr *expr = mr_parse_expression(parser);
    if (expr == NULL)
        return;
    mr_parser_deepen(parser, &ref->depth, expr->depth);
    if (which == ARGUMENT_OFFSET)
        window->offset = expr;
    else if (which == ARGUMENT_SLIDE || which == ARGUMENT_STEP)
        window->step = expr;
    else
        window->size = expr;
}

static bool takes(const function_row *function, argument which)
{
    for (uint32_t i = 0; function->order[i] != ARGUMENT_NONE; i++)
        if (function->order[i] == which)
            return true;
    return false;
}

/* `NAME =>` in front of an argument. */
static argument parse_name(mr_parser *parser, const function_row *function)
{
    mr_token token = mr_parser_take(parser);
    mr_parser_expect(parser, MR_TOKEN_ARROW, "`=>`: arguments are all named or none");
    if (parser->is_failed)
        return ARGUMENT_NONE;
    /* OFFSET is a reserved word: some put it into backticks. */
    const char *text =
        token.kind == MR_TOKEN_QUOTED_NAME ? token.text : mr_parser_text(parser, token.span);
    for (uint32_t i = 0; i < MR_LENGTH(argument_names); i++)
        if (strcasecmp(text, argument_names[i]) == 0 && takes(function, (argument)i))
            return (argument)i;
    if (mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, token.span, "%s has no argument `%.60s`",
                       mr_word_text(function->word), text))
        mr_diagnostics_label(parser->diagnostics, "write %s", function->usage);
    return ARGUMENT_NONE;
}

static void parse_arguments(mr_parser *parser, const function_row *function, mr_ast_ref *ref)
{
    bool is_named = mr_parser_peek(parser, 1).kind == MR_TOKEN_ARROW;
    bool is_given[ARGUMENT_NONE] = {false};
    uint32_t place = 0;
    do {
        uint32_t start = mr_parser_start(parser);
        argument which = is_named ? parse_name(parser, function) : function->order[place];
        if (which == ARGUMENT_NONE) {
            if (mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, mr_parser_peek(parser, 0).span,
                               "one argument too many for %s", mr_word_text(function->word)))
                mr_diagnostics_label(parser->diagnostics, "write %s", function->usage);
            return;
        }
        place += !is_named;
        parse_value(parser, function, ref, which);
        if (is_given[which])
            mr_parser_fail(parser, MR_E_DUPLICATE_CLAUSE, mr_parser_span_from(parser, start),
                           "the argument %s is given twice", argument_names[which]);
        is_given[which] = true;
    } while (mr_parser_comma(parser));
    for (uint32_t i = 0; i < function->required; i++) {
        if (!is_given[function->order[i]] && mr_parser_at(parser, MR_TOKEN_CLOSE) &&
            mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, mr_parser_peek(parser, 0).span,
                           "%s lacks its argument %s", mr_word_text(function->word),
                           argument_names[function->order[i]]))
            mr_diagnostics_label(parser->diagnostics, "write %s", function->usage);
    }
}

bool mr_parser_at_window(mr_parser *parser)
{
    return mr_parser_peek(parser, 0).kind == MR_TOKEN_NAME &&
           mr_parser_peek(parser, 1).kind == MR_TOKEN_OPEN;
}

static const function_row *find_function(mr_parser *parser, mr_token token)
{
    for (size_t i = 0; i < MR_LENGTH(functions); i++)
        if (functions[i].word == token.word)
            return &functions[i];
    const char *names[MR_LENGTH(functions)];
    for (size_t i = 0; i < MR_LENGTH(functions); i++)
        names[i] = mr_word_text(functions[i].word);
    const char *text = mr_parser_text(parser, token.span);
    const char *near = mr_suggest(text, names, MR_LENGTH(names));
    if (token.kind != MR_TOKEN_NAME) {
        mr_parser_unexpected(parser, "TUMBLE, HOP, CUMULATE or SESSION");
    } else if (mr_parser_fail(parser, MR_E_WINDOW_ARGUMENT, token.span,
                              "there is no table function `%.60s`", text)) {
        if (near != NULL)
            mr_diagnostics_label(parser->diagnostics, "did you mean %s?", near);
        else
            mr_diagnostics_label(parser->diagnostics, "TUMBLE, HOP, CUMULATE or SESSION");
    }
    return NULL;
}

mr_ast_ref *mr_parse_window(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    const function_row *function = find_function(parser, token);
    if (function == NULL)
        return NULL;
    mr_parser_take(parser);
    mr_ast_ref *ref = mr_arena_zalloc(parser->arena, 1, sizeof *ref);
    ref->kind = MR_AST_REF_WINDOW;
    ref->depth = 1;
    ref->window.kind = function->kind;
    ref->window.function =
        (mr_ast_name){.text = mr_parser_text(parser, token.span), .span = token.span};
    mr_span open = mr_parser_peek(parser, 0).span;
    mr_parser_expect(parser, MR_TOKEN_OPEN, "`(`");
    parse_arguments(parser, function, ref);
    mr_parser_close(parser, open);
    ref->span = mr_parser_span_from(parser, token.span.start);
    return parser->is_failed ? NULL : ref;
}
