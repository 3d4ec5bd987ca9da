#include "connectors/memory/clock.h"

#include "engine/base/assert.h"

#include <stddef.h>
#include <time.h>

static int64_t virtual_wall_ms(const mr_clock *clock)
{
    const mr_memory_clock *self = clock->state;
    return self->wall_start_ms + self->now_us / 1000;
}

static int64_t virtual_monotonic_us(const mr_clock *clock)
{
    const mr_memory_clock *self = clock->state;
    return self->now_us;
}

void mr_memory_clock_init(mr_memory_clock *clock, int64_t wall_start_ms)
{
    *clock = (mr_memory_clock){
        .clock = {virtual_wall_ms, virtual_monotonic_us, clock},
        .wall_start_ms = wall_start_ms,
    };
}

void mr_memory_clock_advance(mr_memory_clock *clock, int64_t us)
{
    MR_ASSERT(us >= 0);
    clock->now_us += us;
}

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t real_wall_ms(const mr_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t real_monotonic_us(const mr_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_MONOTONIC);
}

void mr_memory_clock_real(mr_clock *clock)
{
    *clock = (mr_clock){real_wall_ms, real_monotonic_us, NULL};
}
