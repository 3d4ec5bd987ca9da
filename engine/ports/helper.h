/*
 * Helper: runs one job at a time beside its caller, step by step.
 *
 * The engine stays single-threaded: what may wait for a broker goes to a helper as a job, and the
 * engine goes on with what does not touch the job's things. Implemented by a thread
 * (connectors/local/helper_thread) and by the simulator, which takes the steps at moments drawn
 * from its seed, within the caller's own calls of `wait`.
 *
 * From `start` until `wait` says that the job is over, its context and all that it reaches belong
 * to the helper. What either side wrote before is seen by the other. Thread: the caller's; `step`
 * runs on any.
 */
#ifndef MR_ENGINE_PORTS_HELPER_H
#define MR_ENGINE_PORTS_HELPER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mr_helper mr_helper;

typedef struct mr_helper_job {
    bool (*step)(void *context); /* makes at most one call of a port; false: the job is over */
    void *context;
} mr_helper_job;

typedef struct mr_helper_class {
    /* Returns at once. No other job is under way. */
    void (*start)(mr_helper *helper, mr_helper_job job);

    /* Waits for the end of the job, at most `timeout_ms`; negative: for as long as it takes.
     * True: it is over, or none was started. */
    bool (*wait)(mr_helper *helper, int32_t timeout_ms);

    /* No job is under way. */
    void (*close)(mr_helper *helper);
} mr_helper_class;

struct mr_helper {
    const mr_helper_class *class;
};

#endif
