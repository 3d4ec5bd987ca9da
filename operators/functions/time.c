/* Functions of dates and times: parts, units, patterns. TIMESTAMP_LTZ is seen in the job's zone. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/expr/civil.h"
#include "engine/expr/kernel.h"
#include "operators/functions/time_text.h"

/* A date, time or timestamp as microseconds of a wall clock. */
static int64_t wall(const mr_kernel_call *call, uint32_t arg, uint32_t row)
{
    const mr_vector *vector = &call->args[arg];
    size_t at = mr_kernel_at(call, arg, row);
    if (vector->type.kind == MR_TYPE_DATE)
        return vector->i32[at] * MR_US_PER_DAY;
    if (vector->type.kind == MR_TYPE_TIMESTAMP_LTZ)
        return mr_zone_to_local(call->context->zone, vector->i64[at]);
    return vector->i64[at];
}

static void put_wall(const mr_kernel_call *call, uint32_t row, int64_t micros)
{
    if (call->result->type.kind == MR_TYPE_DATE)
        call->result->i32[row] = (int32_t)mr_floor_div(micros, MR_US_PER_DAY);
    else if (call->result->type.kind == MR_TYPE_TIMESTAMP_LTZ)
        call->result->i64[row] = mr_zone_to_utc(call->context->zone, micros);
    else if (call->result->type.kind == MR_TYPE_TIME)
        call->result->i64[row] = mr_floor_mod(micros, MR_US_PER_DAY);
    else
        call->result->i64[row] = micros;
}

/* The unit is the first argument's value, or fixed by the function (YEAR, MONTH, ..): `data`
 * says. */
typedef struct unit_data {
    mr_time_unit unit;
} unit_data;

static mr_time_unit unit_of(const mr_kernel_call *call)
{
    return ((const unit_data *)call->data)->unit;
}

static void extract(const mr_kernel_call *call)
{
    const mr_time_unit unit = unit_of(call);
    const bool is_epoch = unit == MR_UNIT_EPOCH;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t micros = is_epoch && call->args[1].type.kind == MR_TYPE_TIMESTAMP_LTZ
                             ? call->args[1].i64[mr_kernel_at(call, 1, row)]
                             : wall(call, 1, row);
        call->result->i64[row] = mr_civil_extract(unit, micros);
    }
}

static void floor_to(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (!mr_kernel_is_null(call, row))
            put_wall(call, row, mr_civil_floor(unit_of(call), wall(call, 0, row)));
    }
}

static void ceil_to(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (!mr_kernel_is_null(call, row))
            put_wall(call, row, mr_civil_ceil(unit_of(call), wall(call, 0, row)));
    }
}

static void difference(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t value = mr_civil_between(unit_of(call), wall(call, 1, row), wall(call, 2, row));
        if (value < INT32_MIN || value > INT32_MAX)
            mr_kernel_fail(call, row, MR_E_OVERFLOW, "the result does not fit INT");
        else
            call->result->i32[row] = (int32_t)value;
    }
}

/* Days and longer count on the wall clock, shorter units on the time line. */
static void add(const mr_kernel_call *call)
{
    const bool is_instant = call->result->type.kind == MR_TYPE_TIMESTAMP_LTZ;
    const bool is_line = is_instant && mr_time_unit_months(unit_of(call)) == 0;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t from = is_line ? call->args[2].i64[mr_kernel_at(call, 2, row)] : wall(call, 2, row);
        int64_t count = call->args[1].i64[mr_kernel_at(call, 1, row)], to;
        if (!mr_civil_add(unit_of(call), count, from, &to))
            mr_kernel_fail(call, row, MR_E_OVERFLOW, "the result does not fit a timestamp");
        else if (is_line)
            call->result->i64[row] = to;
        else
            put_wall(call, row, to);
    }
}

static const mr_function function_extract = {
    .name = "EXTRACT", .kernel = extract, .is_strict = true, .is_costly = true};
static const mr_function function_floor = {
    .name = "FLOOR", .kernel = floor_to, .is_strict = true, .is_costly = true};
static const mr_function function_ceil = {
    .name = "CEIL", .kernel = ceil_to, .is_strict = true, .is_costly = true};
static const mr_function function_difference = {
    .name = "TIMESTAMPDIFF", .kernel = difference, .is_strict = true, .can_fail = true};
static const mr_function function_add = {
    .name = "TIMESTAMPADD", .kernel = add, .is_strict = true, .can_fail = true};

static bool is_time(mr_type type)
{
    return type.kind >= MR_TYPE_DATE && type.kind <= MR_TYPE_TIMESTAMP_LTZ;
}

/* The unit an argument names; NULL: refused. */
static const unit_data *unit_data_of(mr_resolver *resolver, const mr_form *form,
                                     mr_expr *const *args, uint32_t count, uint32_t i)
{
    mr_string name;
    if (!mr_constant_text(args[i], &name)) {
        (void)mr_refuse_types(resolver, form, args, count);
        return NULL;
    }
    unit_data *data = mr_arena_zalloc(resolver->arena, 1, sizeof *data);
    data->unit = mr_time_unit_of(name.bytes, name.length);
    if (data->unit != MR_UNIT_NONE)
        return data;
    (void)mr_refuse(resolver, MR_REFUSAL_VALUE, i,
                    "units are YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND",
                    "there is no time unit %.*s", (int)name.length, name.bytes);
    return NULL;
}

static mr_expr *refuse_unit(mr_resolver *resolver, const mr_form *form, const unit_data *data,
                            mr_type type)
{
    char name[MR_TYPE_NAME_MAX];
    mr_type_name(mr_type_nullable(type, true), name, sizeof name);
    return mr_refuse(resolver, MR_REFUSAL_VALUE, 0, "", "%s has no %s for %s", name,
                     mr_time_unit_name(data->unit), form->name);
}

static bool has_dates(mr_type type)
{
    return type.kind != MR_TYPE_TIME;
}

/* EXTRACT(unit, x), and YEAR(x) .. as EXTRACT with the unit of the form. */
static mr_expr *build_extract(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                              uint32_t count)
{
    mr_expr *sides[2];
    if (count == 1) {
        const char *unit = mr_time_unit_name((mr_time_unit)form->variant);
        uint32_t length = 0;
        while (unit[length] != '\0')
            length++;
        sides[0] = mr_make_string(resolver, unit, length);
    } else {
        sides[0] = args[0];
    }
    sides[1] = args[count - 1];
    const unit_data *data = unit_data_of(resolver, form, sides, 2, 0);
    if (data == NULL)
        return NULL;
    if (mr_is_bare_null(sides[1]))
        sides[1] = mr_build_cast(resolver, sides[1], mr_type_time(MR_TYPE_TIMESTAMP, 3), false);
    if (!is_time(sides[1]->type))
        return mr_refuse_types(resolver, form, args, count);
    bool is_of_day = data->unit >= MR_UNIT_HOUR && data->unit <= MR_UNIT_MICROSECOND;
    if (!has_dates(sides[1]->type) && !is_of_day)
        return refuse_unit(resolver, form, data, sides[1]->type);
    mr_type type = mr_build_type(mr_type_of(MR_TYPE_BIGINT), sides, 2);
    return mr_build_call(resolver, type, &function_extract, data, sides, 2);
}

/* FLOOR(x TO unit), CEIL(x TO unit) */
static mr_expr *build_step(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    if (!is_time(args[0]->type))
        return mr_refuse_types(resolver, form, args, count);
    const unit_data *data = unit_data_of(resolver, form, args, count, 1);
    if (data == NULL)
        return NULL;
    bool is_good = data->unit <= MR_UNIT_MILLISECOND;
    if (args[0]->type.kind == MR_TYPE_TIME)
        is_good &= data->unit >= MR_UNIT_HOUR;
    if (!is_good)
        return refuse_unit(resolver, form, data, args[0]->type);
    return mr_build_call(resolver, mr_build_type(args[0]->type, args, count), form->extra, data,
                         args, count);
}

static mr_expr *build_difference(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                 uint32_t count)
{
    mr_type a = args[1]->type, b = args[2]->type;
    const unit_data *data = unit_data_of(resolver, form, args, count, 0);
    if (data == NULL)
        return NULL;
    if ((a.kind == MR_TYPE_TIMESTAMP_LTZ) != (b.kind == MR_TYPE_TIMESTAMP_LTZ) && is_time(a) &&
        is_time(b))
        return mr_refuse(resolver, MR_REFUSAL_FEATURE, MR_REFUSAL_NO_ARGUMENT,
                         "CAST one of them, so that both are of one kind",
                         "TIMESTAMPDIFF does not take a TIMESTAMP with a TIMESTAMP_LTZ");
    if (!is_time(a) || !is_time(b) || !has_dates(a) || !has_dates(b))
        return mr_refuse_types(resolver, form, args, count);
    if (data->unit > MR_UNIT_MICROSECOND)
        return refuse_unit(resolver, form, data, a);
    return mr_build_call(resolver, mr_build_type(mr_type_of(MR_TYPE_INT), args, count),
                         &function_difference, data, args, count);
}

static mr_expr *build_add(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                          uint32_t count)
{
    const unit_data *data = unit_data_of(resolver, form, args, count, 0);
    if (data == NULL)
        return NULL;
    mr_expr *sides[] = {args[0], mr_want_bigint(resolver, form, args, count, 1), args[2]};
    if (sides[1] == NULL)
        return NULL;
    if (!is_time(args[2]->type))
        return mr_refuse_types(resolver, form, args, count);
    if (data->unit > MR_UNIT_MICROSECOND ||
        (!has_dates(args[2]->type) && data->unit < MR_UNIT_HOUR))
        return refuse_unit(resolver, form, data, args[2]->type);
    if (args[2]->type.kind == MR_TYPE_DATE && data->unit >= MR_UNIT_HOUR) {
        sides[2] = mr_build_cast(resolver, args[2], mr_type_time(MR_TYPE_TIMESTAMP, 3), false);
        if (sides[2] == NULL)
            return NULL;
    }
    return mr_build_call(resolver, mr_build_type(sides[2]->type, sides, 3), &function_add, data,
                         sides, 3);
}

static mr_expr *refuse_clock(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                             uint32_t count)
{
    (void)args;
    (void)count;
    return mr_refuse(resolver, MR_REFUSAL_FEATURE, MR_REFUSAL_NO_ARGUMENT,
                     "use a time column of the record, e.g. METADATA FROM 'timestamp'",
                     "%s reads the wall clock, which expressions cannot do yet", form->name);
}

#define PART(name, unit)                                                                 \
    {                                                                                    \
        name, 1, 1, build_extract, unit, name "(DATE | TIMESTAMP | TIMESTAMP_LTZ)", NULL \
    }
#define CLOCK(name)                             \
    {                                           \
        name, 0, 0, refuse_clock, 0, name, NULL \
    }

mr_family mr_family_times(void)
{
    static const mr_form forms[] = {
        {"EXTRACT", 2, 2, build_extract, 0, "EXTRACT(unit FROM DATE | TIME | TIMESTAMP)", NULL},
        PART("YEAR", MR_UNIT_YEAR),
        PART("QUARTER", MR_UNIT_QUARTER),
        PART("MONTH", MR_UNIT_MONTH),
        PART("WEEK", MR_UNIT_WEEK),
        PART("DAYOFMONTH", MR_UNIT_DAY),
        PART("DAYOFWEEK", MR_UNIT_DOW),
        PART("DAYOFYEAR", MR_UNIT_DOY),
        PART("HOUR", MR_UNIT_HOUR),
        PART("MINUTE", MR_UNIT_MINUTE),
        PART("SECOND", MR_UNIT_SECOND),
        {"FLOOR", 2, 2, build_step, 0, "FLOOR(time TO unit)", &function_floor},
        {"CEIL", 2, 2, build_step, 0, "CEIL(time TO unit)", &function_ceil},
        {"TIMESTAMPDIFF", 3, 3, build_difference, 0, "TIMESTAMPDIFF(unit, timestamp, timestamp)",
         NULL},
        {"TIMESTAMPADD", 3, 3, build_add, 0, "TIMESTAMPADD(unit, number, timestamp)", NULL},
        {"DATE_FORMAT", 2, 2, mr_build_date_format, 0, "DATE_FORMAT(TIMESTAMP, STRING)", NULL},
        {"TO_TIMESTAMP", 1, 2, mr_build_to_timestamp, 0, "TO_TIMESTAMP(STRING [, STRING])", NULL},
        {"TO_TIMESTAMP_LTZ", 1, 2, mr_build_to_timestamp_ltz, 0,
         "TO_TIMESTAMP_LTZ(BIGINT [, INT]) or TO_TIMESTAMP_LTZ(STRING [, STRING])", NULL},
        {"TO_DATE", 1, 2, mr_build_to_date, 0, "TO_DATE(STRING [, STRING])", NULL},
        {"UNIX_TIMESTAMP", 1, 2, mr_build_unix_timestamp, 0, "UNIX_TIMESTAMP(STRING [, STRING])",
         NULL},
        {"FROM_UNIXTIME", 1, 2, mr_build_from_unixtime, 0, "FROM_UNIXTIME(BIGINT [, STRING])",
         NULL},
        CLOCK("UNIX_TIMESTAMP"),
        CLOCK("PROCTIME"),
        CLOCK("NOW"),
        CLOCK("CURRENT_TIMESTAMP"),
        CLOCK("LOCALTIMESTAMP"),
        CLOCK("CURRENT_DATE"),
        CLOCK("CURRENT_TIME"),
        CLOCK("LOCALTIME"),
        CLOCK("CURRENT_ROW_TIMESTAMP"),
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
