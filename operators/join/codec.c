#include "operators/join/codec.h"

#include "engine/base/assert.h"
#include "operators/join/varint.h"

#include <endian.h>
#include <stddef.h>

#define VARINT_MAX 10u
#define WIDE_VARINT_MAX 19u

static mr_join_column place(const mr_join_side *side, uint32_t c, const mr_type *key_types,
                            uint32_t keys_count)
{
    mr_join_column column = {.type = side->types[c]};
    for (uint32_t k = 0; k < keys_count; k++)
        if (side->keys[k] == side->columns[c] && mr_type_lane(key_types[k]) != MR_LANE_F64) {
            column.place = MR_JOIN_IN_KEY;
            column.key = k;
            return column;
        }
    if (side->time_column == (int32_t)side->columns[c])
        column.place = MR_JOIN_IN_TIME;
    return column;
}

mr_join_codec mr_join_codec_of(const mr_join_side *side, const mr_type *key_types,
                               uint32_t keys_count, mr_arena *arena)
{
    mr_join_codec codec = {
        .columns_count = side->columns_count,
        .columns = mr_arena_zalloc(arena, side->columns_count, sizeof(mr_join_column)),
        .written = mr_arena_alloc(arena, side->columns_count * sizeof(uint32_t))};
    for (uint32_t c = 0; c < side->columns_count; c++) {
        codec.columns[c] = place(side, c, key_types, keys_count);
        if (codec.columns[c].place == MR_JOIN_IN_BYTES)
            codec.written[codec.written_count++] = c;
    }
    return codec;
}

/* ---- writing ---- */

static char *put_varint(char *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (char)(value | 0x80);
    *to++ = (char)value;
    return to;
}

static char *put_zigzag(char *to, int64_t value)
{
    return put_varint(to, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static char *put_wide(char *to, mr_i128 value)
{
    mr_u128 bits = ((mr_u128)value << 1) ^ (mr_u128)(value >> 127);
    for (; bits >= 0x80; bits >>= 7)
        *to++ = (char)((uint64_t)bits | 0x80);
    *to++ = (char)bits;
    return to;
}

static char *put_value(const mr_vector *column, uint32_t row, char *to)
{
    switch (column->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: *to++ = column->bools[row] != 0; break;
    case MR_LANE_I32: return put_zigzag(to, column->i32[row]);
    case MR_LANE_I64: return put_zigzag(to, column->i64[row]);
    case MR_LANE_I128: return put_wide(to, column->i128[row]);
    case MR_LANE_F64: {
        uint64_t bits;
        memcpy(&bits, &column->f64[row], sizeof bits);
        bits = htole64(bits);
        memcpy(to, &bits, sizeof bits);
        return to + sizeof bits;
    }
    case MR_LANE_STRING: {
        mr_string s = column->strings[row];
        to = put_varint(to, s.length);
        if (s.length > 0)
            memcpy(to, s.bytes, s.length);
        return to + s.length;
    }
    }
    return to;
}

static size_t room_of(const mr_vector *column, uint32_t row)
{
    if (column->lane == MR_LANE_STRING && !mr_vector_is_null(column, row))
        return VARINT_MAX + column->strings[row].length;
    return column->lane == MR_LANE_I128 ? WIDE_VARINT_MAX : VARINT_MAX;
}

void mr_join_codec_write(const mr_join_codec *codec, const mr_vector *const *columns, uint32_t row,
                         mr_buffer *to)
{
    size_t bitmap = (codec->written_count + 7) / 8, room = bitmap;
    for (uint32_t c = 0; c < codec->columns_count; c++)
        if (codec->columns[c].place == MR_JOIN_IN_BYTES)
            room += room_of(columns[c], row);
    char *start = mr_buffer_reserve(to, room), *at = start + bitmap;
    memset(start, 0, bitmap);
    uint32_t n = 0;
    for (uint32_t c = 0; c < codec->columns_count; c++) {
        if (codec->columns[c].place != MR_JOIN_IN_BYTES)
            continue;
        if (columns[c]->lane == MR_LANE_NONE || mr_vector_is_null(columns[c], row))
            start[n / 8] = (char)(start[n / 8] | 1 << n % 8);
        else
            at = put_value(columns[c], row, at);
        n++;
    }
    to->length += (size_t)(at - start);
}

/* ---- reading ---- */

typedef struct cursor {
    const char *at, *end;
    bool is_bad;
} cursor;

static mr_u128 get_wide(cursor *from)
{
    mr_u128 value = 0;
    for (uint32_t shift = 0; from->at < from->end && shift < 7 * WIDE_VARINT_MAX; shift += 7) {
        uint8_t byte = (uint8_t)*from->at++;
        value |= (mr_u128)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    from->is_bad = true;
    return 0;
}

static inline uint64_t get_varint(cursor *from)
{
    uint64_t value;
    if (from->end - from->at >= (ptrdiff_t)MR_JOIN_VARINT_SHORT) {
        uint32_t n = mr_join_varint_short((const uint8_t *)from->at, &value);
        from->at += n;
        if (n > 0)
            return value;
    }
    value = 0;
    for (uint32_t shift = 0; from->at < from->end && shift < 7 * VARINT_MAX; shift += 7) {
        uint8_t byte = (uint8_t)*from->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    from->is_bad = true;
    return 0;
}

static inline int64_t get_zigzag(cursor *from)
{
    uint64_t bits = get_varint(from);
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

static inline const char *get_bytes(cursor *from, size_t length)
{
    if (length > (size_t)(from->end - from->at)) {
        from->is_bad = true;
        return NULL;
    }
    from->at += length;
    return from->at - length;
}

static void get_value(cursor *from, mr_vector *column, uint32_t row)
{
    switch (column->lane) {
    case MR_LANE_NONE: from->is_bad = true; break;
    case MR_LANE_BOOL: {
        const char *byte = get_bytes(from, 1);
        column->bools[row] = byte != NULL && *byte != 0;
        break;
    }
    case MR_LANE_I32: column->i32[row] = (int32_t)get_zigzag(from); break;
    case MR_LANE_I64: column->i64[row] = get_zigzag(from); break;
    case MR_LANE_I128: {
        mr_u128 bits = get_wide(from);
        column->i128[row] = (mr_i128)((bits >> 1) ^ -(bits & 1));
        break;
    }
    case MR_LANE_F64: {
        const char *bytes = get_bytes(from, sizeof(double));
        uint64_t bits = 0;
        if (bytes != NULL)
            memcpy(&bits, bytes, sizeof bits);
        bits = le64toh(bits);
        memcpy(&column->f64[row], &bits, sizeof bits);
        break;
    }
    case MR_LANE_STRING: {
        uint64_t length = get_varint(from);
        const char *bytes = length <= UINT32_MAX ? get_bytes(from, (size_t)length) : NULL;
        from->is_bad = from->is_bad || bytes == NULL;
        column->strings[row] = mr_string_of(bytes, bytes != NULL ? (uint32_t)length : 0);
        break;
    }
    }
}

static inline bool read_row(const mr_join_codec *codec, mr_string bytes, uint32_t row,
                            uint32_t rows, mr_arena *arena, mr_vector *columns)
{
    size_t bitmap = (codec->written_count + 7) / 8;
    cursor from = {.at = bytes.bytes, .end = bytes.bytes + bytes.length};
    const char *nulls = get_bytes(&from, bitmap);
    for (uint32_t n = 0; n < codec->written_count && !from.is_bad; n++) {
        mr_vector *column = &columns[codec->written[n]];
        if ((nulls[n / 8] >> n % 8 & 1) != 0)
            mr_vector_set_null(column, row, rows, arena);
        else if (column->lane == MR_LANE_I64) /* most are, and it is in line */
            column->i64[row] = get_zigzag(&from);
        else
            get_value(&from, column, row);
    }
    return !from.is_bad && from.at == from.end;
}

void mr_join_codec_columns(const mr_join_codec *codec, uint32_t capacity, mr_arena *arena,
                           mr_vector *columns)
{
    for (uint32_t n = 0; n < codec->written_count; n++) {
        uint32_t c = codec->written[n];
        columns[c] = mr_vector_new(codec->columns[c].type, capacity, arena);
    }
}

mr_status mr_join_codec_fill(const mr_join_codec *codec, const mr_string *rows, uint32_t from,
                             uint32_t end, uint32_t capacity, mr_arena *arena, mr_vector *columns,
                             mr_error *err)
{
    for (uint32_t i = from; i < end; i++)
        if (!read_row(codec, rows[i], i, capacity, arena, columns))
            return mr_error_set(err, MR_E_STATE, "a kept row of %u bytes is malformed",
                                rows[i].length);
    return MR_OK;
}

mr_status mr_join_codec_read(const mr_join_codec *codec, const mr_string *rows, uint32_t count,
                             mr_arena *arena, mr_vector *columns, mr_error *err)
{
    mr_join_codec_columns(codec, count, arena, columns);
    return mr_join_codec_fill(codec, rows, 0, count, count, arena, columns, err);
}
