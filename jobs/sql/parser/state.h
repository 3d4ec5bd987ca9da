/*
 * The parser's state and the few steps that all its parts are made of. Internal to jobs/sql/parser.
 *
 * Failure is sticky: after the first error of a statement every look ahead sees the end of the
 * text, so
 * loops stop and functions return NULL without a check after each step; nothing further is
 * reported.
 * The statement loop clears it at the next `;`. A result may be used only while is_failed is false.
 */
#ifndef MR_JOBS_SQL_PARSER_STATE_H
#define MR_JOBS_SQL_PARSER_STATE_H

#include "jobs/sql/lexer/lexer.h"
#include "jobs/sql/parser/parser.h"

#define MR_PARSER_AHEAD_MAX 5

typedef struct mr_parser {
    const mr_script *script;
    mr_arena *arena;
    mr_diagnostics *diagnostics;
    mr_lexer lexer;
    mr_token ahead[MR_PARSER_AHEAD_MAX]; /* not yet taken */
    uint32_t ahead_count;
    mr_token last; /* taken last */
    uint32_t nesting;
    bool is_failed;
} mr_parser;

/* ---- tokens ---- */

/* The token `n` places ahead, n < MR_PARSER_AHEAD_MAX; valid until the next call. */
mr_token mr_parser_peek(mr_parser *parser, uint32_t n);
mr_token mr_parser_take(mr_parser *parser);
bool mr_parser_at(mr_parser *parser, mr_token_kind kind);
bool mr_parser_at_word(mr_parser *parser, mr_word word);
bool mr_parser_at_words(mr_parser *parser, mr_word first, mr_word second);
bool mr_parser_accept(mr_parser *parser, mr_token_kind kind);
bool mr_parser_accept_word(mr_parser *parser, mr_word word);

/* `what` completes "expected ..": "`(` behind TABLE". */
bool mr_parser_expect(mr_parser *parser, mr_token_kind kind, const char *what);
bool mr_parser_expect_word(mr_parser *parser, mr_word word);

/* The `)` of the bracket opened at `open`. */
bool mr_parser_close(mr_parser *parser, mr_span open);

/* A comma of a list; false when there is none, and after reporting one with nothing behind it. */
bool mr_parser_comma(mr_parser *parser);

/* From `start` to the end of the last taken token. */
mr_span mr_parser_span_from(const mr_parser *parser, uint32_t start);
uint32_t mr_parser_start(mr_parser *parser); /* of the next token */

/* ---- errors ---- */

/* Fails the statement. False when it had failed already: then nothing was reported and no label or
 * hint may be added. */
bool mr_parser_fail(mr_parser *parser, mr_code code, mr_span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The clause that a name looks like when it was mistyped (`FRM`); NULL: none. */
const char *mr_parser_near_clause(mr_parser *parser, mr_token token);

/* "expected `what`, found .." at the next token. */
void mr_parser_unexpected(mr_parser *parser, const char *what);

/* The next token, a reserved word, stands where a name should. */
void mr_parser_reserved(mr_parser *parser);

/* One level deeper; false (and failed) beyond MR_PARSE_NESTING_MAX. Leave after each enter. */
bool mr_parser_enter(mr_parser *parser);
void mr_parser_leave(mr_parser *parser);

/* Text of a span in the arena. */
char *mr_parser_text(mr_parser *parser, mr_span span);

/* ---- lists ---- */

/* A growing list in the arena. */
typedef struct mr_parser_list {
    void *items;
    uint32_t count;
    uint32_t capacity;
} mr_parser_list;

/* A zeroed slot of `size` bytes at the end; slots taken before may move. */
void *mr_parser_push(mr_parser *parser, mr_parser_list *list, size_t size);
void mr_parser_push_expr(mr_parser *parser, mr_parser_list *list, mr_ast_expr *expr);

/* ---- names ---- */

bool mr_parser_at_name(mr_parser *parser); /* quoted, or no reserved word */
mr_ast_name mr_parser_name(mr_parser *parser, const char *what);
mr_ast_path mr_parser_path(mr_parser *parser, const char *what);
mr_ast_names mr_parser_names(mr_parser *parser, const char *what); /* (a, b) */
mr_ast_text mr_parser_string(mr_parser *parser, const char *what);

/* ---- the parts (each in the file of its name) ---- */

mr_ast_expr *mr_parse_expression(mr_parser *parser); /* expression.c */
/* Operators that bind at least as tightly as + : what stands in POSITION(here IN ..). */
mr_ast_expr *mr_parse_sum(mr_parser *parser);
mr_ast_expr *mr_parse_primary(mr_parser *parser);                                 /* primary.c */
mr_ast_expr *mr_parse_call(mr_parser *parser);                                    /* call.c */
mr_ast_order *mr_parse_order_by(mr_parser *parser, uint32_t *count);              /* call.c */
mr_ast_expr *mr_parse_interval(mr_parser *parser);                                /* literal.c */
mr_ast_expr *mr_parse_time_literal(mr_parser *parser);                            /* literal.c */
bool mr_parse_interval_units(mr_parser *parser, mr_ast_interval *interval);       /* literal.c */
mr_ast_unit mr_parse_unit(mr_parser *parser);                                     /* literal.c */
mr_ast_unit mr_parser_peek_unit(mr_parser *parser, uint32_t n);                   /* literal.c */
mr_ast_type *mr_parse_type(mr_parser *parser);                                    /* type.c */
mr_ast_query *mr_parse_query(mr_parser *parser);                                  /* query.c */
bool mr_parser_at_query(mr_parser *parser, uint32_t n);                           /* query.c */
mr_ast_ref *mr_parse_from(mr_parser *parser);                                     /* relation.c */
mr_ast_ref *mr_parse_window(mr_parser *parser);                                   /* window.c */
bool mr_parser_at_window(mr_parser *parser);                                      /* window.c */
mr_ast_statement *mr_parse_create_table(mr_parser *parser, mr_ast_statement *to); /* table.c */
bool mr_parse_refusal(mr_parser *parser);                                         /* refusal.c */

/* A new node, and its closing: span from `start`, depth above its children. */
mr_ast_expr *mr_parser_new(mr_parser *parser, mr_ast_expr_kind kind);
mr_ast_expr *mr_parser_done(mr_parser *parser, mr_ast_expr *expr, uint32_t start);

/* `*depth` becomes more than `below`; fails beyond MR_AST_DEPTH_MAX. */
void mr_parser_deepen(mr_parser *parser, uint32_t *depth, uint32_t below);
void mr_parser_above(mr_parser *parser, mr_ast_expr *expr, const mr_ast_expr *child);

#endif
