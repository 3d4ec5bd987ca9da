/*
 * The Kafka log: engine/ports/log.h over librdkafka.
 *
 * `properties` are librdkafka's own names (settings.h says which are refused). The logger and the
 * strings of the config are copied or kept as the comments say; the logger must outlive the
 * process's last Kafka object, since librdkafka logs from its own threads. Thread: the log may be
 * used from any thread; what it opens, from one thread at a time.
 */
#ifndef MR_CONNECTORS_KAFKA_LOG_H
#define MR_CONNECTORS_KAFKA_LOG_H

#include "engine/base/logger.h"
#include "engine/ports/log.h"

#include <stdbool.h>

typedef struct mr_kafka_config {
    const char *bootstrap;         /* host:port[,host:port..] */
    const char *const *properties; /* name, value, .., NULL; may be NULL */
    const char *client_id;         /* NULL: "millrace" */
    const mr_logger *logger;       /* kept; NULL: silent */
    int32_t timeout_ms;            /* of an administrative call; 0: 10,000 */
    int32_t input_queue_kb; /* prefetched per input, overshot by one fetch; 0: 4,096 or -X's */

    /* Asked while a call waits for a broker that is away: true gives the call up after 5 s.
     * NULL: wait for ever. */
    bool (*is_stopping)(void *hook);
    void *hook;
} mr_kafka_config;

/* How much may be fetched for each input and not read yet, and produced and not delivered: of what
 * is opened from now on. 0: as it was; never more than by default. */
void mr_kafka_log_set_queues(mr_log *log, int32_t input_queue_kb, int32_t writer_queue_kb);

/* Checks the settings and opens the log; no broker is asked yet (`describe` finds out).
 * Errors: MR_E_SETTING. */
MR_MUST_USE mr_status mr_kafka_log_open(const mr_kafka_config *config, mr_log **log, mr_error *err);

#endif
