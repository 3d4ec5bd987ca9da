/*
 * The values seen so far by DISTINCT aggregates: a table keyed by (group key, aggregate, value).
 *
 *   key: group key length u32 | group key | aggregate u16 | value as engine/state/key.h writes it
 */
#ifndef MR_OPERATORS_WINDOW_DISTINCT_H
#define MR_OPERATORS_WINDOW_DISTINCT_H

#include "engine/state/table.h"
#include "operators/aggregate/aggregate.h"

/* Feeds the rows of `rows` (group keys in `groups`) whose value is new in `slice` to the
 * accumulators. NULL values are skipped. `made` (NULL, or room for all rows) gets the value of the
 * entry that a row made, or NULL. */
void mr_distinct_add(mr_slice *slice, const mr_aggregate *aggregate, uint16_t number,
                     const mr_aggregate_rows *rows, const mr_string *groups, void **made,
                     mr_arena *scratch);

/* The group key within the key of an entry. False: malformed. */
bool mr_distinct_group(mr_string key, mr_string *group);

/* Gives the entry with this key to `group`: fed to its accumulators at `to` when the value is new
 * there (*made: the new entry's value), forgotten else (NULL). */
mr_status mr_distinct_move(mr_slice *slice, mr_string key, mr_string group,
                           const mr_aggregate *aggregates, const uint32_t *offsets, void *to,
                           void **made, mr_arena *scratch, mr_error *err);

/* Feeds all values of `from` that are new in `seen` to the accumulators of their groups in `to`. */
mr_status mr_distinct_merge(mr_slice *seen, mr_slice *from, const mr_aggregate *aggregates,
                            const uint32_t *offsets, mr_slice *to, mr_arena *scratch,
                            mr_error *err);

#endif
