/*
 * Outputs: the topics that a job writes to, each once, and those that a replay writes beside them.
 *
 * Memory: an mr_outputs owns its lists; topics are the plan's, or in the arena. All-zero is
 * releasable. Thread: one at a time.
 */
#ifndef MR_ENGINE_REPLAY_OUTPUTS_H
#define MR_ENGINE_REPLAY_OUTPUTS_H

#include "engine/base/arena.h"
#include "engine/run/plan.h"

typedef struct mr_output {
    const char *live, *replay; /* topics */
    bool has_dead;             /* dead letters go there: timestamps are those of their records */
    int32_t partitions;        /* of both */
    int64_t *replay_starts;    /* [partitions] where this replay begins to write */
    int64_t *live_before;      /* [partitions] stable ends before the moments were looked for */
    int64_t *live_after;       /* high watermarks behind that: markers may still be on their way */
} mr_output;

typedef struct mr_outputs {
    mr_arena arena;
    mr_output *items;
    uint32_t count;
} mr_outputs;

/* Which there are, and where the live ones end. */
MR_MUST_USE mr_status mr_outputs_find(mr_outputs *outputs, const mr_plan *plan, mr_log *log,
                                      const char *suffix, mr_error *err);
void mr_outputs_release(mr_outputs *outputs);

/* Whether a task of this stage writes to the topic. */
bool mr_outputs_are_of(const mr_plan *stage, const char *topic);

/* The moments are known: where the live ones end now. */
MR_MUST_USE mr_status mr_outputs_look_again(mr_outputs *outputs, mr_log *log, mr_error *err);

/* Creates what is missing of the replay's, and asks where they end. */
MR_MUST_USE mr_status mr_outputs_prepare(mr_outputs *outputs, mr_log *log, mr_error *err);

#endif
