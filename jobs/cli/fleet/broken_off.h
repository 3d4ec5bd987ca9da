/*
 * What is said when SIGINT or SIGTERM ends a command that has stopped a job and not started it yet.
 * The process dies of the signal all the same. A thread of its own waits for the signals, which
 * those made behind `open` do not get. Thread: one; it must not move while open.
 */
#ifndef MR_JOBS_CLI_FLEET_BROKEN_OFF_H
#define MR_JOBS_CLI_FLEET_BROKEN_OFF_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct mr_broken_off {
    const char *job;        /* borrowed */
    sigset_t signals, mask; /* waited for; as it was */
    atomic_bool is_stopped; /* set it: the job is, and is to go on */
    bool has_thread;
    pthread_t thread;
} mr_broken_off;

/* Signals that are ignored stay so. Where there can be no thread nothing is said. */
void mr_broken_off_open(mr_broken_off *self, const char *job);
void mr_broken_off_close(mr_broken_off *self);

#endif
