/*
 * Task: one share of a plan's input with its state, watermarks and operators.
 *
 * Deterministic: given the same committed state and the same sequence of on_records / on_idle /
 * on_end calls (which the journal records) it emits the same rows. It knows no offsets but those of
 * its own inputs, no transaction and no clock (the one in `io` is for log lines and dead-letter
 * headers). After each on_* call the caller runs `mr_task_advance` until it says DONE before the
 * next on_* call; it may commit in between. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_TASK_H
#define MR_ENGINE_RUN_TASK_H

#include "engine/commit/epoch_record.h"
#include "engine/run/graph.h"
#include "engine/run/source_stage.h"
#include "engine/time/idleness.h"

typedef struct mr_task mr_task;

/* One source partition of a task. The number is the index in the task's list. */
typedef struct mr_task_input {
    uint32_t source;   /* in the plan */
    const char *topic; /* of a folder: the file it stands in */
    int32_t partition;
    int64_t offset_next; /* of the first record not processed */
    mr_watermark watermark;
    bool is_ended;
    mr_idleness idleness; /* the worker's bookkeeping */
    int64_t bound;        /* bounded run: ends here; -1: none (the worker's) */
    mr_buffer place;      /* the reader's own, see engine/batch/record.h; of frames the vector */
    mr_buffer topic_text; /* behind `topic` once it has changed */
} mr_task_input;

mr_status mr_task_new(const mr_plan *plan, uint32_t index, mr_budget *budget, const mr_task_io *io,
                      mr_task **task, mr_error *err);
void mr_task_free(mr_task *task);

uint32_t mr_task_index(const mr_task *task);
mr_state *mr_task_state(mr_task *task);

/* Adds an input; its strings are copied. Returns its number. Before `restored`. */
uint32_t mr_task_add_input(mr_task *task, const mr_epoch_input *input, uint32_t source);
uint32_t mr_task_inputs_count(const mr_task *task);
mr_task_input *mr_task_input_at(mr_task *task, uint32_t input);

/* State is loaded and inputs are added: operators rebuild, watermarks are handed out again.
 * `record` gives the watermarks of the sources and the counters; NULL: a fresh task. */
mr_status mr_task_restored(mr_task *task, const mr_epoch_record *record, mr_error *err);

/* Processes one fetch of `input` (all of it). */
mr_status mr_task_on_records(mr_task *task, uint32_t input, const mr_records *records,
                             mr_error *err);

/* Takes a frame of an input that is an exchange, which did not come through its topic: where the
 * task stands there stays as it is. */
mr_status mr_task_on_frame(mr_task *task, uint32_t input, const char *frame, size_t length,
                           mr_error *err);

/* The input is proven idle / has ended (bounded run). */
void mr_task_on_idle(mr_task *task, uint32_t input);
void mr_task_on_end(mr_task *task, uint32_t input);

/* Behind `restored`: the input was idle or had ended when the task stopped, and there is more of it
 * to read. It holds the watermark from here on, before its first row comes. Nothing for others. */
void mr_task_on_awake(mr_task *task, uint32_t input);

/* Carries watermarks on by one step. */
mr_status mr_task_advance(mr_task *task, mr_progress *progress, mr_error *err);

/* No watermark work is left: `on_records` may come. */
bool mr_task_is_settled(const mr_task *task);

/* All inputs have ended and everything is flushed. */
bool mr_task_is_finished(const mr_task *task);

/* The task has something to commit: input was read, or watermarks moved, since `mark_committed`. */
bool mr_task_has_progress(const mr_task *task);
/* Lets the next commit include the task although nothing moved: offsets expire at the broker. */
void mr_task_refresh(mr_task *task);
/* The rows of exchange sinks go out as frames, through `frames` of the io, with how far the task
 * is: what its nodes are through with, when it comes amid a fire. Before the delta of the epoch is
 * taken; no row may come before `mark_committed`. */
mr_status mr_task_flush(mr_task *task, mr_error *err);
/* Stages behind this one that take it for idle may go on by what others say: where the task is idle
 * no longer, or has rows for them, they get a frame that says so, without news of the watermark.
 * Before any task is flushed. */
mr_status mr_task_wake_downstreams(mr_task *task, mr_error *err);

/* A replay's: from here on the task speaks to other stages as a restored one did (RESTORED in its
 * journal). */
void mr_task_renew(mr_task *task);

void mr_task_mark_committed(mr_task *task);

/* Journal of the epoch so far (mr_journal events). */
const mr_buffer *mr_task_journal(const mr_task *task);

/* All counters, in the order that the epoch record keeps: per source 6, per node 7, per sink 3. */
uint32_t mr_task_counters_count(const mr_plan *plan);
uint32_t mr_task_counters(const mr_task *task, uint64_t *to, uint32_t room);

/* Watermark of one source: never goes back, may be ahead of inputs that were idle. */
int64_t mr_task_source_watermark(const mr_task *task, uint32_t source);

/* Lowest watermark over the sources that have one; MR_TIME_NONE: none yet. */
int64_t mr_task_watermark(const mr_task *task);

const mr_source_counts *mr_task_source_counts(const mr_task *task, uint32_t source);
const mr_graph *mr_task_graph(const mr_task *task);

#endif
