/*
 * A fleet's job by its name: the text that was submitted, planned here, with the variables and -X
 * properties of this command.
 */
#ifndef MR_JOBS_CLI_FLEET_NAMED_H
#define MR_JOBS_CLI_FLEET_NAMED_H

#include "jobs/cli/fleet/reach.h"
#include "jobs/fleet/wished_job.h"

typedef struct mr_named {
    mr_reach reach;
    mr_wish wish; /* of its own, in `arena` */
    mr_arena arena;
    mr_wished_job wished;
} mr_named;

/* OK: `wished.job` is there. Else it is printed why. Release it either way; it must not move. */
mr_exit mr_named_open(mr_named *named, const mr_flags *flags, const char *job,
                      const mr_reach_options *options);

/* A command that takes a FILE, or a JOB of a fleet, was given the latter. */
static inline bool mr_named_is_asked(const mr_flags *flags)
{
    return mr_flags_has(flags, MR_FLAG_FLEET) || mr_flags_has(flags, MR_FLAG_KAFKA);
}

/* Of such a command: MR_EXIT_USAGE where flags speak of a FILE. */
mr_exit mr_named_open_asked(mr_named *named, const mr_flags *flags);

/* Of such a command without them: a FILE that is not there may be the name of a job. */
void mr_named_mention(const mr_flags *flags);

void mr_named_release(mr_named *named);

#endif
