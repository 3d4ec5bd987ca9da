/*
 * Exchange: what both of its ends know of it. Immutable, part of the plan.
 */
#ifndef MR_ENGINE_EXCHANGE_EXCHANGE_H
#define MR_ENGINE_EXCHANGE_EXCHANGE_H

#include "engine/base/error.h"
#include "engine/batch/batch.h"
#include "engine/ports/compressor.h"

/* Rows of one kind that go through it: raw, or aggregated before. */
typedef struct mr_exchange_relation {
    mr_schema schema;
    uint32_t keys_count; /* columns that decide on the task; of equal types in all relations */
    const uint32_t *keys;
} mr_exchange_relation;

typedef struct mr_exchange {
    const char *topic; /* `<job>.exchange.<n>`: partition = downstream */
    uint64_t plan_version;
    uint32_t upstreams_count, downstreams_count;
    uint32_t relations_count;
    const mr_exchange_relation *relations;
    const mr_compressor *compressor; /* NULL: nothing is compressed */
} mr_exchange;

/* Where the frames of a worker's tasks go: into the open transaction, or to a task beside it. The
 * bytes are borrowed for the call. */
typedef struct mr_frames_out {
    mr_status (*send)(void *context, const mr_exchange *exchange, uint32_t upstream,
                      uint32_t downstream, const char *frame, size_t length, mr_error *err);
    void *context;
} mr_frames_out;

#endif
