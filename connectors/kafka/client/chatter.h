/*
 * How often librdkafka may say the same: its log lines and complaints, limited by facility.
 *
 * While a broker is away each of a worker's handles reports every connection that it fails to make,
 * many a second. The first MR_KAFKA_CHATTER_LINES of a facility in a window pass, the others are
 * counted, and the count stands behind the first line of the next window or in `rest`.
 * Thread: any. Memory: nothing is allocated.
 */
#ifndef MR_CONNECTORS_KAFKA_CLIENT_CHATTER_H
#define MR_CONNECTORS_KAFKA_CLIENT_CHATTER_H

#include "engine/base/logger.h"

#include <pthread.h>
#include <stdint.h>

#define MR_KAFKA_CHATTER_LINES 3
#define MR_KAFKA_CHATTER_WINDOW_MS 30000
#define MR_KAFKA_CHATTER_FACILITIES 24

typedef struct mr_kafka_facility {
    char name[24];
    int64_t window_ms; /* when its window began */
    uint32_t lines;    /* passed in this window */
    uint64_t held;     /* counted since the last line that passed */
} mr_kafka_facility;

typedef struct mr_kafka_chatter {
    pthread_mutex_t lock;
    mr_kafka_facility facilities[MR_KAFKA_CHATTER_FACILITIES]; /* the last: all that find no room */
    uint32_t count;
} mr_kafka_chatter;

void mr_kafka_chatter_init(mr_kafka_chatter *chatter);
void mr_kafka_chatter_release(mr_kafka_chatter *chatter);

/* May a line of this facility be written now? Then `held` gets how many were not since the last. */
bool mr_kafka_chatter_allows(mr_kafka_chatter *chatter, const char *facility, int64_t now_ms,
                             uint64_t *held);

/* Writes the line "kafka <role> <facility>: <text>", with the count, when it is allowed. */
void mr_kafka_chatter_line(mr_kafka_chatter *chatter, const mr_logger *logger, mr_log_level level,
                           const char *role, const char *facility, const char *text);

/* Writes one line for each facility that still has lines to account for. */
void mr_kafka_chatter_rest(mr_kafka_chatter *chatter, const mr_logger *logger);

#endif
