/*
 * Committed changes that the local store has not got yet.
 *
 * Every few epochs or MB they go to the store in one sorted batch with the applied epoch in it. Of
 * several changes to a key only the last travels; what a later drop of its slice covers never does.
 * Memory: copies, counted as MR_BUDGET_STAGING. Thread: the engine's.
 */
#ifndef MR_ENGINE_COMMIT_PENDING_H
#define MR_ENGINE_COMMIT_PENDING_H

#include "engine/base/arena.h"
#include "engine/ports/store.h"

typedef struct mr_pending {
    mr_arena arena;
    mr_store_change *changes;
    size_t count, capacity;
    uint32_t epochs;        /* committed since the last apply */
    mr_store_marker marker; /* of the newest of them */
} mr_pending;

void mr_pending_init(mr_pending *pending, mr_budget *budget);
void mr_pending_release(mr_pending *pending);

/* Copies one change. `context` is the mr_pending: fits mr_state_changes. Never fails. */
mr_status mr_pending_add(void *context, const mr_store_change *change, mr_error *err);

/* The changes added since the last seal belong to the epoch of `marker`. */
void mr_pending_seal(mr_pending *pending, const mr_store_marker *marker);

/* Applies everything sealed to `store` in one batch; empty afterwards. Nothing to do: no call. */
mr_status mr_pending_apply(mr_pending *pending, mr_local_store *store, mr_error *err);

/* Forgets everything: the changes will be read from the state log again. */
void mr_pending_clear(mr_pending *pending);

size_t mr_pending_bytes(const mr_pending *pending);

#endif
