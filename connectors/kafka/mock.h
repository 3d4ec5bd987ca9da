/*
 * An embedded Kafka for the demo and for injected errors: librdkafka's mock cluster.
 *
 * It proves nothing about exactly-once: offsets sent into a transaction are dropped, aborted
 * records stay visible and nobody is fenced. Topics are made here, not through the log port, whose
 * create_topic it does not know. Thread: any. Memory: the cluster owns its records.
 */
#ifndef MR_CONNECTORS_KAFKA_MOCK_H
#define MR_CONNECTORS_KAFKA_MOCK_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mr_kafka_mock mr_kafka_mock;

/* Starts one broker on loopback. */
MR_MUST_USE mr_status mr_kafka_mock_start(mr_kafka_mock **mock, mr_error *err);
void mr_kafka_mock_stop(mr_kafka_mock *mock);

/* "127.0.0.1:port", for mr_kafka_config. */
const char *mr_kafka_mock_bootstrap(const mr_kafka_mock *mock);

MR_MUST_USE mr_status mr_kafka_mock_topic(mr_kafka_mock *mock, const char *topic,
                                          int32_t partitions, mr_error *err);

/* The next `count` requests of this kind (Kafka's ApiKey) are answered with the broker's error
 * code. */
void mr_kafka_mock_fail(mr_kafka_mock *mock, int16_t api_key, int error, size_t count);

/* From now on metadata says this of the topic; 0 takes it back. */
void mr_kafka_mock_topic_error(mr_kafka_mock *mock, const char *topic, int error);

/* A partition loses its leader. */
void mr_kafka_mock_lose_leader(mr_kafka_mock *mock, const char *topic, int32_t partition);

/* From the next connection on the broker is too old to know requests of this kind. */
void mr_kafka_mock_forget(mr_kafka_mock *mock, int16_t api_key);

/* The next request of this kind is answered only after `ms`; the client may take it for lost. */
void mr_kafka_mock_delay(mr_kafka_mock *mock, int16_t api_key, int32_t ms);

/* Takes the broker away, or brings it back; connections break. */
void mr_kafka_mock_set_down(mr_kafka_mock *mock, int is_down);

#endif
