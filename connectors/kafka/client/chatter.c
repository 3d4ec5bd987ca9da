#include "connectors/kafka/client/chatter.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void mr_kafka_chatter_init(mr_kafka_chatter *chatter)
{
    *chatter = (mr_kafka_chatter){0};
    pthread_mutex_init(&chatter->lock, NULL);
}

void mr_kafka_chatter_release(mr_kafka_chatter *chatter)
{
    pthread_mutex_destroy(&chatter->lock);
}

static mr_kafka_facility *find(mr_kafka_chatter *chatter, const char *name)
{
    for (uint32_t i = 0; i < chatter->count; i++)
        if (strncmp(chatter->facilities[i].name, name, sizeof chatter->facilities[i].name - 1) == 0)
            return &chatter->facilities[i];
    if (chatter->count == MR_KAFKA_CHATTER_FACILITIES)
        return &chatter->facilities[MR_KAFKA_CHATTER_FACILITIES - 1];
    mr_kafka_facility *made = &chatter->facilities[chatter->count++];
    bool is_last = chatter->count == MR_KAFKA_CHATTER_FACILITIES;
    snprintf(made->name, sizeof made->name, "%s", is_last ? "others" : name);
    return made;
}

bool mr_kafka_chatter_allows(mr_kafka_chatter *chatter, const char *facility, int64_t now_ms,
                             uint64_t *held)
{
    pthread_mutex_lock(&chatter->lock);
    mr_kafka_facility *f = find(chatter, facility);
    if (f->lines == 0 || now_ms - f->window_ms >= MR_KAFKA_CHATTER_WINDOW_MS) {
        f->window_ms = now_ms;
        f->lines = 0;
    }
    bool is_allowed = f->lines < MR_KAFKA_CHATTER_LINES;
    if (is_allowed) {
        f->lines++;
        *held = f->held;
        f->held = 0;
    } else {
        f->held++;
    }
    pthread_mutex_unlock(&chatter->lock);
    return is_allowed;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mr_kafka_chatter_line(mr_kafka_chatter *chatter, const mr_logger *logger, mr_log_level level,
                           const char *role, const char *facility, const char *text)
{
    uint64_t held = 0;
    if (!logger || level < logger->level_min ||
        !mr_kafka_chatter_allows(chatter, facility, now_ms(), &held))
        return;
    if (held > 0)
        mr_logger_line(logger, level, "kafka %s %s: %s (and %llu more since the last of these)",
                       role, facility, text, (unsigned long long)held);
    else
        mr_logger_line(logger, level, "kafka %s %s: %s", role, facility, text);
}

void mr_kafka_chatter_rest(mr_kafka_chatter *chatter, const mr_logger *logger)
{
    pthread_mutex_lock(&chatter->lock);
    for (uint32_t i = 0; i < chatter->count; i++) {
        mr_kafka_facility *f = &chatter->facilities[i];
        if (f->held > 0)
            mr_logger_line(logger, MR_LOG_INFO, "kafka %s: %llu more lines were not shown", f->name,
                           (unsigned long long)f->held);
        f->held = 0;
    }
    pthread_mutex_unlock(&chatter->lock);
}
