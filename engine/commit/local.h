/*
 * Loading what a local store holds into the state of its task.
 *
 * A small store is read whole. Of a large one only those tables are whose entries may not leave
 * memory; of the others the slices are noted, and entries come when they are asked for: so a
 * restart costs what is touched, not what there is. Thread: the engine's.
 */
#ifndef MR_ENGINE_COMMIT_LOCAL_H
#define MR_ENGINE_COMMIT_LOCAL_H

#include "engine/base/breath.h"
#include "engine/state/state.h"

typedef struct mr_local_load {
    mr_local_store *store; /* open; stays behind `state` where something is left in it */
    mr_state *state;       /* empty, tables opened */
    uint64_t entries_max;  /* a store with more is left alone where it can be; 0: none is */
    mr_breath breath;      /* taken now and then */
    uint64_t entries;      /* loaded; set */
    uint64_t slices;       /* left in the store; set */
} mr_local_load;

/* Errors: the store's, the state's and the breath's. */
MR_MUST_USE mr_status mr_local_load_run(mr_local_load *load, mr_error *err);

#endif
