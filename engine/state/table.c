#include "engine/state/table.h"

#include "engine/base/assert.h"
#include "engine/state/table_private.h"

#include <stdlib.h>

mr_table *mr_table_new(const mr_table_layout *layout, uint16_t number, mr_away *away,
                       mr_budget *budget)
{
    mr_table *table = calloc(1, sizeof *table);
    MR_ASSERT(table != NULL);
    table->number = number;
    table->away = away;
    table->layout = *layout;
    table->budget = budget;
    return table;
}

void mr_table_clear(mr_table *table)
{
    for (uint32_t i = 0; i < table->slices_count; i++)
        mr_slice_free(table->slices[i]);
    table->slices_count = 0;
    table->dropped_count = 0;
}

void mr_table_free(mr_table *table)
{
    if (table == NULL)
        return;
    mr_table_clear(table);
    free(table->slices);
    free(table->dropped);
    free(table);
}

/* Index of the first slice with id >= `slice_id`. A table has tens of slices, seldom more. */
static uint32_t lower_bound(const mr_table *table, int64_t slice_id)
{
    uint32_t low = 0, high = table->slices_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->slices[middle]->id < slice_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

mr_slice *mr_table_at_or_after(mr_table *table, int64_t slice_id)
{
    uint32_t at = lower_bound(table, slice_id);
    return at < table->slices_count ? table->slices[at] : NULL;
}

mr_slice *mr_table_find(mr_table *table, int64_t slice_id)
{
    mr_slice *slice = mr_table_at_or_after(table, slice_id);
    return slice != NULL && slice->id == slice_id ? slice : NULL;
}

mr_slice *mr_table_make(mr_table *table, int64_t slice_id)
{
    uint32_t at = lower_bound(table, slice_id);
    if (at < table->slices_count && table->slices[at]->id == slice_id)
        return table->slices[at];
    if (table->slices_count == table->slices_capacity) {
        table->slices_capacity = table->slices_capacity != 0 ? table->slices_capacity * 2 : 16;
        table->slices = realloc(table->slices, table->slices_capacity * sizeof *table->slices);
        MR_ASSERT(table->slices != NULL);
    }
    if (at < table->slices_count)
        memmove(&table->slices[at + 1], &table->slices[at],
                (table->slices_count - at) * sizeof *table->slices);
    table->slices[at] = mr_slice_new(slice_id, table->layout.value_size, table->budget);
    table->slices[at]->table = table;
    table->slices_count++;
    return table->slices[at];
}

void mr_table_remove(mr_table *table, mr_slice *slice)
{
    uint32_t at = lower_bound(table, slice->id);
    MR_ASSERT(at < table->slices_count && table->slices[at] == slice);
    table->slices_count--;
    if (at < table->slices_count)
        memmove(&table->slices[at], &table->slices[at + 1],
                (table->slices_count - at) * sizeof *table->slices);
    mr_slice_free(slice);
}

void mr_table_drop(mr_table *table, mr_slice *slice)
{
    if (slice->is_committed) {
        if (table->dropped_count == table->dropped_capacity) {
            table->dropped_capacity =
                table->dropped_capacity != 0 ? table->dropped_capacity * 2 : 16;
            table->dropped =
                realloc(table->dropped, table->dropped_capacity * sizeof *table->dropped);
            MR_ASSERT(table->dropped != NULL);
        }
        table->dropped[table->dropped_count++] = slice->id;
    }
    mr_table_remove(table, slice);
}

mr_status mr_table_read_value(const mr_table *table, const char *bytes, uint32_t length,
                              void *value, mr_arena *arena, mr_error *err)
{
    const mr_table_layout *layout = &table->layout;
    if (layout->read == NULL) {
        if (length != layout->value_size)
            return mr_error_set(err, MR_E_STATE, "a value of %s has %u bytes instead of %u",
                                layout->name, length, layout->value_size);
        if (length > 0)
            memcpy(value, bytes, length);
        return MR_OK;
    }
    if (layout->value_size > 0)
        memset(value, 0, layout->value_size);
    if (!layout->read(layout->context, bytes, length, value, arena))
        return mr_error_set(err, MR_E_STATE, "a value of %s (%u bytes) is malformed", layout->name,
                            length);
    return MR_OK;
}

void mr_table_mark_clean(mr_table *table)
{
    for (uint32_t i = 0; i < table->slices_count; i++)
        mr_slice_mark_clean(table->slices[i]);
    table->dropped_count = 0;
}
