/*
 * Partials: groups of a window aggregate on their way through an exchange.
 *
 *   keys.. | slice BIGINT | columns of each aggregate (operators/aggregate/columns.h)
 *
 * A partial is the group of a key in a slice (grid.h), made of rows whose windows are all open, so
 * it goes under (slice, 0). Whoever makes it has to know that they are open behind the exchange
 * too.
 */
#ifndef MR_OPERATORS_WINDOW_PARTIALS_H
#define MR_OPERATORS_WINDOW_PARTIALS_H

#include "engine/state/table.h"
#include "operators/aggregate/accumulators.h"
#include "operators/window/window_aggregate.h"

enum {
    MR_E_PARTIAL = 4053, /* a partial that no window can take any more, or that none ever could */
};

/* Whether a plan may aggregate before the exchange: on a grid, and nothing is DISTINCT. */
bool mr_window_has_partials(const mr_window_config *config);

/* Whether a slice may travel: at the ends of time, where its number or its windows' bounds might
 * not be written down, rows go raw. */
bool mr_window_slice_is_plain(const mr_grid *grid, int64_t slice);

/* Columns of the partials; names and all in `arena`. */
mr_schema mr_window_partials_schema(const mr_window_config *config, mr_arena *arena);

/* A batch of partials of `count` groups in `arena`; strings are borrowed from them. */
mr_status mr_window_make_partials(const mr_window_config *config,
                                  const mr_accumulators *accumulators,
                                  const mr_slice_entry *entries, const int64_t *slices,
                                  uint32_t count, mr_arena *arena, mr_batch *batch, mr_error *err);

/* Where partials go to. */
typedef struct mr_window_partials {
    const mr_window_config *config;
    const mr_accumulators *accumulators;
    const mr_grid *grid;
    mr_table *groups;
    int64_t watermark_ms; /* of the operator: windows up to it have fired */
    mr_arena *arena;
} mr_window_partials;

/* Merges all of them. MR_E_PARTIAL: one of them should not have come; the epoch is lost. */
mr_status mr_window_take_partials(const mr_window_partials *to, const mr_batch *batch,
                                  mr_error *err);

#endif
