#include "operators/functions/time_text.h"

#include "engine/expr/civil.h"
#include "engine/expr/kernel.h"
#include "engine/expr/pattern.h"

/* The pattern of a row: argument 1, compiled already when it is constant. NULL: the row has
 * failed. */
static const mr_pattern *pattern_of(const mr_kernel_call *call, uint32_t row)
{
    if (call->data != NULL)
        return call->data;
    const mr_pattern *pattern;
    const char *problem = mr_pattern_new(mr_kernel_string(call, 1, row), call->arena, &pattern);
    if (problem == NULL)
        return pattern;
    mr_kernel_fail(call, row, MR_E_ARGUMENT, "%s", problem);
    return NULL;
}

static void print(const mr_kernel_call *call, uint32_t row, const struct mr_zone *zone,
                  int64_t micros)
{
    const mr_pattern *pattern = pattern_of(call, row);
    if (pattern == NULL)
        return;
    char *text = mr_arena_alloc(call->arena, mr_pattern_size_max(pattern) + 64);
    size_t length = mr_pattern_print(pattern, zone, micros, text);
    call->result->strings[row] = mr_string_of(text, (uint32_t)length);
}

static void date_format(const mr_kernel_call *call)
{
    const bool is_instant = call->args[0].type.kind == MR_TYPE_TIMESTAMP_LTZ;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (!mr_kernel_is_null(call, row))
            print(call, row, is_instant ? call->context->zone : NULL,
                  call->args[0].i64[mr_kernel_at(call, 0, row)]);
    }
}

static void from_unixtime(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->strings[row] = mr_string_of("", 0);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t seconds = call->args[0].i64[mr_kernel_at(call, 0, row)];
        if (seconds < -377705116800 || seconds > 253402300799) /* years -9999 .. 9999 */
            mr_kernel_fail(call, row, MR_E_ARGUMENT, "%lld is no second of a year with 4 digits",
                           (long long)seconds);
        else
            print(call, row, call->context->zone, seconds * MR_US_PER_SECOND);
    }
}

/* Text to a wall clock (or UTC when it names an offset). False: unparsable, or the pattern is. */
static bool parse(const mr_kernel_call *call, uint32_t row, int64_t *micros, bool *is_utc)
{
    mr_string text = mr_kernel_string(call, 0, row);
    *is_utc = false;
    if (call->args_count == 1)
        return mr_timestamp_parse(text.bytes, text.length, micros);
    const mr_pattern *pattern = pattern_of(call, row);
    return pattern != NULL && mr_pattern_parse(pattern, text, micros, is_utc);
}

static int64_t to_ms(int64_t micros)
{
    return micros - mr_floor_mod(micros, MR_US_PER_MS);
}

static void to_timestamp(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        int64_t micros;
        bool is_utc;
        if (mr_kernel_is_null(call, row))
            continue;
        if (parse(call, row, &micros, &is_utc))
            call->result->i64[row] = to_ms(micros);
        else
            mr_kernel_null(call, row);
    }
}

static void to_date(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        mr_string text = mr_kernel_string(call, 0, row);
        int64_t micros = 0;
        int32_t days = 0;
        bool is_utc;
        bool is_good = call->args_count == 1 ? mr_date_parse(text.bytes, text.length, &days)
                                             : parse(call, row, &micros, &is_utc);
        if (!is_good)
            mr_kernel_null(call, row);
        else if (call->args_count == 1)
            call->result->i32[row] = days;
        else
            call->result->i32[row] = (int32_t)mr_floor_div(micros, MR_US_PER_DAY);
    }
}

static void unix_timestamp(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        int64_t micros;
        bool is_utc;
        if (mr_kernel_is_null(call, row))
            continue;
        if (!parse(call, row, &micros, &is_utc)) {
            call->result->i64[row] = INT64_MIN; /* as Flink says "unparsable" */
            continue;
        }
        if (!is_utc)
            micros = mr_zone_to_utc(call->context->zone, micros);
        call->result->i64[row] = mr_floor_div(micros, MR_US_PER_SECOND);
    }
}

/* (n, digits): n counts 10^-digits seconds. */
static void ltz_of_number(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        if (mr_kernel_is_null(call, row))
            continue;
        int64_t number = call->args[0].i64[mr_kernel_at(call, 0, row)], micros;
        int32_t digits = call->args[1].i32[mr_kernel_at(call, 1, row)];
        bool is_good = true;
        switch (digits) {
        case 0: is_good = !__builtin_mul_overflow(number, MR_US_PER_SECOND, &micros); break;
        case 3: is_good = !__builtin_mul_overflow(number, MR_US_PER_MS, &micros); break;
        case 6: micros = number; break;
        case 9: micros = mr_floor_div(number, 1000); break;
        default: is_good = false; break;
        }
        if (is_good)
            call->result->i64[row] = to_ms(micros);
        else
            mr_kernel_fail(call, row, MR_E_ARGUMENT,
                           "TO_TIMESTAMP_LTZ(%lld, %d) is no time (0, 3, 6 or 9 digits)",
                           (long long)number, digits);
    }
}

static const mr_function function_date_format = {
    .name = "DATE_FORMAT", .kernel = date_format, .is_strict = true, .can_fail = true};
static const mr_function function_from_unixtime = {
    .name = "FROM_UNIXTIME", .kernel = from_unixtime, .is_strict = true, .can_fail = true};
static const mr_function function_to_timestamp = {
    .name = "TO_TIMESTAMP", .kernel = to_timestamp, .is_strict = true, .can_fail = true};
static const mr_function function_to_date = {
    .name = "TO_DATE", .kernel = to_date, .is_strict = true, .can_fail = true};
static const mr_function function_unix_timestamp = {
    .name = "UNIX_TIMESTAMP", .kernel = unix_timestamp, .is_strict = true, .can_fail = true};
static const mr_function function_ltz_of_number = {
    .name = "TO_TIMESTAMP_LTZ", .kernel = ltz_of_number, .is_strict = true, .can_fail = true};
static const mr_function function_ltz_of_text = {
    .name = "TO_TIMESTAMP_LTZ", .kernel = to_timestamp, .is_strict = true, .can_fail = true};

/* Compiles a constant pattern; false: refused. */
static bool pattern_data(mr_resolver *resolver, mr_expr *const *args, uint32_t count,
                         const mr_pattern **data)
{
    mr_string text;
    *data = NULL;
    if (count < 2 || !mr_constant_text(args[1], &text))
        return true;
    const char *problem = mr_pattern_new(text, resolver->arena, data);
    if (problem != NULL)
        (void)mr_refuse(
            resolver, MR_REFUSAL_VALUE, 1,
            "letters are y Y u M L d D E w Q a H h k K m s S n X x Z z, text stands in quotes",
            "%s", problem);
    return problem == NULL;
}

static mr_expr *call_with_pattern(mr_resolver *resolver, mr_type type, bool may_be_null,
                                  const mr_function *function, mr_expr *const *args, uint32_t count)
{
    const mr_pattern *data;
    if (!pattern_data(resolver, args, count, &data))
        return NULL;
    type = mr_build_type(type, args, count);
    type.is_nullable |= may_be_null;
    return mr_build_call(resolver, type, function, data, args, count);
}

mr_expr *mr_build_date_format(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                              uint32_t count)
{
    mr_expr *sides[] = {args[0], mr_want_text(resolver, form, args, count, 1)};
    if (sides[1] == NULL)
        return NULL;
    if (mr_type_is_text(args[0]->type) || mr_is_bare_null(args[0]))
        sides[0] = mr_build_cast(resolver, args[0], mr_type_time(MR_TYPE_TIMESTAMP, 3), false);
    if (sides[0] == NULL)
        return NULL;
    if (sides[0]->type.kind == MR_TYPE_DATE)
        return mr_refuse(resolver, MR_REFUSAL_FEATURE, 0,
                         "write DATE_FORMAT(CAST(d AS TIMESTAMP(3)), ..)",
                         "DATE_FORMAT does not take a DATE");
    if (!mr_type_is_timestamp(sides[0]->type))
        return mr_refuse_types(resolver, form, args, count);
    return call_with_pattern(resolver, mr_type_string(), false, &function_date_format, sides, 2);
}

/* Text arguments only; gives `type`. */
static mr_expr *of_text(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                        uint32_t count, mr_type type, bool may_be_null, const mr_function *function)
{
    mr_expr *sides[2];
    for (uint32_t i = 0; i < count; i++)
        if ((sides[i] = mr_want_text(resolver, form, args, count, i)) == NULL)
            return NULL;
    return call_with_pattern(resolver, type, may_be_null, function, sides, count);
}

mr_expr *mr_build_to_timestamp(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                               uint32_t count)
{
    return of_text(resolver, form, args, count, mr_type_time(MR_TYPE_TIMESTAMP, 3), true,
                   &function_to_timestamp);
}

mr_expr *mr_build_to_date(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                          uint32_t count)
{
    return of_text(resolver, form, args, count, mr_type_of(MR_TYPE_DATE), true, &function_to_date);
}

mr_expr *mr_build_unix_timestamp(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                 uint32_t count)
{
    if (mr_type_is_timestamp(args[0]->type))
        return mr_refuse(resolver, MR_REFUSAL_FEATURE, 0,
                         "write UNIX_TIMESTAMP(CAST(ts AS STRING))",
                         "UNIX_TIMESTAMP does not take a timestamp");
    return of_text(resolver, form, args, count, mr_type_of(MR_TYPE_BIGINT), false,
                   &function_unix_timestamp);
}

mr_expr *mr_build_to_timestamp_ltz(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                   uint32_t count)
{
    mr_type type = mr_type_time(MR_TYPE_TIMESTAMP_LTZ, 3);
    if (mr_type_is_text(args[0]->type))
        return of_text(resolver, form, args, count, type, true, &function_ltz_of_text);
    mr_expr *number = args[0];
    if (number->type.kind == MR_TYPE_DOUBLE || number->type.kind == MR_TYPE_FLOAT ||
        number->type.kind == MR_TYPE_DECIMAL)
        number = mr_build_cast(resolver, number, mr_type_of(MR_TYPE_BIGINT), false);
    else
        number = mr_want_bigint(resolver, form, args, count, 0);
    mr_expr *digits =
        count > 1 ? mr_want_int(resolver, form, args, count, 1) : mr_make_int(resolver, 3);
    if (number == NULL || digits == NULL)
        return NULL;
    mr_expr *sides[] = {number, digits};
    if (digits->kind == MR_EXPR_CONSTANT && !digits->value.is_null && digits->value.i32 != 0 &&
        digits->value.i32 != 3 && digits->value.i32 != 6 && digits->value.i32 != 9)
        return mr_refuse(resolver, MR_REFUSAL_VALUE, 1,
                         "0 for seconds, 3 for milliseconds, 6 and 9 for finer",
                         "TO_TIMESTAMP_LTZ has no precision %d", digits->value.i32);
    return mr_build_call(resolver, mr_build_type(type, sides, 2), &function_ltz_of_number, NULL,
                         sides, 2);
}

mr_expr *mr_build_from_unixtime(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                                uint32_t count)
{
    static const char usual[] = "yyyy-MM-dd HH:mm:ss";
    mr_expr *sides[] = {mr_want_bigint(resolver, form, args, count, 0),
                        count > 1 ? mr_want_text(resolver, form, args, count, 1)
                                  : mr_make_string(resolver, usual, sizeof usual - 1)};
    if (sides[0] == NULL || sides[1] == NULL)
        return NULL;
    return call_with_pattern(resolver, mr_type_string(), false, &function_from_unixtime, sides, 2);
}
