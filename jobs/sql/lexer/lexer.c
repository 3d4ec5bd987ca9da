#include "jobs/sql/lexer/lexer.h"

#include "engine/base/assert.h"
#include "jobs/sql/lexer/quoted.h"
#include "jobs/sql/utf8.h"

#include <string.h>
#include <strings.h>

void mr_lexer_init(mr_lexer *lexer, const mr_script *script, mr_arena *arena,
                   mr_diagnostics *diagnostics)
{
    *lexer = (mr_lexer){.script = script, .arena = arena, .diagnostics = diagnostics};
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (script->length >= 3 && memcmp(script->text, byte_order_mark, 3) == 0)
        lexer->at = 3;
}

/* The byte `ahead` of the current one; 0 behind the end. */
static char peek(const mr_lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->at + ahead;
    return at < lexer->script->length ? lexer->script->text[at] : '\0';
}

static bool is_at_end(const mr_lexer *lexer)
{
    return lexer->at >= lexer->script->length;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters are what is not known to be punctuation, a symbol or a blank: a table of all scripts
 * would change with each Unicode version and gain nothing. */
static bool is_letter_point(uint32_t point)
{
    if (point < 0x80)
        return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || point == '_' ||
               point == '$';
    if (point < 0xC0)
        return point == 0xAA || point == 0xB5 || point == 0xBA;
    if (point >= 0x2000 && point <= 0x2BFF)
        return false;
    if (point >= 0x3000 && point <= 0x303F)
        return point >= 0x3005 && point <= 0x3007;
    return !(point == 0xD7 || point == 0xF7 || point == 0xFEFF ||
             (point >= 0xFE30 && point <= 0xFE6F) || (point >= 0xFF00 && point <= 0xFF20));
}

/* Bytes of the letter (or digit) at the current place, 0 when there is none. */
static size_t letter_size(const mr_lexer *lexer)
{
    if (is_at_end(lexer))
        return 0;
    const char *text = lexer->script->text + lexer->at;
    uint32_t point = 0;
    size_t size = mr_script_utf8_decode(text, lexer->script->length - lexer->at, &point);
    return size != 0 && (is_letter_point(point) || is_digit(*text)) ? size : 0;
}

static void skip_letters(mr_lexer *lexer)
{
    for (size_t size = letter_size(lexer); size != 0; size = letter_size(lexer))
        lexer->at += (uint32_t)size;
}

static mr_token token_from(const mr_lexer *lexer, mr_token_kind kind, uint32_t start)
{
    return (mr_token){.kind = kind, .span = {start, lexer->at}};
}

/* ---- blanks and comments ---- */

static void skip_line(mr_lexer *lexer)
{
    while (!is_at_end(lexer) && peek(lexer, 0) != '\n' && peek(lexer, 0) != '\r')
        lexer->at++;
}

static void skip_comment(mr_lexer *lexer)
{
    const mr_script *script = lexer->script;
    uint32_t start = lexer->at;
    const char *end = NULL;
    if (script->length - start >= 4)
        end = memmem(script->text + start + 2, script->length - start - 2, "*/", 2);
    if (end == NULL) {
        /* There is no end further on either: going on behind `/ *` would search again and again. */
        lexer->at = (uint32_t)script->length;
        mr_diagnostics_report(lexer->diagnostics, MR_E_UNCLOSED_COMMENT,
                              (mr_span){start, start + 2}, "this comment has no end");
        mr_diagnostics_label(lexer->diagnostics, "opened here; `*/` is missing");
        return;
    }
    bool is_hint = script->text[start + 2] == '+';
    lexer->at = (uint32_t)(end - script->text) + 2;
    if (is_hint) {
        mr_diagnostics_report(lexer->diagnostics, MR_W_HINT_IGNORED, (mr_span){start, lexer->at},
                              "hints have no effect");
        mr_diagnostics_label(lexer->diagnostics, "ignored; table options belong into WITH (..)");
    }
}

/* Bytes that are no text: reported once a run, then treated as a blank. False: they are text. */
static bool skip_garbage(mr_lexer *lexer)
{
    const mr_script *script = lexer->script;
    uint32_t start = lexer->at;
    uint32_t point = 0;
    while (!is_at_end(lexer) && script->text[lexer->at] == '\0')
        lexer->at++;
    if (lexer->at > start) {
        mr_report_nul(lexer, (mr_span){start, lexer->at});
        return true;
    }
    while (!is_at_end(lexer) &&
           mr_script_utf8_decode(script->text + lexer->at, script->length - lexer->at, &point) == 0)
        lexer->at++;
    if (lexer->at > start)
        mr_report_invalid_utf8(lexer, (mr_span){start, lexer->at});
    return lexer->at > start;
}

static void skip_blanks(mr_lexer *lexer)
{
    while (!is_at_end(lexer)) {
        char c = peek(lexer, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r'))
            lexer->at++;
        else if (c == '-' && peek(lexer, 1) == '-')
            skip_line(lexer);
        else if (c == '/' && peek(lexer, 1) == '*')
            skip_comment(lexer);
        else if ((c != '\0' && (unsigned char)c < 0x80) || !skip_garbage(lexer))
            return;
    }
}

/* ---- tokens ---- */

static mr_token lex_number(mr_lexer *lexer)
{
    uint32_t start = lexer->at;
    mr_token_kind kind = MR_TOKEN_INTEGER;
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) == '.') {
        kind = MR_TOKEN_DECIMAL;
        lexer->at++;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
    if ((peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E')) {
        bool is_signed = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
        if (is_digit(peek(lexer, is_signed ? 2 : 1))) {
            kind = MR_TOKEN_DOUBLE;
            lexer->at += is_signed ? 2 : 1;
            while (is_digit(peek(lexer, 0)))
                lexer->at++;
        }
    }
    if (letter_size(lexer) == 0)
        return token_from(lexer, kind, start);
    skip_letters(lexer);
    if (lexer->allows_bare)
        return token_from(lexer, kind, start);
    mr_token bad = token_from(lexer, MR_TOKEN_BAD, start);
    mr_diagnostics_report(lexer->diagnostics, MR_E_BAD_NUMBER, bad.span,
                          "a number may not run into letters");
    mr_diagnostics_label(lexer->diagnostics, "a name that begins with a digit needs backticks");
    return bad;
}

static bool names_prefix(const mr_lexer *lexer, mr_span span, const char *prefix)
{
    size_t length = strlen(prefix);
    return span.end - span.start == length &&
           strncasecmp(lexer->script->text + span.start, prefix, length) == 0;
}

static mr_token lex_name(mr_lexer *lexer)
{
    uint32_t start = lexer->at;
    skip_letters(lexer);
    mr_span span = {start, lexer->at};
    if (peek(lexer, 0) == '\'') {
        if (names_prefix(lexer, span, "_utf8"))
            return mr_lex_string(lexer, start);
        if (names_prefix(lexer, span, "X"))
            return mr_lex_bytes(lexer, start);
    }
    if (peek(lexer, 0) == '&' && peek(lexer, 1) == '\'' && names_prefix(lexer, span, "U")) {
        lexer->at++;
        return mr_lex_unicode_string(lexer, start);
    }
    mr_token token = token_from(lexer, MR_TOKEN_NAME, start);
    token.word = mr_word_find(lexer->script->text + start, span.end - span.start);
    return token;
}

typedef struct sign {
    const char *text;
    mr_token_kind kind; /* BAD: refused with `label` */
    const char *label;
} sign;

/* Longer signs stand in front of their beginnings. */
static const sign signs[] = {
    {"<=>", MR_TOKEN_BAD, "write IS NOT DISTINCT FROM"},
    {"->>", MR_TOKEN_BAD, "write JSON_VALUE(json, path)"},
    {"::", MR_TOKEN_BAD, "write CAST(value AS type)"},
    {":=", MR_TOKEN_BAD, "assignment is no part of SQL here"},
    {"->", MR_TOKEN_BAD, "fields are reached by a dot, JSON by JSON_VALUE(json, path)"},
    {"<<", MR_TOKEN_BAD, "there are no bit operators"},
    {"&&", MR_TOKEN_BAD, "write AND"},
    {"//", MR_TOKEN_BAD, "comments begin with --"},
    {"**", MR_TOKEN_BAD, "write POWER(base, exponent)"},
    {"==", MR_TOKEN_EQUAL, "write ="},
    {"||", MR_TOKEN_CONCAT, NULL},
    {"<>", MR_TOKEN_NOT_EQUAL, NULL},
    {"<=", MR_TOKEN_LESS_EQUAL, NULL},
    {">=", MR_TOKEN_GREATER_EQUAL, NULL},
    {"=>", MR_TOKEN_ARROW, NULL},
    {";", MR_TOKEN_SEMICOLON, NULL},
    {",", MR_TOKEN_COMMA, NULL},
    {".", MR_TOKEN_DOT, NULL},
    {"(", MR_TOKEN_OPEN, NULL},
    {")", MR_TOKEN_CLOSE, NULL},
    {"[", MR_TOKEN_OPEN_SQUARE, NULL},
    {"]", MR_TOKEN_CLOSE_SQUARE, NULL},
    {"+", MR_TOKEN_PLUS, NULL},
    {"-", MR_TOKEN_MINUS, NULL},
    {"*", MR_TOKEN_STAR, NULL},
    {"/", MR_TOKEN_SLASH, NULL},
    {"%", MR_TOKEN_PERCENT, NULL},
    {"=", MR_TOKEN_EQUAL, NULL},
    {"<", MR_TOKEN_LESS, NULL},
    {">", MR_TOKEN_GREATER, NULL},
    {"!", MR_TOKEN_BAD, "write NOT"},
    {"&", MR_TOKEN_BAD, "there are no bit operators; for strings write ||"},
    {"|", MR_TOKEN_BAD, "there are no bit operators; strings are joined by ||"},
    {"^", MR_TOKEN_BAD, "write POWER(base, exponent)"},
    {"~", MR_TOKEN_BAD, "there are no bit operators; for patterns write REGEXP(text, pattern)"},
    {"?", MR_TOKEN_BAD, "there are no parameters; settings may hold ${NAME}"},
    {":", MR_TOKEN_BAD, "fields are reached by a dot"},
    {"#", MR_TOKEN_BAD, "comments begin with --"},
    {"@", MR_TOKEN_BAD, "there are no variables"},
};

static mr_token lex_not_equal(mr_lexer *lexer)
{
    uint32_t start = lexer->at;
    lexer->at += 2;
    mr_token token = token_from(lexer, MR_TOKEN_NOT_EQUAL, start);
    mr_diagnostics_report(lexer->diagnostics, MR_N_NOT_EQUAL, token.span,
                          "`!=` is accepted here, but not by Flink SQL");
    mr_diagnostics_label(lexer->diagnostics, "the standard's form is <>");
    return token;
}

/* A character that begins no token. */
static mr_token lex_stray(mr_lexer *lexer)
{
    uint32_t start = lexer->at;
    uint32_t point = 0;
    const char *text = lexer->script->text + start;
    size_t size = mr_script_utf8_decode(text, lexer->script->length - start, &point);
    lexer->at += size == 0 ? 1 : (uint32_t)size;
    mr_token bad = token_from(lexer, MR_TOKEN_BAD, start);
    mr_diagnostics_report(lexer->diagnostics, MR_E_BAD_CHARACTER, bad.span,
                          "the character `%.*s` (U+%04X) is no part of SQL", (int)size, text,
                          (unsigned)point);
    if (point >= 0x2018 && point <= 0x201F)
        mr_diagnostics_label(lexer->diagnostics, "a typographic quote; strings take the plain '");
    else if (point == 0xA0 || (point >= 0x2000 && point <= 0x200F) || point == 0x3000 ||
             point == 0xFEFF)
        mr_diagnostics_label(lexer->diagnostics, "looks like a blank, but is none");
    else if (point >= 0x2010 && point <= 0x2015)
        mr_diagnostics_label(lexer->diagnostics, "a typographic dash; minus is -");
    return bad;
}

static mr_token lex_sign(mr_lexer *lexer)
{
    uint32_t start = lexer->at;
    const char *text = lexer->script->text + start;
    size_t left = lexer->script->length - start;
    for (size_t i = 0; i < MR_LENGTH(signs); i++) {
        size_t length = strlen(signs[i].text);
        if (length > left || memcmp(text, signs[i].text, length) != 0)
            continue;
        lexer->at += (uint32_t)length;
        mr_token token = token_from(lexer, signs[i].kind, start);
        if (signs[i].label != NULL) {
            mr_diagnostics_report(lexer->diagnostics, MR_E_UNSUPPORTED_SYNTAX, token.span,
                                  "the sign `%s` is not supported", signs[i].text);
            mr_diagnostics_label(lexer->diagnostics, "%s", signs[i].label);
        }
        return token;
    }
    return lex_stray(lexer);
}

mr_token mr_lexer_next(mr_lexer *lexer)
{
    skip_blanks(lexer);
    /* With all errors that are shown in hand, the rest of a megabyte of garbage is not read. */
    if (mr_diagnostics_is_full(lexer->diagnostics))
        lexer->at = (uint32_t)lexer->script->length;
    if (is_at_end(lexer))
        return token_from(lexer, MR_TOKEN_END, lexer->at);
    char c = peek(lexer, 0);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
        return lex_number(lexer);
    if (letter_size(lexer) != 0)
        return lex_name(lexer);
    if (c == '\'')
        return mr_lex_string(lexer, lexer->at);
    if (c == '`' || c == '"')
        return mr_lex_quoted_name(lexer);
    if (c == '!' && peek(lexer, 1) == '=')
        return lex_not_equal(lexer);
    return lex_sign(lexer);
}
