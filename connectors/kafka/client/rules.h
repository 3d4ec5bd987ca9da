/*
 * What each librdkafka error means to the engine: the one table.
 *
 * A rule gives status (5xxx), recovery and a hint for an error in a context. Every row can be
 * brought about, and is: tests/harness/kafka_faults.h. Thread: no state.
 */
#ifndef MR_CONNECTORS_KAFKA_CLIENT_RULES_H
#define MR_CONNECTORS_KAFKA_CLIENT_RULES_H

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

#endif
