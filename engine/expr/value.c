#include "engine/expr/value.h"

#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/number.h"
#include "engine/expr/program.h"

#include <string.h>

static bool is_foldable(const mr_expr *expr)
{
    if (expr->kind == MR_EXPR_COLUMN)
        return false;
    if (expr->kind == MR_EXPR_CALL && expr->function->is_volatile)
        return false;
    for (uint32_t i = 0; i < expr->args_count; i++)
        if (!is_foldable(expr->args[i]))
            return false;
    return true;
}

bool mr_expr_fold(const mr_expr *expr, const mr_expr_context *context, mr_arena *arena,
                  mr_value *value)
{
    if (!is_foldable(expr))
        return false;
    mr_program *program;
    mr_error err;
    if (mr_program_new(&expr, 1, context, &program, &err) != MR_OK)
        return false;
    mr_arena scratch = {0};
    mr_batch batch = mr_batch_new(0, 1, &scratch);
    mr_row_errors errors = {.arena = &scratch};
    mr_vector result;
    mr_program_run(program, &batch, &result, &errors);
    bool is_good = errors.count == 0;
    if (is_good) {
        mr_vector_own_strings(&result, 1, arena);
        *value = (mr_value){.is_null = mr_vector_is_null(&result, 0)};
        if (!value->is_null)
            memcpy(&value->i128, result.values, mr_lane_size(result.lane));
    }
    mr_arena_release(&scratch);
    mr_program_free(program);
    return is_good;
}

static void print_quoted(mr_string string, mr_buffer *text)
{
    mr_buffer_put(text, "'", 1);
    for (uint32_t i = 0; i < string.length; i++) {
        if (string.bytes[i] == '\'')
            mr_buffer_put(text, "'", 1);
        mr_buffer_put(text, &string.bytes[i], 1);
    }
    mr_buffer_put(text, "'", 1);
}

static void print_bytes(mr_string string, mr_buffer *text)
{
    mr_buffer_printf(text, "X'");
    for (uint32_t i = 0; i < string.length; i++)
        mr_buffer_printf(text, "%02x", (unsigned)(unsigned char)string.bytes[i]);
    mr_buffer_printf(text, "'");
}

static void print_interval(int64_t micros, mr_buffer *text)
{
    uint64_t size = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    mr_buffer_printf(text, "INTERVAL '%s%llu", micros < 0 ? "-" : "",
                     (unsigned long long)(size / 1000000));
    if (size % 1000000 != 0)
        mr_buffer_printf(text, ".%06u", (unsigned)(size % 1000000));
    mr_buffer_printf(text, "' SECOND");
}

void mr_value_print(mr_type type, const mr_value *value, mr_buffer *text)
{
    char to[MR_DECIMAL_TEXT_MAX > MR_CIVIL_TEXT_MAX ? MR_DECIMAL_TEXT_MAX : MR_CIVIL_TEXT_MAX];
    if (value->is_null) {
        mr_buffer_printf(text, "NULL");
        return;
    }
    switch (type.kind) {
    case MR_TYPE_NULL:
    case MR_TYPE_ROW: mr_buffer_printf(text, "NULL"); break;
    case MR_TYPE_BOOLEAN: mr_buffer_printf(text, value->boolean ? "TRUE" : "FALSE"); break;
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT: mr_buffer_printf(text, "%d", value->i32); break;
    case MR_TYPE_BIGINT: mr_buffer_printf(text, "%lld", (long long)value->i64); break;
    case MR_TYPE_FLOAT:
    case MR_TYPE_DOUBLE: mr_buffer_put(text, to, mr_double_print(value->f64, to)); break;
    case MR_TYPE_DECIMAL:
        mr_buffer_put(text, to, mr_decimal_print(value->i128, type.scale, to));
        break;
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: print_quoted(value->string, text); break;
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: print_bytes(value->string, text); break;
    case MR_TYPE_DATE:
        mr_date_print(value->i32, to);
        mr_buffer_printf(text, "DATE '%s'", to);
        break;
    case MR_TYPE_TIME:
        mr_time_print(value->i64, type.precision, to);
        mr_buffer_printf(text, "TIME '%s'", to);
        break;
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ:
        mr_timestamp_print(value->i64, type.precision, to);
        mr_buffer_printf(text, "%s '%s%s'",
                         type.kind == MR_TYPE_TIMESTAMP ? "TIMESTAMP" : "TIMESTAMP_LTZ", to,
                         type.kind == MR_TYPE_TIMESTAMP ? "" : "Z");
        break;
    case MR_TYPE_INTERVAL_MONTH: mr_buffer_printf(text, "INTERVAL '%d' MONTH", value->i32); break;
    case MR_TYPE_INTERVAL_SECOND: print_interval(value->i64, text); break;
    }
}
