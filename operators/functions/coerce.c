/* Which types convert into which by themselves. Rules and their sources: docs/sql.md, "Types". */
#include "operators/functions/build.h"

#include "engine/expr/decimal.h"
#include "engine/expr/kernels/cast.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_approximate(mr_type type)
{
    return type.kind == MR_TYPE_FLOAT || type.kind == MR_TYPE_DOUBLE;
}

static mr_type common_decimal(mr_type a, mr_type b)
{
    a = mr_decimal_type_of(a);
    b = mr_decimal_type_of(b);
    int scale = a.scale > b.scale ? a.scale : b.scale;
    int digits = a.precision - a.scale > b.precision - b.scale ? a.precision - a.scale
                                                               : b.precision - b.scale;
    if (digits + scale > MR_DECIMAL_PRECISION_MAX)
        scale = MR_DECIMAL_PRECISION_MAX - digits;
    return mr_type_decimal((uint8_t)(digits + scale), (uint8_t)scale);
}

static mr_type common_number(mr_type a, mr_type b)
{
    if (is_approximate(a) || is_approximate(b)) {
        bool is_double = a.kind == MR_TYPE_DOUBLE || b.kind == MR_TYPE_DOUBLE ||
                         a.kind == MR_TYPE_DECIMAL || b.kind == MR_TYPE_DECIMAL;
        return mr_type_of(is_double ? MR_TYPE_DOUBLE : MR_TYPE_FLOAT);
    }
    if (a.kind == MR_TYPE_DECIMAL || b.kind == MR_TYPE_DECIMAL)
        return common_decimal(a, b);
    return mr_type_of(a.kind > b.kind ? a.kind : b.kind);
}

static mr_type longer(mr_type a, mr_type b, mr_type_kind fixed, mr_type_kind varying)
{
    mr_type type = a.length >= b.length ? a : b;
    bool is_fixed = a.kind == fixed && b.kind == fixed && a.length == b.length;
    type.kind = is_fixed ? fixed : varying;
    return type;
}

bool mr_common_type_of(mr_type a, mr_type b, mr_type *common)
{
    if (a.kind == MR_TYPE_NULL || b.kind == MR_TYPE_NULL)
        *common = a.kind == MR_TYPE_NULL ? b : a;
    else if (mr_type_is_numeric(a) && mr_type_is_numeric(b))
        *common = common_number(a, b);
    else if (mr_type_is_text(a) && mr_type_is_text(b))
        *common = longer(a, b, MR_TYPE_CHAR, MR_TYPE_VARCHAR);
    else if (mr_type_is_bytes(a) && mr_type_is_bytes(b))
        *common = longer(a, b, MR_TYPE_BINARY, MR_TYPE_VARBINARY);
    else if (a.kind == b.kind && (mr_type_is_timestamp(a) || a.kind == MR_TYPE_TIME))
        *common = a.precision >= b.precision ? a : b;
    else if (a.kind == b.kind && mr_type_matches(a, b))
        *common = a;
    else
        return false;
    return true;
}

bool mr_common_type(mr_resolver *resolver, const mr_type *types, uint32_t count, mr_type *common)
{
    mr_type result = mr_type_of(MR_TYPE_NULL);
    bool is_nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        mr_type next;
        is_nullable |= types[i].is_nullable || types[i].kind == MR_TYPE_NULL;
        if (!mr_common_type_of(result, types[i], &next)) {
            char a[MR_TYPE_NAME_MAX], b[MR_TYPE_NAME_MAX];
            mr_type_name(mr_type_nullable(result, true), a, sizeof a);
            mr_type_name(mr_type_nullable(types[i], true), b, sizeof b);
            (void)mr_refuse(resolver, MR_REFUSAL_TYPES, i, "CAST one of them",
                            "%.80s and %.80s have no common type", a, b);
            return false;
        }
        result = next;
    }
    *common = mr_type_nullable(result, is_nullable);
    return true;
}

static bool is_time(mr_type type)
{
    return type.kind >= MR_TYPE_DATE && type.kind <= MR_TYPE_TIMESTAMP_LTZ;
}

bool mr_comparison_type(mr_type a, mr_type b, bool is_equality, mr_type *common)
{
    if (mr_common_type_of(a, b, common))
        return true;
    if (mr_type_is_text(b)) {
        mr_type swap = a;
        a = b;
        b = swap;
    }
    if (mr_type_is_text(a) && (is_time(b) || b.kind == MR_TYPE_BOOLEAN))
        *common = b;
    else if (mr_type_is_text(a) && mr_type_is_numeric(b) && !is_equality)
        *common = mr_type_of(MR_TYPE_DOUBLE);
    else if (mr_type_is_timestamp(a) && mr_type_is_timestamp(b))
        *common = mr_type_time(MR_TYPE_TIMESTAMP_LTZ,
                               a.precision > b.precision ? a.precision : b.precision);
    else
        return false;
    return true;
}

bool mr_cast_is_allowed(mr_resolver *resolver, mr_type from, mr_type to)
{
    if (from.kind == MR_TYPE_NULL || mr_cast_function(from, to, false) != NULL ||
        (from.kind == MR_TYPE_ROW && mr_type_matches(from, to)))
        return true;
    const char *hint = "";
    bool is_number = mr_type_is_numeric(from) || mr_type_is_numeric(to);
    if (is_number && mr_type_is_timestamp(to))
        hint = "write TO_TIMESTAMP_LTZ(n, 0) for seconds, TO_TIMESTAMP_LTZ(n, 3) for milliseconds";
    else if (is_number && mr_type_is_timestamp(from))
        hint = "write UNIX_TIMESTAMP(CAST(ts AS STRING)) or TIMESTAMPDIFF(SECOND, ..)";
    char a[MR_TYPE_NAME_MAX], b[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(from, true), a, sizeof a);
    mr_type_name(mr_type_nullable(to, true), b, sizeof b);
    (void)mr_refuse(resolver, MR_REFUSAL_TYPES, 0, hint, "cannot CAST %.100s to %.100s", a, b);
    return false;
}

mr_expr *mr_make_cast(mr_resolver *resolver, mr_expr *arg, mr_type to, bool is_try)
{
    if (!mr_cast_is_allowed(resolver, arg->type, to))
        return NULL;
    return mr_build_cast(resolver, arg, to, is_try);
}

/* Upward conversions that an operator may insert without being asked. */
static bool is_implicit(mr_type from, mr_type to)
{
    if (from.kind == MR_TYPE_NULL || mr_type_matches(from, to))
        return true;
    if (mr_type_is_numeric(from) && mr_type_is_numeric(to))
        return is_approximate(to) ? !(from.kind == MR_TYPE_DOUBLE && to.kind == MR_TYPE_FLOAT)
               : to.kind == MR_TYPE_DECIMAL ? !is_approximate(from)
                                            : mr_type_is_integer(from) && from.kind <= to.kind;
    if (mr_type_is_text(from))
        return mr_type_is_text(to);
    if (mr_type_is_bytes(from))
        return mr_type_is_bytes(to);
    return from.kind == to.kind && is_time(from);
}

static mr_expr *refuse_conversion(mr_resolver *resolver, mr_type from, mr_type to)
{
    char a[MR_TYPE_NAME_MAX], b[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(from, true), a, sizeof a);
    mr_type_name(mr_type_nullable(to, true), b, sizeof b);
    const bool can_cast = mr_cast_function(from, to, false) != NULL;
    char hint[MR_REFUSAL_TEXT_MAX] = "";
    if (can_cast)
        snprintf(hint, sizeof hint, "write CAST(.. AS %.100s)", b);
    return mr_refuse(resolver, MR_REFUSAL_TYPES, 0, hint, "%.100s does not convert to %.100s", a,
                     b);
}

mr_expr *mr_make_implicit(mr_resolver *resolver, mr_expr *arg, mr_type to)
{
    if (!is_implicit(arg->type, to))
        return refuse_conversion(resolver, arg->type, to);
    return mr_build_cast(resolver, arg, to, false);
}

/* INSERT's own rule: any number to any DECIMAL, TIMESTAMP to any precision or kind and to DATE,
 * text to VARCHAR(n) unchecked but never to CHAR(n), and otherwise only upward. */
static bool is_insertable(mr_type from, mr_type to)
{
    if (from.kind == MR_TYPE_NULL || mr_type_matches(from, to))
        return true;
    if (mr_type_is_numeric(from) && to.kind == MR_TYPE_DECIMAL)
        return true;
    if (mr_type_is_timestamp(from))
        return mr_type_is_timestamp(to) || to.kind == MR_TYPE_DATE;
    if (to.kind == MR_TYPE_CHAR)
        return from.kind == MR_TYPE_CHAR && from.length <= to.length;
    if (mr_type_is_numeric(from) && mr_type_is_integer(to) && from.kind == MR_TYPE_DECIMAL)
        return false;
    return is_implicit(from, to);
}

mr_expr *mr_make_insert(mr_resolver *resolver, mr_expr *arg, mr_type to)
{
    if (!is_insertable(arg->type, to))
        return refuse_conversion(resolver, arg->type, to);
    /* `table.exec.sink.type-length-enforcer` is IGNORE in Flink: a longer text passes as it is. */
    bool is_varying = mr_type_is_text(to) || mr_type_is_bytes(to);
    if (is_varying && arg->type.kind != MR_TYPE_NULL && to.kind != MR_TYPE_CHAR)
        return mr_build_cast(resolver, arg,
                             mr_type_is_text(to) ? mr_type_string() : mr_type_of(MR_TYPE_VARBINARY),
                             false);
    return mr_build_cast(resolver, arg, to, false);
}

static bool sum_type(mr_type type, mr_type *result)
{
    *result = type.kind == MR_TYPE_DECIMAL ? mr_type_decimal(38, type.scale) : type;
    return mr_type_is_numeric(type);
}

bool mr_aggregate_type(mr_resolver *resolver, const char *name, mr_type type, mr_type *result)
{
    bool is_good = true;
    if (strcasecmp(name, "COUNT") == 0) {
        *result = mr_type_not_null(mr_type_of(MR_TYPE_BIGINT));
        return true;
    }
    if (strcasecmp(name, "SUM") == 0) {
        is_good = sum_type(type, result);
    } else if (strcasecmp(name, "AVG") == 0) {
        is_good = sum_type(type, result);
        if (type.kind == MR_TYPE_DECIMAL && result->scale < 6)
            result->scale = 6;
    } else {
        *result = type;
        is_good = type.kind != MR_TYPE_ROW && type.kind != MR_TYPE_NULL;
    }
    result->is_nullable = true;
    if (!is_good) {
        char text[MR_TYPE_NAME_MAX];
        mr_type_name(mr_type_nullable(type, true), text, sizeof text);
        (void)mr_refuse(resolver, MR_REFUSAL_TYPES, 0, "takes a number", "%s does not take %.100s",
                        name, text);
    }
    return is_good;
}
