/* Goal: resolution holds at its edges: the job's zone, shared and deep trees, constants that
 * fail. */
#include "engine/expr/program.h"
#include "engine/expr/zone.h"
#include "tests/harness/expr_case.h"

#include <criterion/criterion.h>

Test(resolve, sees_instants_in_the_jobs_zone)
{
    static const char *const rows[][3] = {
        {"EXTRACT", "HOUR|LTZ3:2024-07-01 22:30:00", "0"},
        {"EXTRACT", "HOUR|TS3:2024-07-01 22:30:00", "22"},
        {"DAYOFMONTH", "LTZ3:2024-07-01 22:30:00", "2"},
        {"FLOOR", "LTZ3:2024-07-01 22:30:00|DAY", "TIMESTAMP_LTZ '2024-07-01 22:00:00.000Z'"},
        {"DATE_FORMAT", "LTZ3:2024-07-01 22:30:00|dd HH:mm", "'02 00:30'"},
        {"FROM_UNIXTIME", "0", "'1970-01-01 02:00:00'"},
        {"UNIX_TIMESTAMP", "1970-01-01 02:00:00", "0"},
        {"TO_TIMESTAMP_LTZ", "1970-01-01 02:00:00", "TIMESTAMP_LTZ '1970-01-01 02:00:00.000Z'"},
        {"=", "TS3:2024-07-01 02:00:00|LTZ3:2024-07-01 00:00:00", "TRUE"},
    };
    mr_zone *zone = NULL;
    mr_error err;
    cr_assert_eq(mr_zone_of_offset("+02:00", &zone, &err), MR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mr_case c;
        mr_case_init(&c, zone);
        const char *result = mr_case_eval(&c, rows[i][0], rows[i][1]);
        cr_expect_str_eq(result, rows[i][2], "%s(%s): %s", rows[i][0], rows[i][1], result);
        cr_expect_str_eq(mr_case_cast(&c, "LTZ3:2024-07-01 22:30:00", "STRING", false),
                         "'2024-07-02 00:30:00.000'");
        cr_expect_str_eq(mr_case_cast(&c, "TS3:2024-07-01 22:30:00", "TIMESTAMP_LTZ(3)", false),
                         "TIMESTAMP_LTZ '2024-07-01 20:30:00.000Z'");
        mr_case_release(&c);
    }
    mr_zone_free(zone);
}

Test(resolve, compiles_shared_parts_once_each)
{
    mr_case c;
    mr_case_init(&c, NULL);
    /* Each step uses the one before three times: 3^14 walks if shared nodes were not remembered. */
    cr_expect_str_eq(mr_case_eval(&c, "GREATEST", "1|9|2|8|3|7|4|6|5|1|2|3|4|5|6"), "9");
    mr_case_release(&c);
}

Test(resolve, refuses_what_is_nested_too_deep)
{
    mr_case c;
    mr_case_init(&c, NULL);
    mr_expr *column = mr_make_column(&c.resolver, 0, mr_type_of(MR_TYPE_BIGINT));
    mr_expr *sum = column;
    uint32_t depth = 0;
    while (sum != NULL && depth < 10 * MR_EXPR_DEPTH_MAX) {
        sum = mr_make_call(&c.resolver, "+", (mr_expr *[]){sum, column}, 2);
        depth++;
    }
    cr_assert_null(sum);
    cr_expect_eq(depth, MR_EXPR_DEPTH_MAX + 1);
    cr_expect_eq(c.resolver.refusal.kind, MR_REFUSAL_DEPTH);
    mr_case_release(&c);
}

Test(resolve, compiles_the_deepest_tree_it_lets_pass)
{
    mr_case c;
    mr_case_init(&c, NULL);
    mr_expr *column = mr_case_arg(&c, "!1L");
    mr_expr *sum = column;
    for (uint32_t i = 0; i < MR_EXPR_DEPTH_MAX; i++)
        sum = mr_make_call(&c.resolver, "+", (mr_expr *[]){sum, column}, 2);
    cr_assert_not_null(sum);
    cr_expect_str_eq(mr_case_run(&c, sum), "2001");
    mr_case_release(&c);
}

Test(resolve, keeps_constants_that_fail_for_the_rows_to_say)
{
    mr_case c;
    mr_case_init(&c, NULL);
    mr_expr *ratio = mr_case_call(&c, "/", "1|0");
    cr_assert_not_null(ratio);
    cr_expect_eq(ratio->kind, MR_EXPR_CALL);
    mr_expr *guarded = mr_make_call(
        &c.resolver, "CASE",
        (mr_expr *[]){mr_make_boolean(&c.resolver, false), ratio, mr_make_int(&c.resolver, 7)}, 3);
    cr_expect_str_eq(mr_case_run(&c, guarded), "7");
    mr_case_release(&c);
}

Test(resolve, propagates_nullability)
{
    mr_case c;
    mr_case_init(&c, NULL);
    mr_type sure = mr_type_not_null(mr_type_of(MR_TYPE_INT));
    mr_expr *a = mr_make_column(&c.resolver, 0, sure);
    mr_expr *b = mr_make_column(&c.resolver, 1, mr_type_of(MR_TYPE_INT));
    cr_expect_not(mr_make_call(&c.resolver, "+", (mr_expr *[]){a, a}, 2)->type.is_nullable);
    cr_expect(mr_make_call(&c.resolver, "+", (mr_expr *[]){a, b}, 2)->type.is_nullable);
    cr_expect_not(mr_make_call(&c.resolver, "COALESCE", (mr_expr *[]){b, a}, 2)->type.is_nullable);
    cr_expect_not(mr_make_call(&c.resolver, "IS NULL", (mr_expr *[]){b}, 1)->type.is_nullable);
    cr_expect(mr_make_cast(&c.resolver, a, mr_type_of(MR_TYPE_TINYINT), true)->type.is_nullable);
    mr_case_release(&c);
}
