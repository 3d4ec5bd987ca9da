/*
 * Errors of single rows: a list beside a batch. The row leaves by the dead port, the batch goes on.
 * Memory: list and messages live in `arena` (the batch's). Thread: one at a time.
 */
#ifndef MR_ENGINE_BATCH_ROW_ERROR_H
#define MR_ENGINE_BATCH_ROW_ERROR_H

#include "engine/base/arena.h"
#include "engine/base/error.h"

#include <stdint.h>

typedef struct mr_row_error {
    uint32_t row;           /* decode: record index; else: row number in the batch */
    mr_status code;         /* 3xxx */
    const char *message;    /* reason, path, byte position */
    const char *expression; /* text of the failed expression or constraint; NULL: none */
    const char *stage;      /* where it failed, when not where the rest of its list did; NULL */
} mr_row_error;

typedef struct mr_row_errors {
    mr_arena *arena;
    mr_row_error *error;
    uint32_t count;
    uint32_t capacity;
} mr_row_errors;

/* Adds one error; the message is formatted (at most 511 bytes) into the list's arena. Returns it,
 * so that the caller may set `expression`; valid until the next add. */
mr_row_error *mr_row_errors_add(mr_row_errors *errors, uint32_t row, mr_status code,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Keeps the first error of every row and sorts by row. */
void mr_row_errors_settle(mr_row_errors *errors);

/* Rows of `selection` (`count` of them, rising) without those in the settled list; writes to `to`
 * (room for `count`, may be `selection` itself) and returns how many. `selection` NULL:
 * 0..count-1. */
uint32_t mr_row_errors_exclude(const mr_row_errors *errors, const uint32_t *selection,
                               uint32_t count, uint32_t *to);

#endif
