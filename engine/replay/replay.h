/*
 * Replay: a job's epochs done again beside the live one, into topics of its own.
 *
 *   moment FROM -> task as of it -> journal of each epoch: batches, idle and ended inputs
 *               -> rows into `<topic><suffix>` -> moment TO
 *
 * Each task is replayed on its own, from its history (player.h), those of later stages behind those
 * that they get frames from, of which some epochs more are played where they have to (cut.h). Where
 * the replay is not what the journal says, the first place is noted and it goes on, for the text of
 * a job may have been changed on purpose. It joins no group, keeps
 * no state and writes to no topic of the live job. Rows become visible in transactions of its own
 * id. Thread: one; blocks.
 */
#ifndef MR_ENGINE_REPLAY_REPLAY_H
#define MR_ENGINE_REPLAY_REPLAY_H

#include "engine/history/cut.h"
#include "engine/replay/outputs.h"

typedef struct mr_replay_progress {
    uint64_t epochs_done, epochs_total;
    uint64_t records_done, records_total; /* of the inputs, about */
    uint64_t rows;                        /* written */
} mr_replay_progress;

typedef struct mr_replay_config {
    mr_moments moments; /* all it points to outlives the replay */
    mr_point from, to;
    const char *suffix;
    const char *transactional_id;
    /* Both are called several times a second; NULL: nobody looks. True: to be given up. */
    bool (*is_stopping)(void *hook);
    void (*show)(void *hook, const mr_replay_progress *progress);
    void *hook;
} mr_replay_config;

/* The first place where the replay is not what the journal says; task UINT32_MAX: nowhere. */
typedef struct mr_replay_difference {
    uint32_t task;
    uint64_t epoch;
    char what[160];
} mr_replay_difference;

typedef struct mr_replay mr_replay;

/* Finds moments and topics, and checks that sources reach back. Nothing is written. */
MR_MUST_USE mr_status mr_replay_open(const mr_replay_config *config, mr_replay **replay,
                                     mr_error *err);
void mr_replay_close(mr_replay *replay);

MR_MUST_USE mr_status mr_replay_run(mr_replay *replay, mr_error *err);

/* [plan->tasks_count] each. */
const mr_moment *mr_replay_from(const mr_replay *replay);
const mr_moment *mr_replay_to(const mr_replay *replay);
const mr_outputs *mr_replay_outputs(const mr_replay *replay);
const mr_replay_progress *mr_replay_progress_of(const mr_replay *replay);
const mr_replay_difference *mr_replay_difference_of(const mr_replay *replay);

#endif
