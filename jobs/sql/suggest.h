/*
 * "Did you mean ..": the nearest of some known names.
 *
 * Near means few edits (insert, delete, replace, swap of neighbours), about a third of the longer
 * name, letter case being worth nothing: `Id` for `id` is always found. Thread: pure.
 */
#ifndef MR_JOBS_SQL_SUGGEST_H
#define MR_JOBS_SQL_SUGGEST_H

#include <stddef.h>

/* The nearest candidate (the first of equals), or NULL when none is near. NULL candidates are
 * skipped; so are names of more than 64 bytes. */
const char *mr_suggest(const char *name, const char *const *candidates, size_t count);

/* The same with one edit at most: for names that are short, or that may well be right. */
const char *mr_suggest_slip(const char *name, const char *const *candidates, size_t count);

#endif
