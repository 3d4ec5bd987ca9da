#include "connectors/formats/csv/decoder.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/csv/scan.h"
#include "connectors/formats/text/convert.h"
#include "connectors/formats/text/digits.h"
#include "connectors/formats/text/time.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN_NONE UINT32_MAX
#define DIGITS_BYTES 16 /* what the readers of digits look at */
#define MINUTE_BYTES 16 /* yyyy-MM-dd HH:mm */

typedef enum reader {
    READ_ANY = 0,
    READ_TEXT,
    READ_BIGINT,
    READ_TIMESTAMP, /* of 3 or more digits */
    READ_TIMESTAMP_LTZ,
} reader;

typedef struct wanted {
    reader read;
    mr_type type;
    const char *name;
    uint32_t place;
} wanted;

typedef struct csv_decoder {
    mr_decoder base;
    mr_arena memory; /* the decoder's own life */
    mr_csv_dialect dialect;
    mr_record_part part;
    uint32_t width;
    uint32_t *column_of; /* [width], COLUMN_NONE: not wanted */
    uint32_t columns_count;
    wanted *wanted; /* [columns_count] */
    /* The last minute a timestamp named: rows that follow each other share it. */
    char minute[MINUTE_BYTES];
    int64_t minute_us;
    bool has_minute;

    /* one call of decode */
    mr_vector *columns;
    mr_arena *arena;
    uint32_t rows_max, row;
    mr_csv_scan scan;
    uint32_t bad_place; /* field to blame, from 0 */
    uint32_t bad_column;
    bool is_null_error; /* NULL for a NOT NULL column: no parse error that could be ignored */
} csv_decoder;

typedef enum verdict { ROW_GOOD = 0, ROW_NONE, ROW_BAD } verdict;

static bool fail(csv_decoder *d, uint32_t column, int32_t code, const char *at, const char *reason)
{
    d->bad_column = column;
    d->scan.code = code;
    d->scan.bad_at = at;
    d->scan.reason = reason;
    return false;
}

static bool set_null(csv_decoder *d, uint32_t column, const char *at)
{
    if (!d->wanted[column].type.is_nullable) {
        d->is_null_error = true;
        return fail(d, column, MR_E_FIELD_NULL, at, "NULL in a NOT NULL column");
    }
    mr_vector_set_null(&d->columns[column], d->row, d->rows_max, d->arena);
    return true;
}

static void remember_minute(csv_decoder *d, const char *text, int64_t us)
{
    memcpy(d->minute, text, MINUTE_BYTES);
    int64_t behind = us % (60 * MR_US_PER_SECOND);
    d->minute_us = us - (behind < 0 ? behind + 60 * MR_US_PER_SECOND : behind);
    d->has_minute = true;
}

/* A timestamp of the remembered minute, with no fraction or three digits of it. */
static bool read_timestamp(const csv_decoder *d, const mr_csv_field *field, bool is_utc,
                           int64_t *us)
{
    const char *text = field->text;
    uint32_t length = field->length - is_utc;
    if ((length != 19 && length != 23) || !d->has_minute || text[16] != ':' ||
        (is_utc && text[length] != 'Z') || memcmp(text, d->minute, MINUTE_BYTES) != 0)
        return false;
    unsigned tens = (unsigned char)(text[17] - '0'), ones = (unsigned char)(text[18] - '0');
    unsigned ms = 0;
    if (tens > 5 || ones > 9)
        return false;
    if (length == 23) {
        unsigned a = (unsigned char)(text[20] - '0'), b = (unsigned char)(text[21] - '0'),
                 c = (unsigned char)(text[22] - '0');
        if (text[19] != '.' || a > 9 || b > 9 || c > 9)
            return false;
        ms = a * 100 + b * 10 + c;
    }
    *us = d->minute_us + (int64_t)(tens * 10 + ones) * 1000000 + (int64_t)ms * 1000;
    return true;
}

/* A usual integer; false: the general path has to. */
static bool read_bigint(const mr_csv_field *field, const char *end, int64_t *value)
{
#ifdef MR_HAS_DIGITS
    bool is_negative = field->length > 1 && *field->text == '-';
    const char *digits = field->text + is_negative;
    uint32_t count = field->length - is_negative;
    if (count == 0 || count > 15 || end - digits < DIGITS_BYTES || mr_digits_count(digits) < count)
        return false;
    int64_t magnitude = (int64_t)mr_digits_value(digits, count);
    *value = is_negative ? -magnitude : magnitude;
    return true;
#else
    (void)field, (void)end, (void)value;
    return false;
#endif
}

static bool read_any(csv_decoder *d, uint32_t column, mr_csv_field *field, const char *source)
{
    mr_vector *to = &d->columns[column];
    const wanted *want = &d->wanted[column];
    mr_convert_problem problem = {0};
    mr_csv_make(&d->dialect, d->arena, field);
    mr_convert_outcome outcome =
        mr_convert_text(field->text, field->length, ' ', to, d->row, d->arena, &problem);
    if (outcome == MR_CONVERT_STORED && want->read >= READ_TIMESTAMP &&
        field->length > MINUTE_BYTES)
        remember_minute(d, field->text, to->i64[d->row]);
    if (outcome == MR_CONVERT_NULL ||
        (outcome == MR_CONVERT_BAD && d->dialect.is_ignoring_parse_errors))
        return set_null(d, column, source);
    if (outcome == MR_CONVERT_BAD && field->length == 0)
        return fail(d, column, problem.code, source,
                    "the field is empty ('csv.null-literal' = '' would make it NULL)");
    return outcome == MR_CONVERT_STORED || fail(d, column, problem.code, source, problem.reason);
}

static bool is_null_literal(const csv_decoder *d, const mr_csv_field *field)
{
    return d->dialect.null_literal != NULL && field->length == d->dialect.null_length &&
           memcmp(field->text, d->dialect.null_literal, field->length) == 0;
}

static bool read_text(csv_decoder *d, uint32_t column, const mr_csv_field *field,
                      const char *source)
{
    if (!field->is_ascii) {
        const char *end = field->text + field->length, *bad = mr_utf8_bad(field->text, end);
        if (bad != end && d->dialect.is_ignoring_parse_errors)
            return set_null(d, column, source);
        if (bad != end)
            return fail(d, column, MR_E_TEXT_UTF8, source, "text that is not UTF-8");
    }
    d->columns[column].strings[d->row] = mr_string_of(field->text, field->length);
    return true;
}

static bool store(csv_decoder *d, uint32_t column, mr_csv_field *field)
{
    mr_vector *to = &d->columns[column];
    const char *source = field->text - field->is_quoted;
    /* A bit that is not looked at where no row is NULL. */
    if (to->valid != NULL)
        mr_bitmap_set(to->valid, d->row);
    if (field->is_coded)
        mr_csv_make(&d->dialect, d->arena, field);
    if (is_null_literal(d, field))
        return set_null(d, column, source);
    bool is_stored = false;
    switch (d->wanted[column].read) {
    case READ_TEXT: is_stored = read_text(d, column, field, source); break;
    case READ_BIGINT:
        /* What was made has nothing behind it that could be looked at. */
        is_stored = field->text >= d->scan.start && field->text < d->scan.end &&
                    read_bigint(field, d->scan.end, &to->i64[d->row]);
        is_stored = is_stored || read_any(d, column, field, source);
        break;
    case READ_TIMESTAMP:
    case READ_TIMESTAMP_LTZ:
        is_stored = read_timestamp(d, field, d->wanted[column].read == READ_TIMESTAMP_LTZ,
                                   &to->i64[d->row]) ||
                    read_any(d, column, field, source);
        break;
    default: is_stored = read_any(d, column, field, source);
    }
    return is_stored;
}

static bool is_blank(const mr_csv_field *field)
{
    for (uint32_t i = 0; i < field->length; i++)
        if ((unsigned char)field->text[i] > ' ')
            return false;
    return true;
}

/* Fields that the row does not have. */
static bool fill_up(csv_decoder *d, uint32_t place)
{
    d->bad_place = place;
    if (!d->dialect.is_ignoring_parse_errors)
        return fail(d, COLUMN_NONE, MR_E_CSV_WIDTH, d->scan.end, "too few fields");
    for (; place < d->width; place++)
        if (d->column_of[place] != COLUMN_NONE && !set_null(d, d->column_of[place], d->scan.end))
            return false;
    return true;
}

/* One field more than there are columns: blank, and the last, or else too many. */
static bool check_extra(csv_decoder *d, uint32_t place, const char *source, mr_csv_field *field)
{
    mr_csv_make(&d->dialect, d->arena, field);
    if (place == d->width && d->scan.is_last && is_blank(field))
        return true;
    return fail(d, COLUMN_NONE, MR_E_CSV_WIDTH, source, "too many fields");
}

static bool read_fields(csv_decoder *d)
{
    mr_csv_scan *scan = &d->scan;
    const char *const start = scan->start, *const end = scan->end, *at = start;
    d->bad_column = COLUMN_NONE;
    for (uint32_t place = 0;; place++) {
        const char *source = at;
        unsigned high = 0;
        mr_csv_field field;
        const char *stop = mr_csv_usual(&d->dialect, at, start, end, &high);
        bool is_last = stop == end;
        d->bad_place = place;
        if (stop != NULL) {
            field =
                (mr_csv_field){.text = at, .length = (uint32_t)(stop - at), .is_ascii = high == 0};
            at = stop + !is_last;
        } else {
            scan->at = at;
            if (!mr_csv_next_slow(scan, &field))
                return false;
            at = scan->at;
            is_last = scan->is_last;
        }
        if (place >= d->width) {
            scan->is_last = is_last;
            return check_extra(d, place, source, &field);
        }
        uint32_t column = d->column_of[place];
        if (column != COLUMN_NONE && !store(d, column, &field))
            return false;
        if (is_last)
            return place + 1 == d->width || fill_up(d, place + 1);
    }
}

static verdict read_row(csv_decoder *d, const char *text, size_t length)
{
    const char *end = text + length;
    size_t mark = mr_utf8_mark(text, length);
    text += mark;
    length -= mark;
    if (length == 0 || (*text == '\n' && length == 1) ||
        (length == 2 && text[0] == '\r' && text[1] == '\n') ||
        mr_csv_is_comment(&d->dialect, text, end))
        return ROW_NONE;
    mr_csv_begin(&d->scan, &d->dialect, text, length);
    d->is_null_error = false;
    if (read_fields(d))
        return ROW_GOOD;
    return d->dialect.is_ignoring_parse_errors && !d->is_null_error ? ROW_NONE : ROW_BAD;
}

static void report(csv_decoder *d, uint32_t record, mr_row_errors *errors)
{
    size_t at = (size_t)(d->scan.bad_at - d->scan.start);
    char type[MR_TYPE_NAME_MAX];
    if (d->bad_column != COLUMN_NONE) {
        const wanted *want = &d->wanted[d->bad_column];
        mr_row_errors_add(errors, record, d->scan.code, "csv: %s at field %u `%s` (%s), byte %zu",
                          d->scan.reason, want->place + 1, want->name,
                          mr_type_name(want->type, type, sizeof type), at);
    } else if (d->scan.code == MR_E_CSV_WIDTH) {
        mr_row_errors_add(errors, record, d->scan.code,
                          "csv: %s, the row has %s%u and the table %u, byte %zu", d->scan.reason,
                          d->bad_place >= d->width ? "more than " : "",
                          d->bad_place >= d->width ? d->width : d->bad_place, d->width, at);
    } else {
        mr_row_errors_add(errors, record, d->scan.code, "csv: %s at field %u, byte %zu",
                          d->scan.reason, d->bad_place + 1, at);
    }
}

/* A key that is NULL: so are all columns in it. */
static verdict read_null(csv_decoder *d)
{
    mr_csv_begin(&d->scan, &d->dialect, "", 0);
    for (uint32_t c = 0; c < d->columns_count; c++)
        if (!set_null(d, c, d->scan.start))
            return ROW_BAD;
    return ROW_GOOD;
}

static mr_status csv_decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                            uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                            mr_arena *arena, mr_error *err)
{
    (void)err;
    csv_decoder *d = (csv_decoder *)decoder;
    bool is_key = d->part == MR_PART_KEY;
    d->columns = columns;
    d->rows_max = records->count;
    d->arena = arena;
    d->row = 0;
    for (uint32_t c = 0; c < d->columns_count; c++)
        columns[c] = mr_vector_new(d->wanted[c].type, records->count, arena);
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        const char *text = is_key ? record->key : record->value;
        if (text == NULL && !is_key)
            continue;
        verdict is = text == NULL
                         ? read_null(d)
                         : read_row(d, text, is_key ? record->key_length : record->value_length);
        if (is == ROW_GOOD)
            rows[d->row++] = i;
        else if (is == ROW_BAD)
            report(d, i, errors);
    }
    *rows_count = d->row;
    return MR_OK;
}

static void csv_free(mr_decoder *decoder)
{
    csv_decoder *d = (csv_decoder *)decoder;
    mr_arena_release(&d->memory);
    free(d);
}

static const mr_decoder_class CSV_DECODER = {.decode = csv_decode, .free = csv_free};

static reader reader_of(mr_type type)
{
    if (mr_type_is_text(type))
        return READ_TEXT;
    if (type.kind == MR_TYPE_BIGINT)
        return READ_BIGINT;
    if (!mr_type_is_timestamp(type) || type.precision < 3)
        return READ_ANY;
    return type.kind == MR_TYPE_TIMESTAMP_LTZ ? READ_TIMESTAMP_LTZ : READ_TIMESTAMP;
}

static mr_status add_column(csv_decoder *d, const mr_codec_column *from, uint32_t c, mr_error *err)
{
    char type[MR_TYPE_NAME_MAX];
    mr_type_kind kind = from->type.kind;
    if (from->path_length > 1)
        return mr_error_set(err, MR_E_SETTING, "csv cannot hold column `%s` of type ROW",
                            from->path[0]);
    if (mr_type_lane(from->type) == MR_LANE_NONE || kind == MR_TYPE_INTERVAL_MONTH ||
        kind == MR_TYPE_INTERVAL_SECOND)
        return mr_error_set(err, MR_E_SETTING, "csv cannot hold column `%s` of type %s",
                            from->path[0], mr_type_name(from->type, type, sizeof type));
    if (from->place >= d->width || d->column_of[from->place] != COLUMN_NONE)
        return mr_error_set(err, MR_E_INTERNAL, "csv: column `%s` has place %u of %u",
                            from->path[0], from->place, d->width);
    d->column_of[from->place] = c;
    d->wanted[c] =
        (wanted){.read = reader_of(from->type),
                 .type = from->type,
                 .name = mr_arena_string(&d->memory, from->path[0], strlen(from->path[0])),
                 .place = from->place};
    return MR_OK;
}

mr_status mr_csv_decoder_new(const mr_codec_column *columns, uint32_t columns_count, uint32_t width,
                             mr_record_part part, const mr_csv_dialect *dialect,
                             mr_decoder **decoder, mr_error *err)
{
    csv_decoder *d = calloc(1, sizeof *d);
    MR_ASSERT(d != NULL);
    d->base.class = &CSV_DECODER;
    d->part = part;
    d->dialect = *dialect;
    if (dialect->null_literal != NULL)
        d->dialect.null_literal =
            mr_arena_string(&d->memory, dialect->null_literal, dialect->null_length);
    d->width = width;
    d->columns_count = columns_count;
    d->column_of = mr_arena_zalloc(&d->memory, (size_t)width + 1, sizeof *d->column_of);
    d->wanted = mr_arena_zalloc(&d->memory, (size_t)columns_count + 1, sizeof *d->wanted);
    for (uint32_t p = 0; p < width; p++)
        d->column_of[p] = COLUMN_NONE;
    for (uint32_t c = 0; c < columns_count; c++) {
        mr_status status = add_column(d, &columns[c], c, err);
        if (status != MR_OK) {
            csv_free(&d->base);
            return status;
        }
    }
    *decoder = &d->base;
    return MR_OK;
}
