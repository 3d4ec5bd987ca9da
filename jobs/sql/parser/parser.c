/*
 * Statements, and going on behind a broken one.
 */
#include "jobs/sql/parser/parser.h"

#include "engine/base/assert.h"
#include "jobs/sql/parser/state.h"
#include "jobs/sql/suggest.h"

#include <string.h>

static mr_ast_statement *parse_statement(mr_parser *parser);

/* ---- CREATE VIEW, INSERT ---- */

static void parse_create_view(mr_parser *parser, mr_ast_statement *to)
{
    mr_ast_create_view *view = &to->create_view;
    to->kind = MR_AST_CREATE_VIEW;
    mr_parser_take(parser);
    if (mr_parser_accept_word(parser, MR_WORD_IF)) {
        mr_parser_expect_word(parser, MR_WORD_NOT);
        mr_parser_expect_word(parser, MR_WORD_EXISTS);
        view->if_not_exists = true;
    }
    view->name = mr_parser_path(parser, "the view's name");
    if (mr_parser_at(parser, MR_TOKEN_OPEN))
        view->columns = mr_parser_names(parser, "a column");
    if (mr_parser_accept_word(parser, MR_WORD_COMMENT))
        view->comment = mr_parser_string(parser, "a comment in quotes");
    mr_parser_expect_word(parser, MR_WORD_AS);
    view->query = mr_parse_query(parser);
}

static void parse_create(mr_parser *parser, mr_ast_statement *to)
{
    mr_parser_take(parser);
    bool is_temporary = mr_parser_accept_word(parser, MR_WORD_TEMPORARY);
    if (mr_parser_at_word(parser, MR_WORD_TABLE)) {
        mr_parse_create_table(parser, to);
        to->create_table.is_temporary = is_temporary;
    } else if (mr_parser_at_word(parser, MR_WORD_VIEW)) {
        parse_create_view(parser, to);
        to->create_view.is_temporary = is_temporary;
    } else {
        mr_parser_unexpected(parser, "TABLE or VIEW");
    }
}

static void parse_insert(mr_parser *parser, mr_ast_statement *to)
{
    mr_ast_insert *insert = &to->insert;
    to->kind = MR_AST_INSERT;
    mr_parser_take(parser);
    mr_parser_expect_word(parser, MR_WORD_INTO);
    insert->table = mr_parser_path(parser, "a table");
    if (mr_parser_at_word(parser, MR_WORD_PARTITION))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "INSERT INTO a partition is not supported");
    if (mr_parser_at(parser, MR_TOKEN_OPEN) && !mr_parser_at_query(parser, 0))
        insert->columns = mr_parser_names(parser, "a column");
    insert->query = mr_parse_query(parser);
    if (mr_parser_at_words(parser, MR_WORD_ON, MR_WORD_CONFLICT))
        mr_parser_fail(parser, MR_E_UNSUPPORTED_SYNTAX, mr_parser_peek(parser, 0).span,
                       "ON CONFLICT is not supported yet");
}

/* ---- SET, EXPLAIN ---- */

/* Bytes between two places without the blanks around them, as an unquoted setting's text. */
static mr_ast_text raw_text(mr_parser *parser, mr_span span)
{
    char *text = mr_parser_text(parser, span);
    return (mr_ast_text){.text = text, .length = strlen(text), .span = span};
}

static mr_ast_text parse_setting_text(mr_parser *parser, mr_token_kind stop, const char *what)
{
    if (mr_parser_at(parser, MR_TOKEN_STRING) && mr_parser_peek(parser, 1).kind != MR_TOKEN_BAD)
        return mr_parser_string(parser, what);
    uint32_t start = mr_parser_start(parser);
    uint32_t count = 0;
    while (!mr_parser_at(parser, stop) && !mr_parser_at(parser, MR_TOKEN_SEMICOLON) &&
           !mr_parser_at(parser, MR_TOKEN_END) && !mr_parser_at(parser, MR_TOKEN_STRING)) {
        mr_parser_take(parser);
        count++;
    }
    if (count == 0) {
        mr_parser_unexpected(parser, what);
        return (mr_ast_text){0};
    }
    return raw_text(parser, mr_parser_span_from(parser, start));
}

static void parse_set(mr_parser *parser, mr_ast_statement *to)
{
    to->kind = MR_AST_SET;
    parser->lexer.allows_bare = true;
    uint32_t start = mr_parser_take(parser).span.start;
    bool is_quoted = mr_parser_at(parser, MR_TOKEN_STRING);
    to->setting.key =
        parse_setting_text(parser, MR_TOKEN_EQUAL, "a setting's key in quotes behind SET");
    mr_parser_expect(parser, MR_TOKEN_EQUAL, "`=` behind the setting's key");
    is_quoted = mr_parser_at(parser, MR_TOKEN_STRING) && is_quoted;
    to->setting.value = parse_setting_text(parser, MR_TOKEN_SEMICOLON, "a value in quotes");
    parser->lexer.allows_bare = false;
    if (is_quoted || parser->is_failed)
        return;
    mr_diagnostics_report(parser->diagnostics, MR_N_UNQUOTED_SETTING,
                          mr_parser_span_from(parser, start),
                          "settings are written with quotes nowadays");
    mr_diagnostics_label(parser->diagnostics, "SET '%s' = '%s'", to->setting.key.text,
                         to->setting.value.text);
}

static void parse_reset(mr_parser *parser, mr_ast_statement *to)
{
    to->kind = MR_AST_RESET;
    mr_parser_take(parser);
    if (mr_parser_at(parser, MR_TOKEN_STRING))
        to->setting.key = mr_parser_string(parser, "a setting's key");
}

static bool is_explain_detail(mr_word word)
{
    return word == MR_WORD_ESTIMATED_COST || word == MR_WORD_CHANGELOG_MODE ||
           word == MR_WORD_PLAN_ADVICE || word == MR_WORD_JSON_EXECUTION_PLAN;
}

static void parse_explain(mr_parser *parser, mr_ast_statement *to)
{
    to->kind = MR_AST_EXPLAIN;
    mr_parser_take(parser);
    if (mr_parser_accept_word(parser, MR_WORD_PLAN)) {
        mr_parser_expect_word(parser, MR_WORD_FOR);
    } else if (is_explain_detail(mr_parser_peek(parser, 0).word)) {
        do {
            if (!is_explain_detail(mr_parser_take(parser).word))
                mr_parser_unexpected(parser, "a detail of EXPLAIN");
        } while (mr_parser_comma(parser));
    }
    mr_token token = mr_parser_peek(parser, 0);
    bool may_follow = token.word == MR_WORD_INSERT || token.word == MR_WORD_EXECUTE ||
                      token.word == MR_WORD_BEGIN || token.word == MR_WORD_STATEMENT ||
                      token.kind == MR_TOKEN_OPEN || mr_parser_at_query(parser, 0);
    if (may_follow)
        to->explain = parse_statement(parser);
    else
        mr_parser_unexpected(parser, "a query, an INSERT or a statement set behind EXPLAIN");
}

/* ---- statement sets and recovery ---- */

/* Behind a broken statement: to its semicolon. */
static void recover(mr_parser *parser)
{
    parser->is_failed = false;
    while (!mr_parser_at(parser, MR_TOKEN_SEMICOLON) && !mr_parser_at(parser, MR_TOKEN_END))
        mr_parser_take(parser);
}

static void refuse_in_set(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind == MR_TOKEN_END) {
        mr_parser_unexpected(parser, "the END of the statement set");
        return;
    }
    if (mr_parser_fail(parser, MR_E_STATEMENT_SET, token.span,
                       "a statement set holds INSERT INTO statements only"))
        mr_diagnostics_label(parser->diagnostics, "put it in front of the set");
}

/* True: the INSERT has no semicolon. An END behind it still ends the set. */
static bool check_insert_end(mr_parser *parser)
{
    if (parser->is_failed || mr_parser_at(parser, MR_TOKEN_SEMICOLON))
        return false;
    mr_span place = {parser->last.span.end, parser->last.span.end};
    mr_diagnostics_report(parser->diagnostics, MR_E_MISSING_SEMICOLON, place,
                          "inside a statement set every INSERT ends in `;`");
    mr_diagnostics_label(parser->diagnostics, "write a semicolon here");
    if (!mr_parser_at_word(parser, MR_WORD_END) && !mr_parser_at_word(parser, MR_WORD_INSERT))
        parser->is_failed = true;
    return true;
}

/* The statements up to END, each with its semicolon. One that is broken does not end the set. */
static void parse_inserts(mr_parser *parser, mr_ast_statement *to)
{
    mr_parser_list inserts = {0};
    bool is_broken = false;
    while (!mr_parser_at_word(parser, MR_WORD_END) && !mr_parser_at(parser, MR_TOKEN_END)) {
        mr_ast_statement *insert = NULL;
        if (mr_parser_accept(parser, MR_TOKEN_SEMICOLON))
            continue;
        if (mr_parser_at_word(parser, MR_WORD_INSERT))
            insert = parse_statement(parser);
        else
            refuse_in_set(parser);
        is_broken = check_insert_end(parser) || is_broken;
        if (parser->is_failed) {
            is_broken = true;
            recover(parser);
        } else {
            mr_ast_statement **slot = mr_parser_push(parser, &inserts, sizeof *slot);
            *slot = insert;
        }
    }
    to->set.inserts = inserts.items;
    to->set.count = inserts.count;
    if (!mr_parser_accept_word(parser, MR_WORD_END))
        refuse_in_set(parser);
    else if (inserts.count == 0 && !is_broken)
        mr_parser_fail(parser, MR_E_STATEMENT_SET, parser->last.span,
                       "this statement set is empty");
    /* What was inside is reported; the set as a whole must not reach the tree. */
    parser->is_failed = parser->is_failed || is_broken;
}

/* [EXECUTE] STATEMENT SET BEGIN .. END, BEGIN STATEMENT SET; .. END */
static void parse_statement_set(mr_parser *parser, mr_ast_statement *to)
{
    to->kind = MR_AST_STATEMENT_SET;
    bool is_begin = mr_parser_accept_word(parser, MR_WORD_BEGIN);
    if (!is_begin)
        mr_parser_accept_word(parser, MR_WORD_EXECUTE);
    mr_parser_expect_word(parser, MR_WORD_STATEMENT);
    mr_parser_expect_word(parser, MR_WORD_SET);
    if (is_begin)
        mr_parser_expect(parser, MR_TOKEN_SEMICOLON, "`;` behind BEGIN STATEMENT SET");
    else
        mr_parser_expect_word(parser, MR_WORD_BEGIN);
    parse_inserts(parser, to);
}

/* ---- statements ---- */

static void refuse_statement(mr_parser *parser)
{
    static const char *const words[] = {"CREATE",  "INSERT",  "SELECT", "SET",    "WITH",
                                        "EXECUTE", "EXPLAIN", "BEGIN",  "VALUES", "RESET"};
    mr_token token = mr_parser_peek(parser, 0);
    const char *near = NULL;
    char *text = mr_parser_text(parser, token.span);
    if (token.kind == MR_TOKEN_NAME)
        near = mr_suggest(text, words, MR_LENGTH(words));
    if (token.kind == MR_TOKEN_BAD || near == NULL) {
        mr_parser_unexpected(parser, "a statement");
        return;
    }
    if (mr_parser_fail(parser, MR_E_UNEXPECTED, token.span, "no statement begins with `%.60s`",
                       text))
        mr_diagnostics_label(parser->diagnostics, "did you mean %s?", near);
}

static void parse_by_word(mr_parser *parser, mr_ast_statement *to)
{
    mr_token token = mr_parser_peek(parser, 0);
    switch (token.word) {
    case MR_WORD_CREATE: parse_create(parser, to); return;
    case MR_WORD_INSERT: parse_insert(parser, to); return;
    case MR_WORD_SET: parse_set(parser, to); return;
    case MR_WORD_RESET: parse_reset(parser, to); return;
    case MR_WORD_EXPLAIN: parse_explain(parser, to); return;
    case MR_WORD_EXECUTE:
    case MR_WORD_BEGIN:
    case MR_WORD_STATEMENT: parse_statement_set(parser, to); return;
    default: break;
    }
    if (token.kind == MR_TOKEN_OPEN || mr_parser_at_query(parser, 0)) {
        to->kind = MR_AST_QUERY;
        to->query = mr_parse_query(parser);
        return;
    }
    refuse_statement(parser);
}

static mr_ast_statement *parse_statement(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    if (mr_parse_refusal(parser))
        return NULL;
    mr_ast_statement *statement = mr_arena_zalloc(parser->arena, 1, sizeof *statement);
    parse_by_word(parser, statement);
    statement->span = mr_parser_span_from(parser, start);
    return parser->is_failed ? NULL : statement;
}

static bool begins_statement(mr_word word)
{
    return word == MR_WORD_CREATE || word == MR_WORD_INSERT || word == MR_WORD_SELECT ||
           word == MR_WORD_EXPLAIN || word == MR_WORD_SET || word == MR_WORD_EXECUTE;
}

/* What stands behind a whole statement must be a semicolon.. */
static void finish_statement(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (parser->is_failed || token.kind == MR_TOKEN_SEMICOLON || token.kind == MR_TOKEN_END)
        return;
    if (!begins_statement(token.word)) {
        if (token.kind == MR_TOKEN_CLOSE)
            mr_parser_fail(parser, MR_E_UNCLOSED_BRACKET, token.span,
                           "this bracket was never opened");
        else
            mr_parser_unexpected(parser, "`;` and the next statement");
        return;
    }
    /* The next statement is whole: nothing is skipped. */
    mr_span end = {parser->last.span.end, parser->last.span.end};
    mr_diagnostics_report(parser->diagnostics, MR_E_MISSING_SEMICOLON, end,
                          "the statement does not end in `;`");
    mr_diagnostics_label(parser->diagnostics, "write a semicolon here");
}

static mr_parser start_parser(const mr_script *script, mr_arena *arena, mr_diagnostics *diagnostics)
{
    mr_parser parser = {.script = script, .arena = arena, .diagnostics = diagnostics};
    mr_lexer_init(&parser.lexer, script, arena, diagnostics);
    return parser;
}

mr_ast_script mr_parse(const mr_script *script, mr_arena *arena, mr_diagnostics *diagnostics)
{
    mr_parser parser = start_parser(script, arena, diagnostics);
    mr_parser_list statements = {0};
    for (;;) {
        while (mr_parser_accept(&parser, MR_TOKEN_SEMICOLON))
            continue;
        if (mr_parser_at(&parser, MR_TOKEN_END))
            break;
        mr_ast_statement *statement = parse_statement(&parser);
        finish_statement(&parser);
        MR_ASSERT(parser.nesting == 0);
        if (parser.is_failed) {
            recover(&parser);
        } else if (statement != NULL) {
            mr_ast_statement **slot = mr_parser_push(&parser, &statements, sizeof *slot);
            *slot = statement;
        }
    }
    return (mr_ast_script){.statements = (mr_ast_statement **)statements.items,
                           .count = statements.count};
}

mr_ast_expr *mr_parse_expr(const mr_script *script, mr_arena *arena, mr_diagnostics *diagnostics)
{
    mr_parser parser = start_parser(script, arena, diagnostics);
    mr_ast_expr *expr = mr_parse_expression(&parser);
    if (!parser.is_failed && !mr_parser_at(&parser, MR_TOKEN_END))
        mr_parser_unexpected(&parser, "the end of the expression");
    return parser.is_failed ? NULL : expr;
}
