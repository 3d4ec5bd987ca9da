/*
 * The page: what a worker process tells the test about itself, in memory that outlives kill -9.
 *
 * A small file mapped by both. The worker fills it before its first step and after every one, so
 * what stands there after a kill is the state in which the last step began: the proof of what was
 * hit. Thread: one writer (the worker's), any readers; `is_held` is the test's. `message` is
 * complete once `status` is not 0.
 */
#ifndef MR_TESTS_CRASH_WORKER_PAGE_H
#define MR_TESTS_CRASH_WORKER_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mr_crash_page {
    atomic_uint phase; /* mr_worker_phase */
    atomic_bool has_open_epoch, is_deciding;
    atomic_uint_fast64_t steps;
    atomic_uint_fast64_t commits, aborts, restores, epochs_restored, kept;
    atomic_uint_fast64_t records_in, late, dead;
    atomic_int_fast64_t commit_us_last, commit_us_max;
    atomic_bool is_held; /* a slow log gives nothing meanwhile */
    atomic_int status;   /* why the worker stopped by itself */
    char message[1024];
} mr_crash_page;

#endif
