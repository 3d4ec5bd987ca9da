/*
 * Blob stores by address (engine/ports/blob.h).
 *
 *   file:///var/lib/millrace           a folder
 *   s3://bucket/some/prefix            AWS S3
 *   s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-west-1&path-style=true
 *                                      anything that speaks S3; path-style is the default of an
 *                                      endpoint of one's own
 *
 * Credentials and region come from `options`, else from the environment as AWS's own tools read it:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_DEFAULT_REGION,
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_CA_BUNDLE. None are accepted in the address: addresses
 * are shown.
 *
 * Errors: MR_E_BLOB_ADDRESS.
 */
#ifndef MR_CONNECTORS_BLOBS_BLOBS_H
#define MR_CONNECTORS_BLOBS_BLOBS_H

#include "engine/ports/blob.h"

/* NULL and 0: from the environment, or the default. Texts are copied. */
typedef struct mr_blobs_options {
    const char *access_key, *secret_key, *session_token;
    const char *region, *endpoint, *ca_file;
    uint32_t tries_max;       /* of one request; 0: 6 */
    int32_t backoff_ms;       /* before the second try at most; doubles; 0: 100 */
    int32_t timeout_ms;       /* without a byte moving; 0: 30,000 */
    uint64_t *tries_observed; /* tests: counts every try; NULL: nobody does */
} mr_blobs_options;

/* `options` may be NULL. Makes no request. */
MR_MUST_USE mr_status mr_blobs_open(const char *address, const mr_blobs_options *options,
                                    mr_blobs **blobs, mr_error *err);

/* The two behind it. */
MR_MUST_USE mr_status mr_file_blobs_open(const char *path, mr_blobs **blobs, mr_error *err);
MR_MUST_USE mr_status mr_s3_blobs_open(const char *address, const mr_blobs_options *options,
                                       mr_blobs **blobs, mr_error *err);

#endif
