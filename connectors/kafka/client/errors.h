/*
 * librdkafka's errors as ours, by the table of rules.h.
 *
 * librdkafka's own flags come in between: unless the rule is firm, a fatal error means WRITER, one
 * that requires an abort EPOCH, a retriable one RETRY, and only then the rule's recovery counts.
 * Thread: no state.
 */
#ifndef MR_CONNECTORS_KAFKA_CLIENT_ERRORS_H
#define MR_CONNECTORS_KAFKA_CLIENT_ERRORS_H

#include "connectors/kafka/client/rules.h"

/* Fills `err` from an error code: "<what>: <reason> (<name>); <hint>". `reason` NULL: the
 * standard text. */
mr_status mr_kafka_fail(mr_error *err, mr_kafka_context context, rd_kafka_resp_err_t error,
                        const char *reason, const char *what, ...) MR_PRINTF(5, 6);

/* The same from an error object, with its flags; destroys it. `error` is not NULL. */
mr_status mr_kafka_fail_object(mr_error *err, mr_kafka_context context, rd_kafka_error_t *error,
                               const char *what, ...) MR_PRINTF(4, 5);

/* True for what waiting mends: a lost connection, a broker that is starting. */
bool mr_kafka_is_transient(rd_kafka_resp_err_t error, mr_kafka_context context);

#endif
