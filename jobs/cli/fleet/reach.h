/*
 * What the commands for a fleet share: its cluster and its board, by the flags.
 */
#ifndef MR_JOBS_CLI_FLEET_REACH_H
#define MR_JOBS_CLI_FLEET_REACH_H

#include "engine/base/logger.h"
#include "engine/ports/clock.h"
#include "jobs/cli/flags.h"
#include "jobs/fleet/board.h"
#include "jobs/plan/job.h"

#define MR_FLEET_DEFAULT "millrace"
#define MR_FLEET_ANSWER_MS 30000 /* workers have so long to answer a wish */

typedef struct mr_reach {
    const mr_flags *flags;
    const char *fleet;
    const char *bootstrap; /* of the fleet's cluster */
    mr_logger logger;
    mr_clock clock;
    mr_arena arena;
    mr_log *log;
    mr_log *home; /* of a job in another cluster; NULL: none was asked for */
    mr_board board;
} mr_reach;

typedef struct mr_reach_options {
    const char *bootstrap;         /* NULL: --kafka must say it */
    const char *const *properties; /* name, value, .., NULL; NULL: those of -X */
    bool must_create;              /* the jobs topic */
    bool (*is_stopping)(void *hook);
    void *hook;
} mr_reach_options;

/* Log open, board read to its end. Errors are printed; `release` it all the same. It must not move
 * from then on. */
mr_exit mr_reach_open(mr_reach *reach, const mr_flags *flags, const mr_reach_options *options);
/* The same in two steps. */
mr_exit mr_reach_open_log(mr_reach *reach, const mr_flags *flags, const mr_reach_options *options);
mr_exit mr_reach_open_board(mr_reach *reach, bool must_create);
void mr_reach_release(mr_reach *reach);

/* The job of that name with a wish; NULL: printed that there is none. */
const mr_board_job *mr_reach_job(const mr_reach *reach, const char *name);

/* The log of the job's own cluster: the fleet's, or another one, which goes with `reach`. Where no
 * broker of that answers from here, the fleet's, with a note. */
mr_log *mr_reach_home(mr_reach *reach, const mr_job *job);

/* Its worker has told of it lately. */
bool mr_reach_is_live(const mr_reach *reach, const mr_fleet_status *status);

/* Polls the board until `holds` says so of the job (NULL: it is gone), at most MR_FLEET_ANSWER_MS.
 * False: it did not come to that; `*err` has a status when the board could not be read. */
bool mr_reach_await(mr_reach *reach, const char *job,
                    bool (*holds)(const mr_reach *reach, const mr_board_job *job, uint64_t version),
                    uint64_t version, mr_error *err);

#endif
