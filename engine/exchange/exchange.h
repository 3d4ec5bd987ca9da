/*
 * Exchange: what both of its ends know of it. Immutable, part of the plan.
 */
#ifndef MR_ENGINE_EXCHANGE_EXCHANGE_H
#define MR_ENGINE_EXCHANGE_EXCHANGE_H

#include "engine/batch/batch.h"
#include "engine/ports/compressor.h"

/* Rows of one kind that go through it: raw, or aggregated before. */
typedef struct mr_exchange_relation {
    mr_schema schema;
    uint32_t keys_count; /* columns that decide on the task; of equal types in all relations */
    const uint32_t *keys;
} mr_exchange_relation;

typedef struct mr_exchange {
    uint64_t plan_version;
    uint32_t upstreams_count, downstreams_count;
    uint32_t relations_count;
    const mr_exchange_relation *relations;
    const mr_compressor *compressor; /* NULL: nothing is compressed */
} mr_exchange;

#endif
