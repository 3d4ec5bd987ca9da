/*
 * A log whose state topic is slow to read: one record a fetch, and a pause behind each.
 *
 * It puts its own `open_reader` and `fetch` before those of the log, and forwards. Readers opened
 * before a pause is set are as fast as ever. Thread: those of the log.
 */
#ifndef MR_TESTS_CRASH_WORKER_SLOW_H
#define MR_TESTS_CRASH_WORKER_SLOW_H

#include "engine/ports/log.h"

typedef struct mr_crash_slow {
    mr_log_class log_class;
    mr_reader_class reader_class;
    const mr_log_class *log_inner;
    const mr_reader_class *reader_inner;
    uint32_t pause_ms; /* 0: readers opened now are not slow */
} mr_crash_slow;

/* From now on the log's calls run through `slow`, which must outlive it and must not move. */
void mr_crash_slow_open(mr_crash_slow *slow, mr_log *log);

#endif
