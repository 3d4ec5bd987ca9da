/* Goal: operators give SQL's values and types. Method: tables of calls with constants, which fold,
 * and the same with columns, which run the kernels; both must agree. */
#include "tests/harness/expr_case.h"

#include <criterion/criterion.h>

#define ROWS(...)                                       \
    static const char *const rows[][3] = {__VA_ARGS__}; \
    check(rows, sizeof rows / sizeof rows[0])

static void check(const char *const (*rows)[3], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mr_case c;
        mr_case_init(&c, NULL);
        const char *result = mr_case_eval(&c, rows[i][0], rows[i][1]);
        cr_expect_str_eq(result, rows[i][2], "%s(%s): expected %s, got %s", rows[i][0], rows[i][1],
                         rows[i][2], result);
        mr_case_release(&c);
    }
}

Test(operators, compute_with_integers)
{
    ROWS({"+", "1|2", "3"}, {"-", "1|2", "-1"}, {"*", "3|4", "12"}, {"/", "7|2", "3"},
         {"/", "-7|2", "-3"}, {"%", "7|-3", "1"}, {"%", "-7|3", "-1"}, {"+", "1|NULL", "NULL"},
         {"+", "2147483647|1", "error: the result does not fit INT"},
         {"+", "2147483647|1L", "2147483648"},
         {"+", "127T|1T", "error: the result does not fit TINYINT"},
         {"*", "9223372036854775807L|2", "error: the result does not fit BIGINT"},
         {"/", "1|0", "error: division by zero"}, {"%", "1|0", "error: division by zero"},
         {"/", "-2147483648|-1", "error: the result does not fit INT"},
         {"%", "-2147483648|-1", "0"}, {"-", "5", "-5"},
         {"-", "-2147483648", "error: the result does not fit INT"});
}

Test(operators, compute_with_decimals)
{
    ROWS({"+", "1.5|2.25", "3.75"}, {"*", "1.5|2.5", "3.75"}, {"-", "1.5|1", "0.5"},
         {"/", "1.0|3", "0.333333333333"}, {"%", "7.5|2", "1.5"},
         {"/", "1.0|0.0", "error: division by zero"}, {"+", "0.1|1e0", "1.1"});
}

Test(operators, compute_with_floats)
{
    ROWS({"/", "1e0|0e0", "Infinity"}, {"+", "1e0|2", "3.0"}, {"*", "1e0F|3", "3.0"},
         {"/", "0e0|0e0", "NaN"});
}

Test(operators, compute_with_times)
{
    ROWS({"+", "TS3:2024-01-31 10:00:00|IM:1", "TIMESTAMP '2024-02-29 10:00:00.000'"},
         {"-", "TS3:2024-03-01 00:00:00|IS:1", "TIMESTAMP '2024-02-29 23:59:59.000'"},
         {"+", "D:2024-02-28|IS:86400", "DATE '2024-02-29'"},
         {"-", "D:2024-03-31|IM:1", "DATE '2024-02-29'"},
         {"+", "T:23:00:00|IS:7200", "TIME '01:00:00'"}, {"*", "IS:60|3", "INTERVAL '180' SECOND"},
         {"-", "TS3:2024-03-01 00:00:00|TS3:2024-03-01 00:00:00",
          "refused: a date or time cannot be subtracted from another without a unit"});
}

Test(operators, compare)
{
    ROWS({"=", "1|1L", "TRUE"}, {"<>", "1|2", "TRUE"}, {"<", "a|b", "TRUE"}, {"=", "a|a ", "FALSE"},
         {"=", "NULL|1", "NULL"}, {"=", "1.50|1.5", "TRUE"}, {"<", "1.49|1.5", "TRUE"},
         {">", "2|1.5", "TRUE"}, {"=", "0.1|1e-1", "TRUE"},
         {"=", "TS3:2024-01-01 00:00:00|2024-01-01 00:00:00", "TRUE"},
         {"=", "1|a", "refused: INT and CHAR(1) cannot be compared"}, {"=", "TRUE|true", "TRUE"},
         {"IS DISTINCT FROM", "NULL|NULL", "FALSE"}, {"IS DISTINCT FROM", "1|NULL", "TRUE"},
         {"IS NOT DISTINCT FROM", "1|1", "TRUE"});
}

Test(operators, follow_three_valued_logic)
{
    ROWS({"AND", "TRUE|NULL", "NULL"}, {"AND", "FALSE|NULL", "FALSE"},
         {"AND", "NULL|FALSE", "FALSE"}, {"OR", "TRUE|NULL", "TRUE"}, {"OR", "NULL|TRUE", "TRUE"},
         {"OR", "FALSE|NULL", "NULL"}, {"NOT", "NULL", "NULL"}, {"NOT", "TRUE", "FALSE"},
         {"IS TRUE", "NULL", "FALSE"}, {"IS NOT TRUE", "NULL", "TRUE"},
         {"IS UNKNOWN", "NULL", "TRUE"}, {"IS NULL", "1", "FALSE"});
}

Test(predicates, test_ranges_lists_and_patterns)
{
    ROWS({"BETWEEN", "2|1|3", "TRUE"}, {"BETWEEN", "2|3|1", "FALSE"},
         {"NOT BETWEEN", "2|3|1", "TRUE"}, {"BETWEEN SYMMETRIC", "2|3|1", "TRUE"},
         {"IN", "2|1|2", "TRUE"}, {"IN", "3|1|NULL", "NULL"}, {"IN", "1|1|NULL", "TRUE"},
         {"NOT IN", "3|1|NULL", "NULL"}, {"NOT IN", "3|1|2", "TRUE"}, {"IN", "b|a|b", "TRUE"},
         {"LIKE", "hello|he%", "TRUE"}, {"LIKE", "hello|%lo", "TRUE"},
         {"LIKE", "hello|%ell%", "TRUE"}, {"LIKE", "hello|h_llo", "TRUE"},
         {"LIKE", "hello|h%l%o", "TRUE"}, {"LIKE", "hello|hell", "FALSE"}, {"LIKE", "|%", "TRUE"},
         {"LIKE", "hello|", "FALSE"}, {"LIKE", "5%|5#%|#", "TRUE"}, {"LIKE", "5x|5#%|#", "FALSE"},
         {"LIKE", "h\xc3\xa9|h_", "TRUE"}, {"NOT LIKE", "a|b", "TRUE"}, {"LIKE", "a|NULL", "NULL"});
}

Test(conditions, choose)
{
    ROWS({"CASE", "TRUE|1|2", "1"}, {"CASE", "NULL|1|2", "2"}, {"CASE", "FALSE|1", "NULL"},
         {"COALESCE", "NULL|NULL|3", "3"}, {"COALESCE", "NULL|1|2.5", "1.0"},
         {"IF", "FALSE|a|b", "'b'"}, {"NULLIF", "1|1", "NULL"}, {"NULLIF", "1|2", "1"},
         {"GREATEST", "1|3|2", "3"}, {"LEAST", "2|1|3", "1"}, {"GREATEST", "1|NULL|2", "NULL"},
         {"IFNULL", "NULL|5", "5"},
         {"CASE", "TRUE|1|a", "refused: INT and CHAR(1) have no common type"});
}
