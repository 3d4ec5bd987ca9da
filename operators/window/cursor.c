#include "operators/window/cursor.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define MARK 'k'
#define ENTRIES_MAX 2u

mr_table *mr_window_cursor_open(mr_state *state, const char *name)
{
    mr_table_layout layout = {.name = name, .value_size = sizeof(mr_window_cursor)};
    return mr_state_table(state, &layout);
}

mr_window_cursor *mr_window_cursor_get(mr_table *table, bool is_written)
{
    mr_slice *slice = mr_table_make(table, 0);
    mr_string key = mr_string_of("", 0);
    uint64_t hash = mr_hash("", 0);
    void *at = mr_slice_get(slice, key, hash);
    if (at == NULL || is_written)
        mr_slice_upsert(slice, &key, &hash, 1, &at);
    return at;
}

bool mr_window_cursor_last(mr_table *table, mr_string *key)
{
    mr_slice *slice = mr_table_make(table, 0);
    mr_slice_entry entries[ENTRIES_MAX];
    uint32_t count = mr_slice_count(slice);
    MR_ASSERT(count <= ENTRIES_MAX);
    mr_slice_entries(slice, entries);
    for (uint32_t i = 0; i < count; i++) {
        mr_string found = entries[i].key;
        if (found.length == 0 || found.bytes[0] != MARK)
            continue;
        *key = mr_string_of(found.bytes + 1, found.length - 1);
        return true;
    }
    return false;
}

void mr_window_cursor_set_last(mr_table *table, const mr_string *key)
{
    mr_slice *slice = mr_table_make(table, 0);
    mr_string old;
    if (mr_window_cursor_last(table, &old)) {
        mr_string whole = mr_string_of(old.bytes - 1, old.length + 1);
        (void)mr_slice_remove(slice, whole, mr_hash(whole.bytes, whole.length));
    }
    if (key == NULL)
        return;
    mr_buffer bytes = {0};
    mr_buffer_put_u8(&bytes, MARK);
    mr_buffer_put(&bytes, key->bytes, key->length);
    mr_string whole = mr_string_of(bytes.data, (uint32_t)bytes.length);
    uint64_t hash = mr_hash(whole.bytes, whole.length);
    void *at;
    mr_slice_upsert(slice, &whole, &hash, 1, &at);
    mr_buffer_release(&bytes);
}
