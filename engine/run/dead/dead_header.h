/*
 * Headers of a dead letter: those of the record untouched, then ours. A fact that there is none of
 * (the place of a made row, an expression) leaves its header out. The reader picks the names of the
 * first group by 'errors.deadletterqueue.context.headers.style':
 *
 *   streams   __streams.errors.exception, .message, .stacktrace, .topic, .partition, .offset: text
 *   connect   __connect.errors.topic, .partition, .offset, .connector.name, .task.id, .stage,
 *             .class.name, .exception.class.name, .exception.message, .exception.stacktrace: text
 *   spring    kafka_dlt-original-topic, -consumer-group, -timestamp-type: text;
 *             kafka_dlt-original-partition: i32, big-endian; -offset, -timestamp: i64, big-endian;
 *             kafka_dlt-exception-fqcn, -message, -stacktrace: text
 *   always    __millrace.errors.job, .operator, .stage, .code, .expression, .timestamp (of the
 *             record, ms), .time (wall time, ms), .epoch (of the task), .attempt (from 1): text
 *   cut short __millrace.errors.cut: what the letter does not hold whole, "key,value,headers" or
 *             some of it; .key.bytes, .value.bytes, .headers.bytes: how large that is: text
 *
 * Memory: `rows->arena`, and what the facts point to. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_DEAD_DEAD_HEADER_H
#define MR_ENGINE_RUN_DEAD_DEAD_HEADER_H

#include "engine/run/dead/dead_cut.h"

/* Of a letter that holds `left` of `whole`. */
const mr_header *mr_dead_headers(const mr_task_io *io, const mr_dead_rows *rows,
                                 const mr_row_error *error, const mr_dead_original *whole,
                                 const mr_dead_original *left, uint32_t *count);

#endif
