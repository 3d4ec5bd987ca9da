#include "connectors/kafka/handle.h"

#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/protocol.h"
#include "engine/base/assert.h"

#include <stdlib.h>

#define LEAVE_LIMIT_MS 15000
#define ANSWERS_MAX 100

/* Runs inside of poll or close, on their thread. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    mr_kafka_handle *h =
        (mr_kafka_handle *)(void *)((char *)opaque - offsetof(mr_kafka_handle, client));
    if (h->member == NULL)
        mr_kafka_protocol_give_up(rk, h->is_incremental);
    else
        h->on_rebalance(h->member, error, list);
}

static mr_status conf_make(const mr_kafka_log *log, const mr_kafka_handle_options *options,
                           rd_kafka_conf_t **conf, mr_error *err)
{
    mr_status status = mr_kafka_client_conf(log, MR_KAFKA_ROLE_MEMBER, conf, err);
    if (status != MR_OK)
        return status;
    status = mr_kafka_settings_set(*conf, "group.id", options->group, err);
    if (status == MR_OK && options->instance_id)
        status = mr_kafka_settings_set(*conf, "group.instance.id", options->instance_id, err);
    if (status == MR_OK)
        status = mr_kafka_settings_allow_silence(*conf, (const char *const *)log->properties,
                                                 options->silence_ms, err);
    if (status != MR_OK)
        rd_kafka_conf_destroy(*conf);
    else
        rd_kafka_conf_set_rebalance_cb(*conf, on_rebalance);
    return status;
}

static mr_status subscribe(const mr_kafka_handle *h, const mr_kafka_handle_options *options,
                           mr_error *err)
{
    rd_kafka_poll_set_consumer(h->client.rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, options->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(h->client.rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error ? mr_kafka_fail(err, MR_KAFKA_MEMBER, error, NULL, "join group %s", options->group)
                 : MR_OK;
}

mr_status mr_kafka_handle_open(mr_kafka_log *log, const mr_kafka_handle_options *options,
                               mr_kafka_handle **opened, mr_error *err)
{
    rd_kafka_conf_t *conf;
    mr_status status = conf_make(log, options, &conf, err);
    if (status != MR_OK)
        return status;
    mr_kafka_handle *h = calloc(1, sizeof *h);
    MR_ASSERT(h != NULL);
    h->on_rebalance = options->on_rebalance;
    h->member = options->member;
    h->is_incremental = options->is_incremental;
    h->is_static = options->instance_id != NULL;
    status = mr_kafka_client_open(&h->client, log, MR_KAFKA_ROLE_MEMBER, conf, err);
    if (status == MR_OK)
        status = subscribe(h, options, err);
    if (status != MR_OK) {
        mr_kafka_handle_leave(log, h);
        return status;
    }
    *opened = h;
    return MR_OK;
}

/* Answers what the group still asks. */
static void answer_all(const mr_kafka_handle *h)
{
    if (h->owes_answer)
        mr_kafka_protocol_give_up(h->client.rk, h->is_incremental);
    for (int i = 0; i < ANSWERS_MAX; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(h->client.rk, 0);
        if (!message)
            return;
        rd_kafka_message_destroy(message);
    }
}

/* While librdkafka (to 2.12) closes a consumer it throws away calls that its callbacks wait for: a
 * rebalance that begins just then is a wait without end (its issue 4884). A static member of the
 * classic protocol has no word for the group, its place ends with its session, and so it goes
 * without a close. The others must say that they leave. */
static void leave(void *corpse)
{
    mr_kafka_handle *h = corpse;
    if (h->client.rk && (h->is_incremental || !h->is_static)) {
        answer_all(h);
        rd_kafka_consumer_close(h->client.rk);
        mr_kafka_client_close(&h->client);
    }
    mr_kafka_client_drop(&h->client);
    free(h);
}

void mr_kafka_handle_leave(mr_kafka_log *log, mr_kafka_handle *handle)
{
    if (handle == NULL)
        return;
    handle->member = NULL;
    if (!mr_kafka_bury_await(log, leave, handle, LEAVE_LIMIT_MS))
        mr_logger_line(log->logger, MR_LOG_WARN,
                       "a member's handle does not close within %d s and stays behind",
                       LEAVE_LIMIT_MS / 1000);
}
