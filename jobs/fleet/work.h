/*
 * Work: one job on a thread of its own, from its wish to its end.
 *
 * The thread plans the wish's text, opens an engine and steps it; what came of it is told by
 * `mr_work_status` at any time. A job that fails is not tried again: that is the keeper's business.
 * Thread: the keeper's; what the two share is behind a lock.
 */
#ifndef MR_JOBS_FLEET_WORK_H
#define MR_JOBS_FLEET_WORK_H

#include "engine/base/logger.h"
#include "engine/base/metrics.h"
#include "engine/ports/clock.h"
#include "engine/state/state_dir.h"
#include "jobs/fleet/wish.h"

typedef struct mr_work mr_work;

typedef struct mr_work_config {
    const mr_logger *logger;
    const mr_clock *clock;
    mr_state_dir *state_dir;
    mr_metrics *metrics;           /* of all its jobs, by their names; NULL: none */
    const char *const *properties; /* -X name=value of this worker */
    uint32_t properties_count;
    const char *const *environment; /* NAME=value .. NULL */
    int64_t memory_bytes;           /* what the job may take, at first; 0: its own setting alone */
} mr_work_config;

/* The wish is copied; the config's things are borrowed. MR_E_ENVIRONMENT: no thread. */
MR_MUST_USE mr_status mr_work_start(const mr_work_config *config, const mr_wish *wish,
                                    mr_work **work, mr_error *err);

/* It commits and ends. May be asked again and again. */
void mr_work_request_stop(mr_work *work);
/* Its inputs end where they end now, and it finishes; its status is of that wish from now on.
 * False: it has ended, or runs another text or plan: it must be stopped and started anew. */
bool mr_work_request_drain(mr_work *work, const mr_wish *wish);
/* What it may take from now on: it follows between two steps. */
void mr_work_set_memory(mr_work *work, int64_t memory_bytes);
/* The thread is through: `free` does not wait. */
bool mr_work_has_ended(mr_work *work);

/* What `status` points to. */
typedef struct mr_work_words {
    char message[1024], checkpoint[1024];
} mr_work_words;

/* As it is now; its words are copied to `words`. */
void mr_work_status(mr_work *work, mr_fleet_status *status, mr_work_words *words);

/* Waits for the thread. */
void mr_work_free(mr_work *work);

#endif
