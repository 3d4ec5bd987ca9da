/*
 * Goal: state of which entries leave memory and come back is the same state.
 * Method: random histories of all that operators and the engine do with a state, with a limit so
 * small that everything leaves at once. The model is one sorted array. A commit is sealed, then
 * decided later, as when commits are pipelined: changes of the next epoch lie between. Then it is
 * applied to the store, now or with a later one, and entries leave. Aborts and restores read the
 * store late. Each read of any kind must give what the model holds; so must bases.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/state.h"
#include "engine/state/walk.h"
#include "tests/sim/plain_store.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define TABLES 2u
#define SLICES 3
#define KEY_MAX 40u
#define BATCH 24u
#define HISTORIES 4000u
#define STEPS 120u

/* Changes in order of time, with bytes of their own. */
typedef struct change_list {
    mr_store_change items[8192];
    uint32_t count;
} change_list;

typedef struct world {
    uint64_t seed;
    mr_budget budget;
    mr_state *state;
    mr_table *tables[TABLES];
    mr_plain_store store;
    mr_sim_entries now, committed; /* the model */
    change_list sealed, pending;   /* undecided; decided and not applied */
    bool is_sealed;
    mr_sim_entries sealed_state; /* the model as it was sealed */
    mr_state_place base;
    mr_sim_entries from_base;
    mr_error err;
    uint64_t left, returned;
} world;

static uint64_t roll(world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (w->seed >> 11) % below;
}

static void list_add(change_list *list, const mr_store_change *change)
{
    cr_assert_lt(list->count, MR_LENGTH(list->items));
    list->items[list->count++] = mr_sim_change_copy(change);
}

static void list_clear(change_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        mr_sim_change_release(&list->items[i]);
    list->count = 0;
}

static void list_apply(const change_list *list, mr_sim_entries *to)
{
    for (uint32_t i = 0; i < list->count; i++)
        mr_sim_entries_apply(to, &list->items[i]);
}

/* ---- the model ---- */

static mr_string random_key(world *w, char *to)
{
    uint32_t length = roll(w, 3) == 0 ? (uint32_t)roll(w, KEY_MAX) : 8;
    memset(to, 'a', KEY_MAX);
    if (length > 0)
        to[length - 1] = (char)('a' + roll(w, 8));
    if (length > 4)
        to[roll(w, 4)] = (char)roll(w, 3);
    return mr_string_of(to, length);
}

static mr_store_change place_of(uint16_t table, int64_t slice, mr_string key)
{
    return (mr_store_change){.operation = MR_STORE_PUT,
                             .table = table,
                             .slice = slice,
                             .key = key.bytes,
                             .key_length = key.length,
                             .value = ""};
}

static uint64_t model_get(const world *w, const mr_store_change *place, bool *is_there)
{
    size_t at;
    uint64_t value = 0;
    *is_there = mr_sim_entries_find(&w->now, place, &at);
    if (*is_there)
        memcpy(&value, w->now.entry[at].value, sizeof value);
    return value;
}

static void model_put(world *w, mr_store_change place, uint64_t value)
{
    place.value = (const char *)&value;
    place.value_length = sizeof value;
    mr_sim_entries_apply(&w->now, &place);
}

static void model_remove(world *w, mr_store_change place, mr_store_operation operation)
{
    place.operation = operation;
    mr_sim_entries_apply(&w->now, &place);
}

/* ---- life ---- */

static void open_state(world *w)
{
    static const char *const names[TABLES] = {"a", "b"};
    w->state = mr_state_new(&w->budget);
    for (uint32_t t = 0; t < TABLES; t++)
        w->tables[t] = mr_state_table(
            w->state, &(mr_table_layout){.name = names[t], .value_size = 8, .may_leave = true});
    mr_state_back(w->state, &w->store.store);
}

/* What a restore does: slices of the store are known, and what it lacks is loaded. */
static void restore(world *w)
{
    mr_state_free(w->state);
    open_state(w);
    w->left = w->returned = 0;
    for (size_t i = 0; i < w->store.entries.count; i++) {
        const mr_store_change *entry = &w->store.entries.entry[i];
        if (mr_table_find(w->tables[entry->table], entry->slice) == NULL)
            mr_state_load_away(w->state, entry->table, entry->slice);
    }
    for (uint32_t i = 0; i < w->pending.count; i++)
        cr_assert_eq(mr_state_load(w->state, &w->pending.items[i], &w->err), MR_OK);
    mr_state_mark_clean(w->state);
    mr_buffer_release(&w->base.key);
    w->base = (mr_state_place){0};
    mr_sim_entries_release(&w->from_base);
}

static mr_status seal_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    list_add(context, change);
    return MR_OK;
}

static mr_status base_entry(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_sim_entries_apply(context, change);
    return MR_OK;
}

static void compare_all(const mr_sim_entries *want, const mr_sim_entries *got, const char *what)
{
    cr_assert_eq(want->count, got->count, "%s: %zu entries instead of %zu", what, got->count,
                 want->count);
    for (size_t i = 0; i < want->count; i++) {
        cr_assert_eq(mr_sim_entries_order(&want->entry[i], &got->entry[i]), 0, "%s", what);
        cr_assert_eq(memcmp(want->entry[i].value, got->entry[i].value, 8), 0, "%s", what);
    }
}

/* A part of a base: what the changes since its begin and its parts come to is the state. */
static void add_to_base(world *w)
{
    bool is_first = !w->base.is_begun && !w->base.is_end;
    if (!is_first)
        list_apply(&w->sealed, &w->from_base);
    cr_assert_eq(
        mr_state_next(w->state, &w->base, 1 + roll(w, 400), base_entry, &w->from_base, &w->err),
        MR_OK);
    if (!w->base.is_end)
        return;
    compare_all(&w->now, &w->from_base, "base");
    mr_buffer_release(&w->base.key);
    w->base = (mr_state_place){0};
    mr_sim_entries_release(&w->from_base);
}

static void decide(world *w)
{
    if (!w->is_sealed)
        return;
    mr_sim_entries_copy(&w->committed, &w->sealed_state);
    for (uint32_t i = 0; i < w->sealed.count; i++)
        list_add(&w->pending, &w->sealed.items[i]);
    list_clear(&w->sealed);
    w->is_sealed = false;
    if (roll(w, 3) == 0)
        return;
    list_apply(&w->pending, &w->store.entries);
    list_clear(&w->pending);
    compare_all(&w->committed, &w->store.entries, "store");
    mr_state_settle(w->state, roll(w, 3) == 0 ? 4000 : 0);
}

static void seal(world *w)
{
    decide(w);
    cr_assert_eq(mr_state_changes(w->state, seal_change, &w->sealed, &w->err), MR_OK);
    mr_sim_entries_copy(&w->sealed_state, &w->now);
    w->is_sealed = true;
    if (w->base.is_begun || roll(w, 3) == 0)
        add_to_base(w);
    mr_state_mark_clean(w->state);
}

static void abort_epochs(world *w)
{
    list_clear(&w->sealed);
    w->is_sealed = false;
    mr_sim_entries_copy(&w->now, &w->committed);
    restore(w);
}

/* ---- what operators do ---- */

static void do_upsert(world *w)
{
    char bytes[BATCH][KEY_MAX];
    mr_string keys[BATCH];
    uint64_t hashes[BATCH];
    void *values[BATCH];
    uint16_t table = (uint16_t)roll(w, TABLES);
    int64_t slice = (int64_t)roll(w, SLICES) - 1;
    uint32_t count = (uint32_t)roll(w, BATCH);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = random_key(w, bytes[i]);
        hashes[i] = mr_hash(keys[i].bytes, keys[i].length);
    }
    mr_slice *at = mr_table_make(w->tables[table], slice);
    if (roll(w, 4) == 0)
        mr_slice_fetch(at, keys, hashes, count);
    mr_slice_upsert(at, keys, hashes, count, values);
    for (uint32_t i = 0; i < count; i++) {
        bool is_there;
        mr_store_change place = place_of(table, slice, keys[i]);
        uint64_t want = model_get(w, &place, &is_there);
        cr_assert_eq(*(uint64_t *)values[i], want);
        *(uint64_t *)values[i] = 1 + roll(w, 1000000);
        model_put(w, place, *(uint64_t *)values[i]);
    }
}

static void do_one(world *w)
{
    char bytes[KEY_MAX];
    mr_string key = random_key(w, bytes);
    uint64_t hash = mr_hash(key.bytes, key.length);
    uint16_t table = (uint16_t)roll(w, TABLES);
    int64_t slice = (int64_t)roll(w, SLICES) - 1;
    mr_slice *at = mr_table_find(w->tables[table], slice);
    mr_store_change place = place_of(table, slice, key);
    bool is_there;
    uint64_t want = model_get(w, &place, &is_there);
    if (at == NULL) {
        cr_assert_not(is_there);
        return;
    }
    if (roll(w, 3) == 0) {
        cr_assert_eq(mr_slice_remove(at, key, hash), is_there);
        model_remove(w, place, MR_STORE_DELETE);
        return;
    }
    void *value = NULL;
    if (roll(w, 2) == 0)
        value = mr_slice_get(at, key, hash);
    else
        mr_slice_find(at, &key, &hash, 1, &value);
    cr_assert_eq(value != NULL, is_there);
    if (!is_there)
        return;
    cr_assert_eq(*(uint64_t *)value, want);
    if (roll(w, 2) == 0) {
        mr_slice_touch(at, value);
        *(uint64_t *)value = 1 + roll(w, 1000000);
        model_put(w, place, *(uint64_t *)value);
    }
}

static void do_drop(world *w)
{
    uint16_t table = (uint16_t)roll(w, TABLES);
    int64_t slice = (int64_t)roll(w, SLICES) - 1;
    mr_slice *at = mr_table_find(w->tables[table], slice);
    if (at != NULL)
        mr_table_drop(w->tables[table], at);
    model_remove(w, place_of(table, slice, mr_string_of("", 0)), MR_STORE_DROP_SLICE);
}

/* Walks some slice from a random key on, in steps, with other reads in between. */
static void do_walk(world *w)
{
    uint16_t table = (uint16_t)roll(w, TABLES);
    mr_slice *slice = mr_table_at_or_after(w->tables[table], (int64_t)roll(w, SLICES) - 1);
    if (slice == NULL)
        return;
    if (roll(w, 8) == 0)
        cr_assert_eq(mr_slice_complete(slice, &w->err), MR_OK);
    char bytes[KEY_MAX], last[KEY_MAX];
    mr_string after = random_key(w, bytes);
    size_t at = 0;
    mr_store_change place = place_of(table, mr_slice_id(slice), after);
    bool has_after = roll(w, 2) == 0;
    if (!has_after)
        place.key_length = 0;
    if (mr_sim_entries_find(&w->now, &place, &at) && has_after)
        at++;
    mr_walk walk = mr_walk_of(slice);
    mr_arena arena = {0};
    uint32_t count, max;
    do {
        mr_slice_entry some[64];
        max = 1 + (uint32_t)roll(w, MR_LENGTH(some));
        cr_assert_eq(
            mr_walk_next(&walk, has_after ? &after : NULL, max, &arena, some, &count, &w->err),
            MR_OK);
        for (uint32_t i = 0; i < count; i++, at++) {
            mr_store_change got = place_of(table, mr_slice_id(slice), some[i].key);
            cr_assert_lt(at, w->now.count);
            cr_assert_eq(mr_sim_entries_order(&w->now.entry[at], &got), 0);
            cr_assert_eq(memcmp(w->now.entry[at].value, some[i].value, 8), 0);
            cr_assert_eq(some[i].hash, mr_hash(some[i].key.bytes, some[i].key.length));
        }
        if (count > 0) {
            memcpy(last, some[count - 1].key.bytes, some[count - 1].key.length);
            after = mr_string_of(last, some[count - 1].key.length);
            has_after = true;
        }
        mr_string asked = random_key(w, bytes);
        (void)mr_slice_get(slice, asked, mr_hash(asked.bytes, asked.length));
    } while (count == max);
    cr_assert(at == w->now.count || w->now.entry[at].table != table ||
              w->now.entry[at].slice != mr_slice_id(slice));
    mr_walk_release(&walk);
    mr_arena_release(&arena);
}

static void step(world *w)
{
    switch (roll(w, 12)) {
    case 0:
    case 1:
    case 2: do_upsert(w); break;
    case 3:
    case 4:
    case 5: do_one(w); break;
    case 6: do_walk(w); break;
    case 7:
        if (roll(w, 3) == 0)
            do_drop(w);
        break;
    case 8: decide(w); break;
    case 9:
        if (roll(w, 6) == 0)
            abort_epochs(w);
        break;
    default: seal(w); break;
    }
    cr_assert_eq(mr_state_check(w->state, &w->err), MR_OK);
}

static void play(uint64_t seed, uint64_t *left, uint64_t *returned)
{
    world *w = calloc(1, sizeof *w);
    cr_assert_not_null(w);
    w->seed = seed * 0x9e3779b97f4a7c15u + 1;
    mr_plain_store_init(&w->store);
    open_state(w);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(w);
        *left += mr_state_left(w->state) - w->left;
        *returned += mr_state_returned(w->state) - w->returned;
        w->left = mr_state_left(w->state);
        w->returned = mr_state_returned(w->state);
    }
    decide(w);
    mr_state_free(w->state);
    cr_assert_eq(mr_budget_used(&w->budget), 0);
    mr_plain_store_release(&w->store);
    mr_sim_entries_release(&w->now);
    mr_sim_entries_release(&w->committed);
    mr_sim_entries_release(&w->sealed_state);
    mr_sim_entries_release(&w->from_base);
    mr_buffer_release(&w->base.key);
    list_clear(&w->sealed);
    list_clear(&w->pending);
    free(w);
}

Test(away_model, state_that_left_memory_is_the_same_state)
{
    uint64_t left = 0, returned = 0;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        play(seed, &left, &returned);
    cr_assert_gt(left, 10 * HISTORIES);
    cr_assert_gt(returned, HISTORIES);
}

Test(away_model, a_read_that_fails_is_told_and_gives_zeroed_values)
{
    world *w = calloc(1, sizeof *w);
    cr_assert_not_null(w);
    w->seed = 1;
    mr_plain_store_init(&w->store);
    open_state(w);
    mr_string key = mr_string_of("a key", 5);
    uint64_t hash = mr_hash(key.bytes, key.length);
    void *value;
    mr_slice_upsert(mr_table_make(w->tables[0], 0), &key, &hash, 1, &value);
    *(uint64_t *)value = 7;
    cr_assert_eq(mr_state_changes(w->state, seal_change, &w->pending, &w->err), MR_OK);
    mr_state_mark_clean(w->state);
    list_apply(&w->pending, &w->store.entries);
    mr_state_settle(w->state, 0);
    cr_assert_eq(mr_slice_count(mr_table_find(w->tables[0], 0)), 0);
    w->store.failing = 1;
    mr_slice_upsert(mr_table_find(w->tables[0], 0), &key, &hash, 1, &value);
    cr_assert_eq(*(uint64_t *)value, 0);
    cr_assert_eq(mr_state_check(w->state, &w->err), MR_E_STORE_DAMAGED);
    mr_state_free(w->state);
    mr_plain_store_release(&w->store);
    list_clear(&w->pending);
    free(w);
}
