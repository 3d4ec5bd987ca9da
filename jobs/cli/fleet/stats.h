/*
 * What a fleet's worker shows of its jobs while it goes on (--stats): a line of JSON a job, or the
 * file of all metrics. Thread: the keeper's.
 */
#ifndef MR_JOBS_CLI_FLEET_STATS_H
#define MR_JOBS_CLI_FLEET_STATS_H

#include "engine/ports/clock.h"
#include "jobs/cli/flags.h"
#include "jobs/fleet/keeper.h"

typedef struct mr_fleet_stats {
    const mr_flags *flags;
    const mr_clock *clock;
    mr_metrics *metrics; /* its own; NULL: none are kept */
    int64_t shown_us;
} mr_fleet_stats;

void mr_fleet_stats_begin(mr_fleet_stats *stats, const mr_flags *flags, const mr_clock *clock);
void mr_fleet_stats_end(mr_fleet_stats *stats);

/* Once a second; may be called as often as one likes. */
void mr_fleet_stats_show(mr_fleet_stats *stats, const mr_keeper *keeper);

#endif
