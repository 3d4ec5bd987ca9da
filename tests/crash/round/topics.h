/*
 * Topics seen from outside, by a plain librdkafka that shares nothing with the engine.
 *
 * Functions that ask a broker return false when it does not answer in time; `why` then says what.
 * Thread: any.
 */
#ifndef MR_TESTS_CRASH_ROUND_TOPICS_H
#define MR_TESTS_CRASH_ROUND_TOPICS_H

#include "engine/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool mr_crash_topic_create(const char *bootstrap, const char *topic, int32_t partitions, char *why,
                           size_t size);
bool mr_crash_topic_delete(const char *bootstrap, const char *topic, char *why, size_t size);

/* Everything that a read_committed reader sees, to the end; each value behind a newline. Waits for
 * transactions that are still open. */
bool mr_crash_topic_read(const char *bootstrap, const char *topic, int32_t partitions,
                         mr_buffer *text, char *why, size_t size);

/* One record from a stranger. */
bool mr_crash_topic_put(const char *bootstrap, const char *topic, int32_t partition,
                        const char *value, char *why, size_t size);

/* Asks whether partitions have records of an undecided transaction. Opened once, since a client
 * takes longer to come up than a transaction lasts. */
typedef struct mr_crash_watch mr_crash_watch;

mr_crash_watch *mr_crash_watch_new(const char *bootstrap);
void mr_crash_watch_free(mr_crash_watch *watch);
bool mr_crash_watch_is_open(mr_crash_watch *watch, const char *topic, int32_t partition);

#endif
