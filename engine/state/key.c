#include "engine/state/key.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <endian.h>
#include <math.h>

/* The same function as mr_hash; inlined here because a key is hashed for every row. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define NAN_BITS UINT64_C(0x7ff8000000000000)

static uint32_t row_at(const uint32_t *rows, uint32_t i)
{
    return rows != NULL ? rows[i] : i;
}

static bool has_null(const mr_vector *column, const uint32_t *rows, uint32_t count)
{
    if (column->valid == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!mr_bitmap_get(column->valid, row_at(rows, i)))
            return true;
    return false;
}

static char *put_u64(char *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof value);
    return to + sizeof value;
}

static char *put_u32(char *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof value);
    return to + sizeof value;
}

/* Equal numbers have equal bytes: one zero, one NaN. */
static uint64_t f64_bits(double value)
{
    if (isnan(value))
        return NAN_BITS;
    if (value == 0.0)
        return 0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static char *put_value(const mr_vector *column, uint32_t row, char *to)
{
    switch (column->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: *to++ = column->bools[row] != 0; break;
    case MR_LANE_I32: return put_u32(to, (uint32_t)column->i32[row]);
    case MR_LANE_I64: return put_u64(to, (uint64_t)column->i64[row]);
    case MR_LANE_F64: return put_u64(to, f64_bits(column->f64[row]));
    case MR_LANE_I128:
        to = put_u64(to, (uint64_t)column->i128[row]);
        return put_u64(to, (uint64_t)((mr_u128)column->i128[row] >> 64));
    case MR_LANE_STRING: {
        mr_string s = column->strings[row];
        to = put_u32(to, s.length);
        if (s.length > 0)
            memcpy(to, s.bytes, s.length);
        return to + s.length;
    }
    }
    return to;
}

static void finish(const char *bytes, uint32_t length, mr_string *key, uint64_t *hash)
{
    *key = (mr_string){.length = length, .bytes = bytes};
    if (length >= 4)
        memcpy(key->prefix, bytes, 4); /* of a length known at compile time: no call */
    else
        *key = mr_string_of(bytes, length);
    *hash = XXH3_64bits(bytes, length);
}

/* All values present and of fixed size: every key has the same length, so columns are written one
 * after the other down the rows, each by a loop without a branch. */
static void encode_fixed(const mr_vector *const *columns, uint32_t columns_count,
                         const uint32_t *rows, uint32_t count, uint32_t length, mr_arena *arena,
                         mr_string *keys, uint64_t *hashes)
{
    size_t stride = (length + 7u) & ~(size_t)7;
    char *block = mr_arena_alloc(arena, stride * count);
    size_t at = 0;
    for (uint32_t c = 0; c < columns_count; c++) {
        const mr_vector *column = columns[c];
        char *to = block + at;
        if (column->lane == MR_LANE_I64) {
            for (uint32_t i = 0; i < count; i++, to += stride) {
                *to = 1;
                put_u64(to + 1, (uint64_t)column->i64[row_at(rows, i)]);
            }
        } else {
            for (uint32_t i = 0; i < count; i++, to += stride) {
                *to = 1;
                put_value(column, row_at(rows, i), to + 1);
            }
        }
        at += 1 + mr_lane_size(column->lane);
    }
    for (uint32_t i = 0; i < count; i++)
        finish(block + stride * i, length, &keys[i], &hashes[i]);
}

static void encode_row(const mr_vector *const *columns, uint32_t columns_count, uint32_t row,
                       mr_arena *arena, mr_string *key, uint64_t *hash)
{
    size_t room = 0;
    for (uint32_t c = 0; c < columns_count; c++) {
        const mr_vector *column = columns[c];
        room += 1 + mr_lane_size(column->lane);
        if (column->lane == MR_LANE_STRING && !mr_vector_is_null(column, row))
            room += column->strings[row].length;
    }
    char *start = mr_arena_alloc(arena, room);
    char *to = start;
    for (uint32_t c = 0; c < columns_count; c++) {
        bool is_present = columns[c]->lane != MR_LANE_NONE && !mr_vector_is_null(columns[c], row);
        *to++ = is_present;
        if (is_present)
            to = put_value(columns[c], row, to);
    }
    MR_ASSERT((size_t)(to - start) <= UINT32_MAX);
    finish(start, (uint32_t)(to - start), key, hash);
}

void mr_key_encode(const mr_vector *const *columns, uint32_t columns_count, const uint32_t *rows,
                   uint32_t count, mr_arena *arena, mr_string *keys, uint64_t *hashes)
{
    bool is_fixed = true;
    size_t length = 0;
    for (uint32_t c = 0; c < columns_count; c++) {
        mr_lane lane = columns[c]->lane;
        MR_ASSERT(!columns[c]->is_constant);
        is_fixed = is_fixed && lane != MR_LANE_STRING && lane != MR_LANE_NONE &&
                   !has_null(columns[c], rows, count);
        length += 1 + mr_lane_size(lane);
    }
    if (is_fixed) {
        encode_fixed(columns, columns_count, rows, count, (uint32_t)length, arena, keys, hashes);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        encode_row(columns, columns_count, row_at(rows, i), arena, &keys[i], &hashes[i]);
}

static uint64_t get_u64(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

/* Reads one present value; false when the bytes are malformed. */
static bool get_value(mr_vector *column, uint32_t row, mr_reader *from)
{
    if (column->lane == MR_LANE_NONE)
        return false;
    if (column->lane == MR_LANE_STRING) {
        uint32_t length = mr_reader_u32(from);
        const char *bytes = mr_reader_get(from, length);
        column->strings[row] = mr_string_of(bytes, bytes != NULL ? length : 0);
        return bytes != NULL;
    }
    const char *bytes = mr_reader_get(from, mr_lane_size(column->lane));
    if (bytes == NULL)
        return false;
    switch (column->lane) {
    case MR_LANE_BOOL: column->bools[row] = (uint8_t)*bytes; return (uint8_t)*bytes <= 1;
    case MR_LANE_I32: {
        uint32_t value;
        memcpy(&value, bytes, sizeof value);
        column->i32[row] = (int32_t)le32toh(value);
        return true;
    }
    case MR_LANE_I128:
        column->i128[row] = (mr_i128)(((mr_u128)get_u64(bytes + 8) << 64) | get_u64(bytes));
        return true;
    default: column->i64[row] = (int64_t)get_u64(bytes); return true; /* I64, F64 */
    }
}

mr_status mr_key_decode(const mr_type *types, uint32_t columns_count, const mr_string *keys,
                        uint32_t count, mr_arena *arena, mr_vector *columns, mr_error *err)
{
    for (uint32_t c = 0; c < columns_count; c++)
        columns[c] = mr_vector_new(types[c], count, arena);
    for (uint32_t row = 0; row < count; row++) {
        mr_reader from = mr_reader_of(keys[row].bytes, keys[row].length);
        bool is_good = true;
        for (uint32_t c = 0; c < columns_count && is_good; c++) {
            uint8_t presence = mr_reader_u8(&from);
            if (presence == 1)
                is_good = get_value(&columns[c], row, &from);
            else if (presence == 0 && !from.is_bad)
                mr_vector_set_null(&columns[c], row, count, arena);
            else
                is_good = false;
        }
        if (!is_good || mr_reader_left(&from) != 0)
            return mr_error_set(err, MR_E_STATE, "malformed state key of %u bytes for %u columns",
                                keys[row].length, columns_count);
    }
    return MR_OK;
}
