/*
 * Dead letters: what becomes of records and rows that failed.
 *
 * A dead letter holds the original key, value, headers and timestamp untouched, at the same
 * partition number where the DLQ topic has it; dead_header.h has the headers that come besides. Of
 * an original that the topic is too narrow for it holds less (dead_cut.h). A
 * row that an operator made has no record: its value is the row as text, its key is NULL.
 * They are produced inside the epoch's transaction. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_DEAD_DEAD_LETTER_H
#define MR_ENGINE_RUN_DEAD_DEAD_LETTER_H

#include "engine/base/logger.h"
#include "engine/ports/clock.h"
#include "engine/run/plan.h"
#include "engine/run/tally.h"

enum {
    MR_E_ROWS_FAIL = 3001,   /* errors.mode = 'fail' */
    MR_E_ROWS_BUDGET = 3002, /* errors.budget exceeded */
    MR_E_ROW_CONSTRAINT = 3003,
    MR_E_ROW_FUTURE = 3004,
};

/* What all tasks of a worker write through. Set up by the worker, changed between epochs; a task
 * works with a copy that says which task and epoch it is. */
typedef struct mr_task_io {
    mr_log_writer *writer; /* open transaction; NULL: a job without a log */
    mr_sink **sinks;       /* [plan->sinks_count] */
    const uint64_t *refused;
    uint32_t refused_count;
    const char *job;
    uint32_t task;
    uint64_t epoch;           /* that is open */
    uint32_t failed_attempts; /* of the worker's work since its last commit */
    const mr_clock *clock;
    const mr_logger *logger;
    mr_tally *tally;             /* of the open epoch; NULL: nobody counts */
    const mr_frames_out *frames; /* NULL: no task has an exchange sink */
    /* Partitions of a DLQ topic, asked once by the worker; 0: unknown. */
    int32_t (*dlq_partitions)(void *context, const char *topic);
    void *context;
} mr_task_io;

typedef struct mr_dead_rows {
    const mr_errors_policy *policy;
    mr_log_site *site;         /* of the log lines under 'log' */
    const char *stage;         /* "decode", "process", "encode", "sink"; an error may say another */
    const char *operator;      /* id of the node, or the table */
    const mr_records *records; /* NULL: made rows */
    const uint32_t *record;    /* row -> record; NULL: errors hold record numbers */
    const mr_batch *batch;     /* for made rows; may be NULL else */
    const mr_field *names;     /* of the batch's columns; NULL: c0, c1 .. */
    const mr_row_errors *errors;
    mr_arena *arena;
} mr_dead_rows;

/* The record that a dead row came from; NULL: a made row. And its number, where there is one. */
uint32_t mr_dead_rows_record_number(const mr_dead_rows *rows, uint32_t row);
const mr_record *mr_dead_rows_record(const mr_dead_rows *rows, uint32_t row);

/* Where the row of `error` died. */
const char *mr_dead_rows_stage(const mr_dead_rows *rows, const mr_row_error *error);

/* Sends every row of `rows->errors` where its policy says. MR_E_ROWS_FAIL under 'fail'. */
mr_status mr_dead_letters_send(const mr_task_io *io, const mr_dead_rows *rows, mr_error *err);

/* One failed row a second is written to the log: how many were not since then, when no other line
 * will say so. */
void mr_dead_rows_tell_rest(const mr_task_io *io, const char *operator, mr_log_site * site);

#endif
