/*
 * AWS Signature Version 4: the Authorization header of one request.
 *
 * Path and query come as they go over the wire, already percent-encoded; S3 signs them so, without
 * normalising or encoding them once more. Query parameters and headers may come in any order.
 * Pure. Source: "Create a signed AWS API request", checked with its published test vectors in
 * tests/unit/connectors/blobs. Thread: no shared state.
 */
#ifndef MR_CONNECTORS_BLOBS_SIGNATURE_H
#define MR_CONNECTORS_BLOBS_SIGNATURE_H

#include "engine/base/buffer.h"

typedef struct mr_signed_pair {
    const char *name; /* of a header: in any case */
    const char *value;
} mr_signed_pair;

typedef struct mr_signature_request {
    const char *method;
    const char *path;
    const mr_signed_pair *query; /* [query_count], encoded */
    size_t query_count;
    const mr_signed_pair *headers; /* [headers_count]: all that are signed; x-amz-date among them */
    size_t headers_count;
    const char *payload_digest; /* SHA-256 of the body in hexadecimal digits */
    const char *time;           /* 20150830T123600Z, as in x-amz-date */
    const char *region, *service;
    const char *access_key, *secret_key;
} mr_signature_request;

/* Percent-encodes as S3 signs: all but A-Z a-z 0-9 - . _ ~ and, when `keeps_slash`, '/'. */
void mr_signature_encode(mr_buffer *to, const char *text, bool keeps_slash);

/* Appends "name=value&..", sorted, without a NUL: the canonical query, also fit for the wire. */
void mr_signature_query(mr_buffer *to, const mr_signed_pair *query, size_t count);

/* Appends the value of the Authorization header, with a NUL that its length does not count. */
void mr_signature_sign(const mr_signature_request *request, mr_buffer *authorization);

#endif
