/*
 * Kept columns of a row as bytes, and back.
 *
 *   | one bit a column, 1 = NULL, in whole bytes | values that are not NULL, one after the other |
 *   BOOL 1 byte; I32, I64 zigzag varint; F64 8 bytes; I128 zigzag varint; STRING varint + bytes
 *
 * What the row's key or its time says already is not written: columns that are a key column (but
 * not F64: keys know one zero and one NaN) and the time attribute. Thread: no shared state.
 */
#ifndef MR_OPERATORS_JOIN_CODEC_H
#define MR_OPERATORS_JOIN_CODEC_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/batch/vector.h"
#include "operators/join/interval_join.h"

typedef enum mr_join_place {
    MR_JOIN_IN_BYTES = 0,
    MR_JOIN_IN_KEY,
    MR_JOIN_IN_TIME,
} mr_join_place;

typedef struct mr_join_column {
    mr_type type;
    mr_join_place place;
    uint32_t key; /* IN_KEY: which */
} mr_join_column;

typedef struct mr_join_codec {
    uint32_t columns_count;
    mr_join_column *columns;
    uint32_t written_count; /* IN_BYTES */
    uint32_t *written;      /* [written_count] which */
} mr_join_codec;

mr_join_codec mr_join_codec_of(const mr_join_side *side, const mr_type *key_types,
                               uint32_t keys_count, mr_arena *arena);

/* Appends row `row` of `columns` (all kept ones). */
void mr_join_codec_write(const mr_join_codec *codec, const mr_vector *const *columns, uint32_t row,
                         mr_buffer *to);

/* Makes the columns that are IN_BYTES, for `capacity` rows. */
void mr_join_codec_columns(const mr_join_codec *codec, uint32_t capacity, mr_arena *arena,
                           mr_vector *columns);

/* Fills rows `from` to `end` of them; strings point into `rows`. MR_E_STATE when a row is
 * malformed. */
mr_status mr_join_codec_fill(const mr_join_codec *codec, const mr_string *rows, uint32_t from,
                             uint32_t end, uint32_t capacity, mr_arena *arena, mr_vector *columns,
                             mr_error *err);

/* Both, for `count` rows. */
mr_status mr_join_codec_read(const mr_join_codec *codec, const mr_string *rows, uint32_t count,
                             mr_arena *arena, mr_vector *columns, mr_error *err);

#endif
