/*
 * Date patterns in Java's letters, compiled: y u year, Y week-year, M L month (MMM Jan, MMMM
 * January), d D day of month, of year, H 0-23, h 1-12, k 1-24, K 0-11, m s, S fraction, n
 * nanoseconds of the second, a AM/PM, E day name, w week of year, Q quarter, X x Z zone offset, z
 * zone name, 'quoted text', '' a quote; other letters are reserved. Names are English. Weeks are
 * ISO weeks. Thread: immutable once made. Memory: the given arena.
 */
#ifndef MR_ENGINE_EXPR_PATTERN_H
#define MR_ENGINE_EXPR_PATTERN_H

#include "engine/base/arena.h"
#include "engine/batch/string.h"
#include "engine/expr/zone.h"

typedef struct mr_pattern mr_pattern;

/* NULL when done, else what is wrong with the pattern (static text). */
const char *mr_pattern_new(mr_string text, mr_arena *arena, const mr_pattern **pattern);

/* A bound of what `_print` writes. */
size_t mr_pattern_size_max(const mr_pattern *pattern);

/* Writes an instant of `zone` (NULL: UTC) to `to` (room for size_max); returns the length. */
size_t mr_pattern_print(const mr_pattern *pattern, const struct mr_zone *zone, int64_t utc,
                        char *to);

/* Reads the whole text; fields that the pattern lacks are those of 1970-01-01 00:00:00. A wall
 * clock comes out; when the text has a zone offset it is the wall clock of UTC and `*is_utc`.
 * False: no match, or no such time. */
bool mr_pattern_parse(const mr_pattern *pattern, mr_string text, int64_t *micros, bool *is_utc);

#endif
