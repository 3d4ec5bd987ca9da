/*
 * Reader: fetches the records of assigned partitions, each from its own queue.
 *
 * A consumer handle that never joins a group. Each input has its partition's queue apart from the
 * common one, so that inputs are served in turn, a full one starves no other, and what is buffered
 * is known per input. A fetch hands out the messages of one input; they are destroyed by the next
 * one.
 */
#ifndef MR_CONNECTORS_KAFKA_READER_H
#define MR_CONNECTORS_KAFKA_READER_H

#include "connectors/kafka/client/client.h"

mr_status mr_kafka_reader_open(mr_log *log, mr_log_reader **reader, mr_error *err);

#endif
