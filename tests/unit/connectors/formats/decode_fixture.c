#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

void fixture_decode(mr_decoder *decoder, uint32_t columns_count, const char *const *texts,
                    const size_t *lengths, uint32_t texts_count, decoded *out)
{
    mr_record record[FIXTURE_RECORDS_MAX] = {0};
    char *copy[FIXTURE_RECORDS_MAX] = {0};
    memset(out, 0, sizeof *out);
    out->errors.arena = &out->arena;
    for (uint32_t i = 0; i < texts_count; i++) {
        if (texts[i] == NULL)
            continue;
        size_t length = lengths != NULL ? lengths[i] : strlen(texts[i]);
        copy[i] = malloc(length != 0 ? length : 1);
        memcpy(copy[i], texts[i], length);
        record[i].key = record[i].value = copy[i];
        record[i].key_length = record[i].value_length = (uint32_t)length;
    }
    mr_records records = {.topic = "t", .count = texts_count, .record = record};
    mr_error err;
    mr_status status = decoder->class->decode(decoder, &records, out->columns, out->rows,
                                              &out->rows_count, &out->errors, &out->arena, &err);
    cr_assert_eq(status, MR_OK);
    mr_row_errors_settle(&out->errors);
    /* Views point into the records; keep what the test prints. */
    for (uint32_t c = 0; c < columns_count; c++)
        mr_vector_own_strings(&out->columns[c], out->rows_count, &out->arena);
    for (uint32_t i = 0; i < texts_count; i++)
        free(copy[i]);
}

static int print_i128(char *to, size_t size, mr_i128 value)
{
    char digits[48];
    int at = (int)sizeof digits - 1;
    mr_u128 magnitude = value < 0 ? 0 - (mr_u128)value : (mr_u128)value;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude > 0);
    return snprintf(to, size, "%s%s", value < 0 ? "-" : "", digits + at);
}

static int print_value(char *to, size_t size, const mr_vector *v, uint32_t row)
{
    if (mr_vector_is_null(v, row))
        return snprintf(to, size, "NULL");
    switch (v->lane) {
    case MR_LANE_BOOL: return snprintf(to, size, "%s", v->bools[row] ? "true" : "false");
    case MR_LANE_I32: return snprintf(to, size, "%d", v->i32[row]);
    case MR_LANE_I64: return snprintf(to, size, "%lld", (long long)v->i64[row]);
    case MR_LANE_I128: return print_i128(to, size, v->i128[row]);
    case MR_LANE_F64: return snprintf(to, size, "%.17g", v->f64[row]);
    case MR_LANE_STRING:
        return snprintf(to, size, "'%.*s'", (int)v->strings[row].length, v->strings[row].bytes);
    default: return snprintf(to, size, "?");
    }
}

const char *fixture_print(decoded *out, uint32_t columns_count, bool has_messages)
{
    size_t at = 0;
    out->text[0] = '\0';
    for (uint32_t r = 0; r < out->rows_count; r++) {
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%u: ", out->rows[r]);
        for (uint32_t c = 0; c < columns_count; c++) {
            at += (size_t)print_value(out->text + at, sizeof out->text - at, &out->columns[c], r);
            at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%s",
                                   c + 1 < columns_count ? ", " : "; ");
        }
    }
    for (uint32_t e = 0; e < out->errors.count; e++) {
        const mr_row_error *error = &out->errors.error[e];
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, "%u! MR%d%s%s; ", error->row,
                               error->code, has_messages ? " " : "",
                               has_messages ? error->message : "");
    }
    if (at > 0)
        out->text[at - 1] = '\0';
    return out->text;
}

void fixture_release(decoded *out)
{
    mr_arena_release(&out->arena);
}
