/*
 * Keep-first deduplication: ROW_NUMBER() OVER (PARTITION BY keys ORDER BY time) = 1, append-only.
 *
 * Per key the row with the lowest event time (the first to arrive among equals) is kept until the
 * watermark passes its time, when no earlier one can come; then it is emitted, and the key
 * remembered for `ttl_ms` of event time (0: for ever). Rows of one call come out in order of (time,
 * hash, key).
 *
 *   "seen"    slice 0            key -> time of the kept row, emitted or not
 *   "pending" slice = minute     key + time (i64, little-endian) -> the row, as engine/state/key.h
 *                                writes columns
 *   "expiry"  slice = minute     keys to be forgotten when the watermark has passed the minute
 *
 * Filtered: duplicates. Late: rows at or behind the watermark whose key is not known. Dead: rows
 * without a time. The cursor of MORE is the pending table itself: what was emitted is gone from it.
 */
#ifndef MR_OPERATORS_RANK_DEDUPLICATE_H
#define MR_OPERATORS_RANK_DEDUPLICATE_H

#include "engine/run/operator.h"

#define MR_DEDUPLICATE_TIME_SIZE 8 /* behind the key, in the key of a pending entry */

enum {
    MR_E_ROW_DEDUPLICATE_TIME = 3203, /* the row has no event time */
};

typedef struct mr_deduplicate_config {
    uint32_t keys_count;
    const uint32_t *keys; /* input columns */
    const mr_type *key_types;
    uint32_t columns_count; /* of input and output */
    const mr_type *column_types;
    int64_t ttl_ms;
} mr_deduplicate_config;

extern const mr_operator_class mr_deduplicate_class;

#endif
