/*
 * What the lexer hands to the parser.
 */
#ifndef MR_JOBS_SQL_LEXER_TOKEN_H
#define MR_JOBS_SQL_LEXER_TOKEN_H

#include "jobs/sql/lexer/keyword.h"
#include "jobs/sql/script.h"

typedef enum mr_token_kind {
    MR_TOKEN_END = 0,
    MR_TOKEN_NAME,        /* unquoted; `word` says which word of SQL it is, if any */
    MR_TOKEN_QUOTED_NAME, /* `a``b`: text decoded */
    MR_TOKEN_STRING,      /* 'it''s', _utf8'x', U&'\00e4': text decoded */
    MR_TOKEN_BYTES,       /* X'0a': text decoded */
    MR_TOKEN_INTEGER,
    MR_TOKEN_DECIMAL,
    MR_TOKEN_DOUBLE,
    MR_TOKEN_SEMICOLON,
    MR_TOKEN_COMMA,
    MR_TOKEN_DOT,
    MR_TOKEN_OPEN, /* ( */
    MR_TOKEN_CLOSE,
    MR_TOKEN_OPEN_SQUARE,
    MR_TOKEN_CLOSE_SQUARE,
    MR_TOKEN_PLUS,
    MR_TOKEN_MINUS,
    MR_TOKEN_STAR,
    MR_TOKEN_SLASH,
    MR_TOKEN_PERCENT,
    MR_TOKEN_CONCAT, /* || */
    MR_TOKEN_EQUAL,
    MR_TOKEN_NOT_EQUAL, /* <> and, with a note, != */
    MR_TOKEN_LESS,
    MR_TOKEN_LESS_EQUAL,
    MR_TOKEN_GREATER,
    MR_TOKEN_GREATER_EQUAL,
    MR_TOKEN_ARROW, /* => */
    MR_TOKEN_BAD,   /* already reported */
} mr_token_kind;

typedef struct mr_token {
    mr_token_kind kind;
    mr_word word; /* NAME */
    mr_span span;
    const char *text; /* decoded, NUL-terminated: QUOTED_NAME, STRING, BYTES */
    size_t length;    /* of `text` */
} mr_token;

#endif
