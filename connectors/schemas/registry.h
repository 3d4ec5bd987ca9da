/*
 * A client of a schema registry, as Confluent's API describes it (Karapace, Redpanda and Apicurio
 * speak it too).
 *
 * Schemas by id never change: each is asked for once. The registry being away is no fault of a
 * record: requests are repeated with growing, random pauses for a while, then the call fails with
 * recovery RETRY, and the engine drops its epoch as it does when a broker is away.
 *
 * Thread: one at a time. Memory: schemas stay until the client goes; at most
 * MR_REGISTRY_BYTES_MAX of them.
 */
#ifndef MR_CONNECTORS_SCHEMAS_REGISTRY_H
#define MR_CONNECTORS_SCHEMAS_REGISTRY_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define MR_REGISTRY_BYTES_MAX ((size_t)64 << 20)
#define MR_REGISTRY_REFERENCES_MAX 100

/* Errors of calls: 51xx, in the range of the log's, which a registry stands beside. */
enum {
    MR_E_REGISTRY_UNREACHABLE = 5101,   /* RETRY: no answer, or one of a server in trouble */
    MR_E_REGISTRY_AUTHORIZATION = 5102, /* STOP: 401, 403, or a certificate */
    MR_E_REGISTRY_INCOMPATIBLE = 5103,  /* STOP: 409, our schema breaks the subject's rule */
    MR_E_REGISTRY_REFUSED = 5104,       /* STOP: 422 and other refusals */
    MR_E_REGISTRY_SUBJECT = 5105,       /* STOP: the subject does not hold our schema */
    MR_E_REGISTRY_ANSWER = 5106,        /* STOP: not an answer of a registry */
};

typedef struct mr_registry mr_registry;

/* NULL: unset. Texts are copied. */
typedef struct mr_registry_config {
    const char *url; /* one or several, with commas; may hold user:password@ */
    const char *user_info;
    const char *token;
    const char *truststore; /* PEM */
    const char *keystore;   /* PEM, or PKCS #12 by its name: .p12, .pfx */
    const char *keystore_password;
    int32_t patience_ms; /* how long one call may go on trying; 0: 3,000 */
} mr_registry_config;

typedef struct mr_registry_schema {
    uint32_t id;
    const char *text;
    uint32_t references_count;
    const char *const *references; /* texts it needs, each after those that it needs itself */
} mr_registry_schema;

/* MR_E_SETTING: an url that is none, or a store of a kind that cannot be read (JKS). */
mr_status mr_registry_new(const mr_registry_config *config, mr_registry **registry,
                          mr_error *err) MR_MUST_USE;
void mr_registry_free(mr_registry *registry);

/* The schema of an id; lives as long as the client. Besides the errors above
 * MR_E_AVRO_UNKNOWN_ID and MR_E_AVRO_SCHEMA (of another kind, or beyond all size), with
 * recovery RECORD: they are the fault of the record that names it. */
mr_status mr_registry_schema_of(mr_registry *registry, uint32_t id,
                                const mr_registry_schema **schema, mr_error *err) MR_MUST_USE;

/* The id of a schema under a subject: registered when it is not there yet, or (`may_register`
 * false) only looked up. */
mr_status mr_registry_id_of(mr_registry *registry, const char *subject, const char *text,
                            bool may_register, uint32_t *id, mr_error *err) MR_MUST_USE;

/* Requests sent so far, repeated ones included. */
uint64_t mr_registry_requests(const mr_registry *registry);

#endif
