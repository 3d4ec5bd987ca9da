#include "tests/harness/json_oracle.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/json/decoder.h"
#include "engine/base/assert.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_A, COLUMN_S, COLUMN_D, COLUMN_B, COLUMN_NX, COLUMNS };

#define LIBRARY_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY)

static mr_decoder *new_decoder(uint32_t columns_count, mr_json_options options)
{
    static const char *const a[] = {"a"}, *const s[] = {"s"}, *const d[] = {"d"},
                             *const b[] = {"b"}, *const nx[] = {"n", "x"};
    mr_codec_column columns[COLUMNS] = {
        {.path = a, .path_length = 1, .type = mr_type_of(MR_TYPE_BIGINT)},
        {.path = s, .path_length = 1, .type = mr_type_string()},
        {.path = d, .path_length = 1, .type = mr_type_of(MR_TYPE_DOUBLE)},
        {.path = b, .path_length = 1, .type = mr_type_of(MR_TYPE_BOOLEAN)},
        {.path = nx, .path_length = 2, .type = mr_type_of(MR_TYPE_BIGINT)},
    };
    mr_decoder *decoder = NULL;
    mr_error err;
    mr_status status =
        mr_json_decoder_new(columns, columns_count, MR_PART_VALUE, &options, &decoder, &err);
    MR_ASSERT(status == MR_OK);
    return decoder;
}

void mr_json_oracle_init(mr_json_oracle *oracle, bool is_narrow)
{
    mr_json_options strict = {.is_narrow = is_narrow}, lenient = strict;
    lenient.is_ignoring_parse_errors = true;
    *oracle = (mr_json_oracle){
        .lenient = new_decoder(COLUMNS, lenient),
        .strict = new_decoder(COLUMNS, strict),
        .blind = new_decoder(0, strict),
    };
}

void mr_json_oracle_release(mr_json_oracle *oracle)
{
    mr_decoder *all[] = {oracle->lenient, oracle->strict, oracle->blind};
    for (size_t i = 0; i < MR_LENGTH(all); i++)
        all[i]->class->free(all[i]);
    mr_arena_release(&oracle->arena);
}

static const char *differs(mr_json_oracle *oracle, const char *what)
{
    snprintf(oracle->message, sizeof oracle->message, "%s", what);
    return oracle->message;
}

/* Whether the record became a row; `code` gets the error's, 0 for none. */
static bool decode(mr_json_oracle *oracle, mr_decoder *decoder, const char *text, size_t length,
                   mr_vector *columns, mr_status *code)
{
    mr_record record = {.value = text, .value_length = (uint32_t)length};
    mr_records records = {.topic = "t", .count = 1, .record = &record};
    mr_row_errors errors = {.arena = &oracle->arena};
    uint32_t row, rows = 0;
    mr_error err;
    mr_status status = decoder->class->decode(decoder, &records, columns, &row, &rows, &errors,
                                              &oracle->arena, &err);
    MR_ASSERT(status == MR_OK && rows + errors.count <= 1);
    *code = errors.count > 0 ? errors.error[0].code : 0;
    return rows == 1;
}

static const char *check_integer(mr_json_oracle *oracle, const json_t *value,
                                 const mr_vector *column)
{
    if (value == NULL || json_is_null(value))
        return mr_vector_is_null(column, 0) ? NULL : differs(oracle, "a value out of nothing");
    if (!json_is_integer(value))
        return NULL;
    oracle->values++;
    if (mr_vector_is_null(column, 0) || column->i64[0] != json_integer_value(value))
        return differs(oracle, "another integer");
    return NULL;
}

static const char *check_columns(mr_json_oracle *oracle, const json_t *document,
                                 const mr_vector *columns)
{
    const json_t *s = json_object_get(document, "s");
    const mr_vector *column = &columns[COLUMN_S];
    if (json_is_string(s)) {
        oracle->values++;
        if (mr_vector_is_null(column, 0) || column->strings[0].length != json_string_length(s) ||
            memcmp(column->strings[0].bytes, json_string_value(s), json_string_length(s)) != 0)
            return differs(oracle, "another text");
    }
    const json_t *d = json_object_get(document, "d");
    column = &columns[COLUMN_D];
    if (json_is_number(d)) {
        double expected = json_number_value(d);
        oracle->values++;
        if (mr_vector_is_null(column, 0) || memcmp(&column->f64[0], &expected, sizeof expected))
            if (!(json_is_integer(d) && column->f64[0] == expected)) /* -0 has no integer */
                return differs(oracle, "another double");
    }
    const json_t *b = json_object_get(document, "b");
    column = &columns[COLUMN_B];
    if (json_is_boolean(b)) {
        oracle->values++;
        if (mr_vector_is_null(column, 0) || column->bools[0] != json_is_true(b))
            return differs(oracle, "another boolean");
    }
    const char *wrong = check_integer(oracle, json_object_get(document, "a"), &columns[COLUMN_A]);
    if (wrong != NULL)
        return wrong;
    const json_t *n = json_object_get(document, "n");
    return check_integer(oracle, json_is_object(n) ? json_object_get(n, "x") : NULL,
                         &columns[COLUMN_NX]);
}

/* Limits of the library that are none of JSON: numbers beyond double, NUL in a name. */
static bool is_limit(const char *message)
{
    return strstr(message, "overflow") != NULL || strstr(message, "too big") != NULL ||
           strstr(message, "NUL byte in object key") != NULL;
}

const char *mr_json_oracle_check(mr_json_oracle *oracle, const char *text, size_t length)
{
    mr_arena_reset(&oracle->arena);
    json_error_t library_error;
    json_t *document = json_loadb(text, length, LIBRARY_FLAGS, &library_error);
    bool is_exact = document != NULL;
    if (document == NULL && is_limit(library_error.text))
        document =
            json_loadb(text, length, LIBRARY_FLAGS | JSON_DECODE_INT_AS_REAL, &library_error);
    mr_vector columns[COLUMNS], ignored[COLUMNS];
    mr_status code, strict_code, blind_code;
    bool lenient = decode(oracle, oracle->lenient, text, length, columns, &code);
    bool strict = decode(oracle, oracle->strict, text, length, ignored, &strict_code);
    bool blind = decode(oracle, oracle->blind, text, length, ignored, &blind_code);
    const char *wrong = NULL;
    bool is_object = json_is_object(document);
    if (lenient != blind)
        wrong = differs(oracle, "the verdict depends on what is read");
    else if (strict && !lenient)
        wrong = differs(oracle, "strict took what lenient did not");
    else if (!lenient && strict_code == 0)
        wrong = differs(oracle, "a bad record without an error");
    else if (blind_code == MR_E_JSON_DEPTH || (document == NULL && is_limit(library_error.text)))
        oracle->unknown++;
    else if (!lenient && is_object && memchr(text, '\0', length) != NULL)
        oracle->unknown++; /* the library loses a NUL that it puts back, as behind `true` */
    else if (lenient != is_object)
        wrong = differs(oracle, lenient ? "the library refuses it" : "the library takes it");
    else if (lenient && is_exact)
        wrong = check_columns(oracle, document, columns);
    if (wrong == NULL)
        *(lenient ? &oracle->accepted : &oracle->refused) += 1;
    json_decref(document);
    return wrong;
}
