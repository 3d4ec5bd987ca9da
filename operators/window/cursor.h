/*
 * Where the firing of windows stands: a table of its own, so that a fire goes on behind a restart.
 *
 *   key ""             cursor
 *   key "k" | a group  of a window that fires in the order of keys: the last group emitted; the
 *                      value says nothing. Absent: it fires in the order of hashes (order.h).
 */
#ifndef MR_OPERATORS_WINDOW_CURSOR_H
#define MR_OPERATORS_WINDOW_CURSOR_H

#include "engine/state/state.h"

#define MR_WINDOW_FIRED_NONE INT64_MIN

typedef struct mr_window_cursor {
    int64_t
        fired; /* last window fired to the end, + 1 so that all-zero could not be taken for it */
    int64_t firing; /* window under way; valid when `emitted` > 0 */
    uint64_t emitted;
    uint64_t is_set;
} mr_window_cursor;

mr_table *mr_window_cursor_open(mr_state *state, const char *name);

/* Its one cursor, all-zero at first; to be written when `is_written`. */
mr_window_cursor *mr_window_cursor_get(mr_table *table, bool is_written);

/* The last group of a fire in the order of keys; false: there is none. */
bool mr_window_cursor_last(mr_table *table, mr_string *key);

/* NULL: there is none any more. */
void mr_window_cursor_set_last(mr_table *table, const mr_string *key);

#endif
