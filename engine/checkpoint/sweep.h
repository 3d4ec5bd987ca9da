/*
 * Sweep: retention of a task's checkpoints, behind a commit that named one.
 *
 *   manifests/ --retire--> retired/ --grace period--> gone, with the files that no manifest lists
 *
 * Kept: the named one, what is newer (of another owner, perhaps), and the newest before it up to a
 * count and an age. A retired one counts as there for the grace period, so that who restores from
 * it, or took its files for sent, can go on. A file goes only when no manifest of either kind lists
 * it and it was not put within the grace period; when some manifest cannot be read, none goes.
 *
 * Thread: one at a time; blocks. Errors: those of the blob store; MR_E_CHECKPOINT.
 */
#ifndef MR_ENGINE_CHECKPOINT_SWEEP_H
#define MR_ENGINE_CHECKPOINT_SWEEP_H

#include "engine/checkpoint/shelf.h"

typedef struct mr_sweep_request {
    mr_blobs *blobs;
    const char *job;
    uint32_t task;
    const char *named;  /* id of the checkpoint that the newest epoch record names */
    uint32_t count_max; /* kept, the named one among them; at least 1 */
    int64_t age_max_ms; /* kept besides the named one; 0: any */
    int64_t grace_ms;
    int64_t now_ms; /* about that of the store's clock */
} mr_sweep_request;

typedef struct mr_sweep_result {
    int64_t log_offset; /* of the oldest kept: the log is needed from one before it on */
    bool is_thinned;    /* and is known: all others are retired, whatever failed behind that */
    uint32_t kept, retired, manifests_removed, files_removed;
    uint64_t bytes_removed;
} mr_sweep_result;

MR_MUST_USE mr_status mr_sweep_run(const mr_sweep_request *request, mr_sweep_result *result,
                                   mr_error *err);

/* manifests/ to retired/. */
MR_MUST_USE mr_status mr_sweep_retire(mr_blobs *blobs, const char *job, uint32_t task,
                                      const char *id, mr_error *err);

#endif
