/*
 * Requests to the cluster: options, the wait for the answer, what its error means.
 */
#ifndef MR_CONNECTORS_KAFKA_ADMIN_REQUEST_H
#define MR_CONNECTORS_KAFKA_ADMIN_REQUEST_H

#include "connectors/kafka/client/client.h"

/* Options of an operation with the log's timeout; the caller destroys them. */
rd_kafka_AdminOptions_t *mr_kafka_request_options(mr_kafka_log *log, rd_kafka_admin_op_t operation);

/* Waits for the one answer in `queue`, which it destroys; the caller destroys `event`, which is
 * NULL after an error. */
MR_MUST_USE mr_status mr_kafka_request_answer(mr_kafka_log *log, rd_kafka_queue_t *queue,
                                              const char *what, const char *name,
                                              rd_kafka_event_t **event, mr_error *err);

/* "<what> <name>: ..". A timeout while no broker is reachable becomes MR_E_KAFKA_UNREACHABLE. */
mr_status mr_kafka_request_fail(mr_kafka_log *log, rd_kafka_resp_err_t error, const char *reason,
                                const char *what, const char *name, mr_error *err);

/* The same for a cluster to which no connection came about since mr_kafka_client_forget: why it
 * refuses us (MR_E_KAFKA_AUTHORIZATION), when it does. */
mr_status mr_kafka_request_no_connection(mr_kafka_log *log, mr_error *err);

/* Waits while serving the callbacks. */
void mr_kafka_request_pause(mr_kafka_log *log, int32_t ms);

#endif
