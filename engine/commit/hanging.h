/*
 * Hanging transactions: aborted, but some partition was never told.
 *
 * A coordinator that ends a transaction writes a marker to each of its partitions. A Kafka broker
 * skips a partition that has no leader at that moment (it takes it for deleted), so after an outage
 * the last stable offset may stand still where a dead transaction began, and the next marker of the
 * same producer id decides about the dead records too: a commit would show rows that were aborted.
 * See docs/decisions/0008.
 *
 * So before a new writer does anything else, each partition in which something is open gets one
 * record without value in a transaction of that writer, which is aborted: its abort marker ends
 * what hung there. Where the open transaction is somebody else's, this does nothing but take two
 * offsets. The markers of that abort may be left out as well: so it is looked again, and what is
 * open in front of that record then either is somebody else's or hangs still. Where that goes on
 * too long the next commit shows the record: who reads state logs and frames passes over it.
 *
 * The group's offsets may hang alone: where the next transaction's abort has ended all partitions,
 * but had sent no offsets yet. No offset tells so; who cannot get the group's says it.
 *
 * Thread: the engine's.
 */
#ifndef MR_ENGINE_COMMIT_HANGING_H
#define MR_ENGINE_COMMIT_HANGING_H

#include "engine/base/logger.h"
#include "engine/ports/log.h"

typedef struct mr_hanging_request {
    mr_log *log;
    mr_log_writer *writer;       /* just opened: of its own it has nothing open */
    mr_log_member *member;       /* NULL: no offsets can hang */
    const mr_log_offset *offset; /* any of ours: the group's partition is told with it */
    const mr_logger *logger;
    const char *job;
    bool is_group_held; /* its offsets are not told, and perhaps for this writer's sake */
} mr_hanging_request;

typedef struct mr_hanging_found {
    uint32_t open; /* partitions in which a transaction was open: it was ended if it hung */
    uint32_t left; /* of those, where one still is: to be called again in a while */
} mr_hanging_found;

/* Asks the ends of `count` partitions and ends what hangs there. An error leaves the writer to be
 * closed. */
mr_status mr_hanging_end(const mr_hanging_request *request, mr_log_ends *places, uint32_t count,
                         mr_hanging_found *found, mr_error *err);

#endif
