/*
 * Expression cases for tests: arguments as literals in short text, the result as text.
 *
 *   mr_case_eval(c, "SUBSTRING", "hello|2|3") -> "'ell'"
 *
 * Arguments are cut at `|` and read by form: 12 INT, 12L BIGINT, 12T TINYINT, 12S SMALLINT, 1.5
 * DECIMAL, 1e0 DOUBLE, 1e0F FLOAT, NULL a bare NULL, TRUE FALSE, D:date, T:time, TS3:timestamp
 * (precision 3), LTZ3:, IS:seconds, IM:months, B:bytes; all else is text (an empty argument is an
 * empty text). A leading `!` makes a nullable column of the value instead of a constant, so that
 * kernels run on vectors.
 */
#ifndef MR_TESTS_HARNESS_EXPR_CASE_H
#define MR_TESTS_HARNESS_EXPR_CASE_H

#include "operators/functions/resolve.h"

#define MR_CASE_ARGS_MAX 16

typedef struct mr_case {
    mr_arena arena;
    mr_expr_context context;
    mr_resolver resolver;
    uint32_t columns_count;
    mr_vector columns[MR_CASE_ARGS_MAX]; /* one row each */
} mr_case;

void mr_case_init(mr_case *c, const struct mr_zone *zone);
void mr_case_release(mr_case *c);

/* One argument. */
mr_expr *mr_case_arg(mr_case *c, const char *text);

/* The call's node over arguments in text; NULL: refused. */
mr_expr *mr_case_call(mr_case *c, const char *name, const char *args);

/* A type by name: INT, DECIMAL(10,2), STRING, CHAR(3), TIMESTAMP(3) .. */
mr_type mr_case_type(const char *name);

/* Runs one node over the case's one row: the value as SQL text, "error: <message>" for a failed
 * row, "refused: <message>" for NULL. Lives in the case's arena. */
const char *mr_case_run(mr_case *c, const mr_expr *node);

/* mr_case_run of mr_case_call: as constants, and again as columns; "differ: .." when the two
 * differ. */
const char *mr_case_eval(mr_case *c, const char *name, const char *args);
const char *mr_case_cast(mr_case *c, const char *arg, const char *type, bool is_try);

#endif
