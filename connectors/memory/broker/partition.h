/*
 * One partition of the memory log: records, transaction markers, last stable offset.
 *
 * Offsets are dense: entry i of a segment has offset base + i, markers and aborted records take
 * offsets as in Kafka. A record of an open transaction is DATA at or above the last stable offset;
 * an abort turns it into ABORTED before the last stable offset passes it, so a reader needs one
 * look.
 *
 *   segment 0            segment 1
 *   [ e e e M e e .. ] -> [ e e M e            ]
 *     ^start                    ^stable_end    ^end
 *
 * Memory: keys, values and headers live in their segment's arena. A segment is counted, so that a
 * reader may hold what it fetched while the partition is trimmed or deleted. Thread: all calls
 * under the cluster's lock, but mr_memory_segment_unref, which needs none.
 */
#ifndef MR_CONNECTORS_MEMORY_BROKER_PARTITION_H
#define MR_CONNECTORS_MEMORY_BROKER_PARTITION_H

#include "engine/base/arena.h"
#include "engine/ports/log.h"

#include <stdatomic.h>

typedef enum mr_memory_entry_kind {
    MR_MEMORY_DATA = 0,
    MR_MEMORY_ABORTED,
    MR_MEMORY_MARKER,
} mr_memory_entry_kind;

typedef struct mr_memory_entry {
    mr_record record;
    const mr_header *headers;
    uint32_t headers_count;
    mr_memory_entry_kind kind;
    int64_t producer_id; /* of its transaction; -1: none */
} mr_memory_entry;

typedef struct mr_memory_segment {
    _Atomic uint32_t refs;
    uint32_t count;
    uint32_t capacity;
    int64_t base;
    mr_arena bytes;
    mr_memory_entry entry[];
} mr_memory_segment;

/* A transaction that is open on this partition. */
typedef struct mr_memory_span {
    int64_t producer_id;
    int64_t first;
} mr_memory_span;

/* What the partition remembers of an idempotent producer: a resent batch is known by its
 * sequence. */
typedef struct mr_memory_sequence {
    int64_t producer_id;
    int32_t epoch;
    int64_t next;
    int64_t last_offset;
} mr_memory_sequence;

typedef struct mr_memory_partition {
    mr_memory_segment **segment;
    uint32_t segments_count;
    uint32_t segments_capacity;
    int64_t start;
    int64_t end;
    mr_memory_span *open;
    uint32_t open_count;
    uint32_t open_capacity;
    mr_memory_sequence *sequence;
    uint32_t sequences_count;
    uint32_t sequences_capacity;
} mr_memory_partition;

/* Who appends. */
typedef struct mr_memory_identity {
    int64_t producer_id;
    int32_t epoch;
    bool is_transactional;
} mr_memory_identity;

void mr_memory_partition_release(mr_memory_partition *partition);

/* Appends `count` records, the first of which has `sequence` in the producer's numbering. A batch
 * that was appended before is dropped. Returns the offset of the batch's last record. */
int64_t mr_memory_partition_append(mr_memory_partition *partition, mr_memory_identity identity,
                                   int64_t sequence, const mr_log_record *records, uint32_t count,
                                   int64_t now_ms);

/* Ends the producer's transaction here with a marker; nothing when it has none here. */
void mr_memory_partition_end(mr_memory_partition *partition, int64_t producer_id, bool is_commit,
                             int64_t now_ms);

/* The last stable offset: no transaction is open below it. */
int64_t mr_memory_partition_stable_end(const mr_memory_partition *partition);

/* Deletes all below `before`, which is at most the end. */
void mr_memory_partition_trim(mr_memory_partition *partition, int64_t before);

/* Steps `offset` over markers and aborted records, at most to `limit`. */
int64_t mr_memory_partition_skip(const mr_memory_partition *partition, int64_t offset,
                                 int64_t limit);

/* The segment that holds `offset`; NULL: none (at the end, or below the start). */
mr_memory_segment *mr_memory_partition_segment(const mr_memory_partition *partition,
                                               int64_t offset);

/* First committed record with a timestamp >= `timestamp_ms`, else the last stable offset. */
int64_t mr_memory_partition_offset_at(const mr_memory_partition *partition, int64_t timestamp_ms);

void mr_memory_segment_ref(mr_memory_segment *segment);
void mr_memory_segment_unref(mr_memory_segment *segment);

#endif
