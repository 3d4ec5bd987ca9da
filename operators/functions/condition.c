/* CASE, COALESCE and their kin. */
#include "operators/functions/build.h"

#include "engine/base/assert.h"
#include "engine/expr/kernels/compare.h"

#include <string.h>

/* Casts the arguments from `first` on, every `step`-th, and the last, to their common type. */
static bool unify(mr_resolver *resolver, mr_expr **args, const bool *is_value, uint32_t count,
                  mr_type *common)
{
    mr_type types[64];
    mr_type *all =
        count <= MR_LENGTH(types) ? types : mr_arena_alloc(resolver->arena, count * sizeof *all);
    uint32_t values = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_value[i])
            all[values++] = args[i]->type;
    if (!mr_common_type(resolver, all, values, common))
        return false;
    if (common->kind == MR_TYPE_NULL) {
        (void)mr_refuse(resolver, MR_REFUSAL_TYPES, MR_REFUSAL_NO_ARGUMENT,
                        "write CAST(NULL AS type)", "all results are NULL without a type");
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (is_value[i] && (args[i] = mr_build_cast(resolver, args[i], *common, false)) == NULL)
            return false;
    return true;
}

/* (when, then, when, then, .. [, else]) */
static mr_expr *build_case(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                           uint32_t count)
{
    mr_expr **all = mr_arena_alloc(resolver->arena, (count + 1) * sizeof(mr_expr *));
    bool *is_value = mr_arena_zalloc(resolver->arena, count + 1, sizeof(bool));
    for (uint32_t i = 0; i < count; i++) {
        bool is_when = i % 2 == 0 && i + 1 < count;
        all[i] = is_when ? mr_want_boolean(resolver, form, args, count, i) : args[i];
        if (all[i] == NULL) {
            resolver->refusal.argument = i;
            return NULL;
        }
        is_value[i] = !is_when;
    }
    if (count % 2 == 0) {
        all[count] = mr_make_null(resolver, mr_type_of(MR_TYPE_NULL));
        is_value[count++] = true;
    }
    mr_type common;
    if (!unify(resolver, all, is_value, count, &common))
        return NULL;
    return mr_build_control(resolver, MR_EXPR_CASE, common, all, count);
}

static mr_expr *build_coalesce(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                               uint32_t count)
{
    (void)form;
    mr_expr **all = mr_arena_copy(resolver->arena, args, count * sizeof(mr_expr *));
    bool *is_value = mr_arena_alloc(resolver->arena, count);
    memset(is_value, 1, count);
    mr_type common;
    if (!unify(resolver, all, is_value, count, &common))
        return NULL;
    common.is_nullable = true;
    for (uint32_t i = 0; i < count; i++)
        common.is_nullable &= args[i]->type.is_nullable;
    if (count == 1 || !all[0]->type.is_nullable)
        return all[0];
    return mr_build_control(resolver, MR_EXPR_COALESCE, common, all, count);
}

static mr_expr *build_if(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count)
{
    return build_case(resolver, form, args, count);
}

/* CASE WHEN a = b THEN NULL ELSE a END */
static mr_expr *build_nullif(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                             uint32_t count)
{
    mr_expr *is_equal = mr_make_call(resolver, "=", args, count);
    if (is_equal == NULL)
        return NULL;
    mr_expr *parts[] = {is_equal, mr_make_null(resolver, mr_type_of(MR_TYPE_NULL)), args[0]};
    return build_case(resolver, form, parts, 3);
}

/* CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN a >= b THEN a ELSE b END, from the left on. */
static mr_expr *build_extreme(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                              uint32_t count)
{
    mr_expr **all = mr_arena_copy(resolver->arena, args, count * sizeof(mr_expr *));
    bool *is_value = mr_arena_alloc(resolver->arena, count);
    memset(is_value, 1, count);
    mr_type common;
    if (!unify(resolver, all, is_value, count, &common))
        return NULL;
    mr_expr *best = all[0];
    for (uint32_t i = 1; i < count; i++) {
        mr_expr *sides[] = {best, all[i]};
        mr_expr *is_first = mr_make_call(resolver, form->variant > 0 ? ">=" : "<=", sides, 2);
        if (is_first == NULL)
            return NULL;
        mr_expr *is_null = mr_make_call(resolver, "IS NULL", &is_first, 1);
        if (is_null == NULL)
            return NULL;
        mr_expr *parts[] = {is_null, mr_make_null(resolver, common), is_first, best, all[i]};
        best = build_case(resolver, form, parts, 5);
        if (best == NULL)
            return NULL;
    }
    best->type.is_nullable = common.is_nullable;
    return best;
}

mr_family mr_family_conditions(void)
{
    static const mr_form forms[] = {
        {"CASE", 2, MR_ARGS_ANY, build_case, 0,
         "CASE WHEN BOOLEAN THEN value .. [ELSE value] END, values of one type", NULL},
        {"COALESCE", 1, MR_ARGS_ANY, build_coalesce, 0, "COALESCE(value, ..)", NULL},
        {"IFNULL", 2, 2, build_coalesce, 0, "IFNULL(value, value)", NULL},
        {"IF", 3, 3, build_if, 0, "IF(BOOLEAN, value, value)", NULL},
        {"NULLIF", 2, 2, build_nullif, 0, "NULLIF(value, value)", NULL},
        {"GREATEST", 1, MR_ARGS_ANY, build_extreme, 1, "GREATEST(value, ..)", NULL},
        {"LEAST", 1, MR_ARGS_ANY, build_extreme, -1, "LEAST(value, ..)", NULL},
    };
    return (mr_family){forms, MR_LENGTH(forms)};
}
