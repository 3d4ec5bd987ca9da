/*
 * Sees every look into the table of librdkafka's errors (connectors/kafka/client/rules.h).
 *
 * An injected error counts as arrived when product code has asked the table for it, in the context
 * in question; what librdkafka mends without telling leaves no trace here. Executables that use it
 * are linked with --wrap=mr_kafka_rule_of (cmake/Tests.cmake). Thread: any.
 */
#ifndef MR_TESTS_HARNESS_KAFKA_WITNESS_H
#define MR_TESTS_HARNESS_KAFKA_WITNESS_H

#include "connectors/kafka/client/rules.h"

#include <stdbool.h>
#include <stddef.h>

bool kafka_witness_saw(rd_kafka_resp_err_t error, mr_kafka_context context);

/* "NAME@context NAME@context ..": all that this process has seen. */
const char *kafka_witness_all(char *text, size_t size);

#endif
