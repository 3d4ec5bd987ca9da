/* Generated and mutated documents: our decoder and an independent library must agree on each. The
 * generator is seeded, so a failure is repeated by its number. */
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
