/*
 * Every code a job's text can be answered with (MR1xxx), its severity and its one-line title.
 *
 * Codes are stable: a code is never given another meaning, a retired one is not used again. The
 * name says what is wrong, not where. Groups:
 *   1001-1079 syntax   1080-1099 warnings and notes of the text   1100-1199 names and types
 *   1200-1299 tables, options, settings   1300-1399 windows, aggregates, queries
 */
#ifndef MR_JOBS_SQL_CODES_H
#define MR_JOBS_SQL_CODES_H

/* X(code, name, severity, title) */
#define MR_CODES_SYNTAX(X)                                                                    \
    X(1001, MR_E_UNEXPECTED, ERROR, "unexpected word or sign")                                \
    X(1002, MR_E_RESERVED_WORD, ERROR, "reserved word used as a name")                        \
    X(1003, MR_E_UNCLOSED_STRING, ERROR, "string without its closing quote")                  \
    X(1004, MR_E_UNCLOSED_IDENTIFIER, ERROR, "quoted name without its closing backtick")      \
    X(1005, MR_E_UNCLOSED_COMMENT, ERROR, "comment without its end")                          \
    X(1006, MR_E_DOUBLE_QUOTES, ERROR, "double quotes")                                       \
    X(1007, MR_E_BAD_CHARACTER, ERROR, "character that is no part of SQL")                    \
    X(1008, MR_E_BAD_NUMBER, ERROR, "malformed number")                                       \
    X(1009, MR_E_BAD_STRING, ERROR, "malformed prefixed string")                              \
    X(1010, MR_E_INVALID_UTF8, ERROR, "bytes that are not UTF-8")                             \
    X(1011, MR_E_NUL_BYTE, ERROR, "NUL byte in the text")                                     \
    X(1012, MR_E_TOO_DEEP, ERROR, "nested too deeply")                                        \
    X(1013, MR_E_UNSUPPORTED_STATEMENT, ERROR, "statement that is not supported")             \
    X(1014, MR_E_UNSUPPORTED_SYNTAX, ERROR, "syntax that is not supported")                   \
    X(1015, MR_E_BAD_INTERVAL, ERROR, "malformed interval")                                   \
    X(1016, MR_E_BAD_TIME_LITERAL, ERROR, "malformed date, time or timestamp literal")        \
    X(1017, MR_E_UNKNOWN_TYPE, ERROR, "unknown type")                                         \
    X(1018, MR_E_TYPE_PARAMETER, ERROR, "type parameter out of range")                        \
    X(1019, MR_E_UNCLOSED_BRACKET, ERROR, "bracket without its partner")                      \
    X(1020, MR_E_TRAILING_COMMA, ERROR, "comma with nothing behind it")                       \
    X(1021, MR_E_MISSING_SEMICOLON, ERROR, "two statements without a semicolon between them") \
    X(1022, MR_E_OPTION_SYNTAX, ERROR, "malformed option or setting")                         \
    X(1023, MR_E_NOT_ENFORCED, ERROR, "primary key without NOT ENFORCED")                     \
    X(1024, MR_E_DUPLICATE_CLAUSE, ERROR, "clause given twice")                               \
    X(1025, MR_E_STATEMENT_SET, ERROR, "malformed statement set")                             \
    X(1026, MR_E_SCRIPT_TOO_LONG, ERROR, "script too long")                                   \
    X(1027, MR_E_WINDOW_ARGUMENT, ERROR, "wrong argument of a window function")               \
    X(1028, MR_E_EMPTY_NAME, ERROR, "empty name")                                             \
    X(1029, MR_E_UNIT, ERROR, "unknown unit of time")                                         \
    X(1030, MR_E_COLUMN_SYNTAX, ERROR, "malformed column definition")

#define MR_CODES_TEXT_WARNINGS(X)                                                 \
    X(1080, MR_W_HINT_IGNORED, WARNING, "optimizer hint ignored")                 \
    X(1081, MR_W_STATEMENT_SKIPPED, WARNING, "statement without effect in a job") \
    X(1082, MR_N_NOT_EQUAL, NOTE, "`!=` instead of `<>`")                         \
    X(1083, MR_N_UNQUOTED_SETTING, NOTE, "setting without quotes")

/* Extended by the binder and the planner (jobs/plan). */
#define MR_CODES_NAMES_AND_TYPES(X)
#define MR_CODES_TABLES(X)
#define MR_CODES_QUERIES(X)

#define MR_CODES(X)             \
    MR_CODES_SYNTAX(X)          \
    MR_CODES_TEXT_WARNINGS(X)   \
    MR_CODES_NAMES_AND_TYPES(X) \
    MR_CODES_TABLES(X)          \
    MR_CODES_QUERIES(X)

#define MR_CODE_ENUM(code, name, severity, title) name = code,
typedef enum mr_code { MR_CODES(MR_CODE_ENUM) } mr_code;
#undef MR_CODE_ENUM

#endif
