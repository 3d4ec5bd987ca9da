/*
 * The shelf: the checkpoints of one task that lie in a blob store.
 *
 * Thread: one at a time. Memory: a shelf owns its list; all-zero is releasable.
 * Errors: those of the blob store; MR_E_CHECKPOINT.
 */
#ifndef MR_ENGINE_CHECKPOINT_SHELF_H
#define MR_ENGINE_CHECKPOINT_SHELF_H

#include "engine/checkpoint/manifest.h"

typedef struct mr_shelf_item {
    char id[MR_MANIFEST_ID_SIZE];
    uint64_t epoch;
    int64_t log_offset;
    int64_t modified_ms; /* of its manifest: when it was written, or retired */
} mr_shelf_item;

typedef struct mr_shelf {
    mr_shelf_item *items; /* [count], by epoch */
    size_t count, capacity;
} mr_shelf;

/* Those of the kind, MR_BLOB_MANIFESTS or MR_BLOB_RETIRED. */
MR_MUST_USE mr_status mr_shelf_read(mr_blobs *blobs, const char *job, uint32_t task,
                                    mr_blob_kind kind, mr_shelf *shelf, mr_error *err);
void mr_shelf_release(mr_shelf *shelf);

/* The bytes of a manifest, which are those that its id names. MR_E_BLOB_MISSING: there is none. */
MR_MUST_USE mr_status mr_shelf_bytes(mr_blobs *blobs, const char *job, uint32_t task,
                                     mr_blob_kind kind, const char *id, mr_buffer *bytes,
                                     mr_error *err);

/* The manifest of an id, retired or not. */
MR_MUST_USE mr_status mr_shelf_manifest(mr_blobs *blobs, const char *job, uint32_t task,
                                        const char *id, mr_manifest *manifest, mr_error *err);

/* Bytes in memory as a blob's source; `context` is the buffer. */
mr_blob_source mr_shelf_source(const mr_buffer *bytes);

#endif
