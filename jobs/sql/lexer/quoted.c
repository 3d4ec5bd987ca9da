#include "jobs/sql/lexer/quoted.h"

#include "jobs/sql/utf8.h"

#include <string.h>

void mr_report_nul(mr_lexer *lexer, mr_span span)
{
    mr_diagnostics_report(lexer->diagnostics, MR_E_NUL_BYTE, span, "the text holds a NUL byte");
    mr_diagnostics_label(lexer->diagnostics, "is this a text file in UTF-8?");
}

void mr_report_invalid_utf8(mr_lexer *lexer, mr_span span)
{
    unsigned byte = (unsigned char)lexer->script->text[span.start];
    mr_diagnostics_report(lexer->diagnostics, MR_E_INVALID_UTF8, span,
                          "the text is not UTF-8: byte 0x%02X", byte);
    mr_diagnostics_label(lexer->diagnostics, "job files are UTF-8");
}

/* Reports the first byte in `span` that is no text. True: all is well. */
static bool check_bytes(mr_lexer *lexer, mr_span span)
{
    const char *text = lexer->script->text;
    for (uint32_t i = span.start; i < span.end;) {
        uint32_t point = 0;
        size_t size = mr_script_utf8_decode(text + i, span.end - i, &point);
        if (size == 0)
            mr_report_invalid_utf8(lexer, (mr_span){i, i + 1});
        else if (point == 0)
            mr_report_nul(lexer, (mr_span){i, i + 1});
        if (size == 0 || point == 0)
            return false;
        i += (uint32_t)size;
    }
    return true;
}

static bool has_line_end(const mr_lexer *lexer, mr_span span)
{
    return memchr(lexer->script->text + span.start, '\n', span.end - span.start) != NULL;
}

static mr_token unclosed(mr_lexer *lexer, uint32_t start, char quote)
{
    const mr_script *script = lexer->script;
    uint32_t open = lexer->at;
    const char *rest = script->text + open;
    size_t left = script->length - open;
    const char *end = memchr(rest, '\n', left);
    /* The line's semicolon most likely ends the statement, so that only this one is lost. */
    uint32_t stop = end == NULL ? (uint32_t)script->length : (uint32_t)(end - script->text);
    lexer->at = stop;
    while (stop > open + 1 && (script->text[stop - 1] == ' ' || script->text[stop - 1] == '\r'))
        stop--;
    if (script->text[stop - 1] == ';')
        lexer->at = stop - 1;
    if (lexer->is_unclosed_seen)
        lexer->at = (uint32_t)script->length;
    lexer->is_unclosed_seen = true;

    mr_code code = quote == '\'' ? MR_E_UNCLOSED_STRING : MR_E_UNCLOSED_IDENTIFIER;
    mr_diagnostics_report(lexer->diagnostics, code, (mr_span){open, open + 1},
                          quote == '\'' ? "this string has no closing quote"
                                        : "this quoted name has no closing quote");
    mr_diagnostics_label(lexer->diagnostics, "opened here");
    mr_span suspect = lexer->long_string;
    if (quote == '\'' && suspect.end != 0)
        mr_diagnostics_hint(
            lexer->diagnostics,
            "the string opened in line %u ends only in line %u: is its quote missing?",
            mr_script_place(script, suspect.start).line, mr_script_place(script, suspect.end).line);
    else if (quote == '\'')
        mr_diagnostics_hint(
            lexer->diagnostics,
            "a quote inside a string is doubled: 'it''s'; there is no backslash escape");
    return (mr_token){.kind = MR_TOKEN_BAD, .span = {start, lexer->at}};
}

/* From the opening quote to behind the closing one, doubled quotes folded. */
static mr_token lex_quoted(mr_lexer *lexer, uint32_t start, mr_token_kind kind)
{
    const mr_script *script = lexer->script;
    const char *const text_end = script->text + script->length;
    char quote = script->text[lexer->at];
    const char *first = script->text + lexer->at + 1;
    size_t doubled = 0;
    const char *close = first;
    for (;;) {
        close = close < text_end ? memchr(close, quote, (size_t)(text_end - close)) : NULL;
        if (close == NULL)
            return unclosed(lexer, start, quote);
        if (close + 1 == text_end || close[1] != quote)
            break;
        doubled++;
        close += 2;
    }
    mr_span inside = {lexer->at + 1, (uint32_t)(close - script->text)};
    lexer->at = inside.end + 1;
    mr_token token = {.kind = kind, .span = {start, lexer->at}};
    if (has_line_end(lexer, inside) && kind == MR_TOKEN_STRING)
        lexer->long_string = token.span;
    if (!check_bytes(lexer, inside)) {
        token.kind = MR_TOKEN_BAD;
        return token;
    }
    token.length = (size_t)(close - first) - doubled;
    char *text = mr_arena_alloc(lexer->arena, token.length + 1);
    token.text = text;
    for (const char *from = first; from < close; from++) {
        *text++ = *from;
        from += *from == quote;
    }
    *text = '\0';
    return token;
}

mr_token mr_lex_string(mr_lexer *lexer, uint32_t start)
{
    return lex_quoted(lexer, start, MR_TOKEN_STRING);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

static mr_token bad_string(mr_lexer *lexer, mr_token token, const char *what)
{
    mr_diagnostics_report(lexer->diagnostics, MR_E_BAD_STRING, token.span, "%s", what);
    token.kind = MR_TOKEN_BAD;
    return token;
}

mr_token mr_lex_bytes(mr_lexer *lexer, uint32_t start)
{
    mr_token token = lex_quoted(lexer, start, MR_TOKEN_BYTES);
    if (token.kind == MR_TOKEN_BAD)
        return token;
    if (token.length % 2 != 0)
        return bad_string(lexer, token, "a binary literal needs two hexadecimal digits a byte");
    char *bytes = mr_arena_alloc(lexer->arena, token.length / 2 + 1);
    for (size_t i = 0; i < token.length; i += 2) {
        int high = hex_value(token.text[i]);
        int low = hex_value(token.text[i + 1]);
        if (high < 0 || low < 0)
            return bad_string(lexer, token, "a binary literal takes the digits 0-9 and a-f only");
        bytes[i / 2] = (char)(high << 4 | low);
    }
    bytes[token.length / 2] = '\0';
    token.text = bytes;
    token.length /= 2;
    return token;
}

/* `\xxxx` at `from`; returns the bytes consumed, 0 when malformed. */
static size_t decode_escape(const char *from, size_t left, uint32_t *point)
{
    if (left >= 2 && from[1] == '\\') {
        *point = '\\';
        return 2;
    }
    if (left < 5)
        return 0;
    uint32_t value = 0;
    for (size_t i = 1; i < 5; i++) {
        int digit = hex_value(from[i]);
        if (digit < 0)
            return 0;
        value = value << 4 | (uint32_t)digit;
    }
    *point = value;
    return 5;
}

mr_token mr_lex_unicode_string(mr_lexer *lexer, uint32_t start)
{
    mr_token token = lex_quoted(lexer, start, MR_TOKEN_STRING);
    if (token.kind == MR_TOKEN_BAD)
        return token;
    /* An escape of five bytes becomes at most three, `\\` one: the result never grows. */
    char *text = mr_arena_alloc(lexer->arena, token.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < token.length;) {
        if (token.text[i] != '\\') {
            text[length++] = token.text[i++];
            continue;
        }
        uint32_t point = 0;
        size_t used = decode_escape(token.text + i, token.length - i, &point);
        if (used == 5 && point >= 0xD800 && point <= 0xDBFF && token.length - i >= 10 &&
            token.text[i + 5] == '\\') {
            uint32_t low = 0;
            if (decode_escape(token.text + i + 5, token.length - i - 5, &low) == 5 &&
                low >= 0xDC00 && low <= 0xDFFF) {
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                used = 10;
            }
        }
        char encoded[4];
        size_t size = used == 0 ? 0 : mr_script_utf8_encode(point, encoded);
        if (size == 0)
            return bad_string(lexer, token,
                              "an escape in a U&'..' string is \\ and four hexadecimal digits");
        memcpy(text + length, encoded, size);
        length += size;
        i += used;
    }
    text[length] = '\0';
    token.text = text;
    token.length = length;
    return token;
}

mr_token mr_lex_quoted_name(mr_lexer *lexer)
{
    char quote = lexer->script->text[lexer->at];
    mr_token token = lex_quoted(lexer, lexer->at, MR_TOKEN_QUOTED_NAME);
    if (token.kind == MR_TOKEN_BAD)
        return token;
    if (quote == '"') {
        mr_diagnostics_report(lexer->diagnostics, MR_E_DOUBLE_QUOTES, token.span,
                              "double quotes are not used in this SQL");
        mr_diagnostics_label(lexer->diagnostics, "a string is '..', a name `..`");
    } else if (token.length == 0) {
        mr_diagnostics_report(lexer->diagnostics, MR_E_EMPTY_NAME, token.span,
                              "a name may not be empty");
        token.kind = MR_TOKEN_BAD;
    }
    return token;
}
