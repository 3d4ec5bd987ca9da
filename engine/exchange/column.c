#include "engine/exchange/column.h"

#include "engine/base/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie");

enum {
    KIND_BITS = 1,
    KIND_WHOLE,
    KIND_WIDE,
    KIND_REAL,
    KIND_BYTES,
    KIND_NULLS,
    HAS_VALIDITY = 0x80,
};

static uint32_t at(const uint32_t *rows, uint32_t i)
{
    return rows != NULL ? rows[i] : i;
}

static size_t octets_of_bits(uint32_t count)
{
    return ((size_t)count + 7) / 8;
}

/* ---- whole numbers: a base and what is above it ---- */

static uint8_t width_of(uint64_t spread)
{
    if (spread == 0)
        return 0;
    if (spread <= UINT8_MAX)
        return 1;
    if (spread <= UINT16_MAX)
        return 2;
    return spread <= UINT32_MAX ? 4 : 8;
}

/* Typed loops: the compiler makes vectors of them. */
static void put_spread(const int64_t *values, uint32_t count, uint64_t base, uint8_t width,
                       char *to)
{
    uint8_t *narrow = (uint8_t *)to;
    switch (width) {
    case 1:
        for (uint32_t i = 0; i < count; i++)
            narrow[i] = (uint8_t)((uint64_t)values[i] - base);
        break;
    case 2:
        for (uint32_t i = 0; i < count; i++) {
            uint16_t value = (uint16_t)((uint64_t)values[i] - base);
            memcpy(to + (size_t)i * 2, &value, sizeof value);
        }
        break;
    case 4:
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = (uint32_t)((uint64_t)values[i] - base);
            memcpy(to + (size_t)i * 4, &value, sizeof value);
        }
        break;
    case 8:
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = (uint64_t)values[i] - base;
            memcpy(to + (size_t)i * 8, &value, sizeof value);
        }
        break;
    default: break;
    }
}

static void put_whole(const int64_t *values, uint32_t count, mr_buffer *to)
{
    int64_t low = count > 0 ? values[0] : 0, high = low;
    for (uint32_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    uint8_t width = width_of((uint64_t)high - (uint64_t)low);
    mr_buffer_put_zigzag(to, low);
    mr_buffer_put_u8(to, width);
    put_spread(values, count, (uint64_t)low, width, mr_buffer_reserve(to, (size_t)count * width));
    to->length += (size_t)count * width;
}

/* Values are base + what is read; returns the largest of what was. */
static uint64_t get_spread(const char *from, uint32_t count, uint64_t base, uint8_t width,
                           int64_t *values)
{
    const uint8_t *narrow = (const uint8_t *)from;
    uint64_t highest = 0;
    for (uint32_t i = 0; width == 0 && i < count; i++)
        values[i] = (int64_t)base;
    for (uint32_t i = 0; width == 1 && i < count; i++) {
        highest = narrow[i] > highest ? narrow[i] : highest;
        values[i] = (int64_t)(base + narrow[i]);
    }
    for (uint32_t i = 0; width == 2 && i < count; i++) {
        uint16_t above;
        memcpy(&above, from + (size_t)i * 2, sizeof above);
        highest = above > highest ? above : highest;
        values[i] = (int64_t)(base + above);
    }
    for (uint32_t i = 0; width == 4 && i < count; i++) {
        uint32_t above;
        memcpy(&above, from + (size_t)i * 4, sizeof above);
        highest = above > highest ? above : highest;
        values[i] = (int64_t)(base + above);
    }
    for (uint32_t i = 0; width == 8 && i < count; i++) {
        uint64_t above;
        memcpy(&above, from + (size_t)i * 8, sizeof above);
        highest = above > highest ? above : highest;
        values[i] = (int64_t)(base + above);
    }
    return highest;
}

/* False when malformed, or when a value leaves [least, most]. */
static bool get_whole(mr_reader *from, uint32_t count, int64_t least, int64_t most, int64_t *values)
{
    int64_t base = mr_reader_zigzag(from);
    uint8_t width = mr_reader_u8(from);
    if (from->is_bad || (width > 2 && width != 4 && width != 8) || base < least || base > most)
        return false;
    const char *bytes = mr_reader_get(from, (size_t)count * width);
    if (bytes == NULL)
        return false;
    uint64_t room = (uint64_t)most - (uint64_t)base;
    return get_spread(bytes, count, (uint64_t)base, width, values) <= room;
}

void mr_column_encode_times(const int64_t *times, const uint32_t *rows, uint32_t count,
                            mr_buffer *to)
{
    int64_t values[MR_BATCH_ROWS_MAX];
    MR_ASSERT(count <= MR_BATCH_ROWS_MAX);
    values[0] = 0;
    for (uint32_t i = 0; i < count; i++)
        values[i] = times[at(rows, i)];
    put_whole(values, count, to);
}

bool mr_column_decode_times(mr_reader *from, uint32_t count, mr_arena *arena, int64_t **times)
{
    *times = mr_arena_alloc(arena, count * sizeof **times);
    return get_whole(from, count, INT64_MIN, INT64_MAX, *times);
}

void mr_column_encode_octets(const uint8_t *octets, const uint32_t *rows, uint32_t count,
                             mr_buffer *to)
{
    char *bytes = mr_buffer_reserve(to, count);
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (char)octets[at(rows, i)];
    to->length += count;
}

/* ---- writing by lane ---- */

static bool has_null(const mr_vector *column, const uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 0; column->valid != NULL && i < count; i++)
        if (!mr_bitmap_get(column->valid, at(rows, i)))
            return true;
    return false;
}

static void put_validity(const mr_vector *column, const uint32_t *rows, uint32_t count,
                         mr_buffer *to)
{
    size_t length = octets_of_bits(count);
    char *bits = mr_buffer_reserve(to, length);
    memset(bits, 0, length);
    for (uint32_t i = 0; i < count; i++)
        if (mr_bitmap_get(column->valid, at(rows, i)))
            bits[i / 8] = (char)((unsigned char)bits[i / 8] | 1u << (i % 8));
    to->length += length;
}

static void put_bits(const mr_vector *column, const uint32_t *rows, uint32_t count, mr_buffer *to)
{
    size_t length = octets_of_bits(count);
    char *bits = mr_buffer_reserve(to, length);
    memset(bits, 0, length);
    for (uint32_t i = 0; i < count; i++)
        if (column->bools[at(rows, i)] != 0 && !mr_vector_is_null(column, at(rows, i)))
            bits[i / 8] = (char)((unsigned char)bits[i / 8] | 1u << (i % 8));
    to->length += length;
}

/* A NULL's place holds any value of the column, so that it widens nothing. */
static void hide_nulls(const mr_vector *column, const uint32_t *rows, uint32_t count,
                       int64_t *values)
{
    uint32_t known = 0;
    while (known < count && mr_vector_is_null(column, at(rows, known)))
        known++;
    int64_t value = known < count ? values[known] : 0;
    for (uint32_t i = 0; i < count; i++)
        if (mr_vector_is_null(column, at(rows, i)))
            values[i] = value;
}

static void gather_whole(const mr_vector *column, const uint32_t *rows, uint32_t count,
                         int64_t *values)
{
    if (column->lane == MR_LANE_I32)
        for (uint32_t i = 0; i < count; i++)
            values[i] = column->i32[at(rows, i)];
    else if (column->lane == MR_LANE_I64 && rows != NULL)
        for (uint32_t i = 0; i < count; i++)
            values[i] = column->i64[rows[i]];
    else if (column->lane == MR_LANE_I64)
        memcpy(values, column->i64, count * sizeof *values);
    else
        for (uint32_t i = 0; i < count; i++)
            values[i] = (int64_t)column->i128[at(rows, i)];
}

static bool is_narrow(const mr_vector *column, const uint32_t *rows, uint32_t count, bool has_nulls)
{
    for (uint32_t i = 0; i < count; i++) {
        mr_i128 value = column->i128[at(rows, i)];
        if ((value < INT64_MIN || value > INT64_MAX) &&
            !(has_nulls && mr_vector_is_null(column, at(rows, i))))
            return false;
    }
    return true;
}

static void put_fixed(const mr_vector *column, const uint32_t *rows, uint32_t count, mr_buffer *to)
{
    size_t size = mr_lane_size(column->lane);
    char *bytes = mr_buffer_reserve(to, size * count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = at(rows, i);
        if (mr_vector_is_null(column, row))
            memset(bytes + size * i, 0, size);
        else
            memcpy(bytes + size * i, (const char *)column->values + size * row, size);
    }
    to->length += size * count;
}

static void put_bytes(const mr_vector *column, const uint32_t *rows, uint32_t count, mr_buffer *to)
{
    int64_t lengths[MR_BATCH_ROWS_MAX];
    size_t total = 0;
    lengths[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = at(rows, i);
        lengths[i] = mr_vector_is_null(column, row) ? 0 : column->strings[row].length;
        total += (size_t)lengths[i];
    }
    put_whole(lengths, count, to);
    char *bytes = mr_buffer_reserve(to, total);
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] > 0)
            memcpy(bytes, column->strings[at(rows, i)].bytes, (size_t)lengths[i]);
        bytes += lengths[i];
    }
    to->length += total;
}

static uint8_t kind_of(const mr_vector *column, const uint32_t *rows, uint32_t count,
                       bool has_nulls)
{
    switch (column->lane) {
    case MR_LANE_NONE: return KIND_NULLS;
    case MR_LANE_BOOL: return KIND_BITS;
    case MR_LANE_I32:
    case MR_LANE_I64: return KIND_WHOLE;
    case MR_LANE_I128: return is_narrow(column, rows, count, has_nulls) ? KIND_WHOLE : KIND_WIDE;
    case MR_LANE_F64: return KIND_REAL;
    case MR_LANE_STRING: return KIND_BYTES;
    }
    return KIND_NULLS;
}

void mr_column_encode(const mr_vector *column, const uint32_t *rows, uint32_t count, mr_buffer *to)
{
    int64_t values[MR_BATCH_ROWS_MAX];
    MR_ASSERT(!column->is_constant && count <= MR_BATCH_ROWS_MAX);
    bool has_nulls = column->lane != MR_LANE_NONE && has_null(column, rows, count);
    uint8_t kind = kind_of(column, rows, count, has_nulls);
    mr_buffer_put_u8(to, (uint8_t)(kind | (has_nulls ? HAS_VALIDITY : 0)));
    if (has_nulls)
        put_validity(column, rows, count, to);
    switch (kind) {
    case KIND_BITS: put_bits(column, rows, count, to); break;
    case KIND_WHOLE:
        gather_whole(column, rows, count, values);
        if (has_nulls)
            hide_nulls(column, rows, count, values);
        put_whole(values, count, to);
        break;
    case KIND_WIDE:
    case KIND_REAL: put_fixed(column, rows, count, to); break;
    case KIND_BYTES: put_bytes(column, rows, count, to); break;
    default: break;
    }
}

/* ---- reading by lane ---- */

static bool get_validity(mr_reader *from, uint32_t count, mr_arena *arena, mr_vector *column)
{
    size_t length = octets_of_bits(count);
    const char *bits = mr_reader_get(from, length);
    if (bits == NULL)
        return false;
    column->valid = mr_arena_zalloc(arena, mr_bitmap_words(count), sizeof(uint64_t));
    memcpy(column->valid, bits, length);
    return true;
}

static bool get_bits(mr_reader *from, uint32_t count, mr_vector *column)
{
    const char *bits = mr_reader_get(from, octets_of_bits(count));
    for (uint32_t i = 0; bits != NULL && i < count; i++)
        column->bools[i] = (uint8_t)((unsigned char)bits[i / 8] >> (i % 8) & 1);
    return bits != NULL;
}

static bool get_narrow(mr_reader *from, uint32_t count, mr_vector *column)
{
    int64_t values[MR_BATCH_ROWS_MAX];
    if (column->lane == MR_LANE_I64)
        return get_whole(from, count, INT64_MIN, INT64_MAX, column->i64);
    bool is_small = column->lane == MR_LANE_I32;
    if (!get_whole(from, count, is_small ? INT32_MIN : INT64_MIN, is_small ? INT32_MAX : INT64_MAX,
                   values))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (is_small)
            column->i32[i] = (int32_t)values[i];
        else
            column->i128[i] = values[i];
    return true;
}

static bool get_fixed(mr_reader *from, uint32_t count, mr_vector *column)
{
    size_t length = mr_lane_size(column->lane) * count;
    const char *bytes = mr_reader_get(from, length);
    if (bytes != NULL)
        memcpy(column->values, bytes, length);
    return bytes != NULL;
}

static bool get_bytes(mr_reader *from, uint32_t count, mr_vector *column)
{
    int64_t lengths[MR_BATCH_ROWS_MAX];
    size_t total = 0;
    if (!get_whole(from, count, 0, UINT32_MAX, lengths))
        return false;
    for (uint32_t i = 0; i < count; i++)
        total += (size_t)lengths[i]; /* at most 4,096 * 4 GiB */
    const char *bytes = mr_reader_get(from, total);
    for (uint32_t i = 0; bytes != NULL && i < count; i++) {
        column->strings[i] = mr_string_of(bytes, (uint32_t)lengths[i]);
        bytes += lengths[i];
    }
    return bytes != NULL;
}

/* Columns without a type have no values and are NULL. */
static bool get_nulls(uint32_t count, mr_arena *arena, mr_vector *column)
{
    column->valid = mr_arena_zalloc(arena, mr_bitmap_words(count), sizeof(uint64_t));
    return true;
}

static bool is_kind_of(uint8_t kind, mr_lane lane)
{
    switch (lane) {
    case MR_LANE_NONE: return kind == KIND_NULLS;
    case MR_LANE_BOOL: return kind == KIND_BITS;
    case MR_LANE_I32:
    case MR_LANE_I64: return kind == KIND_WHOLE;
    case MR_LANE_I128: return kind == KIND_WHOLE || kind == KIND_WIDE;
    case MR_LANE_F64: return kind == KIND_REAL;
    case MR_LANE_STRING: return kind == KIND_BYTES;
    }
    return false;
}

bool mr_column_decode(mr_reader *from, mr_type type, uint32_t count, mr_arena *arena,
                      mr_vector *column)
{
    uint8_t byte = mr_reader_u8(from);
    uint8_t kind = byte & (uint8_t)~HAS_VALIDITY;
    if (from->is_bad || count > MR_BATCH_ROWS_MAX || !is_kind_of(kind, mr_type_lane(type)))
        return false;
    *column = mr_vector_new(type, count, arena);
    if ((byte & HAS_VALIDITY) != 0 && !get_validity(from, count, arena, column))
        return false;
    switch (kind) {
    case KIND_BITS: return get_bits(from, count, column);
    case KIND_WHOLE: return get_narrow(from, count, column);
    case KIND_WIDE:
    case KIND_REAL: return get_fixed(from, count, column);
    case KIND_BYTES: return get_bytes(from, count, column);
    default: return get_nulls(count, arena, column);
    }
}
