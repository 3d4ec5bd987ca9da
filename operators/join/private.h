/*
 * What the files of the interval join share. Thread: the engine's.
 */
#ifndef MR_OPERATORS_JOIN_PRIVATE_H
#define MR_OPERATORS_JOIN_PRIVATE_H

#include "engine/expr/program.h"
#include "operators/join/codec.h"
#include "operators/join/due.h"
#include "operators/join/interval_join.h"
#include "operators/join/queue.h"

#define MR_JOIN_ROWS_PER_CALL (MR_BATCH_ROWS_MAX * 4u)
#define MR_JOIN_PLACES_MAX (MR_BATCH_ROWS_MAX * 2u)

typedef struct mr_join_kept {
    mr_table *table;
    mr_join_codec codec;
    int64_t reach_ms;
} mr_join_kept;

/* Pairs found and not emitted yet: a row under way and a kept one of the other side. A kept row
 * that is in several pairs of a round stands in `bytes` once, and its columns are read once; a
 * round goes on while there is room for the kept rows of one more batch. */
typedef struct mr_join_pairs {
    uint32_t count;
    uint32_t runs_count;
    mr_vector_run runs[MR_BATCH_ROWS_MAX]; /* number of the row under way, and behind its pairs */
    int64_t time_ms[MR_BATCH_ROWS_MAX];
    uint32_t kept[MR_BATCH_ROWS_MAX]; /* place of the kept row in `bytes` */
    uint32_t bytes_count;
    uint32_t round;
    mr_string bytes[MR_JOIN_PLACES_MAX]; /* columns */
    /* LEFT: what is settled when the pair holds */
    uint32_t own[MR_BATCH_ROWS_MAX];
    mr_slice *slice[MR_BATCH_ROWS_MAX];
    mr_join_list *list[MR_BATCH_ROWS_MAX];
    uint32_t at[MR_BATCH_ROWS_MAX];
} mr_join_pairs;

typedef struct mr_interval_join {
    mr_operator base;
    const mr_interval_join_config *config;
    mr_join_layout layout;
    mr_join_kept kept[2];
    mr_join_queue queue;
    mr_join_due due;      /* LEFT: rows to be padded */
    mr_program *residual; /* NULL: none */
    int64_t watermark_ms; /* last received */
    int64_t judged_ms;    /* highest that a row was judged by */
    bool has_overdue;     /* rows were kept whose time was over when they came */
    mr_join_pairs *pairs;
    mr_arena pairs_arena; /* of one emitted batch */
    mr_buffer row, bytes; /* scratch: a written row, its columns */
} mr_interval_join;

/* Rows of one side on their way: of a batch, or from the queue. All have a key and a time. */
typedef struct mr_join_rows {
    uint32_t side;
    uint32_t count;
    const uint32_t *rows;            /* [count] their place in the columns */
    const mr_vector *const *columns; /* [kept columns] */
    const mr_vector *const *keys;    /* [keys_count] */
    int64_t *time_ms;
    mr_join_origin *origins;
    mr_string *key;
    uint64_t *hash;
    bool *is_matched;
    mr_join_cursor cursor;     /* where the first of them goes on */
    const mr_records *records; /* NULL: not known */
    const uint32_t *record;
} mr_join_rows;

static inline int64_t mr_join_add(int64_t time_ms, int64_t more)
{
    int64_t sum;
    if (__builtin_add_overflow(time_ms, more, &sum))
        return more > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* No row that is not late can be its partner any more. */
static inline bool mr_join_is_over(int64_t time_ms, int64_t reach_ms, int64_t watermark_ms)
{
    return watermark_ms != MR_TIME_NONE && mr_join_add(time_ms, reach_ms) <= watermark_ms;
}

/* The watermark of rows that were judged by `watermark_ms`, as it is passed on. */
int64_t mr_join_behind(const mr_interval_join *self, int64_t watermark_ms);

/* Joins the rows with those of the other side until about MR_JOIN_ROWS_PER_CALL pairs were looked
 * at: the first *done rows are through, the next goes on at *cursor. Sets is_matched. */
mr_status mr_join_probe(mr_interval_join *self, mr_join_rows *rows, mr_output *out, uint32_t *done,
                        mr_join_cursor *cursor, mr_error *err);

/* Pairs on their way out of one call of mr_join_probe. */
typedef struct mr_join_emission {
    mr_interval_join *self;
    mr_join_rows *rows;
    uint32_t other;  /* side of the kept rows */
    mr_arena *arena; /* of the call */
    mr_output *out;
    mr_vector *read; /* columns of the kept rows of the round, as far as they were read */
    uint32_t read_count, read_capacity;
} mr_join_emission;

/* Emits the pairs found so far, those for which the residual condition holds. */
mr_status mr_join_emit_pairs(mr_join_emission *emission, mr_error *err);

/* Emits `count` left rows with NULLs in the place of right ones. `left` are the left columns, flat
 * and `count` long; `watermark` may be NULL. */
mr_status mr_join_emit_padded(mr_interval_join *self, const mr_vector *left, const int64_t *time_ms,
                              int64_t *watermark, uint32_t count, const mr_records *records,
                              uint32_t *record, mr_arena *arena, mr_output *out, mr_error *err);

/* Emits what is due at `due_ms`, *room rows at the most; *is_done: that was all. */
mr_status mr_join_fire(mr_interval_join *self, int64_t due_ms, uint32_t *room, bool *is_done,
                       mr_output *out, mr_error *err);

/* Drops buckets whose rows are all over at `watermark_ms`. */
void mr_join_expire(mr_interval_join *self, uint32_t side, int64_t watermark_ms);

#endif
