#include "operators/functions/resolve.h"

#include "engine/base/assert.h"
#include "engine/expr/kernels/cast.h"
#include "engine/expr/value.h"
#include "operators/functions/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

mr_expr *mr_refuse(mr_resolver *resolver, mr_refusal_kind kind, uint32_t argument, const char *hint,
                   const char *format, ...)
{
    mr_refusal *refusal = &resolver->refusal;
    refusal->kind = kind;
    refusal->argument = argument;
    snprintf(refusal->hint, sizeof refusal->hint, "%s", hint);
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    va_end(args);
    return NULL;
}

mr_expr *mr_refuse_types(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count)
{
    char list[MR_REFUSAL_TEXT_MAX] = "", hint[MR_REFUSAL_TEXT_MAX];
    size_t at = 0;
    for (uint32_t i = 0; i < count && at + 80 < sizeof list; i++) {
        char type[MR_TYPE_NAME_MAX];
        mr_type_name(mr_type_nullable(args[i]->type, true), type, sizeof type);
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.60s", i > 0 ? ", " : "", type);
    }
    snprintf(hint, sizeof hint, "takes %s", form->signature);
    return mr_refuse(resolver, MR_REFUSAL_TYPES, MR_REFUSAL_NO_ARGUMENT, hint,
                     "%s does not take (%.300s)", form->name, list);
}

static mr_expr *node_new(mr_resolver *resolver, mr_expr_kind kind, mr_type type)
{
    mr_expr *node = mr_arena_zalloc(resolver->arena, 1, sizeof *node);
    node->kind = kind;
    node->type = type;
    return node;
}

mr_expr *mr_make_column(mr_resolver *resolver, uint32_t column, mr_type type)
{
    mr_expr *node = node_new(resolver, MR_EXPR_COLUMN, type);
    node->column = column;
    return node;
}

mr_expr *mr_make_constant(mr_resolver *resolver, mr_type type, mr_value value)
{
    mr_expr *node = node_new(resolver, MR_EXPR_CONSTANT, mr_type_nullable(type, value.is_null));
    node->value = value;
    return node;
}

mr_expr *mr_make_null(mr_resolver *resolver, mr_type type)
{
    return mr_make_constant(resolver, type, (mr_value){.is_null = true});
}

mr_expr *mr_make_string(mr_resolver *resolver, const char *text, uint32_t length)
{
    uint32_t characters = 0;
    for (uint32_t i = 0; i < length; i++)
        characters += ((unsigned char)text[i] & 0xC0) != 0x80;
    mr_type type = mr_type_of(MR_TYPE_CHAR);
    type.length = characters;
    return mr_make_constant(resolver, type, (mr_value){.string = mr_string_of(text, length)});
}

mr_expr *mr_make_int(mr_resolver *resolver, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX)
        return mr_make_constant(resolver, mr_type_of(MR_TYPE_INT),
                                (mr_value){.i32 = (int32_t)value});
    return mr_make_constant(resolver, mr_type_of(MR_TYPE_BIGINT), (mr_value){.i64 = value});
}

mr_expr *mr_make_boolean(mr_resolver *resolver, bool value)
{
    return mr_make_constant(resolver, mr_type_of(MR_TYPE_BOOLEAN), (mr_value){.boolean = value});
}

bool mr_is_bare_null(const mr_expr *arg)
{
    return arg->type.kind == MR_TYPE_NULL;
}

bool mr_constant_text(const mr_expr *arg, mr_string *text)
{
    if (arg->kind != MR_EXPR_CONSTANT || arg->value.is_null || !mr_type_is_text(arg->type))
        return false;
    *text = arg->value.string;
    return true;
}

mr_type mr_build_type(mr_type type, mr_expr *const *args, uint32_t count)
{
    type.is_nullable = false;
    for (uint32_t i = 0; i < count; i++)
        type.is_nullable |= args[i]->type.is_nullable;
    return type;
}

static mr_expr *node_of_args(mr_resolver *resolver, mr_expr_kind kind, mr_type type,
                             mr_expr *const *args, uint32_t count)
{
    mr_expr *node = node_new(resolver, kind, type);
    const mr_expr **copy = mr_arena_alloc(resolver->arena, (count + 1) * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = args[i];
        if (args[i]->depth >= node->depth)
            node->depth = args[i]->depth + 1;
    }
    node->args = copy;
    node->args_count = count;
    if (node->depth > MR_EXPR_DEPTH_MAX)
        return mr_refuse(resolver, MR_REFUSAL_DEPTH, MR_REFUSAL_NO_ARGUMENT,
                         "give parts of it a name in a subquery",
                         "the expression is nested more than %d deep", MR_EXPR_DEPTH_MAX);
    return node;
}

/* What is constant is computed once, now; what would fail stays and fails for each row. */
static mr_expr *folded(mr_resolver *resolver, mr_expr *node)
{
    for (uint32_t i = 0; i < node->args_count; i++)
        if (node->args[i]->kind != MR_EXPR_CONSTANT)
            return node;
    mr_value value;
    if (!mr_expr_fold(node, resolver->context, resolver->arena, &value))
        return node;
    node->kind = MR_EXPR_CONSTANT;
    node->value = value;
    node->type.is_nullable |= value.is_null;
    node->depth = 0;
    node->args_count = 0;
    node->args = NULL;
    node->function = NULL;
    node->function_data = NULL;
    return node;
}

mr_expr *mr_build_call(mr_resolver *resolver, mr_type type, const mr_function *function,
                       const void *data, mr_expr *const *args, uint32_t count)
{
    mr_expr *node = node_of_args(resolver, MR_EXPR_CALL, type, args, count);
    if (node == NULL)
        return NULL;
    node->function = function;
    node->function_data = data;
    return folded(resolver, node);
}

mr_expr *mr_build_control(mr_resolver *resolver, mr_expr_kind kind, mr_type type,
                          mr_expr *const *args, uint32_t count)
{
    mr_expr *node = node_of_args(resolver, kind, type, args, count);
    return node != NULL ? folded(resolver, node) : NULL;
}

mr_expr *mr_build_cast(mr_resolver *resolver, mr_expr *arg, mr_type to, bool is_try)
{
    to.is_nullable = arg->type.is_nullable || is_try;
    if (mr_type_equals(arg->type, to))
        return arg;
    if (mr_is_bare_null(arg)) {
        mr_expr *null = mr_make_null(resolver, to);
        null->text = arg->text;
        null->text_start = arg->text_start;
        null->text_end = arg->text_end;
        return null;
    }
    mr_expr *node;
    bool is_leaf = arg->kind == MR_EXPR_COLUMN || arg->kind == MR_EXPR_CONSTANT;
    if (mr_type_matches(arg->type, to) || (is_leaf && mr_cast_is_relabel(arg->type, to))) {
        node = mr_arena_copy(resolver->arena, arg, sizeof *arg);
        node->type = to;
        return node;
    }
    const mr_function *function = mr_cast_function(arg->type, to, is_try);
    MR_ASSERT(function != NULL);
    node = mr_build_call(resolver, to, function, NULL, &arg, 1);
    if (node == NULL)
        return NULL;
    node->text = arg->text;
    node->text_start = arg->text_start;
    node->text_end = arg->text_end;
    return node;
}

static mr_expr *want(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                     uint32_t count, uint32_t i, mr_type type)
{
    mr_expr *converted = mr_make_implicit(resolver, args[i], type);
    if (converted == NULL)
        return mr_refuse_types(resolver, form, args, count);
    return converted;
}

mr_expr *mr_want_text(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                      uint32_t count, uint32_t i)
{
    if (mr_type_is_text(args[i]->type))
        return args[i]; /* text functions take CHAR(n) and VARCHAR(n) as they are */
    return want(resolver, form, args, count, i, mr_type_string());
}

mr_expr *mr_want_int(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                     uint32_t count, uint32_t i)
{
    return want(resolver, form, args, count, i, mr_type_of(MR_TYPE_INT));
}

mr_expr *mr_want_bigint(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                        uint32_t count, uint32_t i)
{
    return want(resolver, form, args, count, i, mr_type_of(MR_TYPE_BIGINT));
}

mr_expr *mr_want_double(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                        uint32_t count, uint32_t i)
{
    return want(resolver, form, args, count, i, mr_type_of(MR_TYPE_DOUBLE));
}

mr_expr *mr_want_boolean(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count, uint32_t i)
{
    return want(resolver, form, args, count, i, mr_type_of(MR_TYPE_BOOLEAN));
}

static const mr_form *find_in(mr_family family, const char *name, uint32_t count, bool *is_known)
{
    for (uint32_t i = 0; i < family.count; i++) {
        const mr_form *form = &family.forms[i];
        if (strcasecmp(form->name, name) != 0)
            continue;
        *is_known = true;
        if (count >= form->args_min && count <= form->args_max)
            return form;
    }
    return NULL;
}

typedef mr_family family_of(void);

/* Operators and predicates first: they are not names of functions. */
static family_of *const families[] = {mr_family_operators, mr_family_predicates, mr_family_strings,
                                      mr_family_texts,     mr_family_numbers,    mr_family_times,
                                      mr_family_conditions};
#define FUNCTIONS_FIRST 2u

static const mr_form *first_form(const char *name)
{
    for (size_t f = 0; f < MR_LENGTH(families); f++) {
        mr_family family = families[f]();
        for (uint32_t i = 0; i < family.count; i++)
            if (strcasecmp(family.forms[i].name, name) == 0)
                return &family.forms[i];
    }
    return NULL;
}

static mr_expr *refuse_count(mr_resolver *resolver, const char *name, uint32_t count)
{
    const mr_form *form = first_form(name);
    char hint[MR_REFUSAL_TEXT_MAX];
    snprintf(hint, sizeof hint, "takes %s", form->signature);
    return mr_refuse(resolver, MR_REFUSAL_COUNT, MR_REFUSAL_NO_ARGUMENT, hint,
                     "%s does not take %u argument%s", form->name, count, count == 1 ? "" : "s");
}

/* Names that people bring from elsewhere. */
static mr_expr *refuse_unknown(mr_resolver *resolver, const char *name)
{
    static const struct {
        const char *name, *hint;
    } elsewhere[] = {
        {"LENGTH", "write CHAR_LENGTH(s)"},
        {"LEN", "write CHAR_LENGTH(s)"},
        {"NVL", "write COALESCE(a, b)"},
        {"ISNULL", "write x IS NULL, or COALESCE(x, y)"},
        {"TO_CHAR", "write DATE_FORMAT(ts, 'yyyy-MM-dd') or CAST(x AS STRING)"},
        {"DATE_TRUNC", "write FLOOR(ts TO HOUR)"},
        {"TRUNC", "write FLOOR(ts TO DAY), or CAST(x AS BIGINT) for a number"},
        {"DATEDIFF", "write TIMESTAMPDIFF(DAY, a, b)"},
        {"DATEADD", "write ts + INTERVAL '1' DAY, or TIMESTAMPADD(DAY, n, ts)"},
        {"DATE_DIFF", "write TIMESTAMPDIFF(DAY, a, b)"},
        {"TIMESTAMP_DIFF", "write TIMESTAMPDIFF(SECOND, a, b)"},
        {"TIMESTAMP_ADD", "write TIMESTAMPADD(SECOND, n, ts)"},
        {"GETDATE",
         "nothing reads the wall clock: METADATA FROM 'timestamp' is when a record was written"},
        {"SYSDATE",
         "nothing reads the wall clock: METADATA FROM 'timestamp' is when a record was written"},
        {"CHARINDEX", "write LOCATE(part, s)"},
        {"TO_NUMBER", "write CAST(s AS DECIMAL(38, 10))"},
        {"SAFE_CAST", "write TRY_CAST(x AS type)"},
        {"CONVERT", "write CAST(x AS type)"},
        {"FORMAT", "write CONCAT, and CAST(x AS STRING) for numbers"},
        {"DATE_ADD", "write d + INTERVAL '1' DAY"},
        {"DATE_SUB", "write d - INTERVAL '1' DAY"},
        {"DATE_PART", "write EXTRACT(unit FROM ts)"},
        {"LCASE", "write LOWER(s)"},
        {"UCASE", "write UPPER(s)"},
        {"POW", "write POWER(a, b)"},
        {"STRPOS", "write POSITION(part IN s) or INSTR(s, part)"},
        {"SUBSTRING_INDEX", "write SPLIT_INDEX(s, delimiter, index)"},
        {"SPLIT_PART", "write SPLIT_INDEX(s, delimiter, index), which counts from 0"},
        {"IIF", "write IF(condition, a, b)"},
        {"DECODE", "write CASE"},
    };
    for (size_t i = 0; i < MR_LENGTH(elsewhere); i++)
        if (strcasecmp(elsewhere[i].name, name) == 0)
            return mr_refuse(resolver, MR_REFUSAL_UNKNOWN, MR_REFUSAL_NO_ARGUMENT,
                             elsewhere[i].hint, "there is no function %s", elsewhere[i].name);
    const char *nearest = mr_function_nearest(name);
    char hint[MR_REFUSAL_TEXT_MAX] = "";
    if (nearest != NULL)
        snprintf(hint, sizeof hint, "did you mean `%s`?", nearest);
    return mr_refuse(resolver, MR_REFUSAL_UNKNOWN, MR_REFUSAL_NO_ARGUMENT, hint,
                     "there is no function %.100s", name);
}

mr_expr *mr_make_call(mr_resolver *resolver, const char *name, mr_expr *const *args, uint32_t count)
{
    resolver->refusal.kind = MR_REFUSAL_NONE;
    bool is_known = false;
    for (size_t f = 0; f < MR_LENGTH(families); f++) {
        const mr_form *form = find_in(families[f](), name, count, &is_known);
        if (form == NULL)
            continue;
        mr_expr *node = form->build(resolver, form, args, count);
        for (uint32_t i = 0; node != NULL && i < count; i++)
            if (node ==
                args[i]) /* a call must not give its argument away: the caller sets the text */
                node = mr_arena_copy(resolver->arena, node, sizeof *node);
        return node;
    }
    return is_known ? refuse_count(resolver, name, count) : refuse_unknown(resolver, name);
}

static const mr_form *function_at(uint32_t wanted)
{
    for (size_t f = FUNCTIONS_FIRST; f < MR_LENGTH(families); f++) {
        mr_family family = families[f]();
        if (wanted < family.count)
            return &family.forms[wanted];
        wanted -= family.count;
    }
    return NULL;
}

const char *mr_function_name(uint32_t i)
{
    const mr_form *form = function_at(i);
    return form != NULL ? form->name : NULL;
}

bool mr_function_is_known(const char *name)
{
    const char *known;
    for (uint32_t i = 0; (known = mr_function_name(i)) != NULL; i++)
        if (strcasecmp(known, name) == 0)
            return true;
    return false;
}

#define NEAR_MAX 32

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edits between two short names, any case. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAR_MAX + 1], length = strlen(b);
    if (strlen(a) > NEAR_MAX || length > NEAR_MAX)
        return NEAR_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t cost = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = cost < step ? cost : step;
        }
    }
    return row[length];
}

const char *mr_function_nearest(const char *name)
{
    const char *known, *nearest = NULL;
    size_t best = strlen(name) / 3 + 1;
    if (best > 3)
        best = 3;
    for (uint32_t i = 0; (known = mr_function_name(i)) != NULL; i++) {
        size_t edits = distance(name, known);
        if (edits <= best && (nearest == NULL || edits < best)) {
            best = edits;
            nearest = known;
        }
    }
    return nearest;
}
