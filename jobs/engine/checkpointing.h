/*
 * What `run` needs for checkpoints: two handles on the blob store (recovery's own, for it is on the
 * worker's thread), and a helper's thread. All-zero: there are none. Thread: one.
 */
#ifndef MR_JOBS_ENGINE_CHECKPOINTING_H
#define MR_JOBS_ENGINE_CHECKPOINTING_H

#include "engine/run/worker/worker.h"
#include "jobs/plan/job.h"

typedef struct mr_checkpointing {
    mr_blobs *recovering, *sending;
    mr_helper *helper;
} mr_checkpointing;

/* Opens nothing where the job asks for none, or keeps no exact state: that is said. */
MR_MUST_USE mr_status mr_checkpointing_open(mr_checkpointing *checkpointing, const mr_job *job,
                                            const mr_logger *logger, mr_error *err);
void mr_checkpointing_configure(const mr_checkpointing *checkpointing, const mr_job *job,
                                mr_worker_config *config);
/* The worker is gone. */
void mr_checkpointing_close(mr_checkpointing *checkpointing);

#endif
