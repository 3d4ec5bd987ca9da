/* The options of the csv format, in the order of their names in connectors/formats/csv/format.c. */
#ifndef MR_CONNECTORS_FORMATS_CSV_DIALECT_H
#define MR_CONNECTORS_FORMATS_CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#define MR_CSV_NONE '\0' /* no such character */

typedef struct mr_csv_dialect {
    char delimiter;                /* field-delimiter */
    char quote;                    /* quote-character; NONE: disable-quote-character */
    char escape;                   /* escape-character; NONE: not set */
    bool has_comments;             /* allow-comments */
    bool is_ignoring_parse_errors; /* ignore-parse-errors */
    bool is_decimal_plain;         /* write-bigdecimal-in-scientific-notation = false */
    const char *null_literal;      /* null-literal; NULL: not set. Borrowed */
    size_t null_length;
} mr_csv_dialect;

/* Whether a comment begins at `at`: `#`, blanks before it allowed. */
static inline bool mr_csv_is_comment(const mr_csv_dialect *dialect, const char *at, const char *end)
{
    if (!dialect->has_comments)
        return false;
    while (at < end && *at == ' ')
        at++;
    return at < end && *at == '#';
}

#endif
