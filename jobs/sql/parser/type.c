/*
 * Types, with SQL's defaults filled in and parameters checked.
 */
#include "engine/base/assert.h"
#include "jobs/sql/parser/state.h"
#include "jobs/sql/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct scalar_row {
    const char *name;
    mr_type_kind kind;
    uint32_t parameters_max;
} scalar_row;

static const scalar_row scalar_rows[] = {
    {"STRING", MR_TYPE_VARCHAR, 0},
    {"BOOLEAN", MR_TYPE_BOOLEAN, 0},
    {"TINYINT", MR_TYPE_TINYINT, 0},
    {"SMALLINT", MR_TYPE_SMALLINT, 0},
    {"INT", MR_TYPE_INT, 0},
    {"INTEGER", MR_TYPE_INT, 0},
    {"BIGINT", MR_TYPE_BIGINT, 0},
    {"FLOAT", MR_TYPE_FLOAT, 0},
    {"DOUBLE", MR_TYPE_DOUBLE, 0},
    {"DECIMAL", MR_TYPE_DECIMAL, 2},
    {"DEC", MR_TYPE_DECIMAL, 2},
    {"NUMERIC", MR_TYPE_DECIMAL, 2},
    {"CHAR", MR_TYPE_CHAR, 1},
    {"CHARACTER", MR_TYPE_CHAR, 1},
    {"VARCHAR", MR_TYPE_VARCHAR, 1},
    {"BINARY", MR_TYPE_BINARY, 1},
    {"VARBINARY", MR_TYPE_VARBINARY, 1},
    {"BYTES", MR_TYPE_VARBINARY, 0},
    {"DATE", MR_TYPE_DATE, 0},
    {"TIME", MR_TYPE_TIME, 1},
    {"TIMESTAMP", MR_TYPE_TIMESTAMP, 1},
    {"TIMESTAMP_LTZ", MR_TYPE_TIMESTAMP_LTZ, 1},
};

/* Types of other systems, and what they are called here. */
static const struct {
    const char *name;
    const char *label;
} foreign_types[] = {
    {"TEXT", "write STRING"},
    {"BOOL", "write BOOLEAN"},
    {"DATETIME", "write TIMESTAMP(3)"},
    {"TIMESTAMPTZ", "write TIMESTAMP_LTZ(3)"},
    {"REAL", "write FLOAT"},
    {"NUMBER", "write DECIMAL(p, s)"},
    {"LONG", "write BIGINT"},
    {"INT8", "write BIGINT"},
    {"INT64", "write BIGINT"},
    {"INT4", "write INT"},
    {"INT32", "write INT"},
    {"FLOAT64", "write DOUBLE"},
    {"FLOAT8", "write DOUBLE"},
    {"BLOB", "write BYTES"},
    {"BYTEA", "write BYTES"},
    {"CLOB", "write STRING"},
    {"UUID", "write STRING"},
    {"JSON", "write STRING, or ROW<..> to name its fields"},
    {"STRUCT", "write ROW<name TYPE, ..>"},
    {"VARIANT", "write STRING, or ROW<..> to name its fields"},
    {"RAW", "write BYTES"},
    {"INTERVAL", "intervals stand in expressions only"},
};

static void refuse_type(mr_parser *parser, mr_token token, const char *text)
{
    if (mr_word_is_reserved(token.word) && mr_parser_near_clause(parser, parser->last) != NULL) {
        mr_parser_unexpected(parser, "a type"); /* the word in front is the misspelt one */
        return;
    }
    if (!mr_parser_fail(parser, MR_E_UNKNOWN_TYPE, token.span, "there is no type `%.60s`", text))
        return;
    for (size_t i = 0; i < MR_LENGTH(foreign_types); i++) {
        if (strcasecmp(text, foreign_types[i].name) == 0) {
            mr_diagnostics_label(parser->diagnostics, "%s", foreign_types[i].label);
            return;
        }
    }
    const char *names[MR_LENGTH(scalar_rows) + 3] = {"ROW", "ARRAY", "MAP"};
    for (size_t i = 0; i < MR_LENGTH(scalar_rows); i++)
        names[i + 3] = scalar_rows[i].name;
    const char *near = mr_suggest(text, names, MR_LENGTH(names));
    if (near != NULL)
        mr_diagnostics_label(parser->diagnostics, "did you mean %s?", near);
}

/* A whole number up to `max`; fails beyond. */
static uint32_t parse_parameter(mr_parser *parser, uint32_t min, uint32_t max, const char *what)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (!mr_parser_expect(parser, MR_TOKEN_INTEGER, what))
        return 0;
    const char *text = mr_parser_text(parser, token.span);
    unsigned long value = strlen(text) > 10 ? max + 1ul : strtoul(text, NULL, 10);
    if (value < min || value > max) {
        if (mr_parser_fail(parser, MR_E_TYPE_PARAMETER, token.span, "%s must be %u to %u", what,
                           min, max) &&
            max == 6)
            mr_diagnostics_label(parser->diagnostics, "times are kept in microseconds");
        return 0;
    }
    return (uint32_t)value;
}

static void parse_parameters(mr_parser *parser, mr_type *type, uint32_t parameters_max)
{
    mr_span open = mr_parser_peek(parser, 0).span;
    if (!mr_parser_accept(parser, MR_TOKEN_OPEN))
        return;
    if (parameters_max == 0) {
        mr_parser_fail(parser, MR_E_TYPE_PARAMETER, open, "this type takes no parameters");
        return;
    }
    switch (type->kind) {
    case MR_TYPE_DECIMAL:
        type->precision =
            (uint8_t)parse_parameter(parser, 1, MR_DECIMAL_PRECISION_MAX, "the precision");
        type->scale = 0;
        if (mr_parser_comma(parser))
            type->scale = (uint8_t)parse_parameter(parser, 0, type->precision, "the scale");
        break;
    case MR_TYPE_TIME:
        parse_parameter(parser, 0, 6, "the precision"); /* read, but a column has whole seconds */
        break;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
        type->precision = (uint8_t)parse_parameter(parser, 0, 6, "the precision");
        break;
    default: type->length = parse_parameter(parser, 1, MR_LENGTH_UNBOUNDED, "the length"); break;
    }
    mr_parser_close(parser, open);
}

/* WITH LOCAL TIME ZONE, WITHOUT TIME ZONE behind TIMESTAMP(p). */
static void parse_zone(mr_parser *parser, mr_type *type)
{
    uint32_t start = mr_parser_start(parser);
    bool is_without = mr_parser_at_words(parser, MR_WORD_WITHOUT, MR_WORD_TIME);
    bool is_local = mr_parser_at_words(parser, MR_WORD_WITH, MR_WORD_LOCAL);
    if (!is_without && !is_local && !mr_parser_at_words(parser, MR_WORD_WITH, MR_WORD_TIME))
        return;
    mr_parser_take(parser);
    mr_parser_accept_word(parser, MR_WORD_LOCAL);
    mr_parser_expect_word(parser, MR_WORD_TIME);
    mr_parser_expect_word(parser, MR_WORD_ZONE);
    if (is_local)
        type->kind = MR_TYPE_TIMESTAMP_LTZ;
    else if (!is_without &&
             mr_parser_fail(parser, MR_E_UNKNOWN_TYPE, mr_parser_span_from(parser, start),
                            "a timestamp that keeps its zone is not supported"))
        mr_diagnostics_label(parser->diagnostics, "write WITH LOCAL TIME ZONE");
}

static void parse_scalar(mr_parser *parser, mr_ast_type *type)
{
    mr_token token = mr_parser_peek(parser, 0);
    if (token.kind != MR_TOKEN_NAME) {
        mr_parser_unexpected(parser, "a type");
        return;
    }
    const char *text = mr_parser_text(parser, token.span);
    for (size_t i = 0; i < MR_LENGTH(scalar_rows); i++) {
        const scalar_row *row = &scalar_rows[i];
        if (strcasecmp(text, row->name) != 0)
            continue;
        mr_parser_take(parser);
        type->scalar = mr_type_of(row->kind);
        if (row->kind == MR_TYPE_DOUBLE)
            mr_parser_accept_word(parser, MR_WORD_PRECISION);
        if (row->kind == MR_TYPE_CHAR && mr_parser_accept_word(parser, MR_WORD_VARYING))
            type->scalar = mr_type_of(MR_TYPE_VARCHAR);
        parse_parameters(parser, &type->scalar, row->parameters_max);
        if (row->kind == MR_TYPE_TIMESTAMP)
            parse_zone(parser, &type->scalar);
        return;
    }
    refuse_type(parser, token, text);
}

static void parse_fields(mr_parser *parser, mr_ast_type *type, mr_token_kind close)
{
    mr_parser_list fields = {0};
    while (!mr_parser_at(parser, close)) {
        mr_ast_field field = {.name = mr_parser_name(parser, "a field's name")};
        field.type = mr_parse_type(parser);
        if (mr_parser_at(parser, MR_TOKEN_STRING))
            field.comment = mr_parser_string(parser, "a comment");
        mr_ast_field *slot = mr_parser_push(parser, &fields, sizeof *slot);
        *slot = field;
        if (!mr_parser_comma(parser))
            break;
    }
    type->fields = fields.items;
    type->fields_count = fields.count;
}

static void parse_row(mr_parser *parser, mr_ast_type *type)
{
    mr_token word = mr_parser_take(parser);
    mr_span open = mr_parser_peek(parser, 0).span;
    type->form = MR_AST_TYPE_ROW;
    if (mr_parser_accept(parser, MR_TOKEN_OPEN)) {
        parse_fields(parser, type, MR_TOKEN_CLOSE);
        mr_parser_close(parser, open);
    } else {
        mr_parser_expect(parser, MR_TOKEN_LESS, "`<` or `(` behind ROW");
        parse_fields(parser, type, MR_TOKEN_GREATER);
        mr_parser_expect(parser, MR_TOKEN_GREATER, "`,` or `>`");
    }
    if (type->fields_count == 0)
        mr_parser_fail(parser, MR_E_UNKNOWN_TYPE, word.span, "a ROW needs fields");
}

static void parse_container(mr_parser *parser, mr_ast_type *type, mr_ast_type_form form)
{
    mr_parser_take(parser);
    type->form = form;
    mr_parser_expect(parser, MR_TOKEN_LESS, "`<` and the type inside");
    if (form == MR_AST_TYPE_MAP) {
        type->key = mr_parse_type(parser);
        mr_parser_expect(parser, MR_TOKEN_COMMA, "`,` and the type of the values");
    }
    type->element = mr_parse_type(parser);
    mr_parser_expect(parser, MR_TOKEN_GREATER, "`>`");
}

static void parse_form(mr_parser *parser, mr_ast_type *type)
{
    mr_token token = mr_parser_peek(parser, 0);
    mr_token_kind next = mr_parser_peek(parser, 1).kind;
    if (token.word == MR_WORD_ROW)
        parse_row(parser, type);
    else if (token.word == MR_WORD_ARRAY && next == MR_TOKEN_LESS)
        parse_container(parser, type, MR_AST_TYPE_ARRAY);
    else if (token.word == MR_WORD_MULTISET && next == MR_TOKEN_LESS)
        parse_container(parser, type, MR_AST_TYPE_MULTISET);
    else if (token.kind == MR_TOKEN_NAME && next == MR_TOKEN_LESS &&
             strcasecmp(mr_parser_text(parser, token.span), "MAP") == 0)
        parse_container(parser, type, MR_AST_TYPE_MAP);
    else
        parse_scalar(parser, type);
}

static void parse_nullability(mr_parser *parser, mr_ast_type *type)
{
    type->is_not_null = mr_parser_at_words(parser, MR_WORD_NOT, MR_WORD_NULL);
    if (type->is_not_null)
        mr_parser_take(parser);
    mr_parser_accept_word(parser, MR_WORD_NULL);
    type->scalar.is_nullable = !type->is_not_null;
}

mr_ast_type *mr_parse_type(mr_parser *parser)
{
    uint32_t start = mr_parser_start(parser);
    mr_ast_type *type = mr_arena_zalloc(parser->arena, 1, sizeof *type);
    uint32_t levels = 1;
    if (mr_parser_enter(parser)) {
        parse_form(parser, type);
        parse_nullability(parser, type);
        type->span = mr_parser_span_from(parser, start);
    }
    while (mr_parser_at_word(parser, MR_WORD_ARRAY) ||
           mr_parser_at_word(parser, MR_WORD_MULTISET)) {
        mr_ast_type *outer = mr_arena_zalloc(parser->arena, 1, sizeof *outer);
        bool is_array = mr_parser_take(parser).word == MR_WORD_ARRAY;
        outer->form = is_array ? MR_AST_TYPE_ARRAY : MR_AST_TYPE_MULTISET;
        outer->element = type;
        parse_nullability(parser, outer);
        outer->span = mr_parser_span_from(parser, start);
        type = outer;
        mr_parser_deepen(parser, &levels, levels);
    }
    mr_parser_leave(parser);
    return parser->is_failed ? NULL : type;
}
