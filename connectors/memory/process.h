/*
 * A simulated process: what may go wrong with one client of the memory log, drawn from one seed.
 *
 * Every port call of the process' connection (and of its simulated local store) goes through
 * mr_memory_tick, which counts it, traces it and decides whether the process dies there: before the
 * call has any effect, or after its effect but before the caller learns of it. From then on every
 * call of the process returns MR_E_CRASHED and touches nothing. The same seed and the same calls
 * give the same faults. An all-zero process has no faults and never dies.
 *
 * Thread: with faults, one thread for the whole world. Without, the process is only read.
 */
#ifndef MR_CONNECTORS_MEMORY_PROCESS_H
#define MR_CONNECTORS_MEMORY_PROCESS_H

#include "engine/base/error.h"
#include "engine/ports/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Chances are per million of the calls they concern; all zero: nothing ever goes wrong. */
typedef struct mr_memory_faults {
    uint32_t stall; /* fetch: an input delivers nothing for up to stall_us_max */
    int64_t stall_us_max;
    uint32_t fetch_error; /* fetch and ends: RETRY */
    uint32_t linger;      /* produce: records stay queued in the client for a while */
    uint32_t resend;      /* produce: a batch is sent twice; the broker drops the second */
    uint32_t
        end_doubt; /* commit, abort: the request is resent; IN_DOUBT. It happened, or did not, or
                             a copy arrives up to late_us_max later and ends what is open then */
    int64_t late_us_max;
    uint32_t
        late_marker; /* commit, abort: it is decided, but some partitions and the group hear of it
                             only up to late_marker_us_max later, as with Kafka any time */
    int64_t late_marker_us_max;
    bool hide_doubt;    /* the client does not notice resends: what the V1 guard protects from */
    uint32_t abortable; /* produce, send_offsets, commit: the transaction must be aborted */
    uint32_t refused;   /* produce: a record is refused by the broker */
    const char *refused_topic; /* only there; NULL: everywhere */
    uint32_t unreachable;      /* any call: the broker is away for up to unreachable_us_max */
    int64_t unreachable_us_max;
    uint32_t rebalance; /* poll: REVOKED, or LOST in one of three */
} mr_memory_faults;

typedef enum mr_memory_crash {
    MR_MEMORY_CRASH_DRAWN = 0, /* before or after, by seed */
    MR_MEMORY_CRASH_BEFORE,
    MR_MEMORY_CRASH_AFTER,
} mr_memory_crash;

typedef struct mr_memory_process {
    const char *name;      /* in traces; NULL: "process" */
    const mr_clock *clock; /* may be NULL where nothing is to go wrong */
    mr_memory_faults faults;
    uint64_t random;   /* state of the generator; set it to the seed */
    FILE *trace;       /* one line a call; NULL: none */
    uint64_t calls;    /* made so far */
    uint64_t crash_at; /* dies at this call; 0: never */
    mr_memory_crash crash;
    bool is_dying; /* dies when the call under way ends */
    bool is_dead;
    bool is_stopped;         /* SIGSTOP: it is not run by the world, and does not heartbeat */
    int64_t silent_since_us; /* of death or stop */
    int64_t unreachable_until_us;
    const char *last_call;
} mr_memory_process;

/* A live process again with the same name, faults, trace and random state; counts go on. */
void mr_memory_process_restart(mr_memory_process *process);

/* kill -9 between two calls. */
void mr_memory_process_kill(mr_memory_process *process);
void mr_memory_process_stop(mr_memory_process *process);
void mr_memory_process_resume(mr_memory_process *process);

/* Since when it sends no heartbeats; -1: it lives. */
int64_t mr_memory_process_silent_since(const mr_memory_process *process);

/* The hook of every port call: counts, traces, decides. MR_E_CRASHED: the call has no effect. */
mr_status mr_memory_tick(mr_memory_process *process, const char *call, mr_error *err) MR_MUST_USE;

/* The end of the call: MR_E_CRASHED when the process dies here, else `status`. */
mr_status mr_memory_tock(mr_memory_process *process, mr_status status, mr_error *err) MR_MUST_USE;

/* True with a chance of `per_million`; draws nothing when that is 0 or the process is dead. */
bool mr_memory_draw(mr_memory_process *process, uint32_t per_million, const char *fault);

/* A number in [0, below); 0 when `below` is 0. */
uint64_t mr_memory_draw_below(mr_memory_process *process, uint64_t below);

/* Adds a note to the trace. */
void mr_memory_note(mr_memory_process *process, const char *format, ...) MR_PRINTF(2, 3);

#endif
