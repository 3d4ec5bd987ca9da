#include "jobs/sql/parser/state.h"

#include "engine/base/assert.h"
#include "jobs/sql/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- tokens ---- */

mr_token mr_parser_peek(mr_parser *parser, uint32_t n)
{
    MR_ASSERT(n < MR_PARSER_AHEAD_MAX);
    if (parser->is_failed)
        return (mr_token){.kind = MR_TOKEN_END, .span = parser->last.span};
    while (parser->ahead_count <= n)
        parser->ahead[parser->ahead_count++] = mr_lexer_next(&parser->lexer);
    return parser->ahead[n];
}

mr_token mr_parser_take(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (parser->is_failed)
        return token;
    parser->ahead_count--;
    memmove(parser->ahead, parser->ahead + 1, parser->ahead_count * sizeof parser->ahead[0]);
    parser->last = token;
    return token;
}

bool mr_parser_at(mr_parser *parser, mr_token_kind kind)
{
    return mr_parser_peek(parser, 0).kind == kind;
}

bool mr_parser_at_word(mr_parser *parser, mr_word word)
{
    return mr_parser_peek(parser, 0).word == word;
}

bool mr_parser_at_words(mr_parser *parser, mr_word first, mr_word second)
{
    return mr_parser_peek(parser, 0).word == first && mr_parser_peek(parser, 1).word == second;
}

bool mr_parser_accept(mr_parser *parser, mr_token_kind kind)
{
    bool is_there = mr_parser_at(parser, kind);
    if (is_there)
        mr_parser_take(parser);
    return is_there;
}

bool mr_parser_accept_word(mr_parser *parser, mr_word word)
{
    bool is_there = mr_parser_at_word(parser, word);
    if (is_there)
        mr_parser_take(parser);
    return is_there;
}

bool mr_parser_expect(mr_parser *parser, mr_token_kind kind, const char *what)
{
    if (mr_parser_accept(parser, kind))
        return true;
    mr_parser_unexpected(parser, what);
    return false;
}

bool mr_parser_expect_word(mr_parser *parser, mr_word word)
{
    if (mr_parser_accept_word(parser, word))
        return true;
    mr_parser_unexpected(parser, mr_word_text(word));
    return false;
}

bool mr_parser_close(mr_parser *parser, mr_span open)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind == MR_TOKEN_SEMICOLON || token.kind == MR_TOKEN_END) {
        if (mr_parser_fail(parser, MR_E_UNCLOSED_BRACKET, open, "this bracket is never closed"))
            mr_diagnostics_label(parser->diagnostics, "opened here");
        return false;
    }
    return mr_parser_expect(parser, MR_TOKEN_CLOSE, "`,` or `)`");
}

bool mr_parser_comma(mr_parser *parser)
{
    if (!mr_parser_accept(parser, MR_TOKEN_COMMA))
        return false;
    mr_token next = mr_parser_peek(parser, 0);
    bool is_behind = next.kind == MR_TOKEN_CLOSE || next.kind == MR_TOKEN_SEMICOLON ||
                     next.kind == MR_TOKEN_END || next.word == MR_WORD_FROM ||
                     next.word == MR_WORD_WHERE || next.word == MR_WORD_HAVING;
    if (!is_behind)
        return true;
    if (mr_parser_fail(parser, MR_E_TRAILING_COMMA, parser->last.span,
                       "a comma with nothing behind it"))
        mr_diagnostics_label(parser->diagnostics, "remove it");
    return false;
}

mr_span mr_parser_span_from(const mr_parser *parser, uint32_t start)
{
    uint32_t end = parser->last.span.end;
    return (mr_span){start, end > start ? end : start};
}

uint32_t mr_parser_start(mr_parser *parser)
{
    return mr_parser_peek(parser, 0).span.start;
}

/* ---- errors ---- */

bool mr_parser_fail(mr_parser *parser, mr_code code, mr_span span, const char *format, ...)
{
    if (parser->is_failed)
        return false;
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    mr_diagnostics_report(parser->diagnostics, code, span, "%s", message);
    parser->is_failed = true;
    return true;
}

/* Words that a script writer mistypes where the grammar then goes astray one word later. */
const char *mr_parser_near_clause(mr_parser *parser, mr_token token)
{
    static const char *const clauses[] = {
        "SELECT",    "FROM",      "WHERE",   "GROUP",      "HAVING", "ORDER",    "LIMIT",
        "UNION",     "INSERT",    "INTO",    "VALUES",     "CREATE", "TABLE",    "VIEW",
        "PARTITION", "WATERMARK", "PRIMARY", "COMMENT",    "JOIN",   "INTERVAL", "WITH",
        "BETWEEN",   "INTERSECT", "EXCEPT",  "CONSTRAINT",
    };
    static const char *const words[] = {"CASE", "LIKE"}; /* too like other names for more edits */
    uint32_t length = token.span.end - token.span.start;
    if (token.kind != MR_TOKEN_NAME || token.word != MR_NO_WORD || length < 3)
        return NULL;
    const char *text = mr_parser_text(parser, token.span);
    const char *near = length > 3 ? mr_suggest(text, clauses, MR_LENGTH(clauses))
                                  : mr_suggest_slip(text, clauses, MR_LENGTH(clauses));
    return near != NULL ? near : mr_suggest_slip(text, words, MR_LENGTH(words));
}

/* What other dialects have at such a place; NULL: nothing of the kind. */
static const char *foreign_clause(mr_parser *parser, mr_token token)
{
    static const struct {
        const char *word, *label;
    } rows[] = {
        {"EMIT", "leave it out: a window's rows come when it closes, others as they are made"},
        {"QUALIFY", "put the query into a subquery, and its condition into the WHERE around it"},
        {"ILIKE", "write LOWER(x) LIKE 'pattern'"},
        {"TABLESAMPLE", "there are no samples of a stream"},
    };
    const char *text = token.kind == MR_TOKEN_NAME ? mr_parser_text(parser, token.span) : "";
    for (size_t i = 0; i < MR_LENGTH(rows); i++)
        if (strcasecmp(rows[i].word, text) == 0)
            return rows[i].label;
    return NULL;
}

/* Is the mistake likely to be the name in front, such as `FRM` in `SELECT k FRM t`? It was taken
 * for an alias, and nothing that follows an alias is a name or a literal. */
static bool is_behind_an_alias(mr_token token)
{
    return token.kind == MR_TOKEN_NAME || token.kind == MR_TOKEN_INTEGER ||
           token.kind == MR_TOKEN_STRING;
}

void mr_parser_unexpected(mr_parser *parser, const char *what)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (parser->is_failed)
        return;
    if (token.kind == MR_TOKEN_BAD) {
        parser->is_failed = true; /* the lexer has said it */
        return;
    }
    const char *foreign = foreign_clause(parser, token);
    const char *near = foreign == NULL ? mr_parser_near_clause(parser, token) : NULL;
    mr_token before = parser->last;
    if (foreign == NULL && near == NULL && is_behind_an_alias(token)) {
        foreign = foreign_clause(parser, before);
        near = mr_parser_near_clause(parser, before);
        token = foreign != NULL || near != NULL ? before : token;
    }
    char *text = mr_parser_text(parser, token.span);
    if (token.kind == MR_TOKEN_END)
        mr_parser_fail(parser, MR_E_UNEXPECTED, token.span, "expected %s, but the text ends here",
                       what);
    else if (near != NULL || foreign != NULL)
        mr_parser_fail(parser, MR_E_UNEXPECTED, token.span, "unexpected `%.60s`", text);
    else
        mr_parser_fail(parser, MR_E_UNEXPECTED, token.span, "expected %s, found `%.60s`", what,
                       text);
    if (foreign != NULL)
        mr_diagnostics_label(parser->diagnostics, "%s", foreign);
    else if (near != NULL)
        mr_diagnostics_label(parser->diagnostics, "did you mean %s?", near);
}

void mr_parser_reserved(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    char *text = mr_parser_text(parser, token.span);
    if (mr_parser_fail(parser, MR_E_RESERVED_WORD, token.span, "`%s` is a reserved word, no name",
                       text))
        mr_diagnostics_label(parser->diagnostics, "as a name it is written in backticks: `%s`",
                             text);
}

bool mr_parser_enter(mr_parser *parser)
{
    /* Counted even when refused, so that every enter has its leave. */
    if (++parser->nesting <= MR_PARSE_NESTING_MAX)
        return !parser->is_failed;
    if (mr_parser_fail(parser, MR_E_TOO_DEEP, mr_parser_peek(parser, 0).span,
                       "nested more than %d levels deep", MR_PARSE_NESTING_MAX))
        mr_diagnostics_label(parser->diagnostics, "one level too many");
    return false;
}

void mr_parser_leave(mr_parser *parser)
{
    MR_ASSERT(parser->nesting > 0);
    parser->nesting--;
}

char *mr_parser_text(mr_parser *parser, mr_span span)
{
    return mr_arena_string(parser->arena, parser->script->text + span.start, span.end - span.start);
}

/* ---- lists ---- */

void *mr_parser_push(mr_parser *parser, mr_parser_list *list, size_t size)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        char *items = mr_arena_zalloc(parser->arena, capacity, size);
        if (list->count != 0)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->capacity = capacity;
    }
    return (char *)list->items + size * list->count++;
}

void mr_parser_push_expr(mr_parser *parser, mr_parser_list *list, mr_ast_expr *expr)
{
    mr_ast_expr **slot = mr_parser_push(parser, list, sizeof *slot);
    *slot = expr;
}

/* ---- names ---- */

bool mr_parser_at_name(mr_parser *parser)
{
    mr_token token = mr_parser_peek(parser, 0);
    return token.kind == MR_TOKEN_QUOTED_NAME ||
           (token.kind == MR_TOKEN_NAME && !mr_word_is_reserved(token.word));
}

mr_ast_name mr_parser_name(mr_parser *parser, const char *what)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind == MR_TOKEN_NAME && mr_word_is_reserved(token.word)) {
        mr_parser_reserved(parser);
        return (mr_ast_name){0};
    }
    if (!mr_parser_at_name(parser)) {
        mr_parser_unexpected(parser, what);
        return (mr_ast_name){0};
    }
    mr_parser_take(parser);
    bool is_quoted = token.kind == MR_TOKEN_QUOTED_NAME;
    return (mr_ast_name){.text = is_quoted ? token.text : mr_parser_text(parser, token.span),
                         .span = token.span,
                         .is_quoted = is_quoted};
}

mr_ast_path mr_parser_path(mr_parser *parser, const char *what)
{
    uint32_t start = mr_parser_start(parser);
    mr_parser_list parts = {0};
    do {
        mr_ast_name *slot = mr_parser_push(parser, &parts, sizeof *slot);
        *slot = mr_parser_name(parser, what);
    } while (mr_parser_accept(parser, MR_TOKEN_DOT));
    return (mr_ast_path){
        .parts = parts.items, .count = parts.count, .span = mr_parser_span_from(parser, start)};
}

mr_ast_names mr_parser_names(mr_parser *parser, const char *what)
{
    mr_parser_list names = {0};
    mr_span open = mr_parser_peek(parser, 0).span;
    if (!mr_parser_expect(parser, MR_TOKEN_OPEN, "`(`"))
        return (mr_ast_names){0};
    do {
        mr_ast_name *slot = mr_parser_push(parser, &names, sizeof *slot);
        *slot = mr_parser_name(parser, what);
    } while (mr_parser_comma(parser));
    mr_parser_close(parser, open);
    return (mr_ast_names){.items = names.items, .count = names.count};
}

mr_ast_text mr_parser_string(mr_parser *parser, const char *what)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (!mr_parser_expect(parser, MR_TOKEN_STRING, what))
        return (mr_ast_text){0};
    return (mr_ast_text){.text = token.text, .length = token.length, .span = token.span};
}

/* ---- nodes ---- */

mr_ast_expr *mr_parser_new(mr_parser *parser, mr_ast_expr_kind kind)
{
    mr_ast_expr *expr = mr_arena_zalloc(parser->arena, 1, sizeof *expr);
    expr->kind = kind;
    expr->depth = 1;
    return expr;
}

void mr_parser_deepen(mr_parser *parser, uint32_t *depth, uint32_t below)
{
    if (*depth <= below)
        *depth = below + 1;
    if (*depth > MR_AST_DEPTH_MAX)
        mr_parser_fail(parser, MR_E_TOO_DEEP, parser->last.span, "a chain of more than %d steps",
                       MR_AST_DEPTH_MAX);
}

void mr_parser_above(mr_parser *parser, mr_ast_expr *expr, const mr_ast_expr *child)
{
    if (child != NULL)
        mr_parser_deepen(parser, &expr->depth, child->depth);
}

mr_ast_expr *mr_parser_done(mr_parser *parser, mr_ast_expr *expr, uint32_t start)
{
    expr->span = mr_parser_span_from(parser, start);
    return parser->is_failed ? NULL : expr;
}
