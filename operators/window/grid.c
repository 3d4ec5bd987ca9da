#include "operators/window/grid.h"

#include "engine/batch/record.h"
#include "engine/expr/zone.h"

/* Watermarks are clamped to what a TIMESTAMP can hold, which is all that events have: sums below
 * cannot overflow then. */
#define TIME_LIMIT (INT64_MAX / 1000)
#define MS_PER_SECOND INT64_C(1000)
#define SECONDS_PER_DAY INT64_C(86400)

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

/* --- wall clocks ----------------------------------------------------------------------- */

static int64_t offset_ms(const struct mr_zone *zone, int64_t utc_seconds)
{
    return mr_zone_offset(zone, utc_seconds) * MS_PER_SECOND;
}

static int64_t wall_clock(const mr_grid *grid, int64_t instant_ms)
{
    if (grid->zone == NULL)
        return instant_ms;
    return instant_ms + offset_ms(grid->zone, floor_div(instant_ms, MS_PER_SECOND));
}

/* The second in (low, high] from which on the offset is that of `high`. */
static int64_t change_between(const struct mr_zone *zone, int64_t low, int64_t high)
{
    int32_t after = mr_zone_offset(zone, high);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (mr_zone_offset(zone, middle) == after)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Every window that ends at or before this wall clock + 1 has fired. Clocks that will be set back
 * within a day hold it at the hour that comes again: no change is larger than that. */
static int64_t wall_clock_passed(const mr_grid *grid, int64_t watermark_ms)
{
    int64_t wm = clamp(watermark_ms);
    if (grid->zone == NULL || wm == TIME_LIMIT || wm == -TIME_LIMIT)
        return wm;
    int64_t second = floor_div(wm, MS_PER_SECOND), later = second + SECONDS_PER_DAY;
    int64_t here = wm + offset_ms(grid->zone, second);
    int64_t back = offset_ms(grid->zone, later);
    if (back >= here - wm)
        return here;
    int64_t again = change_between(grid->zone, second, later) * MS_PER_SECOND + back;
    return here < again ? here : again - 1;
}

/* The instant by which all rows of this wall clock have come. */
static int64_t last_instant(const mr_grid *grid, int64_t wall_ms)
{
    if (grid->zone == NULL)
        return wall_ms;
    int64_t first = mr_zone_to_utc(grid->zone, wall_ms * MS_PER_SECOND) / MS_PER_SECOND;
    int64_t second = floor_div(first, MS_PER_SECOND);
    if (wall_clock(grid, first) != wall_ms)
        return change_between(grid->zone, second - SECONDS_PER_DAY, second) * MS_PER_SECOND;
    int64_t again = wall_ms - offset_ms(grid->zone, second + SECONDS_PER_DAY);
    return again > first && wall_clock(grid, again) == wall_ms ? again : first;
}

/* --- the grid -------------------------------------------------------------------------- */

bool mr_grid_holds(const mr_grid *grid, int64_t time_ms)
{
    int64_t margin = SECONDS_PER_DAY * MS_PER_SECOND;
    if (__builtin_add_overflow(margin * 2, grid->size_ms, &margin) || margin > TIME_LIMIT ||
        time_ms > TIME_LIMIT - margin || time_ms < margin - TIME_LIMIT)
        return false;
    int64_t slice = mr_grid_slice(grid, time_ms), id;
    return !__builtin_mul_overflow(slice, grid->parts, &id) && id < INT64_MAX - 2 * grid->parts &&
           id > INT64_MIN + 2 * grid->parts;
}

int64_t mr_grid_slice(const mr_grid *grid, int64_t time_ms)
{
    return floor_div(wall_clock(grid, time_ms) - grid->offset_ms, grid->width_ms);
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
    return last_instant(grid, mr_grid_window_end(grid, window) - 1);
}

int64_t mr_grid_first_open(const mr_grid *grid, int64_t slice, int64_t watermark_ms)
{
    if (watermark_ms == MR_TIME_NONE)
        return slice + 1;
    int64_t passed = wall_clock_passed(grid, watermark_ms) + 1 - grid->offset_ms;
    int64_t open = floor_div(passed, grid->width_ms) + 1;
    return open > slice + 1 ? open : slice + 1;
}

int64_t mr_grid_id_slice(const mr_grid *grid, int64_t id)
{
    return floor_div(id, grid->parts);
}
