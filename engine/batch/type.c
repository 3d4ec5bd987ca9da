#include "engine/batch/type.h"

#include "engine/base/assert.h"
#include "engine/batch/string.h"

#include <stdio.h>
#include <string.h>

mr_lane mr_type_lane(mr_type type)
{
    switch (type.kind) {
    case MR_TYPE_NULL:
    case MR_TYPE_ROW: return MR_LANE_NONE;
    case MR_TYPE_BOOLEAN: return MR_LANE_BOOL;
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_DATE:
    case MR_TYPE_INTERVAL_MONTH: return MR_LANE_I32;
    case MR_TYPE_BIGINT:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
    case MR_TYPE_INTERVAL_SECOND: return MR_LANE_I64;
    case MR_TYPE_FLOAT:
    case MR_TYPE_DOUBLE: return MR_LANE_F64;
    case MR_TYPE_DECIMAL: return MR_LANE_I128;
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return MR_LANE_STRING;
    }
    return MR_LANE_NONE;
}

size_t mr_lane_size(mr_lane lane)
{
    static const size_t sizes[] = {0,
                                   sizeof(uint8_t),
                                   sizeof(int32_t),
                                   sizeof(int64_t),
                                   sizeof(mr_i128),
                                   sizeof(double),
                                   sizeof(mr_string)};
    MR_ASSERT((size_t)lane < MR_LENGTH(sizes));
    return sizes[lane];
}

mr_type mr_type_of(mr_type_kind kind)
{
    mr_type type = {.kind = kind, .is_nullable = true};
    switch (kind) {
    case MR_TYPE_DECIMAL: type.precision = 10; break;
    case MR_TYPE_CHAR:
    case MR_TYPE_BINARY: type.length = 1; break;
    case MR_TYPE_VARCHAR:
    case MR_TYPE_VARBINARY: type.length = MR_LENGTH_UNBOUNDED; break;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ: type.precision = 6; break;
    default: break;
    }
    return type;
}

mr_type mr_type_decimal(uint8_t precision, uint8_t scale)
{
    return (mr_type){
        .kind = MR_TYPE_DECIMAL, .is_nullable = true, .precision = precision, .scale = scale};
}

mr_type mr_type_time(mr_type_kind kind, uint8_t precision)
{
    return (mr_type){.kind = kind, .is_nullable = true, .precision = precision};
}

mr_type mr_type_string(void)
{
    return mr_type_of(MR_TYPE_VARCHAR);
}

mr_type mr_type_not_null(mr_type type)
{
    type.is_nullable = false;
    return type;
}

mr_type mr_type_nullable(mr_type type, bool is_nullable)
{
    type.is_nullable = is_nullable;
    return type;
}

static bool row_matches(const struct mr_row_type *a, const struct mr_row_type *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->fields_count != b->fields_count)
        return false;
    for (uint32_t i = 0; i < a->fields_count; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
            !mr_type_equals(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

bool mr_type_matches(mr_type a, mr_type b)
{
    return a.kind == b.kind && a.precision == b.precision && a.scale == b.scale &&
           a.length == b.length && row_matches(a.row, b.row);
}

bool mr_type_equals(mr_type a, mr_type b)
{
    return a.is_nullable == b.is_nullable && mr_type_matches(a, b);
}

bool mr_type_is_integer(mr_type type)
{
    return type.kind >= MR_TYPE_TINYINT && type.kind <= MR_TYPE_BIGINT;
}

bool mr_type_is_numeric(mr_type type)
{
    return type.kind >= MR_TYPE_TINYINT && type.kind <= MR_TYPE_DECIMAL;
}

bool mr_type_is_text(mr_type type)
{
    return type.kind == MR_TYPE_CHAR || type.kind == MR_TYPE_VARCHAR;
}

bool mr_type_is_bytes(mr_type type)
{
    return type.kind == MR_TYPE_BINARY || type.kind == MR_TYPE_VARBINARY;
}

bool mr_type_is_timestamp(mr_type type)
{
    return type.kind == MR_TYPE_TIMESTAMP || type.kind == MR_TYPE_TIMESTAMP_LTZ;
}

static const char *kind_name(mr_type_kind kind)
{
    static const char *const names[] = {
        "NULL",
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "CHAR",
        "VARCHAR",
        "BINARY",
        "VARBINARY",
        "DATE",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMP_LTZ",
        "INTERVAL YEAR TO MONTH",
        "INTERVAL DAY TO SECOND",
        "ROW",
    };
    return names[kind];
}

static void append_row(const struct mr_row_type *row, char *to, size_t size)
{
    size_t at = (size_t)snprintf(to, size, "ROW<");
    for (uint32_t i = 0; row != NULL && i < row->fields_count && at < size; i++) {
        char inner[MR_TYPE_NAME_MAX];
        mr_type_name(row->fields[i].type, inner, sizeof inner);
        at += (size_t)snprintf(to + at, size - at, "%s`%s` %s", i > 0 ? ", " : "",
                               row->fields[i].name, inner);
    }
    if (at < size)
        snprintf(to + at, size - at, ">");
}

char *mr_type_name(mr_type type, char *to, size_t size)
{
    const char *kind = kind_name(type.kind);
    bool is_text = mr_type_is_text(type) || mr_type_is_bytes(type);
    if (type.kind == MR_TYPE_DECIMAL)
        snprintf(to, size, "DECIMAL(%d, %d)", type.precision, type.scale);
    else if (is_text && type.length == MR_LENGTH_UNBOUNDED)
        snprintf(to, size, "%s", mr_type_is_text(type) ? "STRING" : "BYTES");
    else if (is_text)
        snprintf(to, size, "%s(%u)", kind, type.length);
    else if (mr_type_is_timestamp(type) || type.kind == MR_TYPE_TIME)
        snprintf(to, size, "%s(%d)", kind, type.precision);
    else if (type.kind == MR_TYPE_ROW)
        append_row(type.row, to, size);
    else
        snprintf(to, size, "%s", kind);
    size_t length = strlen(to);
    if (!type.is_nullable && length < size)
        snprintf(to + length, size - length, " NOT NULL");
    return to;
}
