#include "connectors/formats/avro/decode/resolve.h"

#define NO_SYMBOL UINT32_MAX

static bool is_promoted(mr_avro_kind from, mr_avro_kind to)
{
    switch (to) {
    case MR_AVRO_LONG: return from == MR_AVRO_INT;
    case MR_AVRO_FLOAT: return from == MR_AVRO_INT || from == MR_AVRO_LONG;
    case MR_AVRO_DOUBLE:
        return from == MR_AVRO_INT || from == MR_AVRO_LONG || from == MR_AVRO_FLOAT;
    case MR_AVRO_STRING: return from == MR_AVRO_BYTES;
    case MR_AVRO_BYTES: return from == MR_AVRO_STRING;
    default: return false;
    }
}

static bool matches(const mr_avro_type *writer, const mr_avro_type *reader)
{
    if (writer->kind != reader->kind)
        return false;
    return writer->kind != MR_AVRO_FIXED || writer->size == reader->size;
}

/* The last part of a name is what the specification compares; no name, no difference. */
static bool is_namesake(const mr_avro_type *a, const mr_avro_type *b)
{
    if (a->name == NULL || b->name == NULL)
        return a->name == b->name;
    const char *last_a = strrchr(a->name, '.'), *last_b = strrchr(b->name, '.');
    return strcmp(last_a != NULL ? last_a + 1 : a->name, last_b != NULL ? last_b + 1 : b->name) ==
           0;
}

/* Of a union the branch of the same name; a name alone that differs is overlooked. */
const mr_avro_type *mr_avro_match(const mr_avro_type *writer, const mr_avro_type *reader)
{
    if (reader->kind != MR_AVRO_UNION)
        return matches(writer, reader) || is_promoted(writer->kind, reader->kind) ? reader : NULL;
    for (int by_name = 1; by_name >= 0; by_name--)
        for (uint32_t i = 0; i < reader->count; i++)
            if (matches(writer, reader->branches[i]) &&
                (!by_name || is_namesake(writer, reader->branches[i])))
                return reader->branches[i];
    for (uint32_t i = 0; i < reader->count; i++)
        if (is_promoted(writer->kind, reader->branches[i]->kind))
            return reader->branches[i];
    return NULL;
}

static bool code(mr_avro_op *op, mr_avro_code which)
{
    op->code = (uint8_t)which;
    return true;
}

static bool resolve_integer(const mr_avro_type *writer, mr_type type, mr_avro_op *op)
{
    if (type.kind == MR_TYPE_BIGINT && writer->kind == MR_AVRO_LONG)
        return code(op, MR_AVRO_OP_LONG);
    if (writer->kind != MR_AVRO_INT)
        return false;
    if (type.kind == MR_TYPE_BIGINT)
        return code(op, MR_AVRO_OP_INT_LONG);
    if (type.kind == MR_TYPE_INT)
        return code(op, MR_AVRO_OP_INT);
    op->limit = type.kind == MR_TYPE_TINYINT ? INT8_MAX : INT16_MAX;
    return code(op, MR_AVRO_OP_INT_SMALL);
}

static bool resolve_real(const mr_avro_type *writer, mr_type type, mr_avro_op *op)
{
    op->flag = type.kind == MR_TYPE_FLOAT;
    switch (writer->kind) {
    case MR_AVRO_INT: return code(op, MR_AVRO_OP_INT_REAL);
    case MR_AVRO_LONG: return code(op, MR_AVRO_OP_LONG_REAL);
    case MR_AVRO_FLOAT: return code(op, MR_AVRO_OP_FLOAT);
    case MR_AVRO_DOUBLE: return type.kind == MR_TYPE_DOUBLE && code(op, MR_AVRO_OP_DOUBLE);
    default: return false;
    }
}

/* Symbols as the reader's enum knows them: another one is its default, or an error. */
static bool resolve_enum(const mr_avro_type *writer, const mr_avro_type *reader, mr_arena *arena,
                         mr_avro_op *op)
{
    mr_string *symbols = mr_arena_copy(arena, writer->symbols, writer->count * sizeof *symbols);
    bool has_reader = reader != NULL && reader->kind == MR_AVRO_ENUM;
    for (uint32_t i = 0; has_reader && i < writer->count; i++) {
        bool is_known = false;
        for (uint32_t j = 0; j < reader->count && !is_known; j++)
            is_known = mr_string_equals(reader->symbols[j], symbols[i]);
        if (!is_known && reader->symbol_default >= 0)
            symbols[i] = reader->symbols[reader->symbol_default];
        else if (!is_known)
            symbols[i].length = NO_SYMBOL;
    }
    for (uint32_t i = 0; i < writer->count; i++)
        if (symbols[i].length != NO_SYMBOL)
            symbols[i] = mr_string_of(mr_arena_copy(arena, symbols[i].bytes, symbols[i].length),
                                      symbols[i].length);
    op->symbols = symbols;
    op->limit = writer->count;
    return code(op, MR_AVRO_OP_ENUM);
}

static bool resolve_text(const mr_avro_type *writer, const mr_avro_type *reader, mr_arena *arena,
                         mr_avro_op *op)
{
    if (writer->kind == MR_AVRO_ENUM)
        return resolve_enum(writer, reader, arena, op);
    bool is_text = writer->kind == MR_AVRO_STRING ||
                   (writer->kind == MR_AVRO_BYTES && writer->logical == MR_AVRO_PLAIN);
    return is_text && code(op, MR_AVRO_OP_STRING);
}

static bool resolve_bytes(const mr_avro_type *writer, mr_avro_op *op)
{
    if (writer->kind == MR_AVRO_STRING)
        return code(op, MR_AVRO_OP_STRING);
    op->limit = writer->size;
    if (writer->kind == MR_AVRO_FIXED)
        return code(op, MR_AVRO_OP_FIXED);
    return writer->kind == MR_AVRO_BYTES && code(op, MR_AVRO_OP_BYTES);
}

static bool resolve_decimal(const mr_avro_type *writer, const mr_avro_type *reader, mr_type type,
                            mr_avro_op *op)
{
    if (writer->kind != MR_AVRO_BYTES && writer->kind != MR_AVRO_FIXED)
        return false;
    uint32_t scale = type.scale;
    if (writer->logical == MR_AVRO_DECIMAL)
        scale = writer->scale;
    else if (reader != NULL && reader->logical == MR_AVRO_DECIMAL)
        scale = reader->scale;
    if (scale > MR_DECIMAL_PRECISION_MAX)
        return false;
    op->flag = writer->kind == MR_AVRO_FIXED;
    op->limit = writer->size;
    op->scale = (uint16_t)scale;
    return code(op, MR_AVRO_OP_DECIMAL);
}

/* Nanoseconds of a unit; 0: no such thing. */
static int64_t unit_of(mr_avro_logical logical, bool is_instant)
{
    switch (logical) {
    case MR_AVRO_TIME_MS: return is_instant ? 0 : 1000000;
    case MR_AVRO_TIME_US: return is_instant ? 0 : 1000;
    case MR_AVRO_TIMESTAMP_MS:
    case MR_AVRO_LOCAL_MS: return is_instant ? 1000000 : 0;
    case MR_AVRO_TIMESTAMP_US:
    case MR_AVRO_LOCAL_US: return is_instant ? 1000 : 0;
    case MR_AVRO_TIMESTAMP_NS:
    case MR_AVRO_LOCAL_NS: return is_instant ? 1 : 0;
    default: return 0;
    }
}

static bool resolve_time(const mr_avro_type *writer, const mr_avro_type *reader, mr_type type,
                         mr_avro_op *op)
{
    bool is_instant = type.kind != MR_TYPE_TIME, is_int = writer->kind == MR_AVRO_INT;
    if (!is_int && writer->kind != MR_AVRO_LONG)
        return false;
    if (writer->logical != MR_AVRO_PLAIN)
        op->limit = unit_of(writer->logical, is_instant);
    else if (reader != NULL && reader->logical != MR_AVRO_PLAIN)
        op->limit = unit_of(reader->logical, is_instant);
    else
        op->limit = type.precision <= 3 ? 1000000 : 1000;
    if (op->limit == 0)
        return false;
    op->flag = is_int;
    op->scale = type.precision;
    if (is_instant && !is_int && op->limit == 1000000 && type.precision >= 3)
        return code(op, MR_AVRO_OP_INSTANT_MS);
    return code(op, is_instant ? MR_AVRO_OP_INSTANT : MR_AVRO_OP_TIME);
}

bool mr_avro_resolve(const mr_avro_type *writer, const mr_avro_want *want, mr_arena *arena,
                     mr_avro_op *op)
{
    const mr_avro_type *reader = want->reader;
    *op = (mr_avro_op){0};
    if (reader != NULL)
        reader = mr_avro_match(writer, reader);
    if (want->reader != NULL && reader == NULL)
        return false;
    switch (want->type.kind) {
    case MR_TYPE_BOOLEAN: return writer->kind == MR_AVRO_BOOLEAN && code(op, MR_AVRO_OP_BOOLEAN);
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_BIGINT: return resolve_integer(writer, want->type, op);
    case MR_TYPE_FLOAT:
    case MR_TYPE_DOUBLE: return resolve_real(writer, want->type, op);
    case MR_TYPE_DECIMAL: return resolve_decimal(writer, reader, want->type, op);
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: return resolve_text(writer, reader, arena, op);
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return resolve_bytes(writer, op);
    case MR_TYPE_DATE:
        return writer->kind == MR_AVRO_INT &&
               (writer->logical == MR_AVRO_PLAIN || writer->logical == MR_AVRO_DATE) &&
               code(op, MR_AVRO_OP_INT);
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ: return resolve_time(writer, reader, want->type, op);
    default: return false;
    }
}
