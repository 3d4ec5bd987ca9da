/*
 * A life: one worker process, from its start to its death, seen by the test.
 *
 * Thread: the test's. Memory: the life is the caller's; it is over after `end`.
 */
#ifndef MR_TESTS_CRASH_ROUND_LIFE_H
#define MR_TESTS_CRASH_ROUND_LIFE_H

#include "tests/crash/round/env.h"
#include "tests/crash/worker/page.h"
#include "tests/crash/worker/worker.h"

#include <sys/types.h>

/* For what must come, however busy the machine is. */
#define MR_CRASH_PATIENCE_MS 180000

typedef struct mr_crash_life {
    pid_t pid; /* 0: dead */
    int exit_status;
    mr_crash_page *page;
    char page_path[600], log_path[600];
} mr_crash_life;

/* Starts the worker; `options->page` is filled in. `name` names its log in the env's folder. */
void mr_crash_life_start(mr_crash_life *life, const mr_crash_env *env, const char *name,
                         const mr_crash_worker_options *options);

/* The same with any command line; its page stays empty. */
void mr_crash_life_spawn(mr_crash_life *life, const mr_crash_env *env, const char *name,
                         char *const args[]);

/* True while the process lives; notes its exit status when it does not. */
bool mr_crash_life_is_on(mr_crash_life *life);

/* Waits until the page shows `phase`. False: another end or `timeout_ms` came first. */
bool mr_crash_life_await(mr_crash_life *life, mr_worker_phase phase, int64_t timeout_ms);

/* Waits until that many commits were made in this life. */
bool mr_crash_life_await_commits(mr_crash_life *life, uint64_t commits, int64_t timeout_ms);

/* Waits for the process to end by itself; false: it did not, or not with `exit_code`. */
bool mr_crash_life_await_end(mr_crash_life *life, int exit_code, int64_t timeout_ms);

void mr_crash_life_signal(const mr_crash_life *life, int signal);

/* SIGSTOP, and all its threads stand still: the page is the truth. False: it has ended. */
bool mr_crash_life_freeze(mr_crash_life *life);

/* kill -9; the page stays readable until `end`. */
void mr_crash_life_kill(mr_crash_life *life);

/* It has stopped by itself over what it found in its own state, or at an assertion. */
bool mr_crash_life_has_refused(const mr_crash_life *life);

/* Kills what still lives, unmaps the page. */
void mr_crash_life_end(mr_crash_life *life);

/* "phase run, 12 commits, ..: MR5099 message": for failures. */
void mr_crash_life_describe(const mr_crash_life *life, char *text, size_t size);

#endif
