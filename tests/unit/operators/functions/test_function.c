/* Goal: functions give SQL's values. Method: tables of calls, folded and run on columns; both must
 * agree. */
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

Test(strings, change_case)
{
    ROWS({"UPPER", "aBc", "'ABC'"}, {"LOWER", "aBc", "'abc'"},
         {"UPPER", "stra\xc3\x9f\x65", "'STRASSE'"},
         {"UPPER", "\xc3\xa4\xce\xb1\xd0\xb6", "'\xc3\x84\xce\x91\xd0\x96'"},
         {"LOWER", "\xc3\x84\xce\x91\xd0\x96", "'\xc3\xa4\xce\xb1\xd0\xb6'"},
         {"UPPER", "NULL", "NULL"}, {"UPPER", "1", "refused: UPPER does not take (INT)"},
         {"LOWER", "", "''"});
}

Test(strings, measure_and_cut_by_characters)
{
    ROWS({"CHAR_LENGTH", "h\xc3\xa9llo", "5"}, {"CHARACTER_LENGTH", "", "0"},
         {"SUBSTRING", "hello|2|3", "'ell'"}, {"SUBSTRING", "hello|0", "'hello'"},
         {"SUBSTRING", "hello|-3|2", "'ll'"}, {"SUBSTRING", "hello|9", "''"},
         {"SUBSTRING", "h\xc3\xa9llo|2|1", "'\xc3\xa9'"}, {"SUBSTR", "hello|2", "'ello'"},
         {"LEFT", "hello|2", "'he'"}, {"RIGHT", "hello|2", "'lo'"}, {"RIGHT", "he|5", "'he'"},
         {"LEFT", "hello|-1", "''"}, {"SUBSTRING", "hello|NULL", "NULL"});
}

Test(strings, trim)
{
    ROWS({"TRIM", "  a b ", "'a b'"}, {"LTRIM", "  a ", "'a '"}, {"RTRIM", " a  ", "' a'"},
         {"TRIM", "LEADING|x|xxaxx", "'axx'"}, {"TRIM", "TRAILING|x|xxaxx", "'xxa'"},
         {"TRIM", "BOTH|x|xxaxx", "'a'"}, {"BTRIM", "xyaxy|xy", "'a'"}, {"TRIM", "   ", "''"});
}

Test(strings, join_replace_and_split)
{
    ROWS({"CONCAT", "a|b|c", "'abc'"}, {"CONCAT", "a|NULL", "NULL"}, {"||", "a|b", "'ab'"},
         {"||", "a|1", "refused: || does not take (CHAR(1), INT)"},
         {"CONCAT_WS", ",|a|NULL|b", "'a,b'"}, {"CONCAT_WS", "NULL|a", "NULL"},
         {"REPLACE", "banana|an|x", "'bxxa'"}, {"REPLACE", "banana||x", "'banana'"},
         {"SPLIT_INDEX", "a,b,c|,|1", "'b'"}, {"SPLIT_INDEX", "a,b,c|,|3", "NULL"},
         {"SPLIT_INDEX", "a::b|::|1", "'b'"}, {"SPLIT_INDEX", "a,b|,|-1", "NULL"});
}

Test(strings, find)
{
    ROWS({"POSITION", "an|banana", "2"}, {"POSITION", "x|banana", "0"}, {"POSITION", "|abc", "1"},
         {"POSITION", "NULL|abc", "NULL"}, {"POSITION", "l|h\xc3\xa9llo", "3"},
         {"LOCATE", "an|banana|3", "4"}, {"LOCATE", "an|banana|5", "0"},
         {"LOCATE", "an|banana|-7", "2"}, {"LOCATE", "\xc3\xa9|\xc3\xa9-\xc3\xa9|2", "3"},
         {"LOCATE", "a||1", "0"}, {"LOCATE", "a|abc|9", "0"}, {"INSTR", "banana|an", "2"},
         {"INSTR", "banana|", "1"}, {"INSTR", "|a", "0"}, {"STARTSWITH", "banana|ban", "TRUE"},
         {"STARTSWITH", "ba|ban", "FALSE"}, {"STARTSWITH", "ba|", "TRUE"},
         {"ENDSWITH", "banana|na", "TRUE"}, {"ENDSWITH", "na|ana", "FALSE"},
         {"ENDSWITH", "na|NULL", "NULL"}, {"ASCII", "abc", "97"}, {"ASCII", "", "0"},
         {"INSTR", "a|1", "refused: INSTR does not take (CHAR(1), INT)"});
}

Test(strings, pad_and_repeat)
{
    ROWS({"LPAD", "hi|4|xyz", "'xyhi'"}, {"LPAD", "hi|9|xyz", "'xyzxyzxhi'"},
         {"LPAD", "hello|2|x", "'he'"}, {"LPAD", "hi|0|x", "''"}, {"LPAD", "hi|-1|x", "NULL"},
         {"LPAD", "hi|5|", "NULL"}, {"RPAD", "hi|5|xy", "'hixyx'"}, {"RPAD", "hello|2|x", "'he'"},
         {"RPAD", "\xc3\xa9|3|\xc3\xb6-", "'\xc3\xa9\xc3\xb6-'"},
         {"LPAD", "|3|\xc3\xb6-", "'\xc3\xb6-\xc3\xb6'"}, {"RPAD", "a|NULL|x", "NULL"},
         {"REPEAT", "ab|3", "'ababab'"}, {"REPEAT", "ab|0", "''"}, {"REPEAT", "ab|-2", "''"},
         {"REPEAT", "|5", "''"},
         {"REPEAT", "abcdefgh|9999999", "error: a text of more than 16 MiB"},
         {"REVERSE", "abc", "'cba'"},
         {"REVERSE", "h\xc3\xa9\xe2\x82\xac", "'\xe2\x82\xac\xc3\xa9h'"}, {"REVERSE", "", "''"},
         {"INITCAP", "hELLO wORLD-2nd", "'Hello World-2nd'"}, {"INITCAP", "NULL", "NULL"});
}

Test(numbers, compute)
{
    ROWS({"ABS", "-5", "5"}, {"ABS", "-1.50", "1.50"}, {"ABS", "-1e0", "1.0"}, {"MOD", "7|3", "1"},
         {"ROUND", "-2.5", "-3"}, {"ROUND", "1234|-2", "1200"}, {"ROUND", "1250|-2", "1300"},
         {"ROUND", "2.675e0|2", "2.68"}, {"ROUND", "2.5e0", "3.0"}, {"FLOOR", "-1.5", "-2"},
         {"CEIL", "-1.5", "-1"}, {"CEILING", "1.2e0", "2.0"}, {"FLOOR", "7", "7"},
         {"POWER", "2|10", "1024.0"}, {"SQRT", "9", "3.0"}, {"SIGN", "-2.5", "-1.0"},
         {"SIGN", "7", "1"}, {"ABS", "NULL", "NULL"});
}

Test(times, extract_parts)
{
    ROWS({"EXTRACT", "YEAR|TS3:2024-03-15 13:45:59.123", "2024"},
         {"EXTRACT", "WEEK|D:2021-01-03", "53"}, {"EXTRACT", "DOW|D:2024-03-17", "1"},
         {"DAYOFWEEK", "D:2024-03-16", "7"}, {"DAYOFYEAR", "D:2024-12-31", "366"},
         {"QUARTER", "D:2024-05-01", "2"}, {"HOUR", "TS3:2024-03-15 13:45:59", "13"},
         {"MINUTE", "T:13:45:59", "45"}, {"SECOND", "TS3:1969-12-31 23:59:58.5", "58"},
         {"MONTH", "T:13:45:59", "refused: TIME(0) has no MONTH for MONTH"},
         {"EXTRACT", "EPOCH|TS3:1970-01-02 00:00:00", "86400"},
         {"EXTRACT", "FOO|D:2024-01-01", "refused: there is no time unit FOO"});
}

Test(times, floor_and_ceil_to_units)
{
    ROWS({"FLOOR", "TS3:2024-03-15 13:45:59|HOUR", "TIMESTAMP '2024-03-15 13:00:00.000'"},
         {"FLOOR", "TS3:2024-03-15 13:45:59|MONTH", "TIMESTAMP '2024-03-01 00:00:00.000'"},
         {"CEIL", "TS3:2024-12-15 13:45:59|QUARTER", "TIMESTAMP '2025-01-01 00:00:00.000'"},
         {"CEIL", "TS3:2024-12-01 00:00:00|MONTH", "TIMESTAMP '2024-12-01 00:00:00.000'"},
         {"FLOOR", "D:2024-03-16|WEEK", "DATE '2024-03-10'"},
         {"FLOOR", "D:2024-03-17|WEEK", "DATE '2024-03-17'"},
         {"FLOOR", "TS3:1969-12-31 23:30:00|DAY", "TIMESTAMP '1969-12-31 00:00:00.000'"},
         {"FLOOR", "T:13:45:59|MINUTE", "TIME '13:45:00'"});
}

Test(times, differ_and_add_by_calendar)
{
    ROWS({"TIMESTAMPDIFF", "DAY|TS3:2024-01-01 12:00:00|TS3:2024-01-03 11:00:00", "1"},
         {"TIMESTAMPDIFF", "MONTH|D:2024-01-31|D:2024-02-29", "0"},
         {"TIMESTAMPDIFF", "MONTH|D:2024-01-15|D:2024-03-15", "2"},
         {"TIMESTAMPDIFF", "YEAR|D:2024-03-15|D:2021-03-16", "-2"},
         {"TIMESTAMPDIFF", "SECOND|TS3:2024-01-01 00:00:01.9|TS3:2024-01-01 00:00:00", "-1"},
         {"TIMESTAMPADD", "MONTH|1|D:2024-01-31", "DATE '2024-02-29'"},
         {"TIMESTAMPADD", "HOUR|-1|TS3:2024-01-01 00:00:00", "TIMESTAMP '2023-12-31 23:00:00.000'"},
         {"TIMESTAMPDIFF", "DAY|TS3:2024-01-01 00:00:00|LTZ3:2024-01-01 00:00:00",
          "refused: TIMESTAMPDIFF does not take a TIMESTAMP with a TIMESTAMP_LTZ"});
}

Test(times, print_and_read_patterns)
{
    ROWS({"DATE_FORMAT", "TS3:2024-03-05 13:07:09.123|yyyy-MM-dd HH:mm:ss.SSS",
          "'2024-03-05 13:07:09.123'"},
         {"DATE_FORMAT", "TS3:2024-03-05 13:07:09|d/M/yy h:m a E", "'5/3/24 1:7 PM Tue'"},
         {"DATE_FORMAT", "TS3:2024-03-05 13:07:09|yyyy'T'DDD MMMM", "'2024T065 March'"},
         {"DATE_FORMAT", "TS3:2024-12-30 00:00:00|YYYY", "'2025'"},
         {"DATE_FORMAT",
          "LTZ3:2024-03-05 13:07:09|HH:mm XX"
          "X z",
          "'13:07 Z UTC'"},
         {"DATE_FORMAT", "D:2024-01-01|yyyy", "refused: DATE_FORMAT does not take a DATE"},
         {"DATE_FORMAT", "2024-01-02 03:04:05|MM", "'01'"},
         {"TO_TIMESTAMP", "2024-03-05 13:07:09.1239", "TIMESTAMP '2024-03-05 13:07:09.123'"},
         {"TO_TIMESTAMP", "5.3.2024 13h|d.M.yyyy HH'h'", "TIMESTAMP '2024-03-05 13:00:00.000'"},
         {"TO_TIMESTAMP", "nonsense", "NULL"}, {"TO_TIMESTAMP", "2024-02-30 00:00:00", "NULL"},
         {"TO_TIMESTAMP", "d20240305|'d'yyyyMMdd", "TIMESTAMP '2024-03-05 00:00:00.000'"},
         {"TO_TIMESTAMP_LTZ", "1700000000|0", "TIMESTAMP_LTZ '2023-11-14 22:13:20.000Z'"},
         {"TO_TIMESTAMP_LTZ", "1700000000123L", "TIMESTAMP_LTZ '2023-11-14 22:13:20.123Z'"},

         {"UNIX_TIMESTAMP", "1970-01-02 00:00:00", "86400"},
         {"UNIX_TIMESTAMP", "x", "-9223372036854775808"},
         {"FROM_UNIXTIME", "86400", "'1970-01-02 00:00:00'"},
         {"TO_DATE", "2024-03-05", "DATE '2024-03-05'"}, {"FROM_UNIXTIME", "86400|yyyy", "'1970'"});
}

Test(names, are_refused_with_the_nearest_one)
{
    mr_case c;
    mr_case_init(&c, NULL);
    cr_expect_str_eq(mr_case_eval(&c, "UPER", "a"), "refused: there is no function UPER");
    cr_expect_str_eq(c.resolver.refusal.hint, "did you mean `UPPER`?");
    cr_expect_str_eq(mr_case_eval(&c, "LENGTH", "a"), "refused: there is no function LENGTH");
    cr_expect_str_eq(c.resolver.refusal.hint, "write CHAR_LENGTH(s)");
    cr_expect_str_eq(mr_case_eval(&c, "upper", "a|b"), "refused: UPPER does not take 2 arguments");
    cr_expect_str_eq(c.resolver.refusal.hint, "takes UPPER(STRING)");
    cr_expect_eq(c.resolver.refusal.kind, MR_REFUSAL_COUNT);
    mr_case_release(&c);
}
