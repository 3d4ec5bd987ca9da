#include "operators/window/grid.h"

#include "engine/batch/record.h"

/* Times beyond +-292,000 years / 8 are clamped: sums and products below cannot overflow then. */
#define TIME_LIMIT (INT64_MAX / 8)

static int64_t clamp(int64_t ms)
{
    return ms > TIME_LIMIT ? TIME_LIMIT : ms < -TIME_LIMIT ? -TIME_LIMIT : ms;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

mr_grid mr_grid_of(mr_window_kind kind, int64_t size_ms, int64_t slide_ms, int64_t offset_ms,
                   const struct mr_zone *zone)
{
    int64_t width = kind == MR_WINDOW_TUMBLE ? size_ms : slide_ms;
    return (mr_grid){.kind = kind,
                     .width_ms = width,
                     /* CUMULATE's windows start at multiples of the size. */
                     .offset_ms = offset_ms - floor_div(offset_ms, size_ms) * size_ms,
                     .size_ms = size_ms,
                     .parts = size_ms / width,
                     .zone = zone};
}

int64_t mr_grid_slice(const mr_grid *grid, int64_t time_ms)
{
    return floor_div(clamp(time_ms) - grid->offset_ms, grid->width_ms);
}

int64_t mr_grid_last_window(const mr_grid *grid, int64_t slice)
{
    if (grid->kind == MR_WINDOW_CUMULATE)
        return (floor_div(slice, grid->parts) + 1) * grid->parts;
    return slice + grid->parts;
}

int64_t mr_grid_first_slice(const mr_grid *grid, int64_t window)
{
    if (grid->kind == MR_WINDOW_CUMULATE)
        return floor_div(window - 1, grid->parts) * grid->parts;
    return window - grid->parts;
}

int64_t mr_grid_window_end(const mr_grid *grid, int64_t window)
{
    return grid->offset_ms + window * grid->width_ms;
}

int64_t mr_grid_window_start(const mr_grid *grid, int64_t window)
{
    return grid->offset_ms + mr_grid_first_slice(grid, window) * grid->width_ms;
}

int64_t mr_grid_window_time(const mr_grid *grid, int64_t window)
{
    return mr_grid_window_end(grid, window) - 1;
}

int64_t mr_grid_first_open(const mr_grid *grid, int64_t slice, int64_t watermark_ms)
{
    if (watermark_ms == MR_TIME_NONE)
        return slice + 1;
    int64_t passed = clamp(watermark_ms) + 1 - grid->offset_ms;
    int64_t open = floor_div(passed, grid->width_ms) + 1;
    return open > slice + 1 ? open : slice + 1;
}

int64_t mr_grid_id_slice(const mr_grid *grid, int64_t id)
{
    return floor_div(id, grid->parts);
}
