/*
 * Entries that are away: in the local store, and not in memory.
 *
 *   an entry of a partial slice is   in memory         and then nothing else counts
 *                                    else in `absent`  and then it is none
 *                                    else not in `left` and then it is none
 *                                    else what the local store says
 *
 * Entries leave right behind the moment at which all committed changes were applied to the store:
 * what is not dirty then is there as it is here, and what was removed since the last commit is
 * still there, so it is noted as absent. No other bookkeeping is needed for them to be right: until
 * the next such moment nothing that has left can change, but by coming back first.
 *
 * Most keys that are asked for and not in memory are new, and the store takes microseconds to say
 * so: of a slice that was whole when its first entry left, `left` knows all that did. Of one that a
 * restart found in the store nobody knows, and each is asked for.
 *
 * Thread: the engine's. Errors: the first failed read is kept in `failed`, for mr_state_check.
 */
#ifndef MR_ENGINE_STATE_AWAY_H
#define MR_ENGINE_STATE_AWAY_H

#include "engine/ports/store.h"
#include "engine/state/slice.h"

#define MR_AWAY_AGES 16u

/* A key to look for. */
typedef struct mr_away_wanted {
    mr_string key;
    uint64_t hash;
} mr_away_wanted;

/* Of a state: where its entries are when they are not in memory. */
typedef struct mr_away {
    mr_local_store *store;  /* NULL: all are in memory */
    mr_error failed;        /* the first failure; status 0: none */
    uint64_t returned;      /* entries read back */
    uint64_t left;          /* entries that left */
    uint64_t looks;         /* sorted batches of keys that were asked for */
    mr_away_wanted *wanted; /* room for a batch */
    mr_store_change *keys;
    bool *are_found;
    uint32_t room;
} mr_away;

void mr_away_release(mr_away *away);

/* Looks in the store for those of the keys that are not in memory, and puts what it finds there.
 * `is_remembered`: those that it does not find become absent. */
void mr_away_fetch(mr_slice *slice, const mr_string *keys, const uint64_t *hashes, uint32_t count,
                   bool is_remembered);

void mr_away_note_absent(mr_slice *slice, mr_string key, uint64_t hash);
bool mr_away_is_absent(const mr_slice *slice, mr_string key, uint64_t hash);

/* All committed changes have been applied to the store: of what was absent only that counts which
 * was removed since. */
void mr_away_settle(mr_slice *slice);

/* The entry of a key of this hash is in the store from now on, and not in memory. */
void mr_away_note_left(mr_slice *slice, uint64_t hash);

/* From now on the store is asked for whatever is not in memory. */
void mr_away_forget_left(mr_slice *slice);

/* How many entries might leave, by age: commits with changes in the slice since their own last one;
 * the last class holds all that are older. Adds to `counts`. */
void mr_away_count(const mr_slice *slice, uint64_t counts[MR_AWAY_AGES]);

/* Entries of that age and older leave, behind mr_away_settle; the memory of the others is put
 * together. Returns how many left. */
uint32_t mr_away_evict(mr_slice *slice, uint32_t age_min);

#endif
