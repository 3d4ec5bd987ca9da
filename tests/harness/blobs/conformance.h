/*
 * The conformance suite of the blob port: what `file://` and `s3://` must both do.
 *
 * A check is a claim; it gets an empty store.
 */
#ifndef MR_TESTS_HARNESS_BLOBS_CONFORMANCE_H
#define MR_TESTS_HARNESS_BLOBS_CONFORMANCE_H

#include "engine/ports/blob.h"

typedef struct mr_blob_check {
    const char *name; /* a claim */
    bool (*holds)(mr_blobs *blobs, char *why, size_t why_size);
} mr_blob_check;

/* The i-th check, in reading order; NULL behind the last. */
const mr_blob_check *mr_blob_check_at(size_t i);

/* Short verbs for tests: texts as blobs. */
mr_status mr_test_blob_put(mr_blobs *blobs, const char *name, const char *text, mr_blob_put how,
                           mr_error *err);
/* The text is the caller's to free; NULL on error. */
char *mr_test_blob_get(mr_blobs *blobs, const char *name, mr_status *status, mr_error *err);
/* "name:size name:size .."; the caller's to free. */
char *mr_test_blob_list(mr_blobs *blobs, const char *prefix, mr_status *status, mr_error *err);

#endif
