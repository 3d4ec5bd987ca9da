#include "connectors/formats/json/headers.h"

#include "connectors/formats/codes.h"

#include <string.h>

#define HEADERS_FIRST 8

typedef struct reading {
    mr_json_scan *scan;
    mr_arena *arena;
    mr_header *headers;
    uint32_t count, capacity;
} reading;

/* A string token behind its quote, as the bytes it stands for. */
static bool read_text(reading *r, const char *expected, mr_string *text)
{
    mr_json_text token;
    if (!mr_json_expect(r->scan, '"', expected) || !mr_json_string(r->scan, &token))
        return false;
    *text = mr_json_unescape(&token, r->arena);
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* {"hex": "00ff"}, behind its brace. */
static bool read_hex(reading *r, mr_header *to)
{
    static const char expected[] = "expected {\"hex\": \"..\"}";
    mr_string name, digits;
    if (!read_text(r, expected, &name))
        return false;
    const char *at = r->scan->at;
    if (!mr_string_equals(name, mr_string_of("hex", 3)))
        return mr_json_fail(r->scan, 0, at, expected);
    if (!mr_json_expect(r->scan, ':', "expected `:`") || !read_text(r, expected, &digits) ||
        !mr_json_expect(r->scan, '}', expected))
        return false;
    const char *text = digits.bytes;
    char *bytes = mr_arena_alloc(r->arena, digits.length / 2 + 1);
    for (uint32_t i = 0; i < digits.length; i += 2) {
        int high = digit_of(text[i]);
        int low = i + 1 < digits.length ? digit_of(text[i + 1]) : -1;
        if (high < 0 || low < 0)
            return mr_json_fail(r->scan, MR_E_JSON_STRING, at, "hex: two digits for each byte");
        bytes[i / 2] = (char)(high * 16 + low);
    }
    to->value = bytes;
    to->value_length = digits.length / 2;
    return true;
}

static bool read_value(reading *r, mr_header *to)
{
    mr_json_skip_blanks(r->scan);
    char first = r->scan->at < r->scan->end ? *r->scan->at : '\0';
    if (first == 'n')
        return mr_json_word(r->scan, "null", 4);
    if (first == '{') {
        r->scan->at++;
        return read_hex(r, to);
    }
    mr_string text;
    if (!read_text(r, "a header is a text, null or {\"hex\": \"..\"}", &text))
        return false;
    to->value = mr_arena_copy(r->arena, text.bytes, text.length);
    to->value_length = text.length;
    return true;
}

static bool read_header(reading *r)
{
    if (r->count == r->capacity) {
        uint32_t capacity = r->capacity == 0 ? HEADERS_FIRST : r->capacity * 2;
        mr_header *larger = mr_arena_alloc(r->arena, capacity * sizeof *larger);
        if (r->count > 0)
            memcpy(larger, r->headers, r->count * sizeof *larger);
        r->headers = larger;
        r->capacity = capacity;
    }
    mr_header *header = &r->headers[r->count++];
    *header = (mr_header){0};
    mr_json_skip_blanks(r->scan);
    const char *at = r->scan->at;
    mr_string name;
    if (!read_text(r, "expected the name of a header", &name))
        return false;
    if (memchr(name.bytes, '\0', name.length) != NULL)
        return mr_json_fail(r->scan, MR_E_JSON_STRING, at, "a header's name holds no NUL");
    header->name = mr_arena_string(r->arena, name.bytes, name.length);
    return mr_json_expect(r->scan, ':', "expected `:`") && read_value(r, header);
}

bool mr_json_headers_read(mr_json_scan *scan, mr_arena *arena, const mr_header **headers,
                          uint32_t *count)
{
    reading r = {.scan = scan, .arena = arena};
    if (!mr_json_expect(scan, '{', "headers are a JSON object"))
        return false;
    mr_json_skip_blanks(scan);
    bool is_empty = scan->at < scan->end && *scan->at == '}';
    if (is_empty)
        scan->at++;
    while (!is_empty) {
        if (!read_header(&r))
            return false;
        mr_json_skip_blanks(scan);
        if (scan->at == scan->end || *scan->at != ',')
            break;
        scan->at++;
    }
    if (!is_empty && !mr_json_expect(scan, '}', "expected `,` or `}`"))
        return false;
    mr_json_skip_blanks(scan);
    if (scan->at != scan->end)
        return mr_json_fail(scan, MR_E_JSON_BEHIND, scan->at, "something follows the object");
    *headers = r.headers;
    *count = r.count;
    return true;
}
