/*
 * The manifest of a checkpoint: which files make a task's store as of an epoch. Written last, so
 * whoever finds one finds its files.
 *
 *   byte  0..2   "MRC"
 *         3      format version, 2
 *         job bytes | plan version u64 | task varint | epoch varint | log offset zigzag (next to
 *         apply) | checksum u32 (of that epoch's record) | time zigzag (ms, when it was taken) |
 *         files varint count, each: name bytes | size varint | digest, 32 bytes (SHA-256) |
 *         that epoch's record, as it lies in the state log: bytes (empty: not known). Version 1
 *         ends in front of it
 *         last 4 checksum of all bytes before (mr_checksum), little-endian
 *
 * Names below the store's address, with <job> written as in the state directory:
 *   <job>/task-<n>/files/<digest>
 *   <job>/task-<n>/manifests/<epoch, 20 digits>-<log offset, 20 digits>-<16 digits of its digest>
 *   <job>/task-<n>/retired/<the same>
 * So a list in order of names is one in order of epochs, and names of contents are never reused.
 *
 * Memory: an mr_manifest owns its texts; all-zero is releasable. Thread: no shared state.
 */
#ifndef MR_ENGINE_CHECKPOINT_MANIFEST_H
#define MR_ENGINE_CHECKPOINT_MANIFEST_H

#include "engine/base/arena.h"
#include "engine/base/buffer.h"
#include "engine/ports/blob.h"
#include "engine/ports/store.h"

enum {
    MR_E_CHECKPOINT = 4034
}; /* a checkpoint cannot be used: damaged, foreign, of another plan */

#define MR_MANIFEST_ID_SIZE 59u /* epoch-offset-digest and a NUL */

typedef struct mr_manifest_file {
    const char *name; /* in the local store */
    uint64_t size;
    char digest[MR_BLOB_DIGEST_SIZE];
} mr_manifest_file;

typedef struct mr_manifest {
    mr_arena arena;
    const char *job;
    uint32_t task;
    mr_store_marker marker;
    int64_t taken_ms;
    uint32_t files_count;
    mr_manifest_file *files;
    const char *record; /* the epoch record at which it was taken; see mr_delta_open */
    size_t record_length;
} mr_manifest;

/* Makes a manifest of `files_count` files with empty digests. */
void mr_manifest_init(mr_manifest *manifest, const char *job, uint32_t task,
                      const mr_store_image *image, int64_t taken_ms);
void mr_manifest_release(mr_manifest *manifest);

/* Copies the epoch record, if it is the one that the marker names. */
void mr_manifest_set_record(mr_manifest *manifest, const char *bytes, size_t length);

void mr_manifest_encode(const mr_manifest *manifest, mr_buffer *to);

/* MR_E_CHECKPOINT with the reason. */
MR_MUST_USE mr_status mr_manifest_decode(const char *bytes, size_t length, mr_manifest *manifest,
                                         mr_error *err);

/* Bytes of all files. */
uint64_t mr_manifest_bytes(const mr_manifest *manifest);

/* Has it a file of these contents? */
bool mr_manifest_has(const mr_manifest *manifest, const char *digest);

typedef enum mr_blob_kind {
    MR_BLOB_FILES = 0,
    MR_BLOB_MANIFESTS,
    MR_BLOB_RETIRED,
} mr_blob_kind;

/* "<job>/task-<n>/files/<id>"; `id` "": the prefix of all of the kind. */
void mr_manifest_name(const char *job, uint32_t task, mr_blob_kind kind, const char *id,
                      char to[MR_BLOB_NAME_MAX + 1]);

/* The id of a manifest whose bytes have this digest. */
void mr_manifest_id(const mr_store_marker *marker, const char *digest,
                    char to[MR_MANIFEST_ID_SIZE]);

/* What an id says; false: it is none. */
bool mr_manifest_id_read(const char *id, uint64_t *epoch, int64_t *log_offset);

#endif
