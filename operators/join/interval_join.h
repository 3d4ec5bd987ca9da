/*
 * Interval join: rows of two inputs with equal keys whose times lie close together, INNER or LEFT.
 *
 *   left.time BETWEEN right.time + lower AND right.time + upper      (both ends belong to it)
 *
 * A row is joined with the kept rows of the other side when it comes, then kept itself until the
 * watermark of both inputs reaches its time + its reach: from there on only late rows could still
 * be its partners. The reach of a left row is -lower, of a right row upper. So, with `w` the
 * watermark made by the rows before it, row x
 *   meets   every row y of the other side that came before, with y.time + y's reach > w
 *   is kept when x.time + x's reach > w
 * and never dropped for being late: one that comes too late for its partners joins nothing. LEFT: a
 * left row that met nobody is padded with NULLs when the watermark reaches its time + reach, at
 * once when that was reached before it came, at once when its key is NULL.
 *
 * State tables: "left", "right" (slice = bucket of event time; key -> rows, see list.h), dropped
 * whole when the watermark is past them; "rest" (rows of a batch whose partners did not all fit
 * into one call, see queue.h): the cursor of MORE. Padded and matched rows are flagged in their
 * lists: the cursor of a fire.
 *
 * Output: kept columns of left, of right; the event time is that of one of them. A row can lie as
 * far behind the watermark as the longer reach, so the watermark passed on is that much behind.
 * Append-only. Late: none. Filtered: NULL keys of an inner join or of the right side. Dead: rows
 * without a time; pairs for which the residual condition fails.
 *
 * Both inputs from one source (`has_one_source`): its rows pass one input after the other batch by
 * batch, but are joined as if each had passed both before the next came: lists then hold the
 * place and the arrival watermark of each row, and all rows are kept until the batch is through.
 */
#ifndef MR_OPERATORS_JOIN_INTERVAL_JOIN_H
#define MR_OPERATORS_JOIN_INTERVAL_JOIN_H

#include "engine/expr/expr.h"
#include "engine/run/operator.h"

enum {
    MR_E_ROW_JOIN_TIME = 3205, /* the row has no event time */
};

#define MR_JOIN_LEFT 0u
#define MR_JOIN_RIGHT 1u

typedef struct mr_join_side {
    const uint32_t *keys;    /* [keys_count] input columns, of the same lanes on both sides */
    uint32_t columns_count;  /* columns of the output */
    const uint32_t *columns; /* [columns_count] input columns */
    const mr_type *types;    /* [columns_count] in the output: nullable for the right of LEFT */
    int32_t time_column;     /* input column that equals the event time; -1: none is there */
} mr_join_side;

typedef struct mr_interval_join_config {
    mr_join_side sides[2];
    uint32_t keys_count;
    const mr_type *key_types;
    int64_t lower_ms, upper_ms; /* lower <= upper */
    int64_t bucket_ms;          /* > 0 */
    bool is_left_outer;
    const mr_expr *residual; /* BOOLEAN over the output's columns; NULL: none */
    uint32_t time_side;      /* whose time is the event time of the output */
} mr_interval_join_config;

/* How long a row of `side` waits for partners, in event time. */
int64_t mr_interval_join_reach_ms(const mr_interval_join_config *config, uint32_t side);

/* How far the watermark passed on is behind. */
int64_t mr_interval_join_delay_ms(const mr_interval_join_config *config);

/* A width of buckets: few for a row to look into, and not much kept beyond its time. */
int64_t mr_interval_join_bucket_ms(int64_t lower_ms, int64_t upper_ms);

extern const mr_operator_class mr_interval_join_class;

#endif
