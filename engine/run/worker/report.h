/*
 * What the registry of metrics shows of a worker.
 *
 * Rows are counted where they pass, in the task's own counters; here they are published when the
 * epoch that counted them is decided. So every `_total` of rows says what is committed, never goes
 * back, and goes on where it was after a restart: it equals the accounting of a job's end. An epoch
 * that was dropped shows in millrace_checkpoints_total{result="aborted"} and in
 * millrace_records_read_total, which counts what was read, repetitions too.
 *
 * P2 for each operator and task: in = accepted + filtered + late + dead; results that die while
 * they are made (made_records_dead) are no part of it. Labels are bounded by the
 * plan, its tasks and its partitions. Cost: a few stores a commit, and a few a partition whenever
 * ends are asked; nothing a row, and a look at the clock a batch. Handles are registered when a
 * task is first seen. docs/metrics.md has all of them. Thread: the worker's. A report without a
 * registry does nothing.
 */
#ifndef MR_ENGINE_RUN_WORKER_REPORT_H
#define MR_ENGINE_RUN_WORKER_REPORT_H

#include "engine/base/budget.h"
#include "engine/base/metrics.h"
#include "engine/ports/reader.h"
#include "engine/run/task.h"

typedef struct mr_report_task mr_report_task;

/* What the engine's thread spends its time on. */
typedef enum mr_report_state {
    MR_REPORT_STARTING = 0,  /* everything before the first read, and a restore */
    MR_REPORT_BUSY,          /* rows and watermarks; looks at the log */
    MR_REPORT_IDLE,          /* a fetch, also one that finds records */
    MR_REPORT_BACKPRESSURED, /* the epoch is full, and the one before it not decided */
    MR_REPORT_COMMITTING,    /* writing an epoch; deciding it, unless a helper does */
    MR_REPORT_STATES,
} mr_report_state;

typedef struct mr_report {
    mr_metrics *metrics; /* NULL: nothing is shown */
    const mr_plan *plan;
    mr_arena *arena;
    mr_report_task *tasks; /* [plan->tasks_count] */
    mr_counter *committed, *aborted, *rebalances, *read;
    mr_histogram *commit_seconds, *restore_seconds;
    mr_gauge *committed_at;
    mr_counter *transactions, *transactions_aborted; /* NULL: there are none */
    mr_histogram *transaction_seconds, *latency_seconds;
    mr_histogram *size_bytes; /* of what an epoch writes to the state log */
    uint64_t sealed_bytes;    /* of the one being decided */
    mr_histogram **event_lag; /* [plan->sources_count] */
    mr_histogram **lateness;  /* [plan->nodes_count] */
    mr_counter **bytes_out;   /* [plan->sinks_count] */
    mr_counter *spent[MR_REPORT_STATES];
    mr_report_state state;
    int64_t state_since_us; /* 0: not begun */
    mr_tally open, sealed;  /* of the open epoch, and of those being decided */
    int64_t oldest_ms;      /* of the epoch just decided; 0: none */
} mr_report;

/* Everything the report keeps lives in `arena`. */
void mr_report_init(mr_report *report, mr_metrics *metrics, const mr_plan *plan, mr_arena *arena);

/* The task's epoch is being sealed: these are the counters it will be decided with. */
void mr_report_seal(mr_report *report, mr_task *task);

/* Of the epoch that is being sealed, so many bytes went to the state log. */
void mr_report_sealed_bytes(mr_report *report, uint64_t bytes);

/* From now on the engine's thread does this. */
void mr_report_spend(mr_report *report, mr_report_state state, const mr_clock *clock);

/* The sealed epoch of the task is decided. */
void mr_report_decided(mr_report *report, uint32_t task);

/* All tasks of a commit are. */
void mr_report_committed(mr_report *report, int64_t took_us, int64_t wall_ms);
void mr_report_aborted(mr_report *report);
void mr_report_rebalanced(mr_report *report);

/* The task stands at its last commit again. */
void mr_report_restored(mr_report *report, mr_task *task, int64_t took_us);

/* A batch of `input`, of the job's source `source`, was processed. */
void mr_report_read(mr_report *report, uint32_t source, const mr_task_input *input,
                    const mr_records *records, const mr_clock *clock);

/* Where an input stands. `position`, `lag` < 0: not known, or not of Kafka. `is_held`: it waits for
 * others. */
void mr_report_input(mr_report *report, const mr_task_input *input, int64_t position, int64_t lag,
                     bool is_held);

/* Watermarks, windows and state of a task. */
void mr_report_task_now(mr_report *report, mr_task *task);

/* Memory by part; `budget` NULL: none. */
void mr_report_memory(mr_report *report, const mr_budget *budget);

#endif
