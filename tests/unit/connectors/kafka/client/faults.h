/*
 * Errors injected into the embedded Kafka's answers, and ways through the log port to meet them.
 */
#ifndef MR_TESTS_UNIT_CONNECTORS_KAFKA_FAULTS_H
#define MR_TESTS_UNIT_CONNECTORS_KAFKA_FAULTS_H

#include "connectors/kafka/client/rules.h"
#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"

typedef struct fault fault;

typedef struct fault_rig {
    mr_kafka_mock *mock;
    mr_log *log;
    mr_error err;
    const fault *fault; /* that is played */
} fault_rig;

/* One way through the port: plays it, and says what its last call said. */
typedef mr_status (*fault_way)(fault_rig *rig);

struct fault {
    rd_kafka_resp_err_t error;
    mr_kafka_context context; /* in which it must arrive */
    fault_way way;
    int16_t api_key; /* answered with `sent`; FAULT_NONE: the way brings it about itself */
    uint16_t times;
    mr_status status; /* of the port's call */
    mr_recovery recovery;
    rd_kafka_resp_err_t sent; /* what librdkafka makes `error` of; 0: `error` itself */
};

#define FAULT_NONE (-1)

/* The list; every row of the table stands here or in tests/harness/kafka/real_faults.h. */
const fault *faults(size_t *count);

/* A mock with topic "t" of one partition and a log on it; `properties` may be NULL. */
void fault_rig_init(fault_rig *rig, int32_t timeout_ms, const char *const *properties);
void fault_rig_release(fault_rig *rig);

#endif
