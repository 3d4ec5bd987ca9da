/*
 * The scan of one task's partition of the state log, from some offset to its true end: what
 * recovery does with each record. Nobody else includes this.
 *
 * An epoch of another plan is no link of the chain: the job was upgraded behind it. What was loaded
 * goes, and the chain begins anew with the first epoch of the request's plan, which must hold a
 * whole base. A log that ends with another plan's epoch is refused (MR_E_STATE_PLAN). A local store
 * with what was ours before cannot follow that: it is a gap (MR_E_STATE_GAP) to it.
 */
#ifndef MR_ENGINE_COMMIT_LOG_SCAN_H
#define MR_ENGINE_COMMIT_LOG_SCAN_H

#include "engine/commit/recovery.h"

/* Chunks of one kind, of the epoch being read. */
typedef struct mr_chunk_list {
    mr_buffer payloads;
    uint32_t count;
    uint32_t check; /* mr_delta_mix over them */
} mr_chunk_list;

/* The scan of one task's state log partition. */
typedef struct mr_log_scan {
    const mr_recovery_request *request;
    mr_recovered *recovered;
    mr_log_reader *reader;
    bool is_empty;                  /* the log was, a moment ago */
    int64_t end_at_first, first_us; /* where it ended for us when recovery began */
    bool is_loaded;                 /* state holds some epoch: bases are skipped */
    bool is_partial; /* else: it holds parts of a base, and all changes since the first of them */
    bool is_from_store; /* what is loaded is what the local store held */
    mr_chunk_list delta, base;
    const char *owner; /* transactional id of the last claim or epoch record */
    int64_t position;
    bool is_searching; /* only for the checkpoint that is named */
    bool may_go_back;  /* the search may: it ends early where it comes upon nobody's name */
    const char *named; /* its id; NULL: none */
    bool has_tried_checkpoint;
    uint64_t foreign;        /* plan of the last epoch that was read, when it is another; 0 */
    int64_t foreign_offset;  /* of the last one of another plan */
    bool has_passed_foreign; /* some epoch was of another plan */
    bool has_relieved;       /* the local store holds part of what was read */
    bool leaves_out;         /* entries that may leave memory do not come there (log_load.h) */
    bool is_store_stale;     /* the local store holds what was ours before another plan's epochs */
    int64_t ours_from;       /* known from a scan before: what is up to here need not be loaded */
    mr_error checkpoint_err; /* why it could not be used; status 0: it could, or there is none */
} mr_log_scan;

/* Begins to read at `from`. */
MR_MUST_USE mr_status mr_log_scan_open(mr_log_scan *s, int64_t from, mr_error *err);
void mr_log_scan_close(mr_log_scan *s);

/* Reads from `from` to the true end, or till it may go back: with the reader that is open, and has
 * come to `from`, or with one of its own. */
MR_MUST_USE mr_status mr_log_scan_run(mr_log_scan *s, int64_t from, mr_error *err);

/* The log ends with another plan's epoch. */
mr_status mr_log_scan_refuse_plan(const mr_log_scan *s, mr_error *err);

/* `err`, with the place and as the end of the matter. */
mr_status mr_log_scan_refuse(const mr_log_scan *s, mr_status status, int64_t offset, mr_error *err);

#endif
