/*
 * The blob store: where checkpoints outlive a worker's disk. Names to bytes, written whole or not
 * at all.
 *
 * A blob never changes under its name but by `put` of all of it; a reader sees the old or the new
 * one, never a part. What `put` said is done survives the crash of any process. Names are parts of
 * `A-Z a-z 0-9 . _ - % =`, joined by '/', at most MR_BLOB_NAME_MAX bytes; no part is empty or
 * begins with a dot. Implemented by connectors/blobs (`file://`, `s3://`), which pass one
 * conformance suite (tests/harness/blob_conformance).
 *
 * Errors: below; recovery RETRY where another try may help (the store's own are used up by then).
 * Thread: one at a time; calls block. Memory: bounded, whatever a blob's size is.
 */
#ifndef MR_ENGINE_PORTS_BLOB_H
#define MR_ENGINE_PORTS_BLOB_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MR_E_BLOB_ADDRESS = 2030, /* the store's address or credentials cannot be used */
    MR_E_BLOB_STORE = 4030,   /* the store failed, or cannot be reached */
    MR_E_BLOB_MISSING = 4031, /* no blob of that name */
    MR_E_BLOB_EXISTS = 4032,  /* put only if absent: there is one */
    MR_E_BLOB_DENIED = 4033,  /* the store refuses these credentials */

};

#define MR_BLOB_NAME_MAX 768u
#define MR_BLOB_DIGEST_SIZE 65u /* SHA-256 in lower-case hexadecimal digits, and a NUL */

typedef struct mr_blobs mr_blobs;

/* Bytes to put. `read` fills all of `to`; it may be asked for the same bytes again (a retry). */
typedef struct mr_blob_source {
    uint64_t size;
    mr_status (*read)(void *context, uint64_t offset, char *to, size_t length, mr_error *err);
    void *context;
} mr_blob_source;

/* Takes the bytes of a blob in order of offset; offset 0 again: it starts anew. */
typedef struct mr_blob_target {
    mr_status (*write)(void *context, uint64_t offset, const char *bytes, size_t length,
                       mr_error *err);
    void *context;
} mr_blob_target;

typedef struct mr_blob_facts {
    const char *name;
    uint64_t size;
    int64_t modified_ms; /* by the store's clock: when it was put last */
} mr_blob_facts;

typedef enum mr_blob_put {
    MR_BLOB_REPLACE = 0, /* also of the same bytes: it is new from then on */
    MR_BLOB_IF_ABSENT,   /* MR_E_BLOB_EXISTS else. That may also mean an earlier try of this very
                          * call, of which the answer was lost: so use names made of contents. */
} mr_blob_put;

typedef struct mr_blobs_class {
    mr_status (*put)(mr_blobs *blobs, const char *name, const mr_blob_source *source,
                     mr_blob_put how, mr_error *err);

    mr_status (*get)(mr_blobs *blobs, const char *name, const mr_blob_target *target,
                     mr_error *err);

    /* Calls `visit` for each blob whose name begins with `prefix`, in byte order of names; stops
     * when it returns non-zero. Facts are borrowed during the call; `visit` may remove blobs. */
    mr_status (*list)(mr_blobs *blobs, const char *prefix,
                      mr_status (*visit)(void *context, const mr_blob_facts *facts, mr_error *err),
                      void *context, mr_error *err);

    /* Fine when there is none. */
    mr_status (*remove)(mr_blobs *blobs, const char *name, mr_error *err);

    /* SHA-256 of the bytes; touches nothing but `source`. */
    mr_status (*digest)(mr_blobs *blobs, const mr_blob_source *source,
                        char digest[MR_BLOB_DIGEST_SIZE], mr_error *err);

    void (*close)(mr_blobs *blobs);
} mr_blobs_class;

struct mr_blobs {
    const mr_blobs_class *class;
};

#endif
