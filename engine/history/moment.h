/*
 * Moments: places between two epochs of a task, found in its history, and the task as it was there.
 *
 * A point is what a user names: a time, offsets, an epoch, a checkpoint. The moment of a task is
 * behind its last epoch that does not go beyond the point; epoch 0 is before its first. A task is
 * restored at a moment by recovery, on the log as it was (past.h): from a checkpoint that is not
 * beyond it, else from the log's start.
 *
 * Thread: one at a time; blocks. Errors: those of log, blobs and recovery; MR_E_MOMENT.
 */
#ifndef MR_ENGINE_HISTORY_MOMENT_H
#define MR_ENGINE_HISTORY_MOMENT_H

#include "engine/commit/recovery.h"
#include "engine/history/history.h"
#include "engine/run/task.h"

enum {
    MR_E_MOMENT = 4060,       /* there is no such moment: the log does not reach back, or so far */
    MR_E_REPLAY_GONE = 4061,  /* the sources no longer have what the journal names */
    MR_E_REPLAY_NEVER = 4062, /* a job of this kind cannot be replayed or moved */
    MR_E_REPLAY_STOPPED = 4063, /* asked to stop */
};

typedef enum mr_point_kind {
    MR_POINT_EARLIEST = 0, /* the first that can be restored */
    MR_POINT_END,
    MR_POINT_EPOCH,
    MR_POINT_TIME,       /* by when epoch records were written */
    MR_POINT_OFFSETS,    /* no input of these stands beyond */
    MR_POINT_CHECKPOINT, /* of one task; of the others by the time of its epoch record */
} mr_point_kind;

typedef struct mr_point {
    mr_point_kind kind;
    uint64_t epoch;               /* EPOCH */
    int64_t time_ms;              /* TIME */
    const mr_log_offset *offsets; /* [offsets_count] OFFSETS; metadata is not looked at */
    uint32_t offsets_count;
    uint32_t task;  /* CHECKPOINT: whose */
    const char *id; /* CHECKPOINT: see engine/checkpoint/manifest.h */
} mr_point;

typedef struct mr_moment {
    uint64_t epoch;       /* 0: before the first */
    int64_t offset;       /* of its record; -1: none */
    uint32_t checksum;    /* of its record */
    int64_t timestamp_ms; /* of its record; MR_TIME_NONE: none */
    int64_t next_ms;      /* of the record behind it; MR_TIME_MAX: there is none */
    uint64_t moved;       /* the last epoch up to here that moved the task back; 0: none */
} mr_moment;

/* What a job's history is read with. */
typedef struct mr_moments {
    const mr_plan *plan;
    mr_log *log;
    const mr_clock *clock;
    const mr_logger *logger;
    mr_budget *budget;        /* may be NULL */
    mr_blobs *blobs;          /* checkpoints; NULL: from the log alone */
    mr_store_factory *stores; /* for checkpoints, and for nothing else: they are overwritten */
    const char *state_topic;
} mr_moments;

/* The moments of all tasks: `found` [plan->tasks_count]. */
MR_MUST_USE mr_status mr_moments_find(const mr_moments *moments, const mr_point *point,
                                      mr_moment *found, mr_error *err);

MR_MUST_USE mr_status mr_moments_find_task(const mr_moments *moments, const mr_point *point,
                                           uint32_t task, mr_moment *found, mr_error *err);

/* The epoch record of a moment, in `arena`; at epoch 0 the claim of who was to begin, which says
 * where the inputs stood. */
MR_MUST_USE mr_status mr_moment_record(const mr_moments *moments, uint32_t task,
                                       const mr_moment *moment, mr_arena *arena,
                                       mr_epoch_record *record, mr_error *err);

/* A task as of a moment. `recovered` holds the epoch record, in `arena`, and no open store; at
 * epoch 0 the first claim, which says where the inputs began. Its inputs are added, in the record's
 * order. */
MR_MUST_USE mr_status mr_moment_restore(const mr_moments *moments, uint32_t task,
                                        const mr_moment *moment, const mr_task_io *io,
                                        mr_arena *arena, mr_task **restored,
                                        mr_recovered *recovered, mr_error *err);

/* MR_E_REPLAY_NEVER: its inputs are no topics, or it has no state log. And whether the state topic
 * is there, with a partition a task, and no other task's. */
MR_MUST_USE mr_status mr_moments_check_job(const mr_moments *moments, mr_error *err);

/* MR_E_REPLAY_GONE: some input no longer reaches back to where the record stands. MR_E_MOMENT: the
 * record does not say where one stands, for an upgrade has added it. `until` (may be NULL): inputs
 * that do not stand further there do not count; exchanges never do. */
MR_MUST_USE mr_status mr_moments_check_sources(const mr_moments *moments,
                                               const mr_epoch_record *record,
                                               const mr_epoch_record *until, mr_error *err);

/* Before `restored`: the inputs of a record, in its order. */
MR_MUST_USE mr_status mr_moments_add_inputs(const mr_moments *moments, mr_task *task,
                                            const mr_epoch_record *record, mr_error *err);

/* Number of a table, or an exchange, in a plan; UINT32_MAX: there is none. */
uint32_t mr_moments_source(const mr_plan *plan, const char *table);

#endif
