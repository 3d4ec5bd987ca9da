#include "connectors/formats/json/scan.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/text/utf8.h"

bool mr_json_fail(mr_json_scan *scan, mr_status code, const char *bad_at, const char *reason)
{
    scan->code = code != 0 ? code : MR_E_JSON_SYNTAX;
    scan->bad_at = bad_at;
    scan->reason = bad_at == scan->end ? "the text ends too early" : reason;
    return false;
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 0x10000;
}

/* The four hex digits at `at`, or something over 0xffff. */
static unsigned hex_four(const char *at, const char *end)
{
    if (end - at < 4)
        return 0x10000;
    unsigned digits[] = {hex_digit(at[0]), hex_digit(at[1]), hex_digit(at[2]), hex_digit(at[3])};
    if ((digits[0] | digits[1] | digits[2] | digits[3]) > 15)
        return 0x10000;
    return digits[0] << 12 | digits[1] << 8 | digits[2] << 4 | digits[3];
}

static bool is_high_surrogate(unsigned unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(unsigned unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Behind `\u`: one unit or a pair of them. */
static bool skip_unicode_escape(mr_json_scan *scan)
{
    unsigned unit = hex_four(scan->at, scan->end);
    if (unit > 0xffff)
        return mr_json_fail(scan, MR_E_JSON_STRING, scan->at, "\\u without four hex digits");
    if (is_low_surrogate(unit))
        return mr_json_fail(scan, MR_E_JSON_STRING, scan->at, "lone surrogate");
    scan->at += 4;
    if (!is_high_surrogate(unit))
        return true;
    if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
        !is_low_surrogate(hex_four(scan->at + 2, scan->end)))
        return mr_json_fail(scan, MR_E_JSON_STRING, scan->at, "lone surrogate");
    scan->at += 6;
    return true;
}

/* At a backslash. */
static bool skip_escape(mr_json_scan *scan)
{
    scan->at++;
    if (scan->at == scan->end)
        return mr_json_fail(scan, 0, scan->at, "");
    switch (*scan->at++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return true;
    case 'u': return skip_unicode_escape(scan);
    default: return mr_json_fail(scan, MR_E_JSON_STRING, scan->at - 1, "unknown escape");
    }
}

bool mr_json_string(mr_json_scan *scan, mr_json_text *text)
{
    text->bytes = scan->at;
    text->has_escapes = false;
    for (;;) {
        const char *at = mr_json_find_special(scan->at, scan->start, scan->end);
        if (at == scan->end)
            return mr_json_fail(scan, 0, at, "");
        if (*at == '"') {
            text->length = (uint32_t)(at - text->bytes);
            scan->at = at + 1;
            return true;
        }
        scan->at = at;
        if (*at == '\\') {
            text->has_escapes = true;
            if (!skip_escape(scan))
                return false;
            continue;
        }
        if ((unsigned char)*at < 0x20)
            return mr_json_fail(scan, MR_E_JSON_STRING, at, "control character in a string");
        /* Text that is not ASCII comes in runs. */
        while (scan->at < scan->end && (unsigned char)*scan->at >= 0x80) {
            size_t length = mr_utf8_length(scan->at, scan->end);
            if (length == 0)
                return mr_json_fail(scan, MR_E_TEXT_UTF8, scan->at, "not UTF-8");
            scan->at += length;
        }
    }
}

static char *put_utf8(char *to, unsigned point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xe0 | point >> 12);
        } else {
            *to++ = (char)(0xf0 | point >> 18);
            *to++ = (char)(0x80 | (point >> 12 & 63));
        }
        *to++ = (char)(0x80 | (point >> 6 & 63));
    }
    *to++ = (char)(0x80 | (point & 63));
    return to;
}

/* Behind the backslash of a validated escape; writes what it stands for. */
static const char *put_escaped(const char *from, const char *end, char **to)
{
    char c = *from++;
    switch (c) {
    case 'b': *(*to)++ = '\b'; return from;
    case 'f': *(*to)++ = '\f'; return from;
    case 'n': *(*to)++ = '\n'; return from;
    case 'r': *(*to)++ = '\r'; return from;
    case 't': *(*to)++ = '\t'; return from;
    case 'u': break;
    default: *(*to)++ = c; return from;
    }
    unsigned point = hex_four(from, end);
    from += 4;
    if (is_high_surrogate(point)) {
        point = 0x10000 + ((point - 0xd800) << 10) + (hex_four(from + 2, end) - 0xdc00);
        from += 6;
    }
    *to = put_utf8(*to, point);
    return from;
}

mr_string mr_json_unescape(const mr_json_text *text, mr_arena *arena)
{
    if (!text->has_escapes)
        return mr_string_of(text->bytes, text->length);
    /* No escape is shorter than what it stands for. */
    char *bytes = mr_arena_alloc(arena, text->length);
    char *to = bytes;
    const char *from = text->bytes;
    const char *end = from + text->length;
    while (from < end) {
        const char *slash = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((slash != NULL ? slash : end) - from);
        memcpy(to, from, plain);
        to += plain;
        from += plain;
        if (slash != NULL)
            from = put_escaped(from + 1, end, &to);
    }
    return mr_string_of(bytes, (uint32_t)(to - bytes));
}

bool mr_json_number(mr_json_scan *scan, mr_number *number)
{
    const char *behind = mr_number_scan(scan->at, scan->end, number);
    if (behind == NULL)
        return mr_json_fail(scan, 0, scan->at, "malformed number");
    scan->at = behind;
    return true;
}

bool mr_json_word(mr_json_scan *scan, const char *word, size_t length)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return mr_json_fail(scan, 0, scan->at, "no JSON value starts here");
    scan->at += length;
    return true;
}

static bool skip_scalar(mr_json_scan *scan)
{
    mr_json_text text;
    mr_number number;
    switch (*scan->at) {
    case '"': scan->at++; return mr_json_string(scan, &text);
    case 't': return mr_json_word(scan, "true", 4);
    case 'f': return mr_json_word(scan, "false", 5);
    case 'n': return mr_json_word(scan, "null", 4);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return mr_json_number(scan, &number);
    default: return mr_json_fail(scan, 0, scan->at, "no JSON value starts here");
    }
}

/* A member's name and colon. */
static bool skip_name(mr_json_scan *scan)
{
    mr_json_text name;
    return mr_json_expect(scan, '"', "expected a name in quotes") && mr_json_string(scan, &name) &&
           mr_json_expect(scan, ':', "expected ':'");
}

/* What is open inside the skipped value: one bit a level, set for an object. */
typedef struct nesting {
    uint64_t is_object[(MR_JSON_DEPTH_MAX + 63) / 64];
    unsigned open;
} nesting;

static bool innermost_is_object(const nesting *levels)
{
    unsigned top = levels->open - 1;
    return levels->is_object[top / 64] >> (top % 64) & 1;
}

/* At a bracket that opens; afterwards at a value, or behind an empty pair. `is_empty` says
 * which. */
static bool open_level(mr_json_scan *scan, nesting *levels, unsigned depth, bool *is_empty)
{
    if (depth + levels->open >= MR_JSON_DEPTH_MAX)
        return mr_json_fail(scan, MR_E_JSON_DEPTH, scan->at, "nested too deep");
    bool is_object = *scan->at++ == '{';
    uint64_t bit = (uint64_t)1 << (levels->open % 64);
    if (is_object)
        levels->is_object[levels->open / 64] |= bit;
    else
        levels->is_object[levels->open / 64] &= ~bit;
    mr_json_skip_blanks(scan);
    *is_empty = scan->at < scan->end && *scan->at == (is_object ? '}' : ']');
    if (*is_empty) {
        scan->at++;
        return true;
    }
    levels->open++;
    return !is_object || skip_name(scan);
}

/* Behind a value: closes levels until one goes on with a comma, or all are closed. */
static bool close_levels(mr_json_scan *scan, nesting *levels)
{
    while (levels->open > 0) {
        bool is_object = innermost_is_object(levels);
        mr_json_skip_blanks(scan);
        if (scan->at == scan->end)
            return mr_json_fail(scan, 0, scan->at, "");
        char c = *scan->at++;
        if (c == ',')
            return !is_object || skip_name(scan);
        if (c != (is_object ? '}' : ']'))
            return mr_json_fail(scan, 0, scan->at - 1,
                                is_object ? "expected ',' or '}'" : "expected ',' or ']'");
        levels->open--;
    }
    return true;
}

bool mr_json_skip(mr_json_scan *scan, unsigned depth)
{
    if (scan->at < scan->end && *scan->at != '{' && *scan->at != '[')
        return skip_scalar(scan);
    nesting levels = {.open = 0};
    do {
        mr_json_skip_blanks(scan);
        if (scan->at == scan->end)
            return mr_json_fail(scan, 0, scan->at, "");
        bool is_closed = true;
        if (*scan->at == '{' || *scan->at == '[') {
            if (!open_level(scan, &levels, depth, &is_closed))
                return false;
        } else if (!skip_scalar(scan)) {
            return false;
        }
        if (is_closed && !close_levels(scan, &levels))
            return false;
    } while (levels.open > 0);
    return true;
}
