/*
 * Text to tokens, one at a time.
 *
 * Skips blanks, comments and hints. What is malformed is reported here, once, and the lexer goes on
 * behind it: an unclosed string or quoted name ends with its line, an unclosed comment with the
 * text.
 * Any bytes may come in; each is looked at a bounded number of times.
 * Memory: decoded texts go to the arena; script, arena and diagnostics are borrowed.
 */
#ifndef MR_JOBS_SQL_LEXER_LEXER_H
#define MR_JOBS_SQL_LEXER_LEXER_H

#include "jobs/sql/diagnostic.h"
#include "jobs/sql/lexer/token.h"

typedef struct mr_lexer {
    const mr_script *script;
    mr_arena *arena;
    mr_diagnostics *diagnostics;
    uint32_t at;
    mr_span
        long_string; /* the latest string that went over a line end: a quote may be missing there */
    bool allows_bare;      /* in an unquoted SET: `10s` is a token as well as `10` */
    bool is_unclosed_seen; /* a second unclosed quote ends the text: keeps time linear */
} mr_lexer;

void mr_lexer_init(mr_lexer *lexer, const mr_script *script, mr_arena *arena,
                   mr_diagnostics *diagnostics);

/* The next token; END for ever at the end. */
mr_token mr_lexer_next(mr_lexer *lexer);

#endif
