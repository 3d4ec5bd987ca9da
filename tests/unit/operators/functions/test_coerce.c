/* Goal: casts and conversions follow the rules of the dialect. Method: tables, values as constants
 * and as columns. */
#include "tests/harness/expr_case.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define CASTS(is_try, ...)                              \
    static const char *const rows[][3] = {__VA_ARGS__}; \
    check(rows, sizeof rows / sizeof rows[0], is_try)

static void check(const char *const (*rows)[3], size_t count, bool is_try)
{
    for (size_t i = 0; i < count; i++) {
        mr_case c;
        mr_case_init(&c, NULL);
        const char *result = mr_case_cast(&c, rows[i][0], rows[i][1], is_try);
        cr_expect_str_eq(result, rows[i][2], "CAST(%s AS %s): expected %s, got %s", rows[i][0],
                         rows[i][1], rows[i][2], result);
        mr_case_release(&c);
    }
}

Test(cast, makes_numbers)
{
    CASTS(false, {"300", "TINYINT", "error: the value does not fit TINYINT"}, {"3", "TINYINT", "3"},
          {"1.99", "INT", "1"}, {"-1.99e0", "BIGINT", "-1"},
          {"1e30", "BIGINT", "error: the value does not fit BIGINT"},
          {"x", "INT", "error: 'x' is no INT"}, {" 1.234 ", "INT", "1"},
          {"abc", "DOUBLE", "error: 'abc' is no DOUBLE"}, {"TRUE", "INT", "1"},
          {"NULL", "INT", "NULL"}, {"1.005", "DECIMAL(3,2)", "1.01"},
          {"12.5", "DECIMAL(2,1)", "NULL"}, {"0.1e0", "DECIMAL(10,3)", "0.100"},
          {"7", "DECIMAL(5,2)", "7.00"}, {"1e0F", "DOUBLE", "1.0"},
          {"16777217", "FLOAT", "1.6777216E7"});
}

Test(cast, makes_booleans)
{
    CASTS(false, {"0", "BOOLEAN", "FALSE"}, {"2.5", "BOOLEAN", "TRUE"}, {" Yes", "BOOLEAN", "TRUE"},
          {"n", "BOOLEAN", "FALSE"}, {"maybe", "BOOLEAN", "error: 'maybe' is no BOOLEAN"});
}

Test(cast, makes_text)
{
    CASTS(false, {"TRUE", "STRING", "'TRUE'"}, {"1e10", "STRING", "'1.0E10'"},
          {"0.1e0", "STRING", "'0.1'"}, {"100e0", "STRING", "'100.0'"},
          {"4.9e-324", "STRING", "'5.0E-324'"}, {"2e-323", "STRING", "'2.0E-323'"},
          {"2.2250738585072014e-308", "STRING", "'2.2250738585072014E-308'"},
          {"1.50", "STRING", "'1.50'"}, {"abc", "CHAR(2)", "'ab'"}, {"a", "CHAR(3)", "'a  '"},
          {"abc", "VARCHAR(2)", "'ab'"},
          {"TS3:2024-01-01 00:00:00", "STRING", "'2024-01-01 00:00:00.000'"},
          {"D:2024-01-01", "STRING", "'2024-01-01'"}, {"T:01:02:03", "STRING", "'01:02:03'"},
          {"-5", "STRING", "'-5'"}, {"a", "BYTES", "X'61'"}, {"B:a", "STRING", "'a'"},
          {"IM:-14", "STRING", "'-1-02'"}, {"IS:93784.5", "STRING", "'+1 02:03:04.500'"});
}

Test(cast, makes_times)
{
    CASTS(false, {"2024-1-2", "DATE", "DATE '2024-01-02'"},
          {"123", "DATE", "refused: cannot CAST INT to DATE"},
          {"2024-01-02T03:04:05.123456", "TIMESTAMP(3)", "TIMESTAMP '2024-01-02 03:04:05.123'"},
          {"2024-01-02", "TIMESTAMP(0)", "TIMESTAMP '2024-01-02 00:00:00'"},
          {"2024-13-01", "DATE", "error: '2024-13-01' is no DATE"},
          {"TS3:2024-01-02 03:04:05.6", "DATE", "DATE '2024-01-02'"},
          {"TS3:2024-01-02 03:04:05.6", "TIME", "TIME '03:04:05'"},
          {"D:2024-01-02", "TIMESTAMP(3)", "TIMESTAMP '2024-01-02 00:00:00.000'"},
          {"1:2:3", "TIME", "TIME '01:02:03'"},
          {"1", "TIMESTAMP(3)", "refused: cannot CAST INT to TIMESTAMP(3)"},
          {"TRUE", "DATE", "refused: cannot CAST BOOLEAN to DATE"});
}

Test(try_cast, makes_null_of_what_fails)
{
    CASTS(true, {"x", "INT", "NULL"}, {"300", "TINYINT", "NULL"}, {"12", "INT", "12"},
          {"2024-13-01", "DATE", "NULL"}, {"maybe", "BOOLEAN", "NULL"});
}

static void check_types(const char *operation, const char *const (*rows)[3], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mr_case c;
        mr_case_init(&c, NULL);
        mr_expr *args[2] = {mr_make_column(&c.resolver, 0, mr_case_type(rows[i][0])),
                            mr_make_column(&c.resolver, 1, mr_case_type(rows[i][1]))};
        mr_expr *node = mr_make_call(&c.resolver, operation, args, 2);
        char name[MR_TYPE_NAME_MAX] = "refused";
        if (node != NULL)
            mr_type_name(node->type, name, sizeof name);
        cr_expect_str_eq(name, rows[i][2], "%s %s %s: expected %s, got %s", rows[i][0], operation,
                         rows[i][1], rows[i][2], name);
        mr_case_release(&c);
    }
}

Test(result_type, of_arithmetic_is_the_dialects)
{
    static const char *const sum[][3] = {{"DECIMAL(10,2)", "DECIMAL(5,4)", "DECIMAL(13, 4)"},
                                         {"INT", "DECIMAL(5,2)", "DECIMAL(13, 2)"},
                                         {"TINYINT", "BIGINT", "BIGINT"},
                                         {"FLOAT", "INT", "FLOAT"},
                                         {"FLOAT", "DOUBLE", "DOUBLE"},
                                         {"FLOAT", "DECIMAL(5,2)", "DOUBLE"},
                                         {"STRING", "INT", "refused"},
                                         {"DECIMAL(38,10)", "DECIMAL(38,10)", "DECIMAL(38, 9)"}};
    check_types("+", sum, 8);
    static const char *const product[][3] = {
        {"DECIMAL(10,2)", "DECIMAL(5,4)", "DECIMAL(16, 6)"},
        {"DECIMAL(30,10)", "DECIMAL(30,10)", "DECIMAL(38, 6)"}};
    check_types("*", product, 2);
    static const char *const quotient[][3] = {{"DECIMAL(10,2)", "DECIMAL(5,4)", "DECIMAL(20, 8)"},
                                              {"INT", "INT", "INT"}};
    check_types("/", quotient, 2);
    static const char *const rest[][3] = {{"BIGINT", "INT", "INT"},
                                          {"INT", "BIGINT", "BIGINT"},
                                          {"DECIMAL(10,2)", "INT", "DECIMAL(10, 2)"}};
    check_types("%", rest, 3);
}

Test(insert, converts_upward_only)
{
    static const struct {
        const char *from, *to;
        bool is_good;
    } rows[] = {{"INT", "BIGINT", true},
                {"BIGINT", "INT", false},
                {"INT", "TINYINT", false},
                {"DOUBLE", "FLOAT", false},
                {"DOUBLE", "DECIMAL(5,2)", true},
                {"DECIMAL(5,2)", "INT", false},
                {"TIMESTAMP(3)", "TIMESTAMP(0)", true},
                {"TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", true},
                {"TIMESTAMP(3)", "DATE", true},
                {"DATE", "TIMESTAMP(3)", false},
                {"INT", "STRING", false},
                {"BOOLEAN", "STRING", false},
                {"STRING", "CHAR(3)", false},
                {"STRING", "VARCHAR(3)", true},
                {"STRING", "INT", false},
                {"BYTES", "STRING", false},
                {"INT", "DOUBLE", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mr_case c;
        mr_case_init(&c, NULL);
        mr_expr *column = mr_make_column(&c.resolver, 0, mr_case_type(rows[i].from));
        mr_expr *node = mr_make_insert(&c.resolver, column, mr_case_type(rows[i].to));
        cr_expect_eq(node != NULL, rows[i].is_good, "INSERT %s into %s", rows[i].from, rows[i].to);
        mr_case_release(&c);
    }
}
