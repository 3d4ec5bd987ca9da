/*
 * A table from the inside: what state.c needs of it besides table.h.
 *
 * `slices` rise by id. `dropped` holds the ids of slices that committed state may know and that
 * were dropped in this epoch, each once: a slice made again under such an id is not committed
 * before the next `mark_clean`, so dropping it again adds nothing.
 */
#ifndef MR_ENGINE_STATE_TABLE_PRIVATE_H
#define MR_ENGINE_STATE_TABLE_PRIVATE_H

#include "engine/state/away.h"
#include "engine/state/slice.h"

struct mr_table {
    mr_table_layout layout;
    uint16_t number;
    mr_away *away; /* the state's */
    mr_slice **slices;
    uint32_t slices_count;
    uint32_t slices_capacity;
    int64_t *dropped; /* in no order */
    uint32_t dropped_count;
    uint32_t dropped_capacity;
    mr_budget *budget;
};

mr_table *mr_table_new(const mr_table_layout *layout, uint16_t number, mr_away *away,
                       mr_budget *budget);
void mr_table_free(mr_table *table);

/* Forgets a slice without a trace. */
void mr_table_remove(mr_table *table, mr_slice *slice);

/* A value as it travels, into the entry's. MR_E_STATE: it is malformed. */
MR_MUST_USE mr_status mr_table_read_value(const mr_table *table, const char *bytes, uint32_t length,
                                          void *value, mr_arena *arena, mr_error *err);

void mr_table_mark_clean(mr_table *table);
void mr_table_clear(mr_table *table);

#endif
