/*
 * A log whose state topic is slow to read: one record a fetch, and a pause behind each; none while
 * it is held.
 *
 * It puts its own `open_reader`, `add` and `fetch` before those of the log, and forwards. Thread:
 * those of the log.
 */
#ifndef MR_TESTS_CRASH_WORKER_SLOW_H
#define MR_TESTS_CRASH_WORKER_SLOW_H

#include "engine/ports/log.h"

#include <stdatomic.h>

typedef struct mr_crash_slow {
    mr_log_class log_class;
    mr_reader_class open_class; /* of a reader that nobody knows yet */
    mr_reader_class slow_class; /* of one that reads the state topic */
    const mr_log_class *log_inner;
    const mr_reader_class *reader_inner;
    const atomic_bool *is_held;
    uint32_t pause_ms; /* 0: none is slow */
} mr_crash_slow;

/* From now on the log's calls run through `slow`, which must outlive it and must not move. */
void mr_crash_slow_open(mr_crash_slow *slow, uint32_t pause_ms, const atomic_bool *is_held,
                        mr_log *log);

#endif
