#include "operators/join/queue.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/batch/record.h"

#include <endian.h>

#define SLICE 0
#define KEY_SIZE 8u
#define FLAG_SIDE 1u
#define FLAG_MATCHED 2u

static void write_row(const void *context, const void *value, mr_buffer *to)
{
    (void)context;
    const mr_join_waiting *row = value;
    mr_buffer_put_u8(
        to, (uint8_t)((row->side != 0 ? FLAG_SIDE : 0u) | (row->is_matched ? FLAG_MATCHED : 0u)));
    mr_buffer_put_zigzag(to, row->time_ms);
    mr_buffer_put_zigzag(to, row->origin.arrival_ms);
    mr_buffer_put_zigzag(to, row->cursor.bucket);
    mr_buffer_put_varint(to, row->cursor.chunk);
    mr_buffer_put_varint(to, row->cursor.at);
    mr_buffer_put_u32(to, row->origin.place);
    mr_buffer_put_zigzag(to, row->origin.offset);
    mr_buffer_put_bytes(to, row->key.bytes, row->key.length);
    mr_buffer_put_bytes(to, row->bytes.bytes, row->bytes.length);
}

static mr_string get_bytes(mr_reader *from, mr_arena *arena)
{
    size_t length;
    const char *bytes = mr_reader_bytes(from, &length);
    from->is_bad = from->is_bad || length > UINT32_MAX;
    if (from->is_bad)
        return mr_string_of("", 0);
    return mr_string_of(mr_arena_copy(arena, bytes, length), (uint32_t)length);
}

static bool read_row(const void *context, const char *bytes, size_t length, void *value,
                     mr_arena *arena)
{
    (void)context;
    mr_reader from = mr_reader_of(bytes, length);
    mr_join_waiting *row = value;
    uint8_t flags = mr_reader_u8(&from);
    row->side = (flags & FLAG_SIDE) != 0;
    row->is_matched = (flags & FLAG_MATCHED) != 0;
    row->time_ms = mr_reader_zigzag(&from);
    row->origin.arrival_ms = mr_reader_zigzag(&from);
    row->cursor.bucket = mr_reader_zigzag(&from);
    uint64_t chunk = mr_reader_varint(&from), at = mr_reader_varint(&from);
    row->cursor.chunk = (uint32_t)chunk;
    row->cursor.at = (uint32_t)at;
    row->origin.place = mr_reader_u32(&from);
    row->origin.offset = mr_reader_zigzag(&from);
    row->key = get_bytes(&from, arena);
    row->bytes = get_bytes(&from, arena);
    return !from.is_bad && mr_reader_left(&from) == 0 && chunk <= UINT32_MAX && at <= UINT32_MAX;
}

void mr_join_queue_open(mr_join_queue *queue, mr_state *state, const char *name)
{
    mr_table_layout layout = {
        .name = name, .value_size = sizeof(mr_join_waiting), .write = write_row, .read = read_row};
    *queue = (mr_join_queue){.table = mr_state_table(state, &layout)};
}

typedef struct number {
    char bytes[KEY_SIZE];
    mr_string key;
    uint64_t hash;
} number;

static void make_number(number *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to->bytes, &value, KEY_SIZE);
    to->key = mr_string_of(to->bytes, KEY_SIZE);
    to->hash = mr_hash(to->bytes, KEY_SIZE);
}

void mr_join_queue_restored(mr_join_queue *queue)
{
    mr_slice *slice = mr_table_find(queue->table, SLICE);
    queue->first = queue->end = 0;
    uint32_t count = slice != NULL ? mr_slice_count(slice) : 0;
    if (count == 0)
        return;
    mr_arena scratch = {0};
    mr_slice_entry *entries = mr_arena_alloc(&scratch, count * sizeof *entries);
    mr_slice_entries(slice, entries);
    queue->first = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = 0;
        MR_ASSERT(entries[i].key.length == KEY_SIZE);
        memcpy(&value, entries[i].key.bytes, KEY_SIZE);
        value = le64toh(value);
        queue->first = value < queue->first ? value : queue->first;
        queue->end = value >= queue->end ? value + 1 : queue->end;
    }
    MR_ASSERT(queue->end - queue->first == count);
    mr_arena_release(&scratch);
}

void mr_join_queue_put(mr_join_queue *queue, const mr_join_waiting *row)
{
    mr_slice *slice = mr_table_make(queue->table, SLICE);
    mr_arena *arena = mr_slice_arena(slice);
    number n;
    make_number(&n, queue->end++);
    void *at;
    mr_slice_upsert(slice, &n.key, &n.hash, 1, &at);
    mr_join_waiting *to = at;
    *to = *row;
    to->key = mr_string_of(mr_arena_copy(arena, row->key.bytes, row->key.length), row->key.length);
    to->bytes =
        mr_string_of(mr_arena_copy(arena, row->bytes.bytes, row->bytes.length), row->bytes.length);
}

static mr_join_waiting *get(mr_join_queue *queue, mr_slice **slice, uint64_t i)
{
    number n;
    make_number(&n, queue->first + i);
    *slice = mr_table_find(queue->table, SLICE);
    MR_ASSERT(*slice != NULL && i < mr_join_queue_count(queue));
    mr_join_waiting *row = mr_slice_get(*slice, n.key, n.hash);
    MR_ASSERT(row != NULL);
    return row;
}

const mr_join_waiting *mr_join_queue_at(mr_join_queue *queue, uint64_t i)
{
    mr_slice *slice;
    return get(queue, &slice, i);
}

void mr_join_queue_move(mr_join_queue *queue, mr_join_cursor cursor, bool is_matched)
{
    mr_slice *slice;
    mr_join_waiting *row = get(queue, &slice, 0);
    mr_slice_touch(slice, row);
    row->cursor = cursor;
    row->is_matched = is_matched;
}

void mr_join_queue_take(mr_join_queue *queue, uint64_t count)
{
    mr_slice *slice = mr_table_find(queue->table, SLICE);
    MR_ASSERT(count <= mr_join_queue_count(queue));
    if (count == mr_join_queue_count(queue)) {
        if (slice != NULL)
            mr_table_drop(queue->table, slice);
        queue->first = queue->end = 0;
        return;
    }
    for (; count > 0; count--) {
        number n;
        make_number(&n, queue->first++);
        MR_ASSERT(mr_slice_remove(slice, n.key, n.hash));
    }
}
