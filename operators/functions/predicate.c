/* IS .., BETWEEN, IN, LIKE. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/expr/kernels/logic.h"
#include "engine/expr/value.h"
#include "operators/functions/like.h"
#include "operators/functions/set.h"

static mr_expr *build_test(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    mr_type result = mr_type_not_null(mr_type_of(MR_TYPE_BOOLEAN));
    mr_expr *arg = args[0];
    if (form->variant == 1 && (arg = mr_want_boolean(resolver, form, args, count, 0)) == NULL)
        return NULL;
    if (mr_is_bare_null(arg))
        arg = mr_build_cast(resolver, arg, mr_type_of(MR_TYPE_BOOLEAN), false);
    return mr_build_call(resolver, result, form->extra, NULL, &arg, 1);
}

/* x >= low AND x <= high; x is computed once, since equal calls are shared. */
static mr_expr *between(mr_resolver *resolver, mr_expr *x, mr_expr *low, mr_expr *high)
{
    mr_expr *above = mr_make_call(resolver, ">=", (mr_expr *[]){x, low}, 2);
    if (above == NULL)
        return NULL;
    mr_expr *below = mr_make_call(resolver, "<=", (mr_expr *[]){x, high}, 2);
    return below != NULL ? mr_make_call(resolver, "AND", (mr_expr *[]){above, below}, 2) : NULL;
}

enum { IS_NOT = 1, IS_SYMMETRIC = 2 };

static mr_expr *build_between(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                              uint32_t count)
{
    (void)count;
    mr_expr *result = between(resolver, args[0], args[1], args[2]);
    if (result != NULL && (form->variant & IS_SYMMETRIC) != 0) {
        mr_expr *swapped = between(resolver, args[0], args[2], args[1]);
        if (swapped == NULL)
            return NULL;
        result = mr_make_call(resolver, "OR", (mr_expr *[]){result, swapped}, 2);
    }
    if (result != NULL && (form->variant & IS_NOT) != 0)
        result = mr_make_call(resolver, "NOT", &result, 1);
    return result;
}

static mr_expr *in_by_comparing(mr_resolver *resolver, mr_expr *const *args, uint32_t count)
{
    mr_expr **tests = mr_arena_alloc(resolver->arena, count * sizeof(mr_expr *));
    for (uint32_t i = 1; i < count; i++) {
        tests[i - 1] = mr_make_call(resolver, "=", (mr_expr *[]){args[0], args[i]}, 2);
        if (tests[i - 1] == NULL) {
            resolver->refusal.argument = i;
            return NULL;
        }
    }
    return count == 2 ? tests[0] : mr_make_call(resolver, "OR", tests, count - 1);
}

/* The list as text: it stands for the set in the expression, so equal lists are equal calls. */
static mr_expr *list_text(mr_resolver *resolver, mr_expr *const *items, uint32_t count)
{
    mr_buffer text = {0};
    for (uint32_t i = 0; i < count; i++) {
        mr_buffer_put(&text, i > 0 ? ", " : "(", i > 0 ? 2 : 1);
        mr_value_print(items[i]->type, &items[i]->value, &text);
    }
    mr_buffer_put(&text, ")", 1);
    const char *kept = mr_arena_string(resolver->arena, text.data, text.length);
    mr_expr *made = mr_make_string(resolver, kept, (uint32_t)text.length);
    mr_buffer_release(&text);
    return made;
}

static mr_expr *in_set(mr_resolver *resolver, mr_expr *const *args, uint32_t count, mr_type common)
{
    mr_expr **items = mr_arena_alloc(resolver->arena, count * sizeof(mr_expr *));
    bool has_null = false;
    for (uint32_t i = 1; i < count; i++) {
        items[i - 1] = mr_build_cast(resolver, args[i], common, false);
        if (items[i - 1] == NULL || items[i - 1]->kind != MR_EXPR_CONSTANT)
            return in_by_comparing(resolver, args, count); /* an item's cast fails: for each row */
        has_null |= items[i - 1]->value.is_null;
    }
    mr_expr *sides[2] = {mr_build_cast(resolver, args[0], common, false),
                         list_text(resolver, items, count - 1)};
    if (sides[0] == NULL)
        return NULL;
    mr_type result = mr_type_of(MR_TYPE_BOOLEAN);
    result.is_nullable = has_null || args[0]->type.is_nullable;
    return mr_build_call(resolver, result, &mr_function_in,
                         mr_set_new(resolver->arena, common, items, count - 1), sides, 2);
}

static mr_expr *build_in(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count)
{
    mr_type common = args[0]->type;
    bool is_constant = true;
    for (uint32_t i = 1; i < count; i++) {
        mr_type next;
        if (!mr_comparison_type(common, args[i]->type, true, &next)) {
            (void)mr_make_call(resolver, "=", (mr_expr *[]){args[0], args[i]}, 2);
            if (resolver->refusal.kind == MR_REFUSAL_NONE)
                (void)mr_refuse_types(resolver, form, args, count);
            resolver->refusal.argument = i;
            return NULL;
        }
        common = next;
        is_constant &= args[i]->kind == MR_EXPR_CONSTANT;
    }
    bool has_set = is_constant && common.kind != MR_TYPE_NULL && common.kind != MR_TYPE_ROW;
    mr_expr *result =
        has_set ? in_set(resolver, args, count, common) : in_by_comparing(resolver, args, count);
    if (result != NULL && form->variant == IS_NOT)
        result = mr_make_call(resolver, "NOT", &result, 1);
    return result;
}

static mr_expr *build_like(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    mr_expr *sides[3];
    for (uint32_t i = 0; i < count; i++)
        if ((sides[i] = mr_want_text(resolver, form, args, count, i)) == NULL)
            return NULL;
    mr_string pattern, escape = {0};
    const mr_like *like = NULL;
    bool has_escape = count < 3 || mr_constant_text(sides[2], &escape);
    if (has_escape && mr_constant_text(sides[1], &pattern)) {
        const char *problem = mr_like_new(pattern, escape, resolver->arena, &like);
        if (problem != NULL)
            return mr_refuse(resolver, MR_REFUSAL_VALUE, 1, "", "%s", problem);
    }
    mr_type type = mr_build_type(mr_type_of(MR_TYPE_BOOLEAN), sides, count);
    mr_expr *result =
        mr_build_call(resolver, type, like != NULL ? &mr_function_like : &mr_function_like_dynamic,
                      like, sides, count);
    if (result != NULL && form->variant == IS_NOT)
        result = mr_make_call(resolver, "NOT", &result, 1);
    return result;
}

mr_family mr_family_predicates(void)
{
    static const mr_form forms[] = {
        {"IS NULL", 1, 1, build_test, 0, "any value", &mr_function_is_null},
        {"IS NOT NULL", 1, 1, build_test, 0, "any value", &mr_function_is_not_null},
        {"IS TRUE", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_true},
        {"IS NOT TRUE", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_not_true},
        {"IS FALSE", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_false},
        {"IS NOT FALSE", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_not_false},
        {"IS UNKNOWN", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_null},
        {"IS NOT UNKNOWN", 1, 1, build_test, 1, "a BOOLEAN", &mr_function_is_not_null},
        {"BETWEEN", 3, 3, build_between, 0, "x BETWEEN low AND high", NULL},
        {"NOT BETWEEN", 3, 3, build_between, IS_NOT, "x BETWEEN low AND high", NULL},
        {"BETWEEN SYMMETRIC", 3, 3, build_between, IS_SYMMETRIC, "x BETWEEN low AND high", NULL},
        {"NOT BETWEEN SYMMETRIC", 3, 3, build_between, IS_NOT | IS_SYMMETRIC,
         "x BETWEEN low AND high", NULL},
        {"IN", 2, MR_ARGS_ANY, build_in, 0, "x IN (value, ..)", NULL},
        {"NOT IN", 2, MR_ARGS_ANY, build_in, IS_NOT, "x IN (value, ..)", NULL},
        {"LIKE", 2, 3, build_like, 0, "STRING LIKE STRING [ESCAPE STRING]", NULL},
        {"NOT LIKE", 2, 3, build_like, IS_NOT, "STRING LIKE STRING [ESCAPE STRING]", NULL},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
