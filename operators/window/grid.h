/*
 * The grid: which slices and windows a time belongs to, for TUMBLE, HOP and CUMULATE alike.
 *
 * Time is cut into slices of width g (TUMBLE size, HOP slide, CUMULATE step), numbered from the
 * offset: slice i = [offset + i*g, offset + (i+1)*g). Windows are numbered by their end: window e
 * ends at offset + e*g. With N slices in the largest window:
 *
 *            slice i belongs to windows          window e holds slices
 *   TUMBLE   e = i+1                   (N = 1)   i = e-1
 *   HOP      i+1 <= e <= i+N                     e-N <= i <= e-1
 *   CUMULATE i+1 <= e <= (i div N + 1) * N       (e-1) div N * N <= i <= e-1
 *
 * A row that comes when some of its windows have fired enters the others only: it is kept under
 * (i, k), k = first open window - (i+1). The two make one number, the id of a slice in a state
 * table: id = i*N + k. So the result does not depend on when windows fire, nor on where batches are
 * cut. Times are ms. All functions are pure; a time that `mr_grid_holds` refuses must not be asked
 * for.
 *
 * With a zone, the grid lies in local wall-clock time: a day is a local day and has 23 or 25 hours
 * when clocks change; an hour that comes twice is one window of two hours, and one that is skipped
 * is none. Times and watermarks are instants, bounds of windows wall clocks. As in Flink, a window
 * whose last millisecond comes twice fires at the second, one whose last millisecond is skipped at
 * the instant after the gap.
 */
#ifndef MR_OPERATORS_WINDOW_GRID_H
#define MR_OPERATORS_WINDOW_GRID_H

#include "engine/expr/function.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum mr_window_kind {
    MR_WINDOW_TUMBLE = 0,
    MR_WINDOW_HOP,
    MR_WINDOW_CUMULATE,
    MR_WINDOW_SESSION, /* lies on no grid: session.h */
} mr_window_kind;

typedef struct mr_grid {
    mr_window_kind kind;
    int64_t width_ms;  /* g */
    int64_t offset_ms; /* in [0, size) after init */
    int64_t size_ms;
    int64_t parts;              /* N */
    const struct mr_zone *zone; /* NULL: the grid lies in the column's own time */
} mr_grid;

/* `slide_ms` is HOP's slide or CUMULATE's step; size is a multiple of it. */
mr_grid mr_grid_of(mr_window_kind kind, int64_t size_ms, int64_t slide_ms, int64_t offset_ms,
                   const struct mr_zone *zone);

/* Whether the windows of this time have bounds that a TIMESTAMP can hold and its slices an id. */
bool mr_grid_holds(const mr_grid *grid, int64_t time_ms);

/* Slice of a time. */
int64_t mr_grid_slice(const mr_grid *grid, int64_t time_ms);

/* Last window of slice i. */
int64_t mr_grid_last_window(const mr_grid *grid, int64_t slice);

/* First slice of window e; the last is e-1. */
int64_t mr_grid_first_slice(const mr_grid *grid, int64_t window);

/* First window of slice i that is still open at `watermark_ms` (its end - 1 > watermark); larger
 * than mr_grid_last_window when the row is late. */
int64_t mr_grid_first_open(const mr_grid *grid, int64_t slice, int64_t watermark_ms);

/* Bounds of window e on the wall clock that the column shows. */
int64_t mr_grid_window_start(const mr_grid *grid, int64_t window);
int64_t mr_grid_window_end(const mr_grid *grid, int64_t window);

/* Event time of window e's results: end - 1 as an instant. The window fires when watermark >=
 * this. */
int64_t mr_grid_window_time(const mr_grid *grid, int64_t window);

/* Slice table ids. */
static inline int64_t mr_grid_id(const mr_grid *grid, int64_t slice, int64_t part)
{
    return slice * grid->parts + part;
}
int64_t mr_grid_id_slice(const mr_grid *grid, int64_t id);
static inline int64_t mr_grid_id_part(const mr_grid *grid, int64_t id)
{
    return id - mr_grid_id_slice(grid, id) * grid->parts;
}

#endif
