/*
 * Keys of state: some columns of a row as one byte string, and back.
 *
 * Layout, column by column: a presence byte (0 NULL, 1 value), then for a value its fixed bytes
 * (BOOL 1, I32 4, I64 8, F64 8, I128 16; little-endian) or, for a string, u32 length + bytes. Equal
 * rows give equal bytes: NULLs are equal, -0.0 is stored as 0.0 and every NaN as one NaN.
 * The hash is mr_hash of the bytes, so it may leave the process. Thread: no shared state.
 */
#ifndef MR_ENGINE_STATE_KEY_H
#define MR_ENGINE_STATE_KEY_H

#include "engine/base/error.h"
#include "engine/batch/batch.h"

/* Keys of the `count` rows named by `rows` (NULL: 0..count-1) over `columns`, made in `arena`.
 * `keys` and `hashes` have room for `count`. No columns: every key is empty. */
void mr_key_encode(const mr_vector *const *columns, uint32_t columns_count, const uint32_t *rows,
                   uint32_t count, mr_arena *arena, mr_string *keys, uint64_t *hashes);

/* The columns again: `types` names them, `columns` gets `columns_count` flat vectors of `count`
 * rows in `arena`; strings point into the keys. MR_E_STATE when a key is malformed. */
mr_status mr_key_decode(const mr_type *types, uint32_t columns_count, const mr_string *keys,
                        uint32_t count, mr_arena *arena, mr_vector *columns, mr_error *err);

#endif
