/* Options of the json format, in the order of their names in connectors/formats/json/format.c. */
#ifndef MR_CONNECTORS_FORMATS_JSON_OPTIONS_H
#define MR_CONNECTORS_FORMATS_JSON_OPTIONS_H

#include <stdbool.h>

typedef struct mr_json_options {
    bool is_ignoring_parse_errors;    /* ignore-parse-errors */
    bool is_failing_on_missing_field; /* fail-on-missing-field */
    bool is_timestamp_iso;            /* timestamp-format.standard = ISO-8601 */
    bool is_decimal_plain;            /* encode.decimal-as-plain-number */
    bool is_omitting_nulls;           /* encode.ignore-null-fields */
    bool is_narrow;                   /* no option: decodes as without AVX2, for tests */
} mr_json_options;

#endif
