/*
 * What each librdkafka error means to the engine: the one table.
 *
 * A rule gives status (5xxx), recovery and a hint for an error in a context. librdkafka's own flags
 * come in between: unless the rule is firm, a fatal error means WRITER, one that requires an abort
 * EPOCH, a retriable one RETRY, and only then the rule's recovery counts.
 * Thread: no state.
 */
#ifndef MR_CONNECTORS_KAFKA_ERRORS_H
#define MR_CONNECTORS_KAFKA_ERRORS_H

#include "engine/base/error.h"
#include "engine/ports/log.h"

#include <librdkafka/rdkafka.h>

typedef enum mr_kafka_context {
    MR_KAFKA_ADMIN = 1,
    MR_KAFKA_READ = 2,
    MR_KAFKA_MEMBER = 4,
    MR_KAFKA_DELIVERY = 8,
    MR_KAFKA_TRANSACTION = 16,
    MR_KAFKA_ANY = 31,
} mr_kafka_context;

typedef struct mr_kafka_rule {
    rd_kafka_resp_err_t error;
    int contexts; /* of mr_kafka_context */
    mr_status status;
    mr_recovery recovery;
    bool is_firm; /* holds whatever librdkafka's flags say */
    const char *hint;
} mr_kafka_rule;

/* The whole table, for tests and for the docs of codes. */
const mr_kafka_rule *mr_kafka_rules(size_t *count);

/* The rule of an error; the context's default (5099) when the table does not have it. Never
 * NULL. */
const mr_kafka_rule *mr_kafka_rule_of(rd_kafka_resp_err_t error, mr_kafka_context context);

/* Fills `err` from an error code: "<what>: <reason> (<name>); <hint>". `reason` NULL: the
 * standard text. */
mr_status mr_kafka_fail(mr_error *err, mr_kafka_context context, rd_kafka_resp_err_t error,
                        const char *reason, const char *what, ...) MR_PRINTF(5, 6);

/* The same from an error object, with its flags; destroys it. `error` is not NULL. */
mr_status mr_kafka_fail_object(mr_error *err, mr_kafka_context context, rd_kafka_error_t *error,
                               const char *what, ...) MR_PRINTF(4, 5);

/* True for what librdkafka mends by itself: a lost connection, a broker that is starting. */
bool mr_kafka_is_transient(rd_kafka_resp_err_t error);

#endif
