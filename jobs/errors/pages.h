/*
 * Pages of error codes: what, why, how to mend, an example.
 *
 * They are the sections `## MR1104 title` of docs/errors/ (one file a group), taken into the
 * program as they are. Thread: immutable. Memory: pages point into the program.
 */
#ifndef MR_JOBS_ERRORS_PAGES_H
#define MR_JOBS_ERRORS_PAGES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_error_page {
    int code;
    const char *title; /* not terminated */
    size_t title_length;
    const char *body; /* behind the heading, up to the next one; not terminated */
    size_t body_length;
} mr_error_page;

/* Groups of codes, in order. `title` ends at its line's end. NULL: there is none with this
 * number. */
const char *mr_error_group_title(size_t group);

/* The next page of a group behind `*at` (0: the first); false: none is left. */
bool mr_error_page_next(size_t group, size_t *at, mr_error_page *page);

/* False: no such code. */
bool mr_error_page_find(int code, mr_error_page *page);

/* "MR1104", "mr1104", "1104" -> 1104; -1: it is none. */
int mr_error_code_parse(const char *text);

/* Says on stderr, if it is a terminal, how to ask for the page. */
void mr_error_pages_mention(int code);

/* The existing code whose digits are nearest to those of `code`; -1: none is near. */
int mr_error_code_nearest(int code);

#endif
