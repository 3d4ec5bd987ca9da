/*
 * Columns on the wire: one vector of so many rows as bytes, and back.
 *
 *   u8 kind | validity, when kind has 0x80 | values
 *
 * Validity is 1 bit a row, low bits first, in (rows + 7) / 8 bytes.
 *
 *   kind      values
 *   1 BITS    1 bit a row, low bits first, in (rows + 7) / 8 bytes
 *   2 WHOLE   zigzag base, u8 width (0, 1, 2, 4, 8), value - base in so many bytes a row
 *   3 WIDE    rows * 16 bytes, little-endian
 *   4 REAL    rows * 8 bytes, IEEE 754, little-endian
 *   5 BYTES   lengths as WHOLE without its kind, then the bytes of all rows
 *   6 NULLS   nothing: a column without a type
 *
 * BOOL is BITS; I32 and I64 are WHOLE; I128 is WHOLE when all values lie in 64 bits, else WIDE; F64
 * is REAL; STRING is BYTES. What stands under a NULL is written as the base, 0 or no bytes. Reading
 * is strict: another kind than the lane has, a value out of the lane, a length out of bounds are
 * malformed; nothing is allocated beyond what `rows` and the bytes there are ask for. Thread: pure.
 */
#ifndef MR_ENGINE_EXCHANGE_COLUMN_H
#define MR_ENGINE_EXCHANGE_COLUMN_H

#include "engine/base/buffer.h"
#include "engine/batch/batch.h"

/* Appends the `count` <= MR_BATCH_ROWS_MAX values of a flat vector that `rows` names, in that order
 * (NULL: the first ones). */
void mr_column_encode(const mr_vector *column, const uint32_t *rows, uint32_t count, mr_buffer *to);

/* A flat vector of `type` in `arena`; strings point into what is read. False: malformed. */
bool mr_column_decode(mr_reader *from, mr_type type, uint32_t count, mr_arena *arena,
                      mr_vector *column);

/* The same for the hidden columns of times, as WHOLE without its kind. */
void mr_column_encode_times(const int64_t *times, const uint32_t *rows, uint32_t count,
                            mr_buffer *to);
bool mr_column_decode_times(mr_reader *from, uint32_t count, mr_arena *arena, int64_t **times);

/* The same for bytes, as they are. */
void mr_column_encode_octets(const uint8_t *octets, const uint32_t *rows, uint32_t count,
                             mr_buffer *to);

#endif
