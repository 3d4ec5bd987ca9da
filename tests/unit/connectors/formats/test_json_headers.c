/*
 * Goal: headers come back byte for byte from the text that metadata shows of them, and whatever is
 * no such text is refused with its place. Method: random headers through engine/run/metadata and
 * back; texts by hand, cut at every byte.
 */
#include "connectors/formats/json/headers.h"
#include "engine/expr/utf8.h"
#include "engine/run/metadata.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 6

typedef struct made {
    mr_header items[HEADERS_MAX];
    uint32_t count;
} made;

static const mr_header *headers_of(const mr_records *records, uint32_t i, mr_arena *arena,
                                   uint32_t *count)
{
    const made *m = records->owner;
    (void)i;
    (void)arena;
    *count = m->count;
    return m->items;
}

static mr_string shown(made *m, mr_arena *arena)
{
    static const mr_record record = {.offset = 1};
    uint32_t first = 0;
    mr_records records = {
        .topic = "in", .count = 1, .record = &record, .headers = headers_of, .owner = m};
    mr_batch batch = mr_batch_new(0, 1, arena);
    batch.records = &records;
    batch.record = &first;
    return mr_metadata_column(MR_METADATA_HEADERS, mr_type_string(), NULL, &batch).strings[0];
}

/* UTF-8 with quotes and controls, any bytes, none, or no value; names of one to three letters. */
static made make(unsigned *seed, mr_arena *arena)
{
    static const char *const texts[] = {"", "abc", "\"\\\n\x01\x7f",
                                        "Z\xc3\xbcrich \xf0\x9f\x98\x80"};
    made m = {.count = (uint32_t)rand_r(seed) % (HEADERS_MAX + 1)};
    for (uint32_t i = 0; i < m.count; i++) {
        mr_header *h = &m.items[i];
        int kind = rand_r(seed) % 7;
        h->name = mr_arena_printf(arena, "%.*s", rand_r(seed) % 3 + 1, "a\xc3\xa4\"");
        if (!mr_utf8_is_valid(h->name, (uint32_t)strlen(h->name)))
            h->name = "x";
        if (kind < 4) {
            h->value = texts[kind];
            h->value_length = (uint32_t)strlen(texts[kind]);
        } else if (kind < 6) {
            h->value_length = (uint32_t)rand_r(seed) % 9;
            char *bytes = mr_arena_alloc(arena, h->value_length + 1);
            for (uint32_t b = 0; b < h->value_length; b++)
                bytes[b] = (char)rand_r(seed);
            h->value = bytes;
        }
    }
    return m;
}

Test(json_headers, come_back_byte_for_byte)
{
    unsigned seed = 7;
    uint32_t in_hex = 0;
    for (int round = 0; round < 20000; round++) {
        mr_arena arena = {0};
        made m = make(&seed, &arena);
        mr_string text = shown(&m, &arena);
        mr_json_scan scan = mr_json_scan_of(text.bytes, text.length);
        const mr_header *back = NULL;
        uint32_t count = 99;
        cr_assert(mr_json_headers_read(&scan, &arena, &back, &count), "%s: %.*s", scan.reason,
                  (int)text.length, text.bytes);
        cr_assert_eq(count, m.count);
        for (uint32_t i = 0; i < count; i++) {
            cr_assert_str_eq(back[i].name, m.items[i].name);
            cr_assert_eq(back[i].value == NULL, m.items[i].value == NULL);
            cr_assert_eq(back[i].value_length, m.items[i].value_length);
            cr_assert(back[i].value_length == 0 ||
                      memcmp(back[i].value, m.items[i].value, back[i].value_length) == 0);
        }
        in_hex += memmem(text.bytes, text.length, "{\"hex\":", 7) != NULL;
        mr_arena_release(&arena);
    }
    cr_expect(in_hex > 1000 && in_hex < 19000, "%u rounds had bytes that are no text", in_hex);
}

static bool reads(const char *text, size_t length, const char **reason)
{
    mr_arena arena = {0};
    char *exact = malloc(length + 1); /* so that ASan sees a byte read behind the end */
    memcpy(exact, text, length);
    exact = realloc(exact, length > 0 ? length : 1);
    mr_json_scan scan = mr_json_scan_of(exact, length);
    const mr_header *headers;
    uint32_t count;
    bool is_good = mr_json_headers_read(&scan, &arena, &headers, &count);
    *reason = is_good ? "" : scan.reason;
    cr_expect(is_good || (scan.bad_at >= exact && scan.bad_at <= exact + length));
    mr_arena_release(&arena);
    free(exact);
    return is_good;
}

Test(json_headers, that_are_none_are_refused)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "null",
                                      "\"a\"",
                                      "{\"a\":1}",
                                      "{\"a\":true}",
                                      "{\"a\":[\"b\"]}",
                                      "{\"a\":{}}",
                                      "{\"a\":{\"base64\":\"00\"}}",
                                      "{\"a\":{\"hex\":\"0\"}}",
                                      "{\"a\":{\"hex\":\"0g\"}}",
                                      "{\"a\":{\"hex\":null}}",
                                      "{\"a\":{\"hex\":\"00\",\"b\":\"c\"}}",
                                      "{\"a\":\"b\",}",
                                      "{\"a\":\"b\"}}",
                                      "{\"a\" \"b\"}",
                                      "{a:\"b\"}",
                                      "{\"a\\u0000\":\"b\"}",
                                      "{\"a\":\"\\ud800\"}"};
    const char *reason;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(reads(bad[i], strlen(bad[i]), &reason), "%s passes", bad[i]);
    static const char good[] =
        " { \"a\" : \"b\" , \"a\" : { \"hex\" : \"00fF\" } , \"\" : null , \"c\" : \"\\u0000\" } ";
    cr_expect(reads(good, sizeof good - 1, &reason), "%s", reason);
    for (size_t cut = 0; cut < sizeof good - 2; cut++)
        cr_expect_not(reads(good, cut, &reason), "cut behind %zu bytes it passes", cut);
}
