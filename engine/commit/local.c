#include "engine/commit/local.h"

#define BREATH_ENTRIES 1024u /* between two breaths */

static mr_status load_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    mr_local_load *load = context;
    mr_status status = MR_OK;
    if (++load->entries % BREATH_ENTRIES == 0)
        status = mr_breath_take(&load->breath, err);
    return status == MR_OK ? mr_state_load(load->state, entry, err) : status;
}

/* From `from` on: entries of tables that stay, up to the first of one that may leave, which becomes
 * `from`. `*is_over`: there was none. */
static mr_status load_until_left(mr_local_load *load, mr_store_change *from, bool *is_over,
                                 mr_error *err)
{
    const mr_store_change *entry = NULL;
    mr_store_cursor *cursor;
    mr_status status = load->store->class->seek(load->store, from, &cursor, err);
    if (status != MR_OK)
        return status;
    for (;;) {
        status = cursor->class->next(cursor, &entry, err);
        *is_over = status == MR_OK && entry == NULL;
        if (status != MR_OK || *is_over || mr_state_may_leave(load->state, entry->table))
            break;
        status = load_entry(load, entry, err);
        if (status != MR_OK)
            break;
    }
    if (status == MR_OK && !*is_over)
        *from = (mr_store_change){.table = entry->table, .slice = entry->slice, .key = ""};
    cursor->class->close(cursor);
    return status;
}

/* A seek a slice: nothing is read of it but its first key. */
static mr_status load_listed(mr_local_load *load, mr_error *err)
{
    mr_store_change from = {.slice = INT64_MIN, .key = ""};
    for (;;) {
        bool is_over;
        mr_status status = load_until_left(load, &from, &is_over, err);
        if (status == MR_OK)
            status = mr_breath_take(&load->breath, err);
        if (status != MR_OK || is_over)
            return status;
        mr_state_load_away(load->state, from.table, from.slice);
        load->slices++;
        bool is_last = from.slice == INT64_MAX;
        from.table = (uint16_t)(from.table + is_last);
        from.slice = is_last ? INT64_MIN : from.slice + 1;
    }
}

mr_status mr_local_load_run(mr_local_load *load, mr_error *err)
{
    mr_local_store *store = load->store;
    load->entries = load->slices = 0;
    if (load->entries_max > 0 && store->class->entries(store) > load->entries_max)
        return load_listed(load, err);
    return store->class->scan(store, load_entry, load, err);
}
