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
 * accumulators. NULL values are skipped. */
void mr_distinct_add(mr_slice *slice, const mr_aggregate *aggregate, uint16_t number,
                     const mr_aggregate_rows *rows, const mr_string *groups, mr_arena *scratch);

/* Feeds all values of `from` that are new in `seen` to the accumulators of their groups in `to`. */
mr_status mr_distinct_merge(mr_slice *seen, mr_slice *from, const mr_aggregate *aggregates,
                            const uint32_t *offsets, mr_slice *to, mr_arena *scratch,
                            mr_error *err);

#endif
