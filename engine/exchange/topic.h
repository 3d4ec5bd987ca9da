/*
 * The topic of an exchange: a partition a downstream task. It is kept until tasks trim it.
 * Thread: the log's; it blocks. Errors: those of the log; MR_E_KAFKA_TOPIC_EXISTS.
 */
#ifndef MR_ENGINE_EXCHANGE_TOPIC_H
#define MR_ENGINE_EXCHANGE_TOPIC_H

#include "engine/exchange/exchange.h"
#include "engine/ports/log.h"

MR_MUST_USE mr_status mr_exchange_create_topic(mr_log *log, const char *topic,
                                               const mr_exchange *exchange, mr_error *err);

#endif
