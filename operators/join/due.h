/*
 * Left rows that may have to be padded, by time: a heap over the buckets whose first row is due.
 *
 * Derived from state and in memory alone: a bucket's rows are listed when the watermark enters it,
 * later rows of such buckets as they come. Order: time, hash, key, place in the list: the same
 * after a restart. Thread: the engine's. Memory: heap, counted as MR_BUDGET_TABLES.
 */
#ifndef MR_OPERATORS_JOIN_DUE_H
#define MR_OPERATORS_JOIN_DUE_H

#include "operators/join/list.h"

typedef struct mr_join_due_row {
    int64_t time_ms;
    mr_slice *slice;
    mr_join_list *list;
    uint32_t at;
} mr_join_due_row;

typedef struct mr_join_due {
    mr_join_due_row *heap;
    size_t count, capacity;
    int64_t listed; /* buckets up to this one are listed */
    mr_budget *budget;
} mr_join_due;

void mr_join_due_init(mr_join_due *due, mr_budget *budget);
void mr_join_due_release(mr_join_due *due);

void mr_join_due_push(mr_join_due *due, mr_join_due_row row);

/* The earliest row; NULL: none. */
const mr_join_due_row *mr_join_due_first(const mr_join_due *due);
void mr_join_due_pop(mr_join_due *due);

/* Lists the rows of a bucket that are not settled. */
void mr_join_due_list(mr_join_due *due, const mr_join_layout *layout, mr_slice *slice);

#endif
