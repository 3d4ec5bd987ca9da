/*
 * Worker: the engine of one job: one thread, one transactional writer, its tasks, one open epoch.
 *
 *   PREPARE -> JOIN -> RESTORE -> RUN -> (STOPPED | FINISHED)
 *                ^        ^        |
 *                |        +--------+  an epoch was aborted, or the writer is fenced or in doubt
 *                +-----------------+  partitions of the state topic were revoked or lost; what was
 *                                     committed stays open until it is known whose it is (owned.c)
 *
 * `mr_worker_step` does one small piece of work and returns, so that a caller can show progress and
 * the simulator can drive several workers in one thread. Every failure goes one way: drop what the
 * epoch did, restore the tasks from the last commit, go on. Guarantees: EXACTLY_ONCE commits
 * outputs, deltas, offsets in one transaction; AT_LEAST_ONCE flushes outputs, then deltas, then
 * offsets; NONE keeps nothing.
 *
 * With a helper and a plan that is pipelined (EXACTLY_ONCE only), an epoch is processed while the
 * one before it is being decided: at most one is undecided, what the next one produces is staged,
 * and the member is not polled meanwhile, so that a revoke waits for the decision. Any failure
 * waits for it too; what it left undecided is dropped with the epoch behind it.
 * Thread: one; only the two requests may be called from elsewhere (a signal handler too).
 */
#ifndef MR_ENGINE_RUN_WORKER_WORKER_H
#define MR_ENGINE_RUN_WORKER_WORKER_H

#include "engine/base/metrics.h"
#include "engine/commit/recovery.h"
#include "engine/ports/helper.h"
#include "engine/run/task.h"

/* Breaks the protocol on purpose, so that tests can show that they would notice. All false in
 * use. */
typedef struct mr_worker_sabotage {
    bool apply_before_decision; /* state goes to the local store before the commit */
    bool leave_out_deltas;      /* offsets move without the state */
    bool leave_out_offsets;     /* state moves without the offsets */
    bool ignore_journal;        /* a restore forgets watermarks, idleness and counters */
    bool let_hang;              /* hanging transactions of a predecessor are left alone */
    bool leak_staged;           /* outputs of an epoch ride in the transaction before it */
    bool leak_changes;          /* changes of an epoch ride in the delta before it */
    bool keep_unseen;           /* tasks are kept, whoever had them meanwhile */
    bool hand_over_early;       /* frames overtake those that still lie in their topic */
    bool forget_applying;       /* entries leave memory before the local store has them */
    bool forget_changed;        /* entries leave memory that the open epoch has changed */
    bool trim_unnamed;          /* the log is trimmed behind a checkpoint that nobody has named */
    bool hold_for_ever;         /* an input that ran ahead is never read again */
} mr_worker_sabotage;

/* Taking checkpoints (docs/decisions/0014); all-zero: none. EXACTLY_ONCE with local stores only. */
typedef struct mr_worker_checkpoints {
    mr_blobs *blobs;   /* used by the helper alone: not the worker's own */
    mr_helper *helper; /* not the one that decides; its steps may take minutes */
    int64_t interval_ms;
    uint32_t count_max; /* kept */
    int64_t age_max_ms; /* kept besides the newest; 0: any */
    int64_t grace_ms;   /* before blobs are removed */
} mr_worker_checkpoints;

typedef struct mr_worker_config {
    const mr_plan *plan;
    mr_log *log;
    mr_store_factory *stores; /* NULL: state lives in the log alone */
    const mr_clock *clock;
    const mr_logger *logger;
    mr_budget *budget;
    const char *instance_id;   /* the transactional id is "<job>-<instance id>" */
    bool is_bounded;           /* stop at the end offsets known at start */
    bool is_dynamic_member;    /* do not join as a static member */
    uint32_t fetch_rows_max;   /* 0: MR_BATCH_ROWS_MAX */
    uint32_t apply_epochs;     /* epochs between applications to the local store; 0: 16 */
    uint32_t trim_epochs;      /* epochs between trims of what a task took from exchanges; 0: 32 */
    uint64_t base_bytes_min;   /* deltas below this never cause a base; 0: 1 MiB */
    uint64_t base_part_bytes;  /* a larger base is written over several epochs; 0: 16 MiB */
    size_t dirty_bytes_max;    /* cut the epoch early beyond; 0: 64 MiB */
    size_t staged_bytes_max;   /* no more work beyond, while a decision is awaited; 0: 16 MiB */
    size_t state_bytes_max;    /* in memory, of what may leave it (engine/state/table.h); 0: all */
    size_t memory_bytes;       /* the whole budget: state that may not leave and takes more ends the
                                 job (MR_E_BUDGET), behind a commit; 0: it may take what it likes */
    uint64_t load_entries_max; /* local stores with more are not read whole at a restore; 0: all */
    mr_metrics *metrics;       /* shows what report.h says; NULL: nothing */
    mr_helper *helper;         /* decides beside the worker; NULL: nothing is pipelined */
    mr_blobs *blobs;           /* checkpoints to recover from; NULL: none */
    mr_worker_checkpoints checkpoints;
    bool (*is_stopping)(void *hook); /* asked amid what takes long; `request_stop` is to follow */
    void *hook;
    bool is_settling;     /* no table is read: what is on its way between stages is taken, what can
                             fire fires, and with nothing left to do the worker stops */
    bool are_frames_sent; /* tests: through their topics, to tasks of the same worker too */
    mr_worker_sabotage sabotage;
} mr_worker_config;

typedef enum mr_worker_phase {
    MR_WORKER_PREPARE = 0,
    MR_WORKER_JOIN,
    MR_WORKER_RESTORE,
    MR_WORKER_RUN,
    MR_WORKER_STOPPED,  /* asked to stop; everything is committed */
    MR_WORKER_FINISHED, /* all inputs have ended; everything is committed */
} mr_worker_phase;

/* A snapshot for status lines. Sums over tasks; rates are the caller's business. */
typedef struct mr_worker_stats {
    mr_worker_phase phase;
    uint64_t records_in, rows_out, late, dead, filtered;
    uint64_t commits, aborts, restores, epochs_restored;
    uint64_t kept;          /* tasks that stayed open over a rebalance */
    uint64_t outdated;      /* and those that might have, but were another's meanwhile */
    uint64_t hanging_ended; /* partitions in which a hanging transaction was ended */
    uint64_t owners_fenced; /* that died with something open, and left tasks to us */
    int64_t watermark_ms;
    int64_t lag_records; /* -1: not known yet */
    uint32_t tasks, tasks_parked;
    uint32_t tasks_awaited; /* of others: ours have finished, the job not before those have */
    uint64_t state_bytes, state_entries;     /* in memory */
    uint64_t entries_left, entries_returned; /* memory and to it, of the tasks that are open */
    uint64_t bytes_in;
    int64_t commit_us_last, commit_us_max;
    bool has_open_epoch; /* uncommitted work is under way */
    bool is_deciding;    /* a commit is under way beside the worker */
    size_t staged_bytes;
    uint64_t checkpoints_named, checkpoints_failed, checkpoints_restored;
    uint64_t frames_handed; /* between tasks of this worker */
    uint32_t inputs_held;   /* that ran ahead of others in event time, and wait for them */
    uint32_t cut_halvings;  /* of the early cut's limits, by timeout aborts (commit/cut.h) */
} mr_worker_stats;

typedef struct mr_worker mr_worker;

/* Nothing is opened yet. The config is copied; what it points to must outlive the worker. */
mr_worker *mr_worker_new(const mr_worker_config *config);

/* One piece of work; waits for input at most about 50 ms. Non-zero: the worker cannot go on, free
 * it. In the phases STOPPED and FINISHED everything is committed, and the error says why that is
 * not all: a budget of errors is used up, a task is parked. Else the open epoch is aborted. */
mr_status mr_worker_step(mr_worker *worker, mr_error *err);

mr_worker_phase mr_worker_phase_of(const mr_worker *worker);
const char *mr_worker_phase_name(mr_worker_phase phase);

/* The budget was dealt out anew: limits of the config, from the next step on. */
void mr_worker_set_memory(mr_worker *worker, size_t memory_bytes, size_t state_bytes_max,
                          size_t dirty_bytes_max);

/* The next steps commit and end in STOPPED. */
void mr_worker_request_stop(mr_worker *worker);

/* Inputs of the log end where they end now, as in a bounded run: windows close, then FINISHED. */
void mr_worker_request_end(mr_worker *worker);

void mr_worker_stats_get(const mr_worker *worker, mr_worker_stats *stats);

/* In a job's control topic, before "<task>|<code>|<why>": a checkpoint that was asked for did not
 * come about. */
#define MR_WORKER_FAILED_WORD "v1|failed|"

/* Why the last checkpoint did not reach the blob store, or old ones behind it were not removed.
 * NULL: it did, and they were, or none was tried. */
const mr_error *mr_worker_checkpoint_error(const mr_worker *worker);

/* Tasks at hand, for reports. NULL: being restored or parked. */
uint32_t mr_worker_tasks_count(const mr_worker *worker);
const mr_task *mr_worker_task_at(const mr_worker *worker, uint32_t i);

/* Closes everything without committing. */
void mr_worker_free(mr_worker *worker);

/* --reset: forgets the job's state topic, exchanges, group offsets and local state. The fleet must
 * be down. */
mr_status mr_worker_reset(const mr_worker_config *config, mr_error *err);

#endif
