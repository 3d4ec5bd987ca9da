/*
 * Where an S3 bucket is and who asks: an address, options and the environment put together.
 *
 * Thread: one at a time. Memory: heap, until release; an all-zero value is releasable.
 * Errors: MR_E_BLOB_ADDRESS.
 */
#ifndef MR_CONNECTORS_BLOBS_S3_ADDRESS_H
#define MR_CONNECTORS_BLOBS_S3_ADDRESS_H

#include "connectors/blobs/blobs.h"

typedef struct mr_s3_address {
    char *origin;    /* https://host[:port], without a path */
    char *host;      /* as the Host header has it */
    char *base_path; /* "" or "/bucket" (path style) */
    char *prefix;    /* of all names: "" or "some/prefix/" */
    char *bucket, *region;
    char *access_key, *secret_key, *session_token; /* token: may be NULL */
    char *ca_file;                                 /* may be NULL */
} mr_s3_address;

MR_MUST_USE mr_status mr_s3_address_init(mr_s3_address *address, const char *text,
                                         const mr_blobs_options *options, mr_error *err);
void mr_s3_address_release(mr_s3_address *address);

#endif
