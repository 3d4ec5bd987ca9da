/*
 * The operator contract.
 *
 * An operator is a const table of functions over its own struct. It is pure: no I/O, no threads, no
 * clock; it never sees an offset, an epoch or a transaction. The engine calls `open` (tables are
 * opened here), then loads committed state into the tables, then `restored`, then batches and
 * watermarks in order. It emits by `mr_output_emit`, which runs the operators below at once.
 *
 * Watermarks: `on_watermark(wm)` comes with rising wm; no row emitted afterwards may have event
 * time <= wm (checked). A row is judged by `batch->watermark[row]` where present, else by the last
 * wm received.
 *
 * MORE: `on_watermark` may return MR_MORE when it has emitted a good amount (about
 * MR_BATCH_ROWS_MAX * 4 rows) and is not done. The engine may commit in between, and calls again
 * with the same wm, after a restart too: so what is done must be visible in state (the cursor lives
 * there). No batch comes before it has returned MR_DONE. `on_batch` may return MR_MORE to be called
 * again with the same batch, within the epoch; its cursor may live in memory.
 *
 * Rests: what one batch comes to may outgrow an epoch. An operator that multiplies rows emits a
 * good amount in `on_batch`, keeps what is left of the batch in state and says so by `has_rest`;
 * the engine then calls `on_rest` until it returns MR_DONE, before any watermark and before any
 * batch but those that the same call of an operator above still emits. It may commit in between.
 *
 * Rows conserved: for every batch, rows in = accepted + filtered + late + dead; the operator counts
 * what it does in `mr_operator_counts` and the engine checks it against what it passed in.
 * Row failures: emit the input rows on MR_PORT_DEAD through `mr_output_dead`, late rows through
 * MR_PORT_LATE. A non-zero status is a failure of the task, never of a row.
 */
#ifndef MR_ENGINE_RUN_OPERATOR_H
#define MR_ENGINE_RUN_OPERATOR_H

#include "engine/batch/batch.h"
#include "engine/batch/row_error.h"
#include "engine/expr/function.h"
#include "engine/state/state.h"

typedef enum mr_progress {
    MR_DONE = 0,
    MR_MORE,
} mr_progress;

typedef enum mr_port {
    MR_PORT_MAIN = 0,
    MR_PORT_LATE, /* input columns + those of mr_late_columns (late.h) */
    MR_PORT_RAW,  /* rows of the input as they came, for the stage behind an exchange to judge */
} mr_port;

/* Since open; persisted with the epoch record as the accounting of P2. */
typedef struct mr_operator_counts {
    uint64_t rows_in;
    uint64_t accepted; /* went on, or into state */
    uint64_t filtered; /* WHERE, duplicates, NULL keys that an operator drops by definition */
    uint64_t late;
    uint64_t dead;
    uint64_t rows_out;  /* on the main and the raw port */
    uint64_t made_dead; /* results that died while they were made: no part of rows_in */
} mr_operator_counts;

/* What an operator holds, for whoever looks at it from time to time. */
typedef struct mr_operator_look {
    uint64_t windows_open; /* windows, sessions: with rows, and not fired to the end */
    uint64_t timers;       /* moments of event time at which it has work to do */
    bool has_windows;
} mr_operator_look;

typedef struct mr_operator mr_operator;
typedef struct mr_output mr_output; /* the engine's; engine/run/output.h */

typedef struct mr_operator_context {
    const char *id;     /* stable name, e.g. "orders_per_minute/window" */
    const void *config; /* of the class's own type; lives in the plan */
    mr_arena *arena;    /* job lifetime (one task's) */
    mr_state *state;
    mr_budget *budget;
    const mr_expr_context *expr;
    bool has_one_source; /* all inputs are rows of one source that nothing but filters, projections
                            and unions lie between: they share its records and watermark */
    /* The watermark that tasks behind an exchange may have reached without this one, because it was
     * idle: up to there nobody can say from here that a row is on time. Changes between calls. */
    const int64_t *floor_ms;
} mr_operator_context;

typedef struct mr_operator_class {
    const char *name; /* "filter", "window_aggregate" .. */

    mr_status (*open)(const mr_operator_context *context, mr_operator **op, mr_error *err);

    /* State is loaded: rebuild what memory derives from it (timers). May be NULL. */
    mr_status (*restored)(mr_operator *op, mr_error *err);

    mr_status (*on_batch)(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err);

    /* NULL: the operator does not care; the watermark passes through. */
    mr_status (*on_watermark)(mr_operator *op, int64_t watermark_ms, mr_output *out,
                              mr_progress *progress, mr_error *err);

    /* Work that batches left in state. Both NULL: never any. */
    bool (*has_rest)(const mr_operator *op);
    mr_status (*on_rest)(mr_operator *op, mr_output *out, mr_progress *progress, mr_error *err);

    /* The watermark to pass on when `watermark_ms` is taken: not above it, and rising with it. For
     * operators whose rows lie behind their inputs' watermark. NULL: the same. */
    int64_t (*watermark_out)(const mr_operator *op, int64_t watermark_ms);

    /* NULL: it waits for no watermark. Its cost may grow with what is open, not with keys. */
    mr_operator_look (*look)(const mr_operator *op);

    void (*close)(mr_operator *op);
} mr_operator_class;

struct mr_operator {
    const mr_operator_class *class;
    mr_operator_counts counts;
    uint64_t windows_fired; /* to the end, since open */
};

/* Hands a batch to everything below `port`. The batch and what it points to are borrowed. */
mr_status mr_output_emit(mr_output *out, mr_port port, const mr_batch *batch, mr_error *err);

/* Rows of the batch that are late: they leave by the late port when it is read. `facts` in any
 * order. */
struct mr_late_fact;
mr_status mr_output_late(mr_output *out, const mr_batch *batch, const struct mr_late_fact *facts,
                         uint32_t count, mr_error *err);

/* Rows of `batch` listed in the settled `errors` leave by the dead port, with what failed. Within
 * on_batch these are rows of its input (counted as `dead` by the operator), else made ones. */
mr_status mr_output_dead(mr_output *out, const mr_batch *batch, const mr_row_errors *errors,
                         mr_error *err);

/* An arena that is reset after the current on_batch / on_watermark call: for emitted batches. */
mr_arena *mr_output_arena(mr_output *out);

/* Whether anything reads the port (late rows need not be built when nobody does; counts still
 * do). */
bool mr_output_is_read(const mr_output *out, mr_port port);

#endif
