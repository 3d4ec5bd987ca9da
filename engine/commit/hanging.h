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
 * offsets.
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
} mr_hanging_request;

/* Asks the ends of `count` partitions and ends what is open there; `ended`: in so many of them. An
 * error leaves the writer to be closed. */
mr_status mr_hanging_end(const mr_hanging_request *request, mr_log_ends *places, uint32_t count,
                         uint32_t *ended, mr_error *err);

#endif
