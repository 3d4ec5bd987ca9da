/*
 * What stands in quotes: strings with their prefixes, and quoted names.
 *
 * Part of the lexer. Each function starts at the opening quote (a prefix is behind it already),
 * leaves the lexer behind the token, and gives BAD after reporting what is wrong.
 */
#ifndef MR_JOBS_SQL_LEXER_QUOTED_H
#define MR_JOBS_SQL_LEXER_QUOTED_H

#include "jobs/sql/lexer/lexer.h"

/* `start`: where the token begins, prefix included. */
mr_token mr_lex_string(mr_lexer *lexer, uint32_t start);
mr_token mr_lex_bytes(mr_lexer *lexer, uint32_t start);          /* X'0a' */
mr_token mr_lex_unicode_string(mr_lexer *lexer, uint32_t start); /* U&'\00e4' */

/* In backticks; double quotes are reported and then taken as backticks. */
mr_token mr_lex_quoted_name(mr_lexer *lexer);

void mr_report_nul(mr_lexer *lexer, mr_span span);
void mr_report_invalid_utf8(mr_lexer *lexer, mr_span span);

#endif
