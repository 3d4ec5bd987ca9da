#include "connectors/kafka/log.h"

#include "connectors/kafka/admin/admin.h"
#include "connectors/kafka/client/client.h"
#include "connectors/kafka/member.h"
#include "connectors/kafka/reader.h"
#include "connectors/kafka/writer/writer.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* By default, in client/settings.c. */
#define INPUT_QUEUE_KB 4096
#define WRITER_QUEUE_KB 32768

#define BURY_LIMIT_MS 60000

static char *copy(const char *text)
{
    char *made = strdup(text);
    MR_ASSERT(made != NULL);
    return made;
}

static char **copy_all(const char *const *properties)
{
    size_t count = 0;
    while (properties && properties[count])
        count++;
    char **made = calloc(count + 1, sizeof *made);
    MR_ASSERT(made != NULL);
    for (size_t i = 0; i < count; i++)
        made[i] = copy(properties[i]);
    return made;
}

static void log_close(mr_log *base)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    if (!mr_kafka_bury_wait(log, BURY_LIMIT_MS)) {
        mr_logger_line(log->logger, MR_LOG_WARN,
                       "%u handles of librdkafka do not close within %d s and stay behind",
                       log->dying, BURY_LIMIT_MS / 1000);
        return; /* they still use it */
    }
    mr_kafka_client_close(&log->admin);
    mr_arena_release(&log->expected.arena);
    mr_kafka_chatter_rest(&log->chatter, log->logger);
    mr_kafka_chatter_release(&log->chatter);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->changed);
    for (char **at = log->properties; *at; at++)
        free(*at);
    free(log->properties);
    free(log->bootstrap);
    free(log->client_id);
    free(log);
}

static const mr_log_class LOG_CLASS = {
    .describe = mr_kafka_describe,
    .expect = mr_kafka_expect,
    .topic_ids = mr_kafka_topic_ids,
    .create_topic = mr_kafka_create_topic,
    .grow_topic = mr_kafka_grow_topic,
    .delete_topic = mr_kafka_delete_topic,
    .trim = mr_kafka_trim,
    .offset = mr_kafka_offset,
    .ends = mr_kafka_ends,
    .offset_at = mr_kafka_offset_at,
    .group_offsets = mr_kafka_group_offsets,
    .group_members = mr_kafka_group_members,
    .delete_group = mr_kafka_delete_group,
    .knock = mr_kafka_knock,
    .open_reader = mr_kafka_reader_open,
    .open_member = mr_kafka_member_open,
    .open_writer = mr_kafka_writer_open,
    .close = log_close,
};

void mr_kafka_log_set_queues(mr_log *base, int32_t input_queue_kb, int32_t writer_queue_kb)
{
    mr_kafka_log *log = (mr_kafka_log *)base;
    if (input_queue_kb > 0 && input_queue_kb < INPUT_QUEUE_KB)
        log->input_queue_kb = input_queue_kb;
    if (writer_queue_kb > 0 && writer_queue_kb < WRITER_QUEUE_KB)
        log->writer_queue_kb = writer_queue_kb;
}

mr_status mr_kafka_log_open(const mr_kafka_config *config, mr_log **opened, mr_error *err)
{
    if (!config->bootstrap || config->bootstrap[0] == '\0')
        return mr_error_set(err, MR_E_SETTING,
                            "no bootstrap servers: write "
                            "'properties.bootstrap.servers' = 'host:9092'");
    mr_status status = mr_kafka_settings_check_all(config->properties, err);
    if (status != MR_OK)
        return status;
    mr_kafka_log *log = calloc(1, sizeof *log);
    MR_ASSERT(log != NULL);
    log->base.class = &LOG_CLASS;
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&log->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    mr_kafka_chatter_init(&log->chatter);
    log->bootstrap = copy(config->bootstrap);
    log->client_id = copy(config->client_id ? config->client_id : "millrace");
    log->properties = copy_all(config->properties);
    log->logger = config->logger;
    log->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : 10000;
    log->input_queue_kb = config->input_queue_kb;
    log->is_stopping = config->is_stopping;
    log->hook = config->hook;
    rd_kafka_conf_t *conf;
    status = mr_kafka_client_conf(log, MR_KAFKA_ROLE_ADMIN, &conf, err);
    if (status == MR_OK)
        status = mr_kafka_client_open(&log->admin, log, MR_KAFKA_ROLE_ADMIN, conf, err);
    if (status != MR_OK) {
        log_close(&log->base);
        return status;
    }
    *opened = &log->base;
    return MR_OK;
}
