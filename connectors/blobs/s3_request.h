/*
 * Requests to S3: signed, tried again while that may help, answered.
 *
 * Tried again, with a pause drawn from 0 to a bound that doubles each time: no connection, no
 * answer, 408, 429, 5xx, and the refusals that S3 itself calls passing. What is left becomes the
 * codes of engine/ports/blob.h, with S3's own code and words. Bodies of refusals are read up to
 * MR_S3_REFUSAL_MAX. Redirects are not followed (a signature is for one host).
 *
 * Thread: one at a time. Memory: one connection, kept open.
 */
#ifndef MR_CONNECTORS_BLOBS_S3_REQUEST_H
#define MR_CONNECTORS_BLOBS_S3_REQUEST_H

#include "connectors/blobs/s3_address.h"
#include "connectors/blobs/signature.h"

#define MR_S3_REFUSAL_MAX ((size_t)64 * 1024)

typedef struct mr_s3_client mr_s3_client;

typedef struct mr_s3_request {
    const char *method;          /* GET, PUT, DELETE */
    const char *name;            /* of the blob; NULL: of the bucket */
    const mr_signed_pair *query; /* encoded */
    size_t query_count;
    const mr_blob_source *body; /* of PUT */
    const char *body_digest;    /* of PUT */
    bool is_if_absent;
    const mr_blob_target *target; /* bytes of a good answer; NULL: none are expected */
} mr_s3_request;

/* Takes the address over. */
mr_s3_client *mr_s3_client_new(mr_s3_address *address, const mr_blobs_options *options);
void mr_s3_client_free(mr_s3_client *client);

const mr_s3_address *mr_s3_client_address(const mr_s3_client *client);

MR_MUST_USE mr_status mr_s3_client_run(mr_s3_client *client, const mr_s3_request *request,
                                       mr_error *err);

#endif
