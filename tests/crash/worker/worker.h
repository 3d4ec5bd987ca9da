/*
 * The worker under test: a process that runs the simulator's job with the real engine, the real
 * Kafka log, RocksDB and the machine's clock. It is the test program itself, started again with
 * --worker.
 *
 * It ends with 0 once it is STOPPED (SIGTERM) or FINISHED (bounded), with 1 when the engine gives
 * up; the page then says why. It dies with the test that started it. Its log goes to stderr.
 */
#ifndef MR_TESTS_CRASH_WORKER_WORKER_H
#define MR_TESTS_CRASH_WORKER_WORKER_H

#include "engine/run/worker/worker.h"
#include "tests/crash/worker/job.h"

#define MR_CRASH_WORKER_ARGS_MAX 24

typedef struct mr_crash_worker_options {
    mr_crash_job_options job;
    const char *bootstrap;
    const char *page;     /* file of the mr_crash_page */
    const char *dir;      /* state directory; NULL: state lives in the log alone */
    const char *instance; /* NULL: the state directory's own */
    bool is_bounded;
    bool is_pipelined;
    bool has_consumer_protocol; /* group.protocol = consumer: its sessions are the broker's */
    uint32_t fetch_rows_max, apply_epochs;
    uint64_t base_bytes_min;
    uint32_t pause_ms; /* behind each record that a restore reads of the log */
    uint32_t poll_ms;  /* max.poll.interval.ms; 0: as it comes */
    mr_worker_sabotage sabotage;
} mr_crash_worker_options;

/* The command line that starts such a worker: `args` gets program, --worker, .. NULL; the strings
 * live in `arena`. */
void mr_crash_worker_args(const mr_crash_worker_options *options, const char *program,
                          mr_arena *arena, char *args[MR_CRASH_WORKER_ARGS_MAX]);

/* Runs the worker of such a command line (what stands behind --worker); returns the exit code. */
int mr_crash_worker_main(int args_count, char **args);

#endif
