/*
 * Deltas on the wire: the records of a task's partition of the state log.
 *
 *   byte  0..2   "MRS"
 *         3      format version, 1
 *         4      kind: 1 delta chunk, 2 base chunk, 3 epoch record, 4 claim record
 *         5..    task varint | epoch varint | chunk number varint | payload
 *                an epoch record has its content check in the place of a chunk number
 *         last 4 checksum of all bytes before (mr_checksum), little-endian
 *
 * Payload of a chunk: entries, sorted by (table, slice, key):
 *   operation u8 (mr_store_operation) | table varint | slice zigzag | key bytes | value bytes (PUT
 *   only)
 * The content check of an epoch is made of the checksums of its chunks, so that the checksum of its
 * epoch record, by which histories are told apart, vouches for them too; 0: it has none.
 * A chunk is at most MR_CHUNK_MAX bytes unless a single entry is larger. The payload of an epoch or
 * claim record is in epoch_record.h. An epoch's records stand in this order: delta chunks, base
 * chunks, epoch record; those of a former owner may lie between.
 */
#ifndef MR_ENGINE_COMMIT_DELTA_H
#define MR_ENGINE_COMMIT_DELTA_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/ports/store.h"

#define MR_CHUNK_MAX ((size_t)900 * 1024)

typedef enum mr_delta_kind {
    MR_DELTA_CHUNK = 1,
    MR_DELTA_BASE = 2,
    MR_DELTA_EPOCH = 3,
    MR_DELTA_CLAIM = 4,
} mr_delta_kind;

typedef struct mr_delta_header {
    mr_delta_kind kind;
    uint32_t task;
    uint64_t epoch;
    uint32_t chunk; /* of an epoch record: its content check */
} mr_delta_header;

/* Appends the header; the payload follows, then `mr_delta_seal` from the same start. */
void mr_delta_begin(mr_buffer *to, const mr_delta_header *header);

/* Appends the checksum of everything from `start`; returns it. */
uint32_t mr_delta_seal(mr_buffer *to, size_t start);

/* The check over a list of chunks when one more follows: begins with 0. And over an epoch's two
 * lists, each 0 when it is empty. */
uint32_t mr_delta_mix(uint32_t so_far, uint32_t checksum);
uint32_t mr_delta_content(uint32_t deltas, uint32_t bases);

/* Reads the header and checks the checksum; `payload` is left at the payload's start and end.
 * MR_E_STATE_FORMAT with the reason. `checksum` may be NULL. */
mr_status mr_delta_open(const char *bytes, size_t length, mr_delta_header *header,
                        mr_reader *payload, uint32_t *checksum, mr_error *err);

void mr_delta_put_change(mr_buffer *to, const mr_store_change *change);

/* The next entry of a chunk's payload; false at its end or when malformed (`is_bad`). Bytes
 * borrowed. */
bool mr_delta_next_change(mr_reader *payload, mr_store_change *change);

/* Collects changes into sealed chunks. All-zero but for the header is ready; release when done. */
typedef struct mr_chunk_writer {
    mr_delta_header header; /* of the next chunk */
    mr_buffer bytes;        /* all chunks, one after the other */
    size_t start;           /* of the open chunk */
    bool is_open;
    size_t *ends; /* [chunks_count]: where each sealed chunk ends */
    uint32_t chunks_count;
    uint32_t chunks_capacity;
    uint32_t check; /* mr_delta_mix over the sealed chunks */
} mr_chunk_writer;

/* `context` is the mr_chunk_writer: fits mr_state_changes and mr_state_entries. Never fails. */
mr_status mr_chunk_writer_add(void *context, const mr_store_change *change, mr_error *err);
void mr_chunk_writer_finish(mr_chunk_writer *writer);
void mr_chunk_writer_release(mr_chunk_writer *writer);

#endif
