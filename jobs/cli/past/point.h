/*
 * Points of a job's past as they are written behind --from and --to:
 *
 *   beginning | end
 *   17                                   an epoch, of every task
 *   2026-11-21 14:00:00[.000][Z]         a time, in UTC; T may stand in the middle
 *   2026-11-21T15:00:00+01:00            the same, somewhere else
 *   orders:0:1200,orders:1:880           offsets: topic:partition:offset, nothing beyond
 *   [job/]task-0/000..017-000..-0f3c..   a checkpoint, as `millrace checkpoints list` prints it
 */
#ifndef MR_JOBS_CLI_PAST_POINT_H
#define MR_JOBS_CLI_PAST_POINT_H

#include "engine/history/moment.h"
#include "jobs/cli/flags.h"

/* False: it is none of these. Memory: `arena`. */
bool mr_point_read(const char *text, mr_arena *arena, mr_point *point);

/* The same with what is to be said of it, when it is not OK. Offsets must be of partitions that the
 * job reads, a checkpoint one that its store has: else MR_E_MOMENT is printed. */
mr_exit mr_point_read_flag(const char *command, const char *flag, const char *text,
                           const mr_moments *moments, mr_arena *arena, mr_point *point);

#endif
