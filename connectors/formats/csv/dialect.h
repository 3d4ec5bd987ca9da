/* The options of the csv format, in the order of their names in connectors/formats/csv/format.c. */
#ifndef MR_CONNECTORS_FORMATS_CSV_DIALECT_H
#define MR_CONNECTORS_FORMATS_CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MR_CSV_BLOCK 16  /* bytes looked at together */
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
    char delimiters[MR_CSV_BLOCK]; /* the characters above, as vectors to compare with */
    char escapes[MR_CSV_BLOCK];
} mr_csv_dialect;

/* The vectors; once the characters are set. */
static inline void mr_csv_dialect_settle(mr_csv_dialect *dialect)
{
    memset(dialect->delimiters, dialect->delimiter, MR_CSV_BLOCK);
    memset(dialect->escapes, dialect->escape, MR_CSV_BLOCK);
}

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
