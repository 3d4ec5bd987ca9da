/*
 * Every code a job's text and settings can be answered with (MR1xxx, MR2010), its severity and
 * its one-line title.
 *
 * Codes are stable: a code is never given another meaning, a retired one is not used again. The
 * name says what is wrong, not where. Groups:
 *   1001-1079 syntax   1080-1099 warnings and notes of the text   1100-1199 names and types
 *   1200-1299 tables, options, settings   1300-1399 windows, aggregates, queries
 */
#ifndef MR_JOBS_SQL_CODES_H
#define MR_JOBS_SQL_CODES_H

/* X(code, name, severity, title); 1026 is retired. */
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
#define MR_CODES_NAMES_AND_TYPES(X)                                                           \
    X(1101, MR_E_UNKNOWN_TABLE, ERROR, "no such table or view")                               \
    X(1102, MR_E_AMBIGUOUS_COLUMN, ERROR, "column name that fits several columns")            \
    X(1103, MR_E_DUPLICATE_NAME, ERROR, "name given twice")                                   \
    X(1104, MR_E_UNKNOWN_COLUMN, ERROR, "no such column")                                     \
    X(1105, MR_E_UNKNOWN_FUNCTION, ERROR, "no such function")                                 \
    X(1106, MR_E_ARGUMENT_COUNT, ERROR, "wrong number of arguments")                          \
    X(1107, MR_E_ARGUMENT_TYPES, ERROR, "types that do not go together")                      \
    X(1108, MR_E_ARGUMENT_VALUE, ERROR, "argument with a wrong value")                        \
    X(1109, MR_E_UNSUPPORTED_FUNCTION, ERROR, "function or conversion that is not supported") \
    X(1110, MR_E_CONDITION_TYPE, ERROR, "condition that is not BOOLEAN")                      \
    X(1111, MR_E_INSERT_COUNT, ERROR, "number of columns differs from the target table")      \
    X(1112, MR_E_INSERT_TYPE, ERROR, "value that its target column cannot take")              \
    X(1113, MR_E_INSERT_COLUMN, ERROR, "column that cannot be inserted into")                 \
    X(1114, MR_E_UNION_COLUMNS, ERROR, "inputs of a UNION that do not fit")                   \
    X(1115, MR_E_UNSUPPORTED_EXPRESSION, ERROR, "expression that is not supported")           \
    X(1116, MR_E_UNSUPPORTED_TYPE, ERROR, "type that is not supported")                       \
    X(1117, MR_E_COLUMN_COUNT, ERROR, "column list of another length")                        \
    X(1118, MR_E_WHOLE_ROW, ERROR, "a ROW used as a whole")                                   \
    X(1119, MR_E_EXPRESSION_DEPTH, ERROR, "expression nested too deeply")

#define MR_CODES_TABLES(X)                                                        \
    X(1201, MR_E_DUPLICATE_TABLE, ERROR, "table or view defined twice")           \
    X(1202, MR_E_DUPLICATE_COLUMN, ERROR, "column defined twice")                 \
    X(1203, MR_E_UNKNOWN_CONNECTOR, ERROR, "unknown connector")                   \
    X(1204, MR_E_MISSING_OPTION, ERROR, "missing option")                         \
    X(1205, MR_E_UNKNOWN_OPTION, ERROR, "unknown option")                         \
    X(1206, MR_E_OPTION_VALUE, ERROR, "option or setting with a wrong value")     \
    X(1207, MR_E_OPTION_CONFLICT, ERROR, "options that do not go together")       \
    X(1208, MR_E_UNKNOWN_FORMAT, ERROR, "unknown format")                         \
    X(1209, MR_E_VARIABLE, ERROR, "variable that is not set")                     \
    X(1210, MR_E_WATERMARK_COLUMN, ERROR, "column that cannot carry a watermark") \
    X(1211, MR_E_WATERMARK_EXPRESSION, ERROR, "expression that is no watermark")  \
    X(1212, MR_E_METADATA_COLUMN, ERROR, "wrong metadata column")                 \
    X(1213, MR_E_PRIMARY_KEY, ERROR, "primary key that does not fit the table")   \
    X(1214, MR_E_CONSTRAINT, ERROR, "wrong constraint")                           \
    X(1215, MR_E_COMPUTED_COLUMN, ERROR, "wrong computed column")                 \
    X(1216, MR_E_NOT_A_SOURCE, ERROR, "table that cannot be read")                \
    X(1217, MR_E_NOT_A_SINK, ERROR, "table that cannot be written")               \
    X(1218, MR_E_KEY_FIELDS, ERROR, "key columns that do not fit the table")      \
    X(1280, MR_W_UNKNOWN_SETTING, WARNING, "unknown setting")                     \
    X(1281, MR_N_SETTING_IGNORED, NOTE, "setting without effect")                 \
    X(1282, MR_N_OPTION_IGNORED, NOTE, "option without effect")                   \
    X(1283, MR_W_FEEDS_ITSELF, WARNING, "the job reads what it writes")

#define MR_CODES_QUERIES(X)                                                               \
    X(1301, MR_E_WINDOW_TIME, ERROR, "window over a column that is no time attribute")    \
    X(1302, MR_E_WINDOW_SIZE, ERROR, "window size, slide, step or offset out of range")   \
    X(1303, MR_E_WINDOW_GROUP, ERROR, "grouping without both window columns")             \
    X(1304, MR_E_WINDOW_COLUMN, ERROR, "window column outside of a window aggregation")   \
    X(1305, MR_E_UNSUPPORTED_QUERY, ERROR, "query that is not supported")                 \
    X(1306, MR_E_UNBOUNDED_GROUP, ERROR, "aggregation without a window")                  \
    X(1307, MR_E_NOT_GROUPED, ERROR, "column that is neither grouped nor aggregated")     \
    X(1308, MR_E_AGGREGATE_PLACE, ERROR, "aggregate where none may stand")                \
    X(1309, MR_E_AGGREGATE, ERROR, "wrong aggregate")                                     \
    X(1310, MR_E_RANK, ERROR, "ROW_NUMBER outside of the deduplication pattern")          \
    X(1311, MR_E_LATE_RELATION, ERROR, "relation without late rows or errors")            \
    X(1312, MR_E_NOTHING_TO_RUN, ERROR, "job that does nothing")                          \
    X(1313, MR_E_TIME_ATTRIBUTES, ERROR, "several time attributes for one sink")          \
    X(1314, MR_E_UNSUPPORTED_JOIN, ERROR, "join that is not supported")                   \
    X(1315, MR_E_GUARANTEE, ERROR, "delivery guarantees that differ")                     \
    X(1316, MR_E_JOIN_EQUALITY, ERROR, "join without an equality of both sides")          \
    X(1317, MR_E_JOIN_BOUNDS, ERROR, "join without bounds in time")                       \
    X(1318, MR_E_JOIN_TIME, ERROR, "join bounds over a column that is no time attribute") \
    X(1319, MR_E_EXCHANGE_GUARANTEE, ERROR, "exchange without exactly-once")

/* Not of the text, but reported with it. */
#define MR_CODES_SETTINGS(X)             \
    X(2010, MR_E_UNKNOWN_SETTING, ERROR, \
      "unknown setting on the command line or in the environment")

#define MR_CODES(X)             \
    MR_CODES_SETTINGS(X)        \
    MR_CODES_SYNTAX(X)          \
    MR_CODES_TEXT_WARNINGS(X)   \
    MR_CODES_NAMES_AND_TYPES(X) \
    MR_CODES_TABLES(X)          \
    MR_CODES_QUERIES(X)

#define MR_CODE_ENUM(code, name, severity, title) name = code,
typedef enum mr_code { MR_CODES(MR_CODE_ENUM) } mr_code;
#undef MR_CODE_ENUM

#endif
