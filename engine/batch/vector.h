/*
 * One column of a batch: values of a lane and a validity bitmap.
 *
 * Invariants: `values` holds `mr_lane_size(lane)` bytes a row; bit i of `valid` is 1 when row i is
 * not NULL, `valid == NULL` means no row is. The value under a NULL is unspecified but readable
 * (a string view under a NULL has length 0 or points to readable bytes), so kernels may compute
 * over all rows and mask afterwards. Bits at and behind the row count are unspecified. A constant
 * vector (`is_constant`) has one value, at index 0, for every row; it exists only inside expression
 * programs: whatever an operator, decoder or encoder sees is flat. Memory: borrowed from the
 * batch's arena or from the fetched records. Thread: one at a time.
 */
#ifndef MR_ENGINE_BATCH_VECTOR_H
#define MR_ENGINE_BATCH_VECTOR_H

#include "engine/base/arena.h"
#include "engine/batch/string.h"
#include "engine/batch/type.h"

typedef struct mr_vector {
    mr_type type;
    mr_lane lane;
    bool is_constant;
    union {
        void *values;
        uint8_t *bools;
        int32_t *i32;
        int64_t *i64;
        mr_i128 *i128;
        double *f64;
        mr_string *strings;
    };
    uint64_t *valid;
} mr_vector;

static inline size_t mr_bitmap_words(uint32_t rows)
{
    return ((size_t)rows + 63) / 64;
}

static inline bool mr_bitmap_get(const uint64_t *bitmap, uint32_t row)
{
    return (bitmap[row / 64] >> (row % 64)) & 1;
}

static inline void mr_bitmap_set(uint64_t *bitmap, uint32_t row)
{
    bitmap[row / 64] |= (uint64_t)1 << (row % 64);
}

static inline void mr_bitmap_clear(uint64_t *bitmap, uint32_t row)
{
    bitmap[row / 64] &= ~((uint64_t)1 << (row % 64));
}

static inline bool mr_vector_is_null(const mr_vector *vector, uint32_t row)
{
    return vector->valid != NULL && !mr_bitmap_get(vector->valid, vector->is_constant ? 0 : row);
}

/* `rows` uninitialised values of `type`, all valid (`valid` NULL), in `arena`. */
mr_vector mr_vector_new(mr_type type, uint32_t rows, mr_arena *arena);

/* Gives `vector` a bitmap of `rows` bits, all valid, unless it has one. Returns it. */
uint64_t *mr_vector_validity(mr_vector *vector, uint32_t rows, mr_arena *arena);

/* Marks one row NULL (makes the bitmap when needed) and makes its value readable. */
void mr_vector_set_null(mr_vector *vector, uint32_t row, uint32_t rows, mr_arena *arena);

/* A flat copy of the `count` rows named by `rows`, in that order. String bytes are not copied. */
mr_vector mr_vector_gather(const mr_vector *vector, const uint32_t *rows, uint32_t count,
                           mr_arena *arena);

/* Row `row` up to place `end`, behind the run before it. */
typedef struct mr_vector_run {
    uint32_t row, end;
} mr_vector_run;

/* The same for rows that are named many times in a row; runs rise, and none is empty. */
mr_vector mr_vector_repeat(const mr_vector *vector, const mr_vector_run *runs, uint32_t runs_count,
                           mr_arena *arena);

/* Copies the bytes of all strings (of valid rows) into `arena`, so that they outlive their
 * source. */
void mr_vector_own_strings(mr_vector *vector, uint32_t rows, mr_arena *arena);

#endif
