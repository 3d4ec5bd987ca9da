/*
 * SHA-256 and HMAC-SHA-256, by libcrypto. Thread: no shared state.
 */
#ifndef MR_CONNECTORS_BLOBS_SHA256_H
#define MR_CONNECTORS_BLOBS_SHA256_H

#include "engine/ports/blob.h"

#define MR_SHA256_BYTES 32u

void mr_sha256(const void *bytes, size_t length, unsigned char digest[MR_SHA256_BYTES]);
void mr_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                    unsigned char digest[MR_SHA256_BYTES]);
void mr_sha256_print(const unsigned char digest[MR_SHA256_BYTES], char to[MR_BLOB_DIGEST_SIZE]);

/* Of all bytes of a source. Errors: those of its `read`. */
MR_MUST_USE mr_status mr_sha256_source(const mr_blob_source *source,
                                       char digest[MR_BLOB_DIGEST_SIZE], mr_error *err);

#endif
