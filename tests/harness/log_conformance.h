/*
 * The conformance suite of the log port: small checks that run on any implementation.
 *
 * The memory log and real Kafka pass the same list; where they differ, the memory log is wrong. A
 * check is a claim; it makes topics, groups and transactional ids of its own, so checks may run in
 * any order and again and again on one broker.
 */
#ifndef MR_TESTS_HARNESS_LOG_CONFORMANCE_H
#define MR_TESTS_HARNESS_LOG_CONFORMANCE_H

#include "engine/ports/log.h"

typedef struct mr_log_factory {
    /* A new connection; each stands for another client process. */
    mr_status (*connect)(void *context, mr_log **log, mr_error *err);
    /* Lets time pass: virtual, or slept. */
    void (*settle)(void *context, int64_t ms);
    const char *prefix; /* of all names; unique to this run */
    void *context;
} mr_log_factory;

struct mr_log_stage;

typedef struct mr_log_check {
    const char *name; /* a claim */
    void (*play)(struct mr_log_stage *stage);
} mr_log_check;

/* The i-th check, in reading order; NULL behind the last. */
const mr_log_check *mr_log_check_at(size_t i);

/* Plays one check. False: `message` says what was seen and what was expected. */
bool mr_log_check_play(const mr_log_factory *factory, const mr_log_check *check, char *message,
                       size_t message_size);

#endif
