#include "tests/harness/expr_case.h"

#include "engine/base/buffer.h"
#include "engine/expr/civil.h"
#include "engine/expr/decimal.h"
#include "engine/expr/program.h"
#include "engine/expr/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mr_case_init(mr_case *c, const struct mr_zone *zone)
{
    memset(c, 0, sizeof *c);
    c->context.zone = zone;
    c->resolver = (mr_resolver){.arena = &c->arena, .context = &c->context};
}

void mr_case_release(mr_case *c)
{
    mr_arena_release(&c->arena);
}

static bool starts(const char **text, const char *with)
{
    size_t length = strlen(with);
    if (strncmp(*text, with, length) != 0)
        return false;
    *text += length;
    return true;
}

static mr_expr *timestamp(mr_case *c, const char *text, mr_type_kind kind)
{
    mr_value value = {0};
    uint8_t precision = (uint8_t)(*text - '0');
    if (!mr_timestamp_parse(text + 2, strlen(text + 2), &value.i64))
        abort();
    return mr_make_constant(&c->resolver, mr_type_time(kind, precision), value);
}

static mr_expr *number(mr_case *c, const char *text)
{
    char *end;
    long long whole = strtoll(text, &end, 10);
    mr_value value = {0};
    if (end != text && *end == '\0')
        return mr_make_int(&c->resolver, whole);
    if (end != text && end[1] == '\0' && strchr("LTS", *end) != NULL) {
        mr_type_kind kind = *end == 'L'   ? MR_TYPE_BIGINT
                            : *end == 'T' ? MR_TYPE_TINYINT
                                          : MR_TYPE_SMALLINT;
        if (kind == MR_TYPE_BIGINT)
            value.i64 = whole;
        else
            value.i32 = (int32_t)whole;
        return mr_make_constant(&c->resolver, mr_type_of(kind), value);
    }
    double real = strtod(text, &end);
    if (end != text && strpbrk(text, "eE") != NULL && (*end == '\0' || strcmp(end, "F") == 0)) {
        value.f64 = *end == 'F' ? (double)(float)real : real;
        return mr_make_constant(&c->resolver,
                                mr_type_of(*end == 'F' ? MR_TYPE_FLOAT : MR_TYPE_DOUBLE), value);
    }
    const char *point = strchr(text, '.');
    if (point == NULL || end == text || *end != '\0')
        return NULL;
    size_t digits = strlen(text) - 1 - (text[0] == '-');
    mr_type type = mr_type_decimal((uint8_t)digits, (uint8_t)strlen(point + 1));
    if (mr_decimal_parse(text, strlen(text), type, &value.i128) != MR_DECIMAL_OK)
        return NULL;
    return mr_make_constant(&c->resolver, type, value);
}

static mr_expr *literal(mr_case *c, const char *text)
{
    mr_value value = {0};
    mr_resolver *resolver = &c->resolver;
    if (strcmp(text, "NULL") == 0)
        return mr_make_null(resolver, mr_type_of(MR_TYPE_NULL));
    if (strcmp(text, "TRUE") == 0 || strcmp(text, "FALSE") == 0)
        return mr_make_boolean(resolver, *text == 'T');
    if (starts(&text, "D:")) {
        if (!mr_date_parse(text, strlen(text), &value.i32))
            abort();
        return mr_make_constant(resolver, mr_type_of(MR_TYPE_DATE), value);
    }
    if (starts(&text, "T:")) {
        if (!mr_time_parse(text, strlen(text), &value.i64))
            abort();
        return mr_make_constant(resolver, mr_type_time(MR_TYPE_TIME, 0), value);
    }
    if (starts(&text, "TS"))
        return timestamp(c, text, MR_TYPE_TIMESTAMP);
    if (starts(&text, "LTZ"))
        return timestamp(c, text, MR_TYPE_TIMESTAMP_LTZ);
    if (starts(&text, "IS:")) {
        value.i64 = (int64_t)(strtod(text, NULL) * 1e6);
        return mr_make_constant(resolver, mr_type_of(MR_TYPE_INTERVAL_SECOND), value);
    }
    if (starts(&text, "IM:")) {
        value.i32 = atoi(text);
        return mr_make_constant(resolver, mr_type_of(MR_TYPE_INTERVAL_MONTH), value);
    }
    if (starts(&text, "B:")) {
        value.string = mr_string_of(text, (uint32_t)strlen(text));
        return mr_make_constant(resolver, mr_type_of(MR_TYPE_VARBINARY), value);
    }
    mr_expr *made = number(c, text);
    return made != NULL ? made : mr_make_string(resolver, text, (uint32_t)strlen(text));
}

static mr_expr *as_column(mr_case *c, mr_expr *constant)
{
    if (constant->type.kind == MR_TYPE_NULL || c->columns_count == MR_CASE_ARGS_MAX)
        return constant;
    mr_type type = mr_type_nullable(constant->type, true);
    mr_vector *column = &c->columns[c->columns_count];
    *column = mr_vector_new(type, 1, &c->arena);
    memcpy(column->values, &constant->value.i128, mr_lane_size(column->lane));
    if (constant->value.is_null)
        mr_vector_set_null(column, 0, 1, &c->arena);
    return mr_make_column(&c->resolver, c->columns_count++, type);
}

mr_expr *mr_case_arg(mr_case *c, const char *text)
{
    const bool is_column = *text == '!';
    mr_expr *made =
        literal(c, mr_arena_string(&c->arena, text + is_column, strlen(text + is_column)));
    return is_column ? as_column(c, made) : made;
}

static mr_expr *call(mr_case *c, const char *name, const char *args, bool as_columns)
{
    mr_expr *list[MR_CASE_ARGS_MAX];
    uint32_t count = 0;
    for (const char *at = args; count < MR_CASE_ARGS_MAX;) {
        const char *end = strchr(at, '|');
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        const char *text = mr_arena_string(&c->arena, at, length);
        list[count] = mr_case_arg(c, text);
        if (as_columns && list[count]->kind == MR_EXPR_CONSTANT)
            list[count] = as_column(c, list[count]);
        count++;
        if (end == NULL)
            break;
        at = end + 1;
    }
    return mr_make_call(&c->resolver, name, list, count);
}

mr_expr *mr_case_call(mr_case *c, const char *name, const char *args)
{
    return call(c, name, args, false);
}

mr_type mr_case_type(const char *name)
{
    static const struct {
        const char *name;
        mr_type_kind kind;
    } kinds[] = {
        {"BOOLEAN", MR_TYPE_BOOLEAN},
        {"TINYINT", MR_TYPE_TINYINT},
        {"SMALLINT", MR_TYPE_SMALLINT},
        {"INT", MR_TYPE_INT},
        {"BIGINT", MR_TYPE_BIGINT},
        {"FLOAT", MR_TYPE_FLOAT},
        {"DOUBLE", MR_TYPE_DOUBLE},
        {"DECIMAL", MR_TYPE_DECIMAL},
        {"CHAR", MR_TYPE_CHAR},
        {"VARCHAR", MR_TYPE_VARCHAR},
        {"STRING", MR_TYPE_VARCHAR},
        {"BINARY", MR_TYPE_BINARY},
        {"BYTES", MR_TYPE_VARBINARY},
        {"DATE", MR_TYPE_DATE},
        {"TIME", MR_TYPE_TIME},
        {"TIMESTAMP", MR_TYPE_TIMESTAMP},
        {"TIMESTAMP_LTZ", MR_TYPE_TIMESTAMP_LTZ},
    };
    size_t length = strcspn(name, "(");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].name) != length || memcmp(kinds[i].name, name, length) != 0)
            continue;
        mr_type type = mr_type_of(kinds[i].kind);
        unsigned a = 0, b = 0;
        if (sscanf(name + length, "(%u,%u)", &a, &b) < 1)
            return type;
        if (mr_type_is_text(type) || mr_type_is_bytes(type)) {
            type.length = a;
        } else {
            type.precision = (uint8_t)a;
            type.scale = (uint8_t)b;
        }
        return type;
    }
    abort();
}

const char *mr_case_run(mr_case *c, const mr_expr *node)
{
    if (node == NULL)
        return mr_arena_printf(&c->arena, "refused: %s", c->resolver.refusal.message);
    mr_program *program;
    mr_error err;
    if (mr_program_new(&node, 1, &c->context, &program, &err) != MR_OK)
        abort();
    mr_batch batch = mr_batch_new(c->columns_count, 1, &c->arena);
    if (c->columns_count > 0)
        memcpy(batch.columns, c->columns, c->columns_count * sizeof(mr_vector));
    mr_row_errors errors = {.arena = &c->arena};
    mr_vector result;
    mr_program_run(program, &batch, &result, &errors);
    mr_program_free(program);
    if (errors.count > 0)
        return mr_arena_printf(&c->arena, "error: %s", errors.error[0].message);
    mr_value value = {.is_null = mr_vector_is_null(&result, 0)};
    if (!value.is_null)
        memcpy(&value.i128, result.values, mr_lane_size(result.lane));
    mr_buffer text = {0};
    mr_value_print(node->type, &value, &text);
    const char *kept = mr_arena_string(&c->arena, text.data, text.length);
    mr_buffer_release(&text);
    return kept;
}

static const char *agreed(mr_case *c, const char *constant, const char *column)
{
    if (strcmp(constant, column) == 0)
        return constant;
    return mr_arena_printf(&c->arena, "differ: %s as constants, %s as columns", constant, column);
}

const char *mr_case_eval(mr_case *c, const char *name, const char *args)
{
    c->columns_count = 0;
    const char *constant = mr_case_run(c, call(c, name, args, false));
    c->columns_count = 0;
    mr_expr *node = call(c, name, args, true);
    /* Units and modes must be constants: such a call has no column form. */
    return node != NULL ? agreed(c, constant, mr_case_run(c, node)) : constant;
}

const char *mr_case_cast(mr_case *c, const char *arg, const char *type, bool is_try)
{
    c->columns_count = 0;
    mr_type to = mr_case_type(type);
    const char *constant =
        mr_case_run(c, mr_make_cast(&c->resolver, mr_case_arg(c, arg), to, is_try));
    mr_expr *column = as_column(c, mr_case_arg(c, arg));
    return agreed(c, constant, mr_case_run(c, mr_make_cast(&c->resolver, column, to, is_try)));
}
