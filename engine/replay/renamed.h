/*
 * A writer under other topic names: what goes to `results` goes to `results.replay`.
 *
 * Of the functions of a writer it has `produce` alone, as sinks and dead letters need no other.
 * Memory: borrows target and suffix; all-zero is releasable. Thread: the engine's.
 */
#ifndef MR_ENGINE_REPLAY_RENAMED_H
#define MR_ENGINE_REPLAY_RENAMED_H

#include "engine/base/arena.h"
#include "engine/ports/log.h"

typedef struct mr_renamed {
    mr_log_writer writer; /* to be handed on */
    mr_log_writer *target;
    const char *suffix;
    mr_arena arena;
    struct mr_renamed_topic {
        const char *from, *to;
    } * topics;
    uint32_t topics_count;
    uint64_t records, bytes; /* produced so far */
    bool is_silent;          /* nothing is produced meanwhile */
} mr_renamed;

void mr_renamed_init(mr_renamed *renamed, mr_log_writer *target, const char *suffix);
void mr_renamed_release(mr_renamed *renamed);

/* The other name of a topic; lives as long as `renamed`. */
const char *mr_renamed_topic(mr_renamed *renamed, const char *topic);

#endif
