/*
 * The decision about one epoch: flush -> offsets -> commit, one port call a step.
 *
 *   IDLE --begin--> FLUSH -> OFFSETS -> DECISION -> DECIDED --end--> IDLE
 *                     |         |          |
 *                     +---------+----------+------> FAILED --end--> IDLE
 *
 * What the decision needs is put in before the first step and never looked up later: the epoch's
 * place in every input, its number, the checksum of each epoch record. So the steps may run beside
 * the engine, which by then changes the tables for the next epoch; they touch nothing but this
 * struct, the writer and the member, which nobody else may use meanwhile. Only the offsets of the
 * epoch records are learnt on the way, when the flush is through.
 *
 * A commit that FAILED has decided nothing that we know of: `err` says what to do, and the
 * transaction may still be open. Thread: one at a time (engine/ports/helper.h). Memory: an arena
 * that each `begin` empties.
 */
#ifndef MR_ENGINE_COMMIT_COMMIT_H
#define MR_ENGINE_COMMIT_COMMIT_H

#include "engine/base/arena.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"

typedef enum mr_commit_phase {
    MR_COMMIT_IDLE = 0,
    MR_COMMIT_FLUSH,
    MR_COMMIT_OFFSETS,
    MR_COMMIT_DECISION,
    MR_COMMIT_DECIDED,
    MR_COMMIT_FAILED,
} mr_commit_phase;

/* One task's part: the epoch record that was queued for it. */
typedef struct mr_commit_task {
    uint32_t number;   /* the caller's */
    int32_t partition; /* of the state topic */
    uint64_t epoch;
    uint32_t checksum;
    bool has_base;     /* complete: the log may be trimmed */
    int64_t base_from; /* of the state log: where the epoch of its first part begins */
    bool is_finished;
    bool names_checkpoint;
    int64_t offset; /* of the epoch record; -1 until it is delivered */
    char *metadata; /* the group's note, printed when the offset is known */
    uint32_t line;  /* of the state partition in `offsets` */
} mr_commit_task;

typedef struct mr_commit {
    mr_commit_phase phase;
    mr_log_writer *writer;
    mr_log_member *member;
    const mr_clock *clock;
    const char *state_topic;
    bool is_transactional; /* else the member commits the offsets: at least once */
    mr_arena arena;
    mr_commit_task *tasks;
    uint32_t tasks_count, tasks_capacity;
    mr_log_offset *offsets;
    uint32_t offsets_count, offsets_capacity;
    uint32_t retries;
    int64_t ended_us;
    mr_error err; /* of FAILED */
} mr_commit;

typedef struct mr_commit_target {
    mr_log_writer *writer;
    mr_log_member *member;
    const mr_clock *clock;
    const char *state_topic;
    bool is_transactional;
} mr_commit_target;

/* An all-zero commit is IDLE and releasable. It is IDLE here and FLUSH afterwards. */
void mr_commit_begin(mr_commit *commit, const mr_commit_target *target);

/* Before the first step. `line` and what `metadata` points to are filled in. */
void mr_commit_add_task(mr_commit *commit, const mr_commit_task *task);

/* An offset for the group; `metadata` NULL: that of the task added last. Topic borrowed. */
void mr_commit_add_offset(mr_commit *commit, const mr_log_offset *offset);

/* `context` is the mr_commit: fits mr_helper_job. False: DECIDED or FAILED. */
bool mr_commit_step(void *context);

/* It is being decided, or was and `end` has not been called. */
bool mr_commit_is_begun(const mr_commit *commit);

/* Before the first step: nothing is to be decided after all. */
void mr_commit_cancel(mr_commit *commit);

/* The caller has taken what came of it. */
void mr_commit_end(mr_commit *commit);

void mr_commit_release(mr_commit *commit);

#endif
