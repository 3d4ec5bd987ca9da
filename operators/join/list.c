#include "operators/join/list.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/run/operator.h"

#include <endian.h>
#include <stdlib.h>

#define CAPACITY_MIN 16u

/* ---- buckets ---- */

int64_t mr_join_bucket(const mr_join_layout *layout, int64_t time_ms)
{
    int64_t width = layout->bucket_ms;
    return time_ms / width - (time_ms % width < 0);
}

int64_t mr_join_bucket_start(const mr_join_layout *layout, int64_t bucket)
{
    return bucket * layout->bucket_ms;
}

int64_t mr_join_bucket_last(const mr_join_layout *layout, int64_t bucket)
{
    return bucket * layout->bucket_ms + (layout->bucket_ms - 1);
}

/* ---- how lists travel ---- */

/* What `next` trusts: every row lies within the list, and what is read of it within the row. */
static bool is_well_formed(const mr_join_layout *layout, const char *bytes, size_t length)
{
    mr_reader list = mr_reader_of(bytes, length);
    while (mr_reader_left(&list) > 0) {
        size_t rest;
        mr_reader_u8(&list);
        const char *start = mr_reader_bytes(&list, &rest);
        mr_reader row = mr_reader_of(start, list.is_bad ? 0 : rest);
        mr_reader_zigzag(&row);
        if (layout->has_origins) {
            mr_reader_u32(&row);
            mr_reader_zigzag(&row);
            mr_reader_zigzag(&row);
        }
        if (list.is_bad || row.is_bad)
            return false;
    }
    return true;
}

static void write_list(const void *context, const void *value, mr_buffer *to)
{
    (void)context;
    const mr_join_list *list = value;
    mr_buffer_put_varint(to, (uint64_t)list->chunks << 1 | list->is_behind);
    mr_buffer_put(to, list->bytes, list->length);
}

static bool read_list(const void *context, const char *bytes, size_t length, void *value,
                      mr_arena *arena)
{
    mr_reader reader = mr_reader_of(bytes, length);
    uint64_t chunks = mr_reader_varint(&reader);
    size_t left = mr_reader_left(&reader);
    if (reader.is_bad || chunks >> 1 > UINT32_MAX || left > UINT32_MAX ||
        !is_well_formed(context, reader.next, left))
        return false;
    *(mr_join_list *)value = (mr_join_list){.bytes = mr_arena_copy(arena, reader.next, left),
                                            .length = (uint32_t)left,
                                            .capacity = (uint32_t)left,
                                            .chunks = (uint32_t)(chunks >> 1),
                                            .is_behind = (chunks & 1) != 0};
    return true;
}

mr_table *mr_join_table(mr_state *state, const char *name, const mr_join_layout *layout)
{
    mr_table_layout table = {.name = name,
                             .value_size = sizeof(mr_join_list),
                             .write = write_list,
                             .read = read_list,
                             .context = layout};
    return mr_state_table(state, &table);
}

/* ---- rows ---- */

bool mr_join_list_next(const mr_join_layout *layout, int64_t bucket, const mr_join_list *list,
                       uint32_t *at, mr_join_row *row)
{
    if (*at >= list->length)
        return false;
    mr_join_walk walk = mr_join_walk_begin(list, *at, mr_join_bucket_start(layout, bucket), row);
    mr_join_walk_end(layout, walk, row);
    *at = (uint32_t)(walk.end - list->bytes);
    return true;
}

void mr_join_row_write(const mr_join_layout *layout, int64_t bucket, const mr_join_row *row,
                       mr_buffer *to)
{
    char head[64];
    bool has_arrival = layout->has_origins && row->origin.arrival_ms != MR_TIME_NONE;
    mr_buffer rest = {.data = head, .capacity = sizeof head}; /* three numbers at the most */
    mr_buffer_put_zigzag(&rest, row->time_ms - mr_join_bucket_start(layout, bucket));
    if (layout->has_origins) {
        mr_buffer_put_u32(&rest, row->origin.place);
        mr_buffer_put_zigzag(&rest, row->origin.offset);
        mr_buffer_put_zigzag(&rest, has_arrival ? row->origin.arrival_ms - row->time_ms : 0);
    }
    MR_ASSERT(rest.data == head);
    mr_buffer_put_u8(to, (uint8_t)((row->is_settled ? MR_JOIN_ROW_SETTLED : 0u) |
                                   (has_arrival ? 0u : MR_JOIN_ROW_NO_ARRIVAL)));
    mr_buffer_put_varint(to, rest.length + row->bytes.length);
    mr_buffer_put(to, head, rest.length);
    mr_buffer_put(to, row->bytes.bytes, row->bytes.length);
}

/* ---- lists ---- */

static mr_string chunk_key(mr_string key, uint32_t number, char *room)
{
    number = htole32(number);
    memcpy(room, key.bytes, key.length);
    memcpy(room + key.length, &number, MR_JOIN_NUMBER_SIZE);
    return mr_string_of(room, key.length + MR_JOIN_NUMBER_SIZE);
}

#define KEY_ROOM 64u

static mr_join_list *chunk(mr_slice *slice, mr_string key, uint32_t number, bool is_made)
{
    char room[KEY_ROOM];
    char *bytes = key.length + MR_JOIN_NUMBER_SIZE <= KEY_ROOM
                      ? room
                      : malloc(key.length + MR_JOIN_NUMBER_SIZE);
    MR_ASSERT(bytes != NULL);
    mr_string whole = chunk_key(key, number, bytes);
    uint64_t hash = mr_hash(whole.bytes, whole.length);
    void *at;
    if (is_made)
        mr_slice_upsert(slice, &whole, &hash, 1, &at);
    else
        at = mr_slice_get(slice, whole, hash);
    if (bytes != room)
        free(bytes);
    if (is_made)
        ((mr_join_list *)at)->is_behind = true;
    return at;
}

mr_join_list *mr_join_list_chunk(mr_slice *slice, mr_string key, uint32_t number)
{
    return chunk(slice, key, number, false);
}

static void reserve(mr_join_list *list, uint32_t more, mr_arena *arena)
{
    if (list->capacity - list->length >= more)
        return;
    uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : CAPACITY_MIN;
    while (capacity - list->length < more)
        capacity *= 2;
    char *bytes = mr_arena_alloc(arena, capacity);
    if (list->length > 0)
        memcpy(bytes, list->bytes, list->length);
    list->bytes = bytes;
    list->capacity = capacity;
}

mr_join_list *mr_join_list_append(mr_slice *slice, mr_string key, mr_join_list *head,
                                  const mr_buffer *row, uint32_t *at)
{
    uint32_t length = (uint32_t)row->length;
    MR_ASSERT(row->length < UINT32_MAX / 2);
    mr_join_list *list = head->chunks > 0 ? chunk(slice, key, head->chunks, true) : head;
    if (list->length > 0 && list->length + length > MR_JOIN_CHUNK_BYTES)
        list = chunk(slice, key, ++head->chunks, true);
    reserve(list, length, mr_slice_arena(slice));
    *at = list->length;
    memcpy(list->bytes + list->length, row->data, length);
    list->length += length;
    return list;
}

void mr_join_list_settle(mr_slice *slice, mr_join_list *list, uint32_t at)
{
    mr_slice_touch(slice, list);
    list->bytes[at] = (char)(list->bytes[at] | (char)MR_JOIN_ROW_SETTLED);
}
