/*
 * Compare: what a replay wrote against what the live job wrote between the same epochs.
 *
 * Rows are counted topic by topic, as multisets of (key, value, headers), whatever partition or
 * order they are in: without a key the partition is the producer's choice. A row is told by a hash
 * of 64 bits. Headers that are not the row's (__millrace.errors.time, .attempt) do not count.
 *
 * Which live rows are of these epochs is told by when they were written: those of an epoch lie
 * between its record and the one before it. Where that cannot be told (tasks whose moments lie
 * apart; rows of the millisecond of a record; what was committed while the moments were looked for)
 * a live row is at the edge: the replay may have it and need not.
 *
 * Memory: 32 bytes a different row. Thread: one; blocks. Errors: those of the log.
 */
#ifndef MR_ENGINE_REPLAY_COMPARE_H
#define MR_ENGINE_REPLAY_COMPARE_H

#include "engine/replay/replay.h"

typedef struct mr_compare_result {
    uint64_t equal;      /* rows on both sides */
    uint64_t edge;       /* live rows at the edge, of which the replay need not have any */
    uint64_t missing;    /* only the live job has them */
    uint64_t unexpected; /* only the replay has them */
} mr_compare_result;

/* A row that one side alone has; borrowed during the call. */
typedef struct mr_compare_row {
    bool is_live; /* the live job's: the replay lacks it */
    const char *topic;
    int32_t partition;
    const mr_record *record;
} mr_compare_row;

typedef struct mr_compare_request {
    const mr_replay *replay; /* that was run */
    const mr_moments *moments;
    uint32_t rows_max; /* differing rows shown of each topic and side */
    void (*show)(void *context, const mr_compare_row *row);
    void *context;
} mr_compare_request;

MR_MUST_USE mr_status mr_compare_topic(const mr_compare_request *request, const mr_output *output,
                                       mr_compare_result *result, mr_error *err);

#endif
