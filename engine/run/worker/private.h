/*
 * What the files of this folder share: the worker's own struct. Nobody else includes this.
 */
#ifndef MR_ENGINE_RUN_WORKER_PRIVATE_H
#define MR_ENGINE_RUN_WORKER_PRIVATE_H

#include "engine/checkpoint/sweep.h"
#include "engine/checkpoint/upload.h"
#include "engine/commit/commit.h"
#include "engine/commit/cut.h"
#include "engine/commit/staging.h"
#include "engine/run/worker/checkpoint_report.h"
#include "engine/run/worker/report.h"
#include "engine/run/worker/worker.h"
#include "engine/time/alignment.h"

#include <stdatomic.h>

#define MR_WORKER_REFUSED_MAX 10000u /* refused records remembered at a time */

/* One task of ours with what the commit must know about it. */
typedef struct mr_worker_task {
    uint32_t index; /* partition of the state topic */
    mr_task *task;  /* NULL: to be restored, or parked */
    bool is_parked;
    bool is_kept;          /* over a rebalance, and nobody has looked yet whether it may be */
    bool is_finished;      /* the epoch record says so */
    bool is_store_bad;     /* an entry of its local store could not be read */
    mr_status failed_with; /* last failure of its own; the same again parks it */
    const char *parked_why;
    mr_pending pending;
    mr_arena recovered_arena;
    mr_local_store *store;
    uint64_t epoch;
    int64_t epoch_offset;
    uint32_t epoch_checksum;
    int64_t log_end; /* of the state log, as we left it; -1: not known */
    uint64_t base_bytes, bytes_since_base;
    struct mr_worker_base {
        uint32_t part, parts; /* the next one; 0 parts: no base is under way */
        int64_t from;         /* of the state log: where the epoch of the first part begins */
        mr_state_place place; /* behind the last part, where parts are by key */
        bool is_by_key;
        uint64_t bytes;       /* of the parts so far */
        uint64_t bytes_since; /* of the deltas behind the first part */
    } base;
    uint32_t first_slot, slots_count;
    uint32_t epochs_since_trim; /* of its exchanges */
    /* checkpoint.c */
    bool has_applied;                /* the local store holds something */
    uint64_t bytes_since_applied;    /* bytes_since_base, when changes were applied last */
    int64_t checkpoint_began_us;     /* last; 0: none in this life */
    char ready[MR_MANIFEST_ID_SIZE]; /* written, to be named by the next epoch record; "": none */
    uint64_t ready_bytes, ready_since_base;
    char named[MR_MANIFEST_ID_SIZE]; /* newest that counts, in this life; "": none */
    int64_t named_us;                /* when it came to, or the task was restored */
    /* Also over restores. 0: the last one tried was named; old ones behind it were removed. */
    int64_t failing_since_us, unswept_since_us;
    bool is_sweep_due;
    bool is_wanted;                   /* somebody asked for one */
    bool is_hastened;                 /* and it is under way: an epoch is made to name it */
    mr_buffer record, record_applied; /* newest epoch record; that of what the store holds */
} mr_worker_task;

/* The one checkpoint, or sweep, that the helper is at. */
typedef enum mr_worker_errand {
    MR_ERRAND_NONE = 0,
    MR_ERRAND_IMAGE, /* of an open store */
    MR_ERRAND_SEND,
    MR_ERRAND_SWEEP,
} mr_worker_errand;

typedef struct mr_worker_checkpointing {
    mr_worker_errand errand;
    uint32_t index; /* partition of the state topic */
    bool is_void;   /* the task was dropped since: what comes of it is not used */
    uint64_t since_base;
    mr_upload upload;
    mr_sweep_request sweep;
    mr_sweep_result swept;
    char swept_for[MR_MANIFEST_ID_SIZE];
    mr_status sweep_status;
    mr_error sweep_err;
    uint64_t named, failed, restored;
    mr_error failed_last;   /* status MR_OK: the last one that was sent came through */
    mr_error unswept_last;  /* the same of sweeps */
    mr_log_writer *answers; /* to the control topic; NULL: there was nothing to answer yet */
    mr_checkpoint_report report;
    int64_t began_us;  /* the image under way */
    bool is_listening; /* to the control topic */
    int64_t listen_due_us;
} mr_worker_checkpointing;

/* Of the state in memory (memory.c). */
typedef struct mr_worker_memory {
    size_t least;        /* that may leave, behind the last time it was asked to; 0: not yet */
    bool has_told_small; /* each is told once */
    bool has_told_staying;
} mr_worker_memory;

#define MR_WORKER_NO_TASK UINT32_MAX

/* An input as readers number it. Those of a task stand in a row, and stay where they are. */
typedef struct mr_worker_slot {
    uint32_t task; /* index in worker->tasks; MR_WORKER_NO_TASK: free */
    uint32_t input;
    uint32_t reader;
    uint32_t partition; /* index in worker->partitions */
    bool is_open;
    /* Of an exchange: until its topic is read to here (-1: to be asked), nothing comes by hand. */
    bool is_waiting;
    int64_t wait_until;
    int64_t lag; /* records behind its end when last asked; -1: not known */
    /* fetch.c */
    bool is_held;            /* runs ahead of others in event time, and waits for them */
    int64_t known_end;       /* there is more to read up to here; -1: not asked yet */
    uint64_t silent_fetches; /* since it gave something */
    int64_t vain_us;         /* waited for it since its watermark moved */
    uint64_t vain_fetches;
    int64_t moved_to_ms;
    int64_t placed; /* where it started in this life: only for sabotages of offsets and changes */
} mr_worker_slot;

/* A frame on its way between two tasks of ours. */
typedef struct mr_handed_frame {
    uint32_t slot; /* the input that it is for */
    const mr_exchange *exchange;
    uint32_t downstream;
    char *bytes;
    size_t length;
} mr_handed_frame;

typedef struct mr_handover {
    mr_handed_frame *frames; /* in order */
    uint32_t count, room;
    size_t bytes;
    uint64_t taken; /* frames, in this life */
} mr_handover;

/* owners.c: whom tasks were taken over from, until nothing of theirs is open any more. */
typedef struct mr_worker_owners {
    mr_arena arena;
    const char **ids; /* of their writers */
    uint32_t count, room;
    uint32_t fenced; /* of them */
    uint32_t cures;
    bool has_looked;
    mr_log_ends *held; /* what was open at the first look, and is */
    uint32_t held_count;
    int64_t since_us, look_due_us;
} mr_worker_owners;

/* A partition (or split) of a source, found at start. */
typedef struct mr_worker_partition {
    uint32_t source;
    uint32_t reader;
    const char *topic;
    int32_t partition;
    int64_t bound; /* of a bounded run, as it was at the start; -1: none */
} mr_worker_partition;

/* A topic that is written to, asked once. */
typedef struct mr_worker_topic {
    const char *topic;
    int32_t partitions;
} mr_worker_topic;

struct mr_worker {
    mr_worker_config config;
    const mr_plan *plan;
    mr_worker_phase phase;
    atomic_bool is_stop_requested, is_end_requested;
    mr_arena arena; /* lives as long as the worker */
    const char *state_topic;
    const char *transactional_id;
    mr_task_io io;
    mr_frames_out frames; /* of io */
    mr_handover handover;
    mr_topic_id *exchange_ids; /* of the job, and one that is not known; NULL: not asked yet */
    mr_log_writer *writer;
    mr_log_reader *state_reader; /* for the first restore; NULL: it was, or there is none */
    mr_log_member *member;
    mr_log_reader *
        *readers; /* [0]: the log's, NULL when unused; then one per source with its own */
    uint32_t readers_count;
    uint32_t reader_next;
    mr_worker_partition *partitions;
    uint32_t partitions_count;
    mr_worker_task *tasks;
    uint32_t tasks_count;
    mr_worker_slot *slots;
    uint32_t slots_count, slots_capacity;
    bool is_epoch_open;       /* something was or may be processed since the last cut */
    bool has_frames;          /* and of it, frames that others sent */
    bool is_transaction_open; /* begun, and not known to be decided */
    int64_t epoch_began_us, transaction_began_us;
    mr_staging staging; /* what tasks write to; holds while the helper decides */
    mr_commit commit;   /* of the epoch before the open one */
    bool is_deciding;   /* the helper has it, and the writer, and the member */
    int64_t commit_began_us;
    mr_cut cut;
    int64_t look_due_us;         /* at ends, next */
    int64_t answered_us;         /* a look at them was answered without delay, last */
    int64_t fetched_us;          /* a fetch came back, last */
    uint32_t look_next;          /* the slot to begin with */
    bool has_read;               /* something since the last look */
    mr_aligned_input *aligned;   /* [slots_capacity of when it was made] scratch, then the lows */
    int64_t *aligned_lows;       /* [sources] */
    uint32_t aligned_room, held; /* slots that are held */
    int64_t polled_us;           /* the member, last */
    int64_t join_us, told_us; /* it waits for the group since then (0: it does not), and said so */
    mr_member_event event; /* came amid a restore, to be seen to; its partitions last till then */
    int64_t grown_us;      /* topics were asked for partitions added, last */
    int64_t refreshed_us;  /* all offsets were committed, last */
    bool may_hang;         /* the writer is new or has aborted: something of its id may hang */
    uint32_t hanging_looks, held_tries;
    bool is_group_held;   /* a transaction holds the group's offsets: one of ours, or of `owners` */
    uint32_t group_cures; /* of that, in this restore */
    bool has_met_work;    /* a task that had not finished was restored in this life */
    uint32_t tasks_awaited;
    int64_t asked_others_us;
    bool is_watchful; /* some input may become idle or end: look at ends often */
    uint64_t *refused;
    uint32_t refused_count, refused_capacity;
    uint32_t retries, positions_lost;
    uint64_t commits, aborts, restores, epochs_restored, kept, outdated;
    int64_t lag_records;
    int64_t commit_us_last, commit_us_max;
    mr_worker_topic *dlqs;
    uint32_t dlqs_count;
    mr_worker_topic *outputs; /* of the sinks */
    uint32_t outputs_count;
    uint64_t hanging_ended;
    mr_worker_owners owners;
    uint64_t owners_fenced;
    mr_worker_checkpointing checkpointing;
    mr_worker_memory memory;
    mr_report report;
};

/* What the engine's thread does from now on: for the metrics. */
static inline void mr_worker_spend(mr_worker *worker, mr_report_state state)
{
    mr_report_spend(&worker->report, state, worker->config.clock);
}

static inline int64_t mr_worker_now_us(const mr_worker *worker)
{
    return worker->config.clock->monotonic_us(worker->config.clock);
}

/* NULL: the slot is free, or its task is not open. */
static inline mr_task *mr_worker_task_of(const mr_worker *worker, const mr_worker_slot *slot)
{
    return slot->task != MR_WORKER_NO_TASK ? worker->tasks[slot->task].task : NULL;
}

static inline bool mr_worker_keeps_state(const mr_worker *worker)
{
    return worker->plan->guarantee != MR_NO_GUARANTEE;
}

/* NULL: the input's rows come from outside. */
static inline const mr_exchange *mr_worker_exchange_of(const mr_worker *worker,
                                                       const mr_worker_slot *slot)
{
    return worker->plan->sources[worker->partitions[slot->partition].source].exchange;
}

/* The plan of the task's stage. */
static inline const mr_plan *mr_worker_stage_of(const mr_worker *worker, const mr_worker_task *at)
{
    return mr_plan_of_task(worker->plan, at->index);
}

/* prepare.c */
/* Of a DLQ topic, as it was found; 0: not known. `context` is the worker. */
int32_t mr_worker_dlq_partitions(void *context, const char *topic);
/* The phase PREPARE; may be called again after an error. */
mr_status mr_worker_prepare(mr_worker *worker, mr_error *err);

/* owned.c */
/* These tasks are ours now. Those that are open stay so, all others are to be restored. NULL: the
 * first `count`. Fails only where local stores of tasks that go cannot be written. */
mr_status mr_worker_own_tasks(mr_worker *worker, const int32_t *partitions, uint32_t count,
                              mr_error *err);
/* Drops those of the tasks kept whose state log somebody else has written to since. */
mr_status mr_worker_verify_kept(mr_worker *worker, mr_error *err);
/* Of a log that ends with a record of ours at `offset`. */
int64_t mr_worker_log_end_behind(const mr_worker *worker, int64_t offset);

/* member.c */
/* Looks after the group; not more often than it must with a timeout of 0. */
mr_status mr_worker_poll_member(mr_worker *worker, int32_t timeout_ms, mr_error *err);
/* What a restore does between its chunks: the group must not take us for dead. `context` is the
 * worker. MR_E_INTERRUPTED: it gives or takes tasks, or the worker is to stop. */
mr_status mr_worker_breathe(void *context, mr_error *err);
/* The same, and waits for so long. */
mr_status mr_worker_pause(mr_worker *worker, int32_t ms, mr_error *err);

/* run.c */
/* One step of the phase RUN. `*task`: at which task it failed, when at one. */
mr_status mr_worker_run(mr_worker *worker, uint32_t *task, mr_error *err);

/* failure.c */
void mr_worker_drop_tasks(mr_worker *worker);
void mr_worker_close_writer(mr_worker *worker);
/* Drops the open epoch, and the one before it unless that is decided. */
void mr_worker_abort_epoch(mr_worker *worker);
/* Stops one task with the facts; the rest go on. False: there is no rest. */
bool mr_worker_park_task(mr_worker *worker, uint32_t task, mr_status status, const mr_error *err);
/* The error of a task that was parked, at the end of a run. */
mr_status mr_worker_tell_parked(const mr_worker *worker, mr_error *err);
/* What a failed step means for the worker. Zero: go on with the next step. */
mr_status mr_worker_recover(mr_worker *worker, uint32_t task, mr_status status, mr_error *err);

/* inputs.c */
void mr_worker_add_partition(mr_worker *worker, mr_worker_partition partition);
mr_status mr_worker_find_partitions(mr_worker *worker, mr_error *err);
/* Where a bounded run ends: of all partitions, for they may become ours later, and asked once, at
 * the start: what is done again after an abort ends where the first try would have. */
mr_status mr_worker_find_bounds(mr_worker *worker, mr_error *err);
/* Of one partition, which need not be known; -1: it has none. */
mr_status mr_worker_find_bound(mr_worker *worker, const mr_worker_partition *at, int64_t *bound,
                               mr_error *err);
mr_status mr_worker_open_readers(mr_worker *worker, mr_error *err);
/* Adds the inputs of a task with their positions: epoch record, else claim, else the start mode. */
mr_status mr_worker_place_inputs(mr_worker *worker, uint32_t task, const mr_recovered *recovered,
                                 mr_error *err);
/* Of a restored task: inputs that were idle or had ended, and have more to read, hold its watermark
 * again. Of one that is kept: those that were idle. */
mr_status mr_worker_wake_inputs(mr_worker *worker, uint32_t task, mr_error *err);
/* From now on the run is bounded, by the ends as they are now. */
mr_status mr_worker_bound_inputs(mr_worker *worker, mr_error *err);
mr_status mr_worker_start_inputs(mr_worker *worker, uint32_t task, mr_error *err);
void mr_worker_stop_inputs(mr_worker *worker, uint32_t task);

/* settle.c */
/* Of a worker that only settles, with all tasks settled: is nothing left to do? `*worked`: nothing
 * else this step. */
mr_status mr_worker_settle(mr_worker *worker, bool *worked, bool *is_over, mr_error *err);

/* surplus.c */
/* MR_E_STATE_TASKS: the partition is no task, and not known to be nobody's. */
mr_status mr_worker_check_surplus(mr_worker *worker, int32_t partition, mr_error *err);
/* MR_E_STATE_PLAN: tasks of ours are new, and those beside them are another plan's; of one task. */
mr_status mr_worker_check_grown(mr_worker *worker, mr_error *err);
mr_status mr_worker_check_begun(const mr_worker *worker, const mr_recovered *recovered,
                                mr_error *err);
/* Those of the assigned partitions that are tasks. The same error. */
mr_status mr_worker_pass_over(mr_worker *worker, const mr_member_event *event, int32_t *kept,
                              uint32_t *count, mr_error *err);

/* fetch.c */
/* One fetch from one of the readers; `records->count` 0: nothing came. Inputs that run ahead of
 * others are left out (engine/time/alignment.h). */
mr_status mr_worker_fetch(mr_worker *worker, int32_t timeout_ms, mr_records *records,
                          mr_error *err);
/* Every input that is an exchange had its turn since it gave something, and gave nothing. */
bool mr_worker_is_drained(const mr_worker *worker);

/* exchanges.c */
/* Fits mr_frames_out.send: to a task of ours, else into the exchange's topic. `context` is the
 * worker. */
mr_status mr_worker_pass_frame(void *context, const mr_exchange *exchange, uint32_t upstream,
                               uint32_t downstream, const char *frame, size_t length,
                               mr_error *err);
mr_status mr_worker_send_frame(mr_worker *worker, const mr_exchange *exchange, uint32_t downstream,
                               const char *frame, size_t length, mr_error *err);
/* The state topic is there: so are the exchanges, with as many partitions as the plan says. Made
 * where the job has no state yet, else MR_E_STATE_PARTIAL. */
mr_status mr_worker_check_exchanges(mr_worker *worker, mr_error *err);
/* Asks which topics they are, once in a life. */
mr_status mr_worker_identify_exchanges(mr_worker *worker, mr_error *err);
/* Which topics a task's exchanges are, into its record. */
void mr_worker_describe_exchanges(const mr_worker *worker, const mr_plan *stage, mr_arena *arena,
                                  mr_epoch_record *record);
/* MR_E_STATE_PARTIAL: one is not the topic any more that it was when the task last said so. */
mr_status mr_worker_check_same_exchanges(const mr_worker *worker, const mr_plan *stage,
                                         const mr_recovered *recovered, mr_error *err);
/* A topic of an exchange that something was written to; NULL: there is none. */
mr_status mr_worker_find_frames(mr_worker *worker, const char **topic, mr_error *err);
/* All that the job ever had, whatever its plan is now; also after one of these calls was cut
 * short. */
mr_status mr_worker_delete_exchanges(mr_log *log, const mr_plan *plan, mr_error *err);
/* An epoch of the task is decided: now and then, what it has taken is deleted. */
void mr_worker_trim_exchanges(mr_worker *worker, mr_worker_task *at, const mr_commit *decided);

/* handover.c */
/* Queues a copy for a task of ours. False: it is another's. */
bool mr_worker_hand_over(mr_worker *worker, const mr_exchange *exchange, uint32_t downstream,
                         const char *frame, size_t length);
/* One task takes one frame that was queued for it, when there is one that may be taken now. */
mr_status mr_worker_take_handed(mr_worker *worker, uint32_t *task, bool *worked, mr_error *err);
/* All rows of the epoch leave for other stages, and are taken there or sent. */
mr_status mr_worker_flush_tasks(mr_worker *worker, mr_error *err);
/* The epoch is dropped. */
void mr_worker_forget_handed(mr_worker *worker);
void mr_worker_release_handover(mr_worker *worker);
/* Tasks were given to us: their inputs read their topics before they take anything by hand. */
void mr_worker_await_frames(mr_worker *worker);
bool mr_worker_awaits_frames(const mr_worker *worker);
/* Finds out until where. */
mr_status mr_worker_look_for_frames(mr_worker *worker, mr_error *err);
/* The input has read until here. */
void mr_worker_note_position(mr_worker_slot *slot, int64_t position);

/* ends.c */
/* Some input has an idle timeout, a bound, or a reader that ends. */
bool mr_worker_is_watchful(const mr_worker *worker);
/* The ends are to be asked again. */
bool mr_worker_is_look_due(const mr_worker *worker);
/* Asks ends: idle inputs, ended inputs, lag. Takes about a second at most, then what is left waits
 * for the next look. */
mr_status mr_worker_look_at_ends(mr_worker *worker, mr_error *err);
/* Ends a bounded input that has reached its bound; cuts `records` there. */
void mr_worker_cut_at_bound(const mr_worker *worker, mr_records *records);

/* growth.c */
/* Topics are to be asked for partitions that were added. */
bool mr_worker_is_growth_due(mr_worker *worker);
/* Learns of them; `*has_grown`: there are some. MR_E_STATE_TASKS when keys have moved with that. */
mr_status mr_worker_look_for_growth(mr_worker *worker, bool *has_grown, mr_error *err);
/* Adds the partitions of the task that only the record knows: whoever wrote it had found them. */
mr_status mr_worker_learn_inputs(mr_worker *worker, uint32_t task, const mr_epoch_record *record,
                                 mr_error *err);

/* restore.c */
mr_status mr_worker_check_state_topic(mr_worker *worker, mr_error *err);
/* Of a call that made a topic of the job: where somebody else has, all is to be tried again. */
mr_status mr_worker_made_topic(mr_status status, mr_error *err);
/* Wants no tasks: the first one is opened while the group makes up its mind. */
mr_status mr_worker_open_writer(mr_worker *worker, mr_error *err);
void mr_worker_close_state_reader(mr_worker *worker);
/* The phase RESTORE: the next task, then the phase RUN. */
mr_status mr_worker_restore_next(mr_worker *worker, mr_error *err);
mr_status mr_worker_restore_task(mr_worker *worker, uint32_t task, mr_error *err);
/* All own tasks are restored: MR_E_STATE_FINISHED when no task of the job had anything to do in
 * this life. Some finish before others, and a worker that just finished may have to restore them
 * once more. */
mr_status mr_worker_check_finished(mr_worker *worker, mr_error *err);
void mr_worker_drop_task(mr_worker *worker, uint32_t task);

/* hanging.c: for a writer that `may_hang`, with the tasks known; to be called until it may not. A
 * member event may come in between: then the tasks are others. */
mr_status mr_worker_end_hanging(mr_worker *worker, mr_error *err);
/* It was looked once, and tasks may be restored before the rest. That is for `finish`, behind their
 * recovery and before our writer writes. A member event breaks it off (MR_E_INTERRUPTED). */
bool mr_worker_may_restore_first(const mr_worker *worker);
mr_status mr_worker_finish_hanging(mr_worker *worker, mr_error *err);
/* The same under the id of whom a task was taken over from, who is fenced by it, in `count` places
 * (which are spent) and for the group's offsets. */
mr_status mr_worker_end_hanging_of(mr_worker *worker, const char *id, mr_log_ends *places,
                                   uint32_t count, mr_error *err);
/* All partitions that the worker's transactions may touch; each once. */
mr_log_ends *mr_worker_places(const mr_worker *worker, mr_arena *arena, uint32_t *count);

/* owners.c */
/* Before the first of the tasks at hand is restored: what is open now. */
mr_status mr_worker_look_before_owners(mr_worker *worker, mr_error *err);
/* A task was taken over, whose state log names this writer. */
void mr_worker_note_owner(mr_worker *worker, const char *transactional_id);
/* Fences those who left something open, when it is time for that. */
mr_status mr_worker_look_at_owners(mr_worker *worker, mr_error *err);
void mr_worker_forget_owners(mr_worker *worker);

/* others.c */
/* Tasks of other workers that have input and have not finished. */
mr_status mr_worker_count_awaited(mr_worker *worker, uint32_t *count, mr_error *err);
/* All own tasks have finished; asks for the others now and then. `*is_over`: so have they. */
mr_status mr_worker_look_at_others(mr_worker *worker, bool *is_over, mr_error *err);

/* epoch.c */
mr_status mr_worker_begin_epoch(mr_worker *worker, mr_error *err);
/* Exactly once only; else there is none. */
mr_status mr_worker_begin_transaction(mr_worker *worker, mr_error *err);
/* Ends the open epoch: deltas and epoch records are queued, tables and journals are clean for the
 * next one, and all that the decision needs lies in worker->commit, ready for its first step. */
mr_status mr_worker_seal(mr_worker *worker, mr_error *err);
mr_status mr_worker_claim(mr_worker *worker, uint32_t task, mr_error *err);
/* The base that is under way is given up. */
void mr_worker_forget_base(mr_worker_task *at);
/* Applies all committed changes to the local stores and flushes them. */
mr_status mr_worker_settle_stores(mr_worker *worker, mr_error *err);
mr_status mr_worker_settle_store(mr_worker_task *at, mr_error *err);

/* memory.c */
/* Entries that may leave memory take more of it than they may. */
bool mr_worker_is_state_full(mr_worker *worker);
/* Behind a decision: if they do, committed changes go to the local stores, and entries leave. */
mr_status mr_worker_relieve_state(mr_worker *worker, mr_error *err);
/* State that may not leave keeps to the budget; told when it does not keep to its share. */
mr_status mr_worker_check_memory(mr_worker *worker, mr_error *err);
/* No read of a local store has failed. */
mr_status mr_worker_check_states(mr_worker *worker, mr_error *err);

/* checkpoint.c */
/* Takes what came of the helper's errand, begins the next one that is due. Fails only by a
 * crash. */
mr_status mr_worker_look_at_checkpoints(mr_worker *worker, mr_error *err);
/* The newest epoch record of a task, as it lies in the log or is to. */
void mr_worker_note_record(const mr_worker *worker, mr_worker_task *at, const mr_buffer *bytes);
/* All committed changes were applied to the task's local store. */
void mr_worker_note_applied(mr_worker_task *at);
/* An image of its store is being taken: what it holds stays as it is. */
bool mr_worker_is_imaging(const mr_worker *worker, const mr_worker_task *at);
/* Puts the checkpoint that is ready into the epoch record; false: there is none. */
bool mr_worker_name_checkpoint(const mr_worker_task *at, mr_epoch_record *record);
/* They come through and have the log trimmed, or had no time to yet: a base would have it trimmed
 * in front of it, and so take the deltas behind those that are kept. */
bool mr_worker_has_checkpoints(const mr_worker *worker, const mr_worker_task *at);
/* The epoch record that names it is committed. */
void mr_worker_note_named(mr_worker *worker, mr_worker_task *at);
/* A base was written: checkpoints of before are of no use, for the log is trimmed behind it. */
void mr_worker_outdate_checkpoint(mr_worker *worker, mr_worker_task *at);
/* The task's store is about to be closed. */
void mr_worker_void_checkpoint(mr_worker *worker, mr_worker_task *at);
/* Of a task that is dropped: what it had ready, and what it knows of its checkpoints. */
void mr_worker_forget_checkpoint(mr_worker_task *at);
/* Waits until the helper is at nothing; what it was at is given up. */
void mr_worker_end_checkpoints(mr_worker *worker);

/* control.c */
#define MR_WORKER_CONTROL_INPUT (MR_INPUT_NONE - 1u)
/* Begins to listen to the control topic, where checkpoints are taken. Fails only by a crash. */
mr_status mr_worker_listen(mr_worker *worker, mr_error *err);
/* Who asked for a checkpoint of the task hears why there is none. Fails only by a crash. */
mr_status mr_worker_answer(mr_worker *worker, uint32_t task, const mr_error *why, mr_error *err);
/* What came is not of an input, but words for us: `records` is empty then. */
void mr_worker_hear(mr_worker *worker, mr_records *records);

/* decision.c */
/* What a local store holds that has applied this epoch. */
mr_store_marker mr_worker_marker(const mr_worker *worker, const mr_worker_task *at, uint64_t epoch,
                                 int64_t offset, uint32_t checksum);
/* Takes all steps of worker->commit here and now, and ends it. */
mr_status mr_worker_decide_now(mr_worker *worker, mr_error *err);
/* An epoch may be processed while the one before it is decided. */
bool mr_worker_is_pipelined(const mr_worker *worker);
bool mr_worker_leaks_changes(const mr_worker *worker); /* test-only */
/* Ends the open epoch and has it decided: at once, or, when pipelined, by the helper. None may be
 * under way. */
mr_status mr_worker_cut(mr_worker *worker, mr_error *err);
/* Takes what came of the decision under way, when it came within `timeout_ms` (negative: however
 * long it takes): after it the open epoch has its transaction. Errors: those of the commit. */
mr_status mr_worker_notice(mr_worker *worker, int32_t timeout_ms, mr_error *err);
/* Has everything decided: the epoch under way, then the open one. */
mr_status mr_worker_commit(mr_worker *worker, mr_error *err);
/* Something failed: waits for the decision under way without building on it. `*failed` gets its
 * own error, if it had one (else status 0). */
void mr_worker_settle_decision(mr_worker *worker, mr_error *failed);

#endif
