/* What of a state is away from memory, and what leaves it: the part of state.h for that. */
#include "engine/state/state_private.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define FILTERS_SHARE 4 /* a quarter of what entries may take */
#define FILTERS_LEAST ((size_t)64 << 10)

void mr_state_back(mr_state *state, mr_local_store *store)
{
    state->away.store = store;
    state->away.failed = (mr_error){0};
}

bool mr_state_may_leave(const mr_state *state, uint32_t table)
{
    return table < state->tables_count && state->tables[table]->layout.may_leave;
}

void mr_state_load_away(mr_state *state, uint16_t table, int64_t slice)
{
    MR_ASSERT(mr_state_may_leave(state, table));
    mr_slice *made = mr_table_make(state->tables[table], slice);
    made->is_partial = made->is_committed = true;
    mr_away_forget_left(made);
}

mr_status mr_state_load_left(mr_state *state, const mr_store_change *change, mr_error *err)
{
    if (change->operation != MR_STORE_PUT || !mr_state_may_leave(state, change->table))
        return mr_state_load(state, change, err);
    mr_slice *slice = mr_table_make(state->tables[change->table], change->slice);
    uint64_t hash = mr_hash(change->key, change->key_length);
    slice->is_committed = true;
    mr_away_note_left(slice, hash);
    if (slice->count == 0)
        return MR_OK;
    mr_string key = mr_string_of(change->key, change->key_length);
    return mr_slice_resident(slice, key, hash) != NULL ? mr_state_load(state, change, err) : MR_OK;
}

mr_status mr_state_check(const mr_state *state, mr_error *err)
{
    if (state->away.failed.status != MR_OK)
        *err = state->away.failed;
    return state->away.failed.status;
}

static bool may_leave(const mr_table *table, const mr_slice *slice)
{
    return table->layout.may_leave && !slice->is_pinned;
}

size_t mr_state_leaving_bytes(const mr_state *state)
{
    size_t bytes = 0;
    for (uint32_t t = 0; t < state->tables_count; t++)
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++)
            if (may_leave(state->tables[t], state->tables[t]->slices[s]))
                bytes += mr_slice_bytes(state->tables[t]->slices[s]);
    return bytes;
}

uint64_t mr_state_left(const mr_state *state)
{
    return state->away.left;
}

uint64_t mr_state_returned(const mr_state *state)
{
    return state->away.returned;
}

bool mr_state_is_partial(const mr_state *state)
{
    for (uint32_t t = 0; t < state->tables_count; t++)
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++)
            if (state->tables[t]->slices[s]->is_partial)
                return true;
    return false;
}

/* The age from which on entries leave so that about `share` of all stay. At least those that are
 * not dirty do, from some age on. */
static uint32_t choose_age(const uint64_t counts[MR_AWAY_AGES], double share)
{
    uint64_t all = 0, kept = 0;
    for (uint32_t age = 0; age < MR_AWAY_AGES; age++)
        all += counts[age];
    for (uint32_t age = 0; age < MR_AWAY_AGES; age++) {
        kept += counts[age];
        if ((double)kept > share * (double)all)
            return age > 0 ? age : 1;
    }
    return MR_AWAY_AGES - 1;
}

static void evict(mr_state *state, double share)
{
    uint64_t counts[MR_AWAY_AGES] = {0};
    for (uint32_t t = 0; t < state->tables_count; t++)
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++)
            if (may_leave(state->tables[t], state->tables[t]->slices[s]))
                mr_away_count(state->tables[t]->slices[s], counts);
    uint32_t age = choose_age(counts, share);
    for (uint32_t t = 0; t < state->tables_count; t++)
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++)
            if (may_leave(state->tables[t], state->tables[t]->slices[s]))
                (void)mr_away_evict(state->tables[t]->slices[s], age);
}

/* The largest filter of a slice; NULL: there is none. Adds their bytes up. */
static mr_slice *largest_filter(const mr_state *state, size_t *bytes)
{
    mr_slice *largest = NULL;
    *bytes = 0;
    for (uint32_t t = 0; t < state->tables_count; t++) {
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++) {
            mr_slice *slice = state->tables[t]->slices[s];
            if (slice->left == NULL)
                continue;
            *bytes += mr_key_filter_bytes(slice->left);
            if (largest == NULL ||
                mr_key_filter_bytes(slice->left) > mr_key_filter_bytes(largest->left))
                largest = slice;
        }
    }
    return largest;
}

/* What filters take is memory that entries do not get. */
static void bound_filters(const mr_state *state, size_t bytes_max)
{
    size_t bytes;
    mr_slice *largest;
    while ((largest = largest_filter(state, &bytes)) != NULL && bytes > bytes_max)
        mr_away_forget_left(largest);
}

void mr_state_settle(mr_state *state, size_t bytes_max)
{
    if (state->away.store == NULL)
        return;
    for (uint32_t t = 0; t < state->tables_count; t++)
        for (uint32_t s = 0; s < state->tables[t]->slices_count; s++)
            if (may_leave(state->tables[t], state->tables[t]->slices[s]))
                mr_away_settle(state->tables[t]->slices[s]);
    size_t bytes = mr_state_leaving_bytes(state);
    if (bytes > bytes_max)
        evict(state, (double)(bytes_max / 2) / (double)bytes);
    size_t filters_max = bytes_max / FILTERS_SHARE;
    bound_filters(state, filters_max > FILTERS_LEAST ? filters_max : FILTERS_LEAST);
}
