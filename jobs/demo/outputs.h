/*
 * Outputs: what the job wrote, read back from its topics as any consumer of them would, and added
 * up.
 *
 * Nothing here asks the engine: the accounts rest on what really lies in Kafka. Thread: one.
 */
#ifndef MR_JOBS_DEMO_OUTPUTS_H
#define MR_JOBS_DEMO_OUTPUTS_H

#include "jobs/demo/stage.h"

#define MR_DEMO_TEXT_MAX 160

typedef struct mr_demo_hour {
    uint32_t origin;
    int64_t start_ms;
    int64_t departures;
    double mean_delay; /* minutes */
    int64_t worst_delay;
} mr_demo_hour;

/* A flight that was late for its window, or is a dead letter. */
typedef struct mr_demo_outcast {
    char name[16];  /* "UA 1545" */
    char route[16]; /* "EWR-IAH" */
    int64_t scheduled_ms;
    int64_t left_ms;    /* late ones */
    int64_t delay;      /* minutes */
    int64_t late_by_ms; /* behind the end of its hour */
    char code[16];      /* dead ones: "MR3003" */
    char reason[MR_DEMO_TEXT_MAX];
    char place[MR_DEMO_TEXT_MAX]; /* topic[partition]@offset of the record */
} mr_demo_outcast;

typedef struct mr_demo_audience {
    void (*on_hour)(void *context, const mr_demo_hour *hour);
    void (*on_late)(void *context, const mr_demo_outcast *flight);
    void (*on_dead)(void *context, const mr_demo_outcast *flight);
    void *context;
} mr_demo_audience;

typedef struct mr_demo_outputs {
    mr_log_reader *reader;
    mr_arena arena;      /* of one record */
    uint64_t results;    /* one for each airport and hour */
    uint64_t departures; /* in them */
    uint64_t late, dead;
} mr_demo_outputs;

MR_MUST_USE mr_status mr_demo_outputs_open(mr_demo_outputs *outputs, const mr_demo_stage *stage,
                                           mr_error *err);

/* Tells the audience of everything that has come since. *count: how many records that was. */
MR_MUST_USE mr_status mr_demo_outputs_read(mr_demo_outputs *outputs, int32_t timeout_ms,
                                           const mr_demo_audience *audience, uint32_t *count,
                                           mr_error *err);

void mr_demo_outputs_close(mr_demo_outputs *outputs);

#endif
