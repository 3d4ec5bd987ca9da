#include "operators/window/distinct.h"

#include "engine/base/hash.h"
#include "engine/state/key.h"

#define GROUP_PREFIX 4
#define NUMBER_SIZE 2

static mr_string compose(mr_string group, uint16_t number, mr_string value, mr_arena *arena)
{
    size_t length = GROUP_PREFIX + group.length + NUMBER_SIZE + value.length;
    char *bytes = mr_arena_alloc(arena, length);
    for (int i = 0; i < GROUP_PREFIX; i++)
        bytes[i] = (char)(group.length >> (8 * i));
    if (group.length > 0)
        memcpy(bytes + GROUP_PREFIX, group.bytes, group.length);
    char *to = bytes + GROUP_PREFIX + group.length;
    to[0] = (char)number;
    to[1] = (char)(number >> 8);
    memcpy(to + NUMBER_SIZE, value.bytes, value.length);
    return mr_string_of(bytes, (uint32_t)length);
}

void mr_distinct_add(mr_slice *slice, const mr_aggregate *aggregate, uint16_t number,
                     const mr_aggregate_rows *rows, const mr_string *groups, void **made,
                     mr_arena *scratch)
{
    uint32_t count = rows->count;
    mr_string *values = mr_arena_alloc(scratch, count * sizeof *values);
    uint64_t *hashes = mr_arena_alloc(scratch, count * sizeof *hashes);
    void **seen = mr_arena_alloc(scratch, count * sizeof *seen);
    const mr_vector *columns[] = {rows->argument};
    mr_key_encode(columns, 1, rows->rows, count, scratch, values, hashes);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = compose(groups[i], number, values[i], scratch);
        hashes[i] = mr_hash(values[i].bytes, values[i].length);
    }
    mr_slice_fetch(slice, values, hashes, count);
    for (uint32_t i = 0; i < count; i++) {
        if (made != NULL)
            made[i] = NULL;
        if (mr_vector_is_null(rows->argument, rows->rows[i]))
            continue;
        if (mr_slice_get(slice, values[i], hashes[i]) != NULL)
            continue;
        mr_slice_upsert(slice, &values[i], &hashes[i], 1, &seen[i]);
        if (made != NULL)
            made[i] = seen[i];
        mr_aggregate_rows one = *rows;
        one.rows = rows->rows + i;
        one.values = rows->values + i;
        one.arenas = rows->arenas + i;
        one.count = 1;
        mr_aggregate_add(aggregate, &one);
    }
}

/* One seen value, taken apart. */
static bool split(mr_string key, mr_string *group, uint16_t *number, mr_string *value)
{
    mr_reader reader = mr_reader_of(key.bytes, key.length);
    uint32_t length = mr_reader_u32(&reader);
    const char *bytes = mr_reader_get(&reader, length);
    *group = mr_string_of(bytes, bytes != NULL ? length : 0);
    uint8_t low = mr_reader_u8(&reader);
    *number = (uint16_t)(low | mr_reader_u8(&reader) << 8);
    *value = mr_string_of(reader.next, (uint32_t)mr_reader_left(&reader));
    return !reader.is_bad;
}

bool mr_distinct_group(mr_string key, mr_string *group)
{
    uint16_t number;
    mr_string value;
    return split(key, group, &number, &value);
}

/* One value to one accumulator of the group at `to`. */
static mr_status feed(const mr_aggregate *aggregate, mr_string value, uint32_t offset, void *to,
                      mr_arena *arena, mr_arena *scratch, mr_error *err)
{
    mr_vector column;
    mr_status status =
        mr_key_decode(&aggregate->argument_type, 1, &value, 1, scratch, &column, err);
    if (status != MR_OK)
        return status;
    static const uint32_t first = 0;
    mr_aggregate_rows one = {.argument = &column,
                             .rows = &first,
                             .count = 1,
                             .values = &to,
                             .offset = offset,
                             .arenas = &arena};
    mr_aggregate_add(aggregate, &one);
    return MR_OK;
}

mr_status mr_distinct_move(mr_slice *slice, mr_string key, mr_string group,
                           const mr_aggregate *aggregates, const uint32_t *offsets, void *to,
                           void **made, mr_arena *scratch, mr_error *err)
{
    mr_string from, value;
    uint16_t number;
    *made = NULL;
    if (!split(key, &from, &number, &value))
        return mr_error_set(err, MR_E_STATE, "malformed entry in a table of distinct values");
    mr_string moved = compose(group, number, value, scratch);
    uint64_t hash = mr_hash(moved.bytes, moved.length);
    mr_status status = MR_OK;
    if (mr_slice_get(slice, moved, hash) == NULL) {
        mr_slice_upsert(slice, &moved, &hash, 1, made);
        status = feed(&aggregates[number], value, offsets[number], to, NULL, scratch, err);
    }
    mr_slice_remove(slice, key, mr_hash(key.bytes, key.length));
    return status;
}

/* A seen value of another slice to the accumulators of its group in `to`. */
static mr_status feed_entry(const mr_slice_entry *entry, const mr_aggregate *aggregates,
                            const uint32_t *offsets, mr_slice *to, mr_arena *scratch, mr_error *err)
{
    mr_string group, value;
    uint16_t number;
    if (!split(entry->key, &group, &number, &value))
        return mr_error_set(err, MR_E_STATE, "malformed entry in a table of distinct values");
    void *at = mr_slice_get(to, group, mr_hash(group.bytes, group.length));
    if (at == NULL)
        return mr_error_set(err, MR_E_STATE, "a distinct value belongs to no group");
    return feed(&aggregates[number], value, offsets[number], at, mr_slice_arena(to), scratch, err);
}

mr_status mr_distinct_merge(mr_slice *seen, mr_slice *from, const mr_aggregate *aggregates,
                            const uint32_t *offsets, mr_slice *to, mr_arena *scratch, mr_error *err)
{
    uint32_t count = mr_slice_count(from);
    mr_slice_entry *entries = mr_arena_alloc(scratch, count * sizeof *entries);
    mr_slice_entries(from, entries);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        if (mr_slice_get(seen, entries[i].key, entries[i].hash) != NULL)
            continue;
        void *mark;
        mr_slice_upsert(seen, &entries[i].key, &entries[i].hash, 1, &mark);
        status = feed_entry(&entries[i], aggregates, offsets, to, scratch, err);
    }
    return status;
}
