/*
 * Recovery of a task: from the local store and the state log, or from the log alone.
 *
 *   local store (epoch E) -> state log from behind E to its true end -> the state of the last
 *   commit
 *
 * The log is the truth. A local store that is damaged, or ahead of the log, or not on its chain of
 * checksums, is quarantined and the task rebuilt from the log's start, which holds a base or epoch
 * 1. A log with a gap, a bad checksum or a foreign record is refused with the facts (4xxx, recovery
 * STOP).
 *
 * With a blob store, a task whose local store is lost, set aside or too old gets the checkpoint
 * that the newest epoch record names, as its local store (engine/checkpoint/download.h), and goes
 * on as above. If it cannot be had, there is still the log's start.
 *
 * True end: last stable offset == cached high watermark. While a transaction is open there, wait
 * 0.5 s, then knock: abort the transaction of the writer named in the last claim or epoch record.
 * If it is open even then, it hangs: see engine/commit/hanging.h. Thread: the engine's, outside of
 * any rebalance callback.
 */
#ifndef MR_ENGINE_COMMIT_RECOVERY_H
#define MR_ENGINE_COMMIT_RECOVERY_H

#include "engine/base/breath.h"
#include "engine/base/logger.h"
#include "engine/commit/epoch_record.h"
#include "engine/commit/pending.h"
#include "engine/ports/blob.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"
#include "engine/state/state.h"

typedef struct mr_recovery_request {
    mr_log *log;
    mr_store_factory *stores; /* NULL: no local store */
    const mr_clock *clock;
    const mr_logger *logger;
    const char *job;
    const char *topic; /* the state log */
    uint32_t task;
    uint64_t plan_version;
    bool is_transactional; /* false: unfinished epochs and those of former owners are skipped */
    const char *transactional_id; /* ours: never knocked at (we hold it) */
    mr_state *state;              /* empty, tables opened */
    mr_pending *pending;          /* gets what the store lacks */
    mr_arena *arena;              /* result strings live here */
    mr_blobs *blobs;              /* where checkpoints lie; NULL: they are not looked for */
    const char *checkpoint;       /* to be taken, whatever the log names; NULL or "": none */
    uint64_t load_entries_max; /* a local store with more is not read whole (local.h); 0: all are */
    size_t state_bytes_max;    /* in memory, of what may leave it; 0: all that there is */
    bool distrusts_store;      /* it was found damaged: set it aside */
    mr_breath breath;          /* taken between chunks of log, store and checkpoint */
    /* What holds the log and may be our own is told at once (RETRY), for the worker to end it;
     * else it is waited for, and named, as anybody's. */
    bool tells_own;
    mr_log_reader **reader; /* open and without inputs: taken, and NULL then. NULL: none is */
} mr_recovery_request;

typedef struct mr_recovered {
    mr_local_store *store; /* open; the caller closes it. NULL without a factory */
    bool has_epoch;
    mr_epoch_record epoch; /* the last one; journal included */
    int64_t epoch_offset;  /* where it stands; -1: none */
    uint32_t epoch_checksum;
    uint32_t epoch_content; /* its content check (delta.h) */
    bool has_claim;         /* newer than the last epoch record */
    mr_epoch_record claim;
    int64_t log_end; /* true end of the state log partition */
    bool was_quarantined;
    bool was_downloaded;     /* the local store is a checkpoint */
    uint64_t epochs_read;    /* from the log */
    uint64_t entries_loaded; /* from the local store */
    uint64_t slices_left;    /* in the local store */
} mr_recovered;

/* Restores `request->state`; MR_OK with has_epoch false when the log is empty. */
mr_status mr_recovery_run(const mr_recovery_request *request, mr_recovered *recovered,
                          mr_error *err);

#endif
