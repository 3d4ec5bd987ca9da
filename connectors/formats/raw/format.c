#include "connectors/formats/raw/format.h"

#include "connectors/formats/codes.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <strings.h>

typedef struct raw_decoder {
    mr_decoder base;
    mr_record_part part;
    bool has_column; /* false: no column is wanted, every record is a row */
    bool is_little;
    mr_type type;
} raw_decoder;

typedef struct raw_writer {
    mr_row_writer base;
    bool is_little;
    uint32_t column;
    mr_type type;
    char *name;
} raw_writer;

/* Bytes of a fixed-size type, 0 for text and bytes, -1 for what raw cannot hold. */
static int raw_size(mr_type type)
{
    switch (type.kind) {
    case MR_TYPE_BOOLEAN:
    case MR_TYPE_TINYINT: return 1;
    case MR_TYPE_SMALLINT: return 2;
    case MR_TYPE_INT:
    case MR_TYPE_FLOAT: return 4;
    case MR_TYPE_BIGINT:
    case MR_TYPE_DOUBLE: return 8;
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return 0;
    default: return -1;
    }
}

static uint64_t read_bits(const char *bytes, int size, bool is_little)
{
    uint64_t bits = 0;
    for (int i = 0; i < size; i++)
        bits = bits << 8 | (unsigned char)bytes[is_little ? size - 1 - i : i];
    return bits;
}

static void write_bits(char *to, uint64_t bits, int size, bool is_little)
{
    for (int i = 0; i < size; i++)
        to[is_little ? i : size - 1 - i] = (char)(bits >> (8 * i));
}

static void store_bits(uint64_t bits, mr_type type, mr_vector *to, uint32_t row)
{
    uint32_t low = (uint32_t)bits;
    float single;
    switch (type.kind) {
    case MR_TYPE_BOOLEAN: to->bools[row] = bits != 0; break;
    case MR_TYPE_TINYINT: to->i32[row] = (int8_t)bits; break;
    case MR_TYPE_SMALLINT: to->i32[row] = (int16_t)bits; break;
    case MR_TYPE_INT: to->i32[row] = (int32_t)low; break;
    case MR_TYPE_FLOAT:
        memcpy(&single, &low, sizeof single);
        to->f64[row] = (double)single;
        break;
    default: memcpy(&to->i64[row], &bits, sizeof bits); break; /* BIGINT, DOUBLE */
    }
}

static uint64_t load_bits(const mr_vector *from, mr_type type, uint32_t row)
{
    uint32_t low;
    uint64_t bits;
    float single;
    switch (type.kind) {
    case MR_TYPE_BOOLEAN: return from->bools[row];
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT: return (uint64_t)(int64_t)from->i32[row];
    case MR_TYPE_FLOAT:
        single = (float)from->f64[row];
        memcpy(&low, &single, sizeof low);
        return low;
    default: memcpy(&bits, &from->i64[row], sizeof bits); return bits;
    }
}

static bool store(const raw_decoder *d, const char *bytes, uint32_t length, mr_vector *to,
                  uint32_t row, uint32_t record, mr_row_errors *errors)
{
    int size = raw_size(d->type);
    if (size > 0) {
        if (length == (uint32_t)size) {
            store_bits(read_bits(bytes, size, d->is_little), d->type, to, row);
            return true;
        }
        mr_row_errors_add(errors, record, MR_E_RAW_LENGTH, "raw: %u bytes, the type has %d", length,
                          size);
        return false;
    }
    if (mr_type_is_text(d->type)) {
        const char *bad = mr_utf8_bad(bytes, bytes + length);
        if (bad != bytes + length) {
            mr_row_errors_add(errors, record, MR_E_TEXT_UTF8, "raw: text is not UTF-8, byte %zu",
                              (size_t)(bad - bytes));
            return false;
        }
    }
    to->strings[row] = mr_string_of(bytes, length);
    return true;
}

static mr_status raw_decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                            uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                            mr_arena *arena, mr_error *err)
{
    (void)err;
    raw_decoder *d = (raw_decoder *)decoder;
    uint32_t row = 0;
    if (d->has_column)
        columns[0] = mr_vector_new(d->type, records->count, arena);
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        bool is_key = d->part == MR_PART_KEY;
        const char *bytes = is_key ? record->key : record->value;
        if (d->has_column && bytes == NULL) {
            if (!d->type.is_nullable) {
                mr_row_errors_add(errors, i, MR_E_FIELD_NULL, "raw: NULL in a NOT NULL column");
                continue;
            }
            mr_vector_set_null(&columns[0], row, records->count, arena);
        } else if (d->has_column) {
            if (!store(d, bytes, is_key ? record->key_length : record->value_length, &columns[0],
                       row, i, errors))
                continue;
            if (columns[0].valid != NULL)
                mr_bitmap_set(columns[0].valid, row);
        }
        rows[row++] = i;
    }
    *rows_count = row;
    return MR_OK;
}

static void raw_decoder_free(mr_decoder *decoder)
{
    free(decoder);
}

static const mr_decoder_class RAW_DECODER = {.decode = raw_decode, .free = raw_decoder_free};

static mr_written raw_write(mr_row_writer *writer, const mr_batch *batch, uint32_t row,
                            mr_buffer *out, mr_row_errors *errors)
{
    const raw_writer *w = (const raw_writer *)writer;
    const mr_vector *values = &batch->columns[w->column];
    if (mr_vector_is_null(values, row))
        return MR_WRITTEN_NULL;
    int size = raw_size(w->type);
    if (size > 0) {
        char bytes[8];
        write_bits(bytes, load_bits(values, w->type, row), size, w->is_little);
        mr_buffer_put(out, bytes, (size_t)size);
        return MR_WRITTEN_BYTES;
    }
    mr_string s = values->strings[row];
    if (s.length == 0)
        return MR_WRITTEN_BYTES;
    if (mr_type_is_text(w->type) &&
        mr_utf8_bad(s.bytes, s.bytes + s.length) != s.bytes + s.length) {
        mr_row_errors_add(errors, row, MR_E_TEXT_UTF8, "raw: text is not UTF-8 in column `%s`",
                          w->name);
        return MR_WRITTEN_ERROR;
    }
    mr_buffer_put(out, s.bytes, s.length);
    return MR_WRITTEN_BYTES;
}

static void raw_writer_free(mr_row_writer *writer)
{
    raw_writer *w = (raw_writer *)writer;
    free(w->name);
    free(w);
}

static const mr_row_writer_class RAW_WRITER = {.write = raw_write, .free = raw_writer_free};

static const char *const ENDIANNESS[] = {"big-endian", "little-endian", NULL};
static const char *const CHARSETS[] = {"UTF-8", NULL};

static const mr_format_option OPTIONS[] = {
    {"endianness", MR_OPTION_ENUM, ENDIANNESS, "big-endian", "byte order of numbers"},
    {"charset", MR_OPTION_ENUM, CHARSETS, "UTF-8", "of text columns"},
};

static bool is_little(const mr_format_use *use)
{
    return strcasecmp(mr_format_value(use, "endianness"), "little-endian") == 0;
}

static mr_status check_type(mr_type type, mr_error *err)
{
    char name[MR_TYPE_NAME_MAX];
    if (raw_size(type) >= 0)
        return MR_OK;
    return mr_error_set(err, MR_E_SETTING, "raw cannot hold a column of type %s",
                        mr_type_name(type, name, sizeof name));
}

static mr_status decoder_new(const mr_format_use *use, const mr_codec_column *columns,
                             uint32_t columns_count, mr_record_part part, mr_decoder **decoder,
                             mr_error *err)
{
    if (columns_count > 1)
        return mr_error_set(err, MR_E_SETTING, "raw takes one column, not %u", columns_count);
    if (columns_count == 1) {
        mr_status status = check_type(columns[0].type, err);
        if (status != MR_OK)
            return status;
    }
    raw_decoder *d = calloc(1, sizeof *d);
    MR_ASSERT(d != NULL);
    d->base.class = &RAW_DECODER;
    d->part = part;
    d->is_little = is_little(use);
    d->has_column = columns_count == 1;
    if (d->has_column)
        d->type = columns[0].type;
    *decoder = &d->base;
    return MR_OK;
}

static mr_status writer_new(const mr_format_use *use, const mr_codec_field *fields,
                            uint32_t fields_count, mr_row_writer **writer, mr_error *err)
{
    if (fields_count != 1)
        return mr_error_set(err, MR_E_SETTING, "raw takes one column, not %u", fields_count);
    mr_status status = check_type(fields[0].type, err);
    if (status != MR_OK)
        return status;
    raw_writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &RAW_WRITER;
    w->is_little = is_little(use);
    w->column = fields[0].column;
    w->type = fields[0].type;
    w->name = strdup(fields[0].name);
    MR_ASSERT(w->name != NULL);
    *writer = &w->base;
    return MR_OK;
}

const mr_format mr_format_raw = {
    .name = "raw",
    .options = OPTIONS,
    .options_count = MR_LENGTH(OPTIONS),
    .takes_one_column = true,
    .decoder_new = decoder_new,
    .writer_new = writer_new,
};
