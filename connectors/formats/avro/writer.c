#include "connectors/formats/avro/writer.h"

#include "connectors/formats/avro/schema/schema.h"
#include "connectors/formats/codes.h"
#include "connectors/formats/text/time.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"
#include "engine/expr/decimal.h"

#include <stdlib.h>

#define VARINT_MAX_BYTES 10
#define PREFIX_BYTES 5

typedef enum put_kind {
    PUT_CONSTANT = 0, /* what a field without a column always is */
    PUT_BOOLEAN,
    PUT_I32,
    PUT_I64,
    PUT_FLOAT,
    PUT_DOUBLE,
    PUT_TEXT,
    PUT_BYTES,
    PUT_FIXED,
    PUT_ENUM,
    PUT_DECIMAL,
    PUT_TIME, /* of a unit */
} put_kind;

typedef struct put {
    put_kind kind;
    uint32_t column;
    mr_type type;
    const char *name;
    bool is_option;             /* a union: branch numbers as they are written */
    int8_t branch, null_branch; /* null_branch < 0: there is none */
    const mr_avro_type *as;     /* the field's type, or its branch */
    int64_t ns;                 /* PUT_TIME: of the unit */
    const char *constant;
    size_t constant_length;
} put;

typedef struct avro_writer {
    mr_row_writer base;
    mr_avro_schema schema;
    mr_registry *registry;
    char *text, *subject;
    bool may_register, has_id;
    char prefix[PREFIX_BYTES];
    put *puts;
    uint32_t puts_count;
} avro_writer;

/* --- writing ---------------------------------------------------------------------------- */

static inline char *put_zigzag(char *to, int64_t value)
{
    uint64_t left = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (left >= 0x80) {
        *to++ = (char)(left | 0x80);
        left >>= 7;
    }
    *to++ = (char)left;
    return to;
}

static inline char *room(mr_buffer *out, size_t more)
{
    if (out->capacity - out->length < more)
        return mr_buffer_reserve(out, more);
    return out->data + out->length;
}

static inline void put_number(mr_buffer *out, int64_t value)
{
    out->length = (size_t)(put_zigzag(room(out, VARINT_MAX_BYTES), value) - out->data);
}

static void put_raw(mr_buffer *out, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(room(out, length), bytes, length);
    out->length += length;
}

static void put_bytes(mr_buffer *out, mr_string s)
{
    char *to = put_zigzag(room(out, VARINT_MAX_BYTES + s.length), s.length);
    if (s.length > 0)
        memcpy(to, s.bytes, s.length);
    out->length = (size_t)(to - out->data) + s.length;
}

static bool fail(mr_row_errors *errors, uint32_t row, mr_status code, const char *what,
                 const put *p)
{
    mr_row_errors_add(errors, row, code, "avro: %s in column `%s`", what, p->name);
    return false;
}

static bool write_text(const put *p, mr_string s, uint32_t row, mr_buffer *out,
                       mr_row_errors *errors)
{
    if (s.length > 0 && mr_utf8_bad(s.bytes, s.bytes + s.length) != s.bytes + s.length)
        return fail(errors, row, MR_E_TEXT_UTF8, "text is not UTF-8", p);
    put_bytes(out, s);
    return true;
}

static bool write_enum(const put *p, mr_string s, uint32_t row, mr_buffer *out,
                       mr_row_errors *errors)
{
    for (uint32_t i = 0; i < p->as->count; i++) {
        if (mr_string_equals(p->as->symbols[i], s)) {
            put_number(out, i);
            return true;
        }
    }
    mr_row_errors_add(errors, row, MR_E_AVRO_VALUE,
                      "avro: `%.*s` is no symbol of enum %s in column `%s`",
                      (int)(s.length < 64 ? s.length : 64), s.bytes, p->as->name, p->name);
    return false;
}

static bool write_fixed(const put *p, mr_string s, uint32_t row, mr_buffer *out,
                        mr_row_errors *errors)
{
    if (s.length != p->as->size)
        return fail(errors, row, MR_E_AVRO_VALUE, "another length than the fixed type's", p);
    put_raw(out, s.bytes, s.length);
    return true;
}

/* Two's complement, big-endian; bytes as few as will do, fixed with the sign in front. */
static bool write_decimal(const put *p, mr_i128 value, uint32_t row, mr_buffer *out,
                          mr_row_errors *errors)
{
    char bytes[16];
    mr_i128 scaled;
    mr_type type = mr_type_decimal(MR_DECIMAL_PRECISION_MAX, (uint8_t)p->as->scale);
    if (!mr_decimal_rescale(value, p->type.scale, type, &scaled) ||
        (p->as->precision <= MR_DECIMAL_PRECISION_MAX &&
         !mr_decimal_fits(scaled, p->as->precision)))
        return fail(errors, row, MR_E_FIELD_RANGE, "a decimal too large for the schema's", p);
    for (int i = 15; i >= 0; i--, scaled >>= 8)
        bytes[i] = (char)(scaled & 0xff);
    char sign = value < 0 ? (char)0xff : 0;
    uint32_t from = 0;
    while (from < 15 && bytes[from] == sign && ((bytes[from + 1] ^ sign) & 0x80) == 0)
        from++;
    uint32_t length = 16 - from;
    if (p->as->kind == MR_AVRO_BYTES) {
        put_bytes(out, mr_string_of(bytes + from, length));
        return true;
    }
    if (length > p->as->size)
        return fail(errors, row, MR_E_FIELD_RANGE, "a decimal too large for the fixed type", p);
    memset(room(out, p->as->size), sign, p->as->size);
    memcpy(out->data + out->length + p->as->size - length, bytes + from, length);
    out->length += p->as->size;
    return true;
}

static bool write_time(const put *p, int64_t us, uint32_t row, mr_buffer *out,
                       mr_row_errors *errors)
{
    int64_t value;
    if (p->ns >= 1000)
        value = us / (p->ns / 1000) - (us % (p->ns / 1000) < 0);
    else if (__builtin_mul_overflow(us, 1000, &value))
        return fail(errors, row, MR_E_FIELD_RANGE, "a time too far for nanoseconds", p);
    put_number(out, value);
    return true;
}

static void write_real(const put *p, double value, mr_buffer *out)
{
    float single = (float)value;
    if (p->kind == PUT_FLOAT)
        put_raw(out, &single, sizeof single);
    else
        put_raw(out, &value, sizeof value);
}

static bool write_value(const put *p, const mr_vector *values, uint32_t row, mr_buffer *out,
                        mr_row_errors *errors)
{
    switch (p->kind) {
    case PUT_BOOLEAN: put_raw(out, &values->bools[row], 1); return true;
    case PUT_I32: put_number(out, values->i32[row]); return true;
    case PUT_I64: put_number(out, values->i64[row]); return true;
    case PUT_FLOAT:
    case PUT_DOUBLE: write_real(p, values->f64[row], out); return true;
    case PUT_TEXT: return write_text(p, values->strings[row], row, out, errors);
    case PUT_BYTES: put_bytes(out, values->strings[row]); return true;
    case PUT_FIXED: return write_fixed(p, values->strings[row], row, out, errors);
    case PUT_ENUM: return write_enum(p, values->strings[row], row, out, errors);
    case PUT_DECIMAL: return write_decimal(p, values->i128[row], row, out, errors);
    case PUT_TIME: return write_time(p, values->i64[row], row, out, errors);
    default: return true;
    }
}

static bool write_field(const put *p, const mr_batch *batch, uint32_t row, mr_buffer *out,
                        mr_row_errors *errors)
{
    if (p->kind == PUT_CONSTANT) {
        put_raw(out, p->constant, p->constant_length);
        return true;
    }
    const mr_vector *values = &batch->columns[p->column];
    if (mr_vector_is_null(values, row)) {
        if (p->null_branch < 0)
            return fail(errors, row, MR_E_FIELD_NULL, "NULL, which the schema does not allow,", p);
        put_raw(out, &p->null_branch, 1);
        return true;
    }
    if (p->is_option)
        put_raw(out, &p->branch, 1);
    return write_value(p, values, row, out, errors);
}

static mr_written avro_write(mr_row_writer *writer, const mr_batch *batch, uint32_t row,
                             mr_buffer *out, mr_row_errors *errors)
{
    const avro_writer *w = (const avro_writer *)writer;
    if (w->registry != NULL)
        put_raw(out, w->prefix, sizeof w->prefix);
    for (uint32_t i = 0; i < w->puts_count; i++)
        if (!write_field(&w->puts[i], batch, row, out, errors))
            return MR_WRITTEN_ERROR;
    return MR_WRITTEN_BYTES;
}

/* The id of our schema is asked for once, when the first row is to be written. */
static mr_status avro_prepare(mr_row_writer *writer, mr_error *err)
{
    avro_writer *w = (avro_writer *)writer;
    uint32_t id;
    if (w->registry == NULL || w->has_id)
        return MR_OK;
    mr_status status =
        mr_registry_id_of(w->registry, w->subject, w->text, w->may_register, &id, err);
    if (status != MR_OK)
        return status;
    uint32_t big = __builtin_bswap32(id);
    memcpy(w->prefix + 1, &big, sizeof big);
    w->has_id = true;
    return MR_OK;
}

static void avro_free(mr_row_writer *writer)
{
    avro_writer *w = (avro_writer *)writer;
    mr_avro_schema_release(&w->schema);
    mr_registry_free(w->registry);
    free(w->text);
    free(w->subject);
    free(w);
}

static const mr_row_writer_class AVRO_WRITER = {
    .prepare = avro_prepare, .write = avro_write, .free = avro_free};

/* --- making ----------------------------------------------------------------------------- */

static bool set_kind(put *p, put_kind kind)
{
    p->kind = kind;
    return true;
}

static bool fit_number(put *p, const mr_avro_type *as)
{
    bool is_small = p->type.kind != MR_TYPE_BIGINT;
    if (p->type.kind == MR_TYPE_FLOAT || p->type.kind == MR_TYPE_DOUBLE) {
        bool is_float = p->type.kind == MR_TYPE_FLOAT && as->kind == MR_AVRO_FLOAT;
        return (is_float || as->kind == MR_AVRO_DOUBLE) &&
               set_kind(p, is_float ? PUT_FLOAT : PUT_DOUBLE);
    }
    if (as->logical != MR_AVRO_PLAIN && p->type.kind != MR_TYPE_DATE)
        return false;
    if (p->type.kind == MR_TYPE_DATE && as->kind != MR_AVRO_INT)
        return false;
    return (as->kind == MR_AVRO_LONG || (is_small && as->kind == MR_AVRO_INT)) &&
           set_kind(p, is_small ? PUT_I32 : PUT_I64);
}

static bool fit_bytes(put *p, const mr_avro_type *as)
{
    bool is_text = mr_type_is_text(p->type);
    if (as->logical == MR_AVRO_DECIMAL)
        return false;
    switch (as->kind) {
    case MR_AVRO_STRING: return is_text && set_kind(p, PUT_TEXT);
    case MR_AVRO_ENUM: return is_text && set_kind(p, PUT_ENUM);
    case MR_AVRO_BYTES: return set_kind(p, PUT_BYTES);
    case MR_AVRO_FIXED: return !is_text && set_kind(p, PUT_FIXED);
    default: return false;
    }
}

static bool fit_decimal(put *p, const mr_avro_type *as)
{
    return as->logical == MR_AVRO_DECIMAL && as->scale >= p->type.scale &&
           as->scale <= MR_DECIMAL_PRECISION_MAX && set_kind(p, PUT_DECIMAL);
}

static bool fit_time(put *p, const mr_avro_type *as)
{
    bool is_time = p->type.kind == MR_TYPE_TIME;
    bool is_fine = p->type.precision > 3;
    switch (as->logical) {
    case MR_AVRO_TIME_MS: p->ns = is_time ? 1000000 : 0; break;
    case MR_AVRO_TIME_US: p->ns = is_time ? 1000 : 0; break;
    case MR_AVRO_TIMESTAMP_MS:
    case MR_AVRO_LOCAL_MS: p->ns = is_time ? 0 : 1000000; break;
    case MR_AVRO_TIMESTAMP_US:
    case MR_AVRO_LOCAL_US: p->ns = is_time ? 0 : 1000; break;
    case MR_AVRO_TIMESTAMP_NS:
    case MR_AVRO_LOCAL_NS: p->ns = is_time ? 0 : 1; break;
    case MR_AVRO_PLAIN:
        p->ns = is_time || as->kind != MR_AVRO_LONG ? 0 : is_fine ? 1000 : 1000000;
        break;
    default: return false;
    }
    return p->ns != 0 && set_kind(p, PUT_TIME);
}

static bool fit(put *p, const mr_avro_type *as)
{
    p->as = as;
    switch (p->type.kind) {
    case MR_TYPE_BOOLEAN: return as->kind == MR_AVRO_BOOLEAN && set_kind(p, PUT_BOOLEAN);
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_BIGINT:
    case MR_TYPE_FLOAT:
    case MR_TYPE_DOUBLE:
    case MR_TYPE_DATE: return fit_number(p, as);
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return fit_bytes(p, as);
    case MR_TYPE_DECIMAL: return fit_decimal(p, as);
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ: return fit_time(p, as);
    default: return false;
    }
}

/* A branch's number as it is written; unions of more than 64 branches need a second byte, and are
 * refused as targets. */
static bool fit_union(put *p, const mr_avro_type *type)
{
    bool is_fit = false;
    p->is_option = true;
    for (uint32_t i = 0; i < type->count && i < 64; i++) {
        put with = *p;
        if (type->branches[i]->kind == MR_AVRO_NULL) {
            p->null_branch = (int8_t)(i * 2);
        } else if (!is_fit && fit(&with, type->branches[i])) {
            with.null_branch = p->null_branch;
            *p = with;
            p->branch = (int8_t)(i * 2);
            is_fit = true;
        }
    }
    return is_fit;
}

static mr_status add_column(put *p, const mr_codec_field *field, const mr_avro_field *target,
                            mr_error *err)
{
    char type[MR_TYPE_NAME_MAX], found[256];
    *p = (put){
        .column = field->column, .type = field->type, .name = target->name, .null_branch = -1};
    bool is_fit =
        target->type->kind == MR_AVRO_UNION ? fit_union(p, target->type) : fit(p, target->type);
    if (is_fit)
        return MR_OK;
    return mr_error_set(err, MR_E_SETTING, "avro: column `%s` of type %s cannot be written as %s",
                        target->name, mr_type_name(field->type, type, sizeof type),
                        mr_avro_type_text(target->type, found, sizeof found));
}

/* A field that the table does not have. */
static mr_status add_constant(avro_writer *w, put *p, const mr_avro_field *target, mr_error *err)
{
    *p = (put){.kind = PUT_CONSTANT, .name = target->name};
    if (target->has_default) {
        p->constant = target->default_bytes;
        p->constant_length = target->default_length;
        return MR_OK;
    }
    for (uint32_t i = 0; target->type->kind == MR_AVRO_UNION && i < target->type->count; i++) {
        if (target->type->branches[i]->kind != MR_AVRO_NULL)
            continue;
        mr_buffer bytes = {0};
        mr_buffer_put_zigzag(&bytes, i);
        p->constant = mr_arena_copy(&w->schema.arena, bytes.data, bytes.length);
        p->constant_length = bytes.length;
        mr_buffer_release(&bytes);
        return MR_OK;
    }
    return mr_error_set(
        err, MR_E_SETTING,
        "avro: the schema given has a field `%s` without a default, which the table "
        "does not have",
        target->name);
}

static const mr_codec_field *find_field(const mr_avro_field *target, const mr_codec_field *fields,
                                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, target->name) == 0)
            return &fields[i];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t a = 0; a < target->aliases_count; a++)
            if (strcmp(fields[i].name, target->aliases[a]) == 0)
                return &fields[i];
    return NULL;
}

static mr_status make_puts(avro_writer *w, const mr_codec_field *fields, uint32_t count,
                           mr_error *err)
{
    const mr_avro_type *type = w->schema.type;
    if (type->kind != MR_AVRO_RECORD)
        return mr_error_set(err, MR_E_SETTING, "avro: the schema given is no record");
    w->puts = mr_arena_zalloc(&w->schema.arena, type->count, sizeof *w->puts);
    w->puts_count = type->count;
    uint32_t found = 0;
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < type->count && status == MR_OK; i++) {
        const mr_codec_field *field = find_field(&type->fields[i], fields, count);
        found += field != NULL;
        status = field != NULL ? add_column(&w->puts[i], field, &type->fields[i], err)
                               : add_constant(w, &w->puts[i], &type->fields[i], err);
    }
    for (uint32_t f = 0; status == MR_OK && found < count && f < count; f++) {
        bool is_there = false;
        for (uint32_t i = 0; i < type->count && !is_there; i++)
            is_there = find_field(&type->fields[i], &fields[f], 1) != NULL;
        if (!is_there)
            return mr_error_set(err, MR_E_SETTING, "avro: the schema given has no field `%s`",
                                fields[f].name);
    }
    return status;
}

mr_status mr_avro_writer_new(const mr_avro_writer_config *config, const mr_codec_field *fields,
                             uint32_t fields_count, mr_row_writer **writer, mr_error *err)
{
    avro_writer *w = calloc(1, sizeof *w);
    MR_ASSERT(w != NULL);
    w->base.class = &AVRO_WRITER;
    w->registry = config->registry;
    w->may_register = config->may_register;
    w->text = strdup(config->schema);
    w->subject = strdup(config->subject != NULL ? config->subject : "");
    MR_ASSERT(w->text != NULL && w->subject != NULL);
    mr_status status = mr_avro_schema_parse(w->text, strlen(w->text), NULL, &w->schema, err);
    if (status != MR_OK) {
        err->status = MR_E_SETTING;
        status = mr_error_prefix(err, "the schema given is none");
    } else {
        status = make_puts(w, fields, fields_count, err);
    }
    if (status != MR_OK) {
        avro_free(&w->base);
        return status;
    }
    *writer = &w->base;
    return MR_OK;
}
