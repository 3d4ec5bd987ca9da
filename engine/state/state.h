/*
 * The state of one task: all its tables, their dirty entries, and loading from committed changes.
 *
 * Tables are numbered in the order they are opened, which the plan fixes; the number goes into
 * deltas and into RocksDB keys. Thread: the engine's.
 */
#ifndef MR_ENGINE_STATE_STATE_H
#define MR_ENGINE_STATE_STATE_H

#include "engine/ports/store.h"
#include "engine/state/table.h"

typedef struct mr_state mr_state;

mr_state *mr_state_new(mr_budget *budget);
void mr_state_free(mr_state *state);

/* Opens the next table. The layout is copied, its name and context borrowed. Before any load. */
mr_table *mr_state_table(mr_state *state, const mr_table_layout *layout);
uint32_t mr_state_tables_count(const mr_state *state);
const char *mr_state_table_name(const mr_state *state, uint32_t table);

/* Calls `visit` with every change since the last `mark_clean`, sorted by (table, slice, key); a
 * dropped slice comes before puts into a slice made again under its id. Bytes borrowed during the
 * call. Stops at the first non-zero and returns it. */
mr_status mr_state_changes(mr_state *state,
                           mr_status (*visit)(void *context, const mr_store_change *change,
                                              mr_error *err),
                           void *context, mr_error *err);

/* Calls `visit` with every live entry as a PUT (a base), sorted likewise. */
mr_status mr_state_entries(mr_state *state,
                           mr_status (*visit)(void *context, const mr_store_change *change,
                                              mr_error *err),
                           void *context, mr_error *err);

/* The same for one part of so many: the parts are disjoint and together they are all entries. An
 * entry stays in its part as long as it lives. */
mr_status mr_state_part(mr_state *state, uint32_t part, uint32_t parts,
                        mr_status (*visit)(void *context, const mr_store_change *change,
                                           mr_error *err),
                        void *context, mr_error *err);

/* How far a base is that is written by key (mr_state_next). All-zero: at the begin. */
typedef struct mr_state_place {
    uint16_t table;
    int64_t slice;
    bool is_begun, is_end;
    bool has_key;
    mr_buffer key; /* to be released */
} mr_state_place;

/* Calls `visit` with live entries behind the place, in the order of (table, slice, key), until they
 * come to about `bytes`; the place moves along. What lies in the local store is read from there and
 * stays there. Calls that follow each other see each entry once that lives all the time. */
mr_status mr_state_next(mr_state *state, mr_state_place *place, size_t bytes,
                        mr_status (*visit)(void *context, const mr_store_change *change,
                                           mr_error *err),
                        void *context, mr_error *err);

/* The changes so far are committed (or loaded): nothing is dirty. */
void mr_state_mark_clean(mr_state *state);

bool mr_state_is_dirty(const mr_state *state);

/* Applies one committed change while restoring. MR_E_STATE for an unknown table or a malformed
 * value. */
mr_status mr_state_load(mr_state *state, const mr_store_change *change, mr_error *err);

/* Empties all tables without a trace in the delta: before restoring again after an abort. */
void mr_state_clear(mr_state *state);

/* Where entries are that are not in memory (borrowed; NULL: nowhere, and none is). */
void mr_state_back(mr_state *state, mr_local_store *store);

/* While restoring: the local store has entries of this slice, which come when they are asked for.
 * Only of a table whose entries may leave. */
bool mr_state_may_leave(const mr_state *state, uint32_t table);
/* As mr_state_load, but an entry that may leave and is not in memory stays out of it: the change is
 * in the local store before anybody asks. */
mr_status mr_state_load_left(mr_state *state, const mr_store_change *change, mr_error *err);
void mr_state_load_away(mr_state *state, uint16_t table, int64_t slice);

/* The first read of the local store that failed since it is behind the state: values seen since may
 * be wrong, and the state is to be restored. */
mr_status mr_state_check(const mr_state *state, mr_error *err);

/* All committed changes have been applied to the local store. When entries that may leave take more
 * than `bytes_max`, the ones changed longest ago do, down to half of it. Addresses of values in
 * tables whose entries may leave are not valid any more. */
void mr_state_settle(mr_state *state, size_t bytes_max);

/* In memory, of the tables whose entries may leave; how many left, and came back. */
size_t mr_state_leaving_bytes(const mr_state *state);
uint64_t mr_state_left(const mr_state *state);
uint64_t mr_state_returned(const mr_state *state);
bool mr_state_is_partial(const mr_state *state);

/* Bytes of dirty entries (rough), for the early cut; bytes held in all. */
size_t mr_state_dirty_bytes(const mr_state *state);
size_t mr_state_bytes(const mr_state *state);
uint64_t mr_state_entries_count(const mr_state *state);

/* The same of one table. */
size_t mr_state_table_bytes(const mr_state *state, uint32_t table);
uint64_t mr_state_table_entries(const mr_state *state, uint32_t table);

#endif
