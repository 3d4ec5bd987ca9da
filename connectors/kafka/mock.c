#include "connectors/kafka/mock.h"

#include "engine/base/assert.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

struct mr_kafka_mock {
    rd_kafka_t *owner; /* the cluster lives inside of a handle */
    rd_kafka_mock_cluster_t *cluster;
};

/* The client that owns the cluster has nothing to say. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

mr_status mr_kafka_mock_start(mr_kafka_mock **started, mr_error *err)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    mr_kafka_mock *mock = calloc(1, sizeof *mock);
    MR_ASSERT(mock != NULL);
    mock->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!mock->owner) {
        rd_kafka_conf_destroy(conf);
        free(mock);
        return mr_error_set(err, MR_E_ENVIRONMENT, "embedded Kafka: %s", reason);
    }
    mock->cluster = rd_kafka_mock_cluster_new(mock->owner, 1);
    if (!mock->cluster) {
        mr_kafka_mock_stop(mock);
        return mr_error_set(err, MR_E_ENVIRONMENT, "embedded Kafka: no port to listen on");
    }
#if RD_KAFKA_VERSION >= 0x020800ff
    /* Nobody else is expected to join: 3 s of waiting for them would only delay a demo's start. */
    rd_kafka_mock_group_initial_rebalance_delay_ms(mock->cluster, 0);
#endif
    *started = mock;
    return MR_OK;
}

void mr_kafka_mock_stop(mr_kafka_mock *mock)
{
    if (mock->cluster)
        rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->owner);
    free(mock);
}

const char *mr_kafka_mock_bootstrap(const mr_kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

mr_status mr_kafka_mock_topic(mr_kafka_mock *mock, const char *topic, int32_t partitions,
                              mr_error *err)
{
    rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(mock->cluster, topic, partitions, 1);
    if (error)
        return mr_error_set(err, MR_E_ENVIRONMENT, "embedded Kafka: topic %s: %s", topic,
                            rd_kafka_err2str(error));
    return MR_OK;
}

void mr_kafka_mock_fail(mr_kafka_mock *mock, int16_t api_key, int error, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(mock->cluster, api_key, 1, error);
}

void mr_kafka_mock_topic_error(mr_kafka_mock *mock, const char *topic, int error)
{
    rd_kafka_mock_topic_set_error(mock->cluster, topic, (rd_kafka_resp_err_t)error);
}

void mr_kafka_mock_forget(mr_kafka_mock *mock, int16_t api_key)
{
    rd_kafka_mock_set_apiversion(mock->cluster, api_key, -1, -1);
}

void mr_kafka_mock_delay(mr_kafka_mock *mock, int16_t api_key, int32_t ms)
{
    rd_kafka_mock_broker_push_request_error_rtts(mock->cluster, 1, api_key, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, ms);
}

void mr_kafka_mock_lose_leader(mr_kafka_mock *mock, const char *topic, int32_t partition)
{
    rd_kafka_mock_partition_set_leader(mock->cluster, topic, partition, -1);
}

void mr_kafka_mock_set_down(mr_kafka_mock *mock, int is_down)
{
    if (is_down)
        rd_kafka_mock_broker_set_down(mock->cluster, 1);
    else
        rd_kafka_mock_broker_set_up(mock->cluster, 1);
}
