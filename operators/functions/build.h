/*
 * What the families of functions share: forms (a name with its builder), making calls, refusing.
 * Private to operators/functions.
 */
#ifndef MR_OPERATORS_FUNCTIONS_BUILD_H
#define MR_OPERATORS_FUNCTIONS_BUILD_H

#include "operators/functions/resolve.h"

typedef struct mr_form mr_form;

/* Makes the node of a call whose count of arguments fits the form; NULL: refusal filled. */
typedef mr_expr *mr_form_build(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                               uint32_t count);

#define MR_ARGS_ANY UINT32_MAX

struct mr_form {
    const char *name;
    uint32_t args_min, args_max;
    mr_form_build *build;
    int variant;           /* for builders that make several functions */
    const char *signature; /* for hints: `SUBSTRING(STRING, INT [, INT])` */
    const void *extra;     /* the function or table that the builder uses */
};

typedef struct mr_family {
    const mr_form *forms;
    uint32_t count;
} mr_family;

mr_family mr_family_operators(void); /* operator.c: not listed as functions */
mr_family mr_family_predicates(void);
mr_family mr_family_strings(void);
mr_family mr_family_texts(void);
mr_family mr_family_numbers(void);
mr_family mr_family_times(void);
mr_family mr_family_conditions(void);

/* A call over arguments that already have their types; folded when it can be. The result's
 * nullability is `type`'s. NULL: nested too deep. */
mr_expr *mr_build_call(mr_resolver *resolver, mr_type type, const mr_function *function,
                       const void *data, mr_expr *const *args, uint32_t count);

/* AND, OR, CASE, COALESCE. */
mr_expr *mr_build_control(mr_resolver *resolver, mr_expr_kind kind, mr_type type,
                          mr_expr *const *args, uint32_t count);

/* `type`, nullable when an argument is. */
mr_type mr_build_type(mr_type type, mr_expr *const *args, uint32_t count);

/* Is the argument a bare NULL? */
bool mr_is_bare_null(const mr_expr *arg);

/* CAST without rules: the caller knows that it exists. Nullability of `arg`. */
mr_expr *mr_build_cast(mr_resolver *resolver, mr_expr *arg, mr_type to, bool is_try);

/* Fill the refusal and return NULL. */
mr_expr *mr_refuse(mr_resolver *resolver, mr_refusal_kind kind, uint32_t argument, const char *hint,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
mr_expr *mr_refuse_types(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count);

/* Arguments as the builders want them: NULL with a refusal when the type does not convert. Bare
 * NULLs become NULLs of the type. */
mr_expr *mr_want_text(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                      uint32_t count, uint32_t i);
mr_expr *mr_want_int(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                     uint32_t count, uint32_t i);
mr_expr *mr_want_bigint(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                        uint32_t count, uint32_t i);
mr_expr *mr_want_double(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                        uint32_t count, uint32_t i);
mr_expr *mr_want_boolean(mr_resolver *resolver, const mr_form *form, mr_expr *const *args,
                         uint32_t count, uint32_t i);

/* The text of a constant, non-NULL string argument. */
bool mr_constant_text(const mr_expr *arg, mr_string *text);

/* The type both operands of a comparison are converted to. False: they do not compare. */
bool mr_comparison_type(mr_type a, mr_type b, bool is_equality, mr_type *common);

/* coerce.c: the least type that holds both, nullability aside. */
bool mr_common_type_of(mr_type a, mr_type b, mr_type *common);

#endif
