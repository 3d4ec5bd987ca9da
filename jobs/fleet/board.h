/*
 * The board: a fleet's jobs topic as it stands, and what it takes to write to it.
 *
 * Holds the newest wish of each job and the newest status of each of its workers. A record that
 * cannot be read is logged and passed over: one bad record must not stop a fleet. Thread: one.
 */
#ifndef MR_JOBS_FLEET_BOARD_H
#define MR_JOBS_FLEET_BOARD_H

#include "engine/base/logger.h"
#include "engine/ports/log.h"
#include "jobs/fleet/wish.h"

#define MR_FLEET_SILENT_MS 20000 /* a status older than that is of a worker that died */

typedef struct mr_board_job {
    char *name;
    bool has_wish;
    mr_wish wish;        /* its strings live in `arena` */
    int64_t wish_offset; /* names the wish: two may bear one version. Of a removal too */
    struct mr_board_overwritten {
        int64_t offset; /* of the wish before this one, if it was seen; else -1 */
        uint64_t plan_version;
        bool was_delete;
    } overwritten;
    mr_arena arena;
    struct mr_board_status {
        char *instance;
        mr_fleet_status status;
        mr_arena arena;
    } * statuses;
    uint32_t statuses_count;
} mr_board_job;

typedef struct mr_board {
    mr_log *log;
    const mr_logger *logger;
    mr_log_reader *reader;
    mr_log_writer *writer; /* NULL: nothing was written yet */
    char *topic;
    mr_board_job *jobs; /* by name */
    uint32_t jobs_count;
    uint64_t changes; /* records taken so far */
} mr_board;

/* `must_create`: makes the topic where there is none; else MR_E_KAFKA_TOPIC_MISSING. `log` and
 * `logger` are borrowed. */
MR_MUST_USE mr_status mr_board_open(mr_board *board, mr_log *log, const mr_logger *logger,
                                    const char *fleet, bool must_create, mr_error *err);
void mr_board_close(mr_board *board);

/* Takes what has come; waits for the first up to `timeout_ms`. */
MR_MUST_USE mr_status mr_board_poll(mr_board *board, int32_t timeout_ms, mr_error *err);

/* Takes all that is there now. */
MR_MUST_USE mr_status mr_board_catch_up(mr_board *board, mr_error *err);

/* NULL: no wish and no status bears that name. Valid until the next poll. */
const mr_board_job *mr_board_job_of(const mr_board *board, const char *name);

/* A worker that lives says that it failed with the job as it is wished, or refused it. `now_ms` is
 * wall time. */
bool mr_board_job_is_down(const mr_board_job *job, int64_t now_ms);

/* Written and delivered when these return; the board shows it when it has been read. */
MR_MUST_USE mr_status mr_board_put_wish(mr_board *board, const mr_wish *wish, mr_error *err);
/* The same, and reads the board to its end. MR_E_FLEET_JOB: another command wrote to that job
 * meanwhile, and another wish stands, or this one stands over one of another plan. */
MR_MUST_USE mr_status mr_board_settle_wish(mr_board *board, const mr_wish *wish, mr_error *err);
MR_MUST_USE mr_status mr_board_put_status(mr_board *board, const mr_fleet_status *status,
                                          mr_error *err);
MR_MUST_USE mr_status mr_board_remove_wish(mr_board *board, const char *job, mr_error *err);
MR_MUST_USE mr_status mr_board_remove_status(mr_board *board, const char *job, const char *instance,
                                             mr_error *err);

#endif
