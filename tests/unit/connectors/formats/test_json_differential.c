/* Generated and mutated documents: our decoder and an independent library must agree on each. The
 * generator is seeded, so a failure is repeated by its number. */
#include "connectors/formats/json/decoder.h"
#include "tests/harness/json_oracle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define DOCUMENTS 60000
#define DOCUMENT_MAX 4096

typedef struct generator {
    uint64_t state;
    char text[DOCUMENT_MAX];
    size_t length;
} generator;

static uint32_t pick(generator *g, uint32_t below)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (uint32_t)((g->state >> 16) % below);
}

static void add(generator *g, const char *text)
{
    size_t length = strlen(text);
    if (g->length + length < DOCUMENT_MAX - 64) {
        memcpy(g->text + g->length, text, length);
        g->length += length;
    }
}

static void add_blank(generator *g)
{
    static const char *const blanks[] = {"", "", "", "", "", " ", "\n", "\t\r ", "  "};
    add(g, blanks[pick(g, 9)]);
}

static void add_string(generator *g)
{
    static const char *const pieces[] = {"plain",
                                         "x",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "\\b\\f\\n\\r\\t",
                                         "\\u0041",
                                         "\\u00e4",
                                         "\\u20ac",
                                         "\\ud83d\\ude00",
                                         "\\ud83d",
                                         "\\ude00",
                                         "\\u0000",
                                         "ä",
                                         "€",
                                         "😀",
                                         "some longer run of plain text, over sixteen bytes",
                                         "\xff",
                                         "\x01",
                                         "\x7f",
                                         " ",
                                         "'"};
    add(g, "\"");
    for (uint32_t i = pick(g, 5); i > 0; i--) {
        /* The pieces that make a document bad are rare. */
        uint32_t piece = pick(g, 22);
        if ((piece == 10 || piece == 11 || piece == 17 || piece == 18) && pick(g, 8) != 0)
            piece = 0;
        add(g, pieces[piece]);
    }
    add(g, "\"");
}

static void add_number(generator *g)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s%u", pick(g, 3) == 0 ? "-" : "", pick(g, 100));
    uint32_t digits = pick(g, 3) == 0 ? pick(g, 20) : 0;
    if (text[length - 1] == '0' && length < 3)
        digits = 0;
    for (uint32_t i = 0; i < digits; i++)
        length += snprintf(text + length, 2, "%u", pick(g, 10));
    if (pick(g, 3) == 0)
        length += snprintf(text + length, 16, ".%u", pick(g, 1000000));
    if (pick(g, 4) == 0)
        snprintf(text + length, 8, "%s%s%u", pick(g, 2) ? "e" : "E",
                 pick(g, 3) == 0   ? "+"
                 : pick(g, 2) == 0 ? "-"
                                   : "",
                 pick(g, 40));
    add(g, text);
}

static void add_value(generator *g, unsigned depth);
static void add_object(generator *g, unsigned depth);

/* The value of a column, of the column's type as often as not. */
static void add_member(generator *g, uint32_t name, unsigned depth)
{
    if (name > 4 || pick(g, 2) == 0)
        add_value(g, depth);
    else if (name == 0 || name == 2)
        add_number(g);
    else if (name == 1)
        add_string(g);
    else if (name == 3)
        add(g, pick(g, 2) ? "true" : "false");
    else if (depth < 5)
        add_object(g, depth);
    else
        add(g, "{}");
}

static void add_object(generator *g, unsigned depth)
{
    static const char *const names[] = {
        "\"a\"",       "\"s\"",
        "\"d\"",       "\"b\"",
        "\"n\"",       "\"x\"",
        "\"\"",        "\"other\"",
        "\"\\u0061\"", "\"a name of more than thirty-two bytes, never kept\""};
    add(g, "{");
    uint32_t members = pick(g, 9);
    for (uint32_t i = 0; i < members; i++) {
        add_blank(g);
        uint32_t name = pick(g, pick(g, 2) ? 10 : 6);
        add(g, names[name]);
        add_blank(g);
        add(g, ":");
        add_blank(g);
        add_member(g, name, depth + 1);
        add_blank(g);
        if (i + 1 < members)
            add(g, ",");
    }
    add_blank(g);
    add(g, "}");
}

static void add_array(generator *g, unsigned depth)
{
    add(g, "[");
    uint32_t values = pick(g, 4);
    for (uint32_t i = 0; i < values; i++) {
        add_blank(g);
        add_value(g, depth + 1);
        add_blank(g);
        if (i + 1 < values)
            add(g, ",");
    }
    add(g, "]");
}

static void add_value(generator *g, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};
    uint32_t kind = pick(g, depth < 4 ? 10 : 7);
    if (kind < 3)
        add_number(g);
    else if (kind < 5)
        add_string(g);
    else if (kind < 7)
        add(g, words[pick(g, 3)]);
    else if (kind == 7)
        add_array(g, depth);
    else
        add_object(g, depth);
}

static void mutate(generator *g)
{
    static const char interesting[] = "{}[]\",:\\0123456789eE+-.tfnu /\x01\x80\xc3\xff";
    for (uint32_t i = 1 + pick(g, 3); i > 0 && g->length > 0; i--) {
        size_t at = pick(g, (uint32_t)g->length);
        char c = interesting[pick(g, sizeof interesting - 1)];
        switch (pick(g, 4)) {
        case 0: g->text[at] = c; break;
        case 1:
            memmove(g->text + at + 1, g->text + at, g->length - at);
            g->text[at] = c;
            g->length++;
            break;
        case 2:
            memmove(g->text + at, g->text + at + 1, g->length - at - 1);
            g->length--;
            break;
        default: g->length = pick(g, 4) == 0 ? at : g->length; break;
        }
    }
}

Test(json_differential, agrees_with_an_independent_library_on_generated_and_mutated_documents)
{
    static generator g;
    static mr_json_oracle oracles[2];
    for (int narrow = 0; narrow < 2; narrow++)
        mr_json_oracle_init(&oracles[narrow], narrow == 1);
    g.state = 88172645463325252u;
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        g.length = 0;
        add_blank(&g);
        add_object(&g, 0);
        add_blank(&g);
        if (i % 2 == 1)
            mutate(&g);
        char *exact = malloc(g.length + (g.length == 0));
        memcpy(exact, g.text, g.length);
        const char *wrong = mr_json_oracle_check(&oracles[i / 2 % 2], exact, g.length);
        free(exact);
        cr_assert(wrong == NULL, "document %u: %s\n%.*s", i, wrong, (int)g.length, g.text);
    }
    /* The generator must reach both verdicts and real values, else agreement says little. */
    for (int narrow = 0; narrow < 2; narrow++) {
        mr_json_oracle *oracle = &oracles[narrow];
        cr_expect_gt(oracle->accepted, DOCUMENTS / 6);
        cr_expect_gt(oracle->refused, DOCUMENTS / 20);
        cr_expect_gt(oracle->values, DOCUMENTS / 6, "%llu", (unsigned long long)oracle->values);
        cr_expect_lt(oracle->unknown, DOCUMENTS / 20, "%llu", (unsigned long long)oracle->unknown);
        mr_json_oracle_release(oracle);
    }
}

/* One record through a decoder of its own copy: "row" or the error's code, and the values. */
static void decode_one(mr_decoder *decoder, const char *text, size_t length, char *out, size_t size)
{
    mr_arena arena = {0};
    mr_vector columns[3];
    uint32_t rows[2], rows_count;
    mr_row_errors errors = {.arena = &arena};
    mr_error err;
    /* The same record twice: names and the minute are remembered for the second one. */
    mr_record record[2];
    for (int i = 0; i < 2; i++) {
        char *copy = malloc(length);
        memcpy(copy, text, length);
        record[i] = (mr_record){.value = copy, .value_length = (uint32_t)length};
    }
    mr_records records = {.topic = "t", .count = 2, .record = record};
    cr_assert_eq(decoder->class->decode(decoder, &records, columns, rows, &rows_count, &errors,
                                        &arena, &err),
                 MR_OK);
    size_t at = (size_t)snprintf(out, size, "%u rows, %u errors", rows_count, errors.count);
    for (uint32_t r = 0; r < rows_count; r++)
        for (uint32_t c = 0; c < 3; c++)
            if (mr_vector_is_null(&columns[c], r))
                at += (size_t)snprintf(out + at, size - at, " NULL");
            else if (c == 2)
                at += (size_t)snprintf(out + at, size - at, " '%.*s'",
                                       (int)columns[c].strings[r].length,
                                       columns[c].strings[r].bytes);
            else
                at += (size_t)snprintf(out + at, size - at, " %lld", (long long)columns[c].i64[r]);
    for (uint32_t e = 0; e < errors.count; e++)
        at += (size_t)snprintf(out + at, size - at, " %d %s", errors.error[e].code,
                               errors.error[e].message);
    for (int i = 0; i < 2; i++)
        free((char *)(uintptr_t)record[i].value);
    mr_arena_release(&arena);
}

/* Wide and narrow copy on records that are nearly well-formed: single bytes of a plain one changed,
 * every length of what stands behind the value. */
Test(json_differential, both_copies_agree_on_records_with_a_byte_changed)
{
    static const char *const names[] = {"t", "n", "s"};
    static const char bytes[] = "0123456789.:\"ZT- ,}]\\\x1f\x7f\x80\xc3+eE/;!#";
    generator g = {.state = 88172645463325252u};
    for (int is_utc = 0; is_utc < 2; is_utc++) {
        mr_codec_column columns[3];
        for (int c = 0; c < 3; c++)
            columns[c] = (mr_codec_column){.path = &names[c], .path_length = 1};
        columns[0].type = mr_type_nullable(
            mr_type_time(is_utc ? MR_TYPE_TIMESTAMP_LTZ : MR_TYPE_TIMESTAMP, 3), true);
        columns[1].type = mr_type_nullable(mr_type_of(MR_TYPE_BIGINT), true);
        columns[2].type = mr_type_nullable(mr_type_string(), true);
        mr_decoder *decoders[2];
        mr_error err;
        for (int narrow = 0; narrow < 2; narrow++) {
            mr_json_options options = {.is_narrow = narrow == 1};
            cr_assert_eq(
                mr_json_decoder_new(columns, 3, MR_PART_VALUE, &options, &decoders[narrow], &err),
                MR_OK);
        }
        for (int i = 0; i < 60000; i++) {
            char text[400], said[2][1600];
            size_t length = (size_t)snprintf(
                text, sizeof text, "{\"t\":\"2024-05-17 10:42:%02u%s%s\",\"n\":%u,\"s\":\"%.*s\"}",
                pick(&g, 60), pick(&g, 5) ? ".123" : "", is_utc ? "Z" : "",
                pick(&g, 10) ? pick(&g, 1000000) : 0, (int)pick(&g, 100),
                "text of any length, long enough to be looked at in more than one piece of 32 "
                "bytes, or in a part");
            for (uint32_t changes = pick(&g, 3); changes > 0; changes--)
                text[pick(&g, 4) ? 8 + pick(&g, 40) : pick(&g, (uint32_t)length)] =
                    bytes[pick(&g, sizeof bytes - 1)];
            if (pick(&g, 10) == 0)
                length = 1 + pick(&g, (uint32_t)length);
            for (int narrow = 0; narrow < 2; narrow++)
                decode_one(decoders[narrow], text, length, said[narrow], sizeof said[narrow]);
            cr_assert_str_eq(said[0], said[1], "%.*s", (int)length, text);
        }
        for (int narrow = 0; narrow < 2; narrow++)
            decoders[narrow]->class->free(decoders[narrow]);
    }
}
