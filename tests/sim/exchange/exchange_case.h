/*
 * Cases for sim_exchange: a job, how many tasks its two stages have, and what each upstream reads.
 *
 *   ONE    one upstream, any stream: results and late rows are those of a single stage
 *   FIXED  several upstreams whose rows are on time or late for the same windows whatever the
 *          interleaving: every row is judged alike by the watermark of the last barrier, which all
 *          upstreams have passed, and by the one that its own upstream has made. No upstream is
 *          ever idle.
 *   ANY    several upstreams, any streams, idle at times: the law per (key, window)
 */
#ifndef MR_TESTS_SIM_EXCHANGE_EXCHANGE_CASE_H
#define MR_TESTS_SIM_EXCHANGE_EXCHANGE_CASE_H

#include "tests/sim/window_history.h"

#define MR_CASE_UPSTREAMS_MAX 4

typedef enum mr_exchange_case_kind {
    MR_CASE_ONE = 0,
    MR_CASE_FIXED,
    MR_CASE_ANY,
    MR_CASES,
} mr_exchange_case_kind;

/* An event of an upstream; `event.input` counts within it. */
typedef struct mr_exchange_case_event {
    mr_history_event event;
    bool is_barrier; /* instead: nobody goes on until all are here and have committed */
} mr_exchange_case_event;

typedef struct mr_exchange_case {
    mr_exchange_case_kind kind;
    mr_oracle_job job;
    bool has_partials;
    uint32_t upstreams, downstreams;
    uint32_t inputs[MR_CASE_UPSTREAMS_MAX];
    mr_exchange_case_event *events[MR_CASE_UPSTREAMS_MAX];
    uint32_t events_count[MR_CASE_UPSTREAMS_MAX];
    mr_history history; /* rows live there; of ONE and ANY the events too */
    mr_oracle oracle;   /* has been told everything (of ANY: nothing) */
} mr_exchange_case;

void mr_exchange_case_init(mr_exchange_case *c, mr_exchange_case_kind kind, uint64_t seed);
void mr_exchange_case_release(mr_exchange_case *c);

#endif
