/*
 * Goal: tables, deltas, bases and loading agree with a model on random histories.
 * Method: the model is a sorted array of (table, slice, key, value). A history upserts batches,
 * touches, removes, drops, commits, rolls back; at each commit the delta goes into a second state
 * and into a second model, and all four must hold the same. The delta must be sorted and name a key
 * once.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/state.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define TABLES 2u
#define ITEMS_MAX 600u
#define KEY_MAX 44u
#define HISTORIES 10000u

typedef struct item {
    uint16_t table;
    int64_t slice;
    uint32_t key_length;
    char key[KEY_MAX];
    uint64_t value;
} item;

typedef struct model {
    item items[ITEMS_MAX];
    uint32_t count;
} model;

typedef struct world {
    uint64_t seed;
    mr_state *live, *copy;
    mr_table *tables[TABLES];
    model now, committed; /* what `live` and `copy` must hold */
    model from_deltas;
    mr_store_change last;
    char last_key[KEY_MAX];
    bool has_last;
    mr_error err;
} world;

static uint64_t roll(world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (w->seed >> 11) % below;
}

static int compare_places(uint16_t table_a, int64_t slice_a, const char *key_a, uint32_t length_a,
                          uint16_t table_b, int64_t slice_b, const char *key_b, uint32_t length_b)
{
    if (table_a != table_b)
        return table_a < table_b ? -1 : 1;
    if (slice_a != slice_b)
        return slice_a < slice_b ? -1 : 1;
    int order = memcmp(key_a, key_b, length_a < length_b ? length_a : length_b);
    return order != 0 ? order : (length_a > length_b) - (length_a < length_b);
}

/* Index of the first item at or after the place; `is_there` tells whether it is the place. */
static uint32_t model_find(const model *m, uint16_t table, int64_t slice, const char *key,
                           uint32_t length, bool *is_there)
{
    uint32_t at = 0;
    int order = 1;
    for (; at < m->count; at++) {
        const item *i = &m->items[at];
        order =
            compare_places(i->table, i->slice, i->key, i->key_length, table, slice, key, length);
        if (order >= 0)
            break;
    }
    *is_there = at < m->count && order == 0;
    return at;
}

static void model_put(model *m, uint16_t table, int64_t slice, const char *key, uint32_t length,
                      uint64_t value)
{
    bool is_there;
    uint32_t at = model_find(m, table, slice, key, length, &is_there);
    if (!is_there) {
        cr_assert_lt(m->count, ITEMS_MAX);
        memmove(&m->items[at + 1], &m->items[at], (m->count - at) * sizeof *m->items);
        m->count++;
        m->items[at] = (item){.table = table, .slice = slice, .key_length = length};
        memcpy(m->items[at].key, key, length);
    }
    m->items[at].value = value;
}

static void model_delete(model *m, uint32_t at)
{
    m->count--;
    memmove(&m->items[at], &m->items[at + 1], (m->count - at) * sizeof *m->items);
}

static void model_drop(model *m, uint16_t table, int64_t slice)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->items[i].table != table || m->items[i].slice != slice)
            m->items[kept++] = m->items[i];
    m->count = kept;
}

/* Few keys, of all lengths around the inline bound and with common prefixes, so that they meet. */
static mr_string random_key(world *w, char *to)
{
    uint32_t length = (uint32_t)roll(w, 3) == 0 ? (uint32_t)roll(w, KEY_MAX) : 9;
    memset(to, 'a', KEY_MAX);
    if (length > 0)
        to[length - 1] = (char)('a' + roll(w, 6));
    if (length > 4)
        to[roll(w, 4)] = (char)roll(w, 3);
    return mr_string_of(to, length);
}

static void do_upsert(world *w)
{
    enum { BATCH = 40 };
    char bytes[BATCH][KEY_MAX];
    mr_string keys[BATCH];
    uint64_t hashes[BATCH];
    void *values[BATCH];
    uint16_t table = (uint16_t)roll(w, TABLES);
    int64_t slice = (int64_t)roll(w, 4) - 2;
    uint32_t count = (uint32_t)roll(w, BATCH);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = random_key(w, bytes[i]);
        hashes[i] = mr_hash(keys[i].bytes, keys[i].length);
    }
    mr_slice_upsert(mr_table_make(w->tables[table], slice), keys, hashes, count, values);
    for (uint32_t i = 0; i < count; i++) {
        bool is_there;
        uint32_t at = model_find(&w->now, table, slice, keys[i].bytes, keys[i].length, &is_there);
        cr_assert_eq(*(uint64_t *)values[i], is_there ? w->now.items[at].value : 0);
        uint64_t value = 1 + roll(w, 1000000);
        *(uint64_t *)values[i] = value;
        model_put(&w->now, table, slice, keys[i].bytes, keys[i].length, value);
    }
}

static void do_one_entry(world *w, bool is_removal)
{
    uint16_t table = (uint16_t)roll(w, TABLES);
    int64_t slice_id = (int64_t)roll(w, 4) - 2;
    mr_slice *slice = mr_table_find(w->tables[table], slice_id);
    char bytes[KEY_MAX];
    mr_string key = random_key(w, bytes);
    uint64_t hash = mr_hash(key.bytes, key.length);
    bool is_there;
    uint32_t at = model_find(&w->now, table, slice_id, key.bytes, key.length, &is_there);
    if (slice == NULL) {
        cr_assert_not(is_there);
        return;
    }
    uint64_t *value = mr_slice_get(slice, key, hash);
    cr_assert_eq(value != NULL, is_there);
    if (is_removal) {
        cr_assert_eq(mr_slice_remove(slice, key, hash), is_there);
        if (is_there)
            model_delete(&w->now, at);
    } else if (is_there) {
        cr_assert_eq(*value, w->now.items[at].value);
        *value += 7;
        w->now.items[at].value += 7;
        mr_slice_touch(slice, value);
    }
}

static void do_drop(world *w)
{
    uint16_t table = (uint16_t)roll(w, TABLES);
    mr_slice *slice = mr_table_at_or_after(w->tables[table], (int64_t)roll(w, 4) - 2);
    if (slice == NULL)
        return;
    model_drop(&w->now, table, mr_slice_id(slice));
    mr_table_drop(w->tables[table], slice);
}

static void expect_sorted(world *w, const mr_store_change *change)
{
    if (w->has_last) {
        int order = compare_places(w->last.table, w->last.slice, w->last_key, w->last.key_length,
                                   change->table, change->slice, change->key, change->key_length);
        bool is_after_drop = w->last.operation == MR_STORE_DROP_SLICE && order == 0 &&
                             change->operation == MR_STORE_PUT;
        cr_assert(order < 0 || is_after_drop, "the delta is sorted and names a key once");
    }
    w->last = *change;
    if (change->key_length > 0)
        memcpy(w->last_key, change->key, change->key_length);
    w->has_last = true;
}

static mr_status take_change(void *context, const mr_store_change *change, mr_error *err)
{
    world *w = context;
    expect_sorted(w, change);
    bool is_there;
    uint64_t value = 0;
    model *m = &w->from_deltas;
    uint32_t at =
        model_find(m, change->table, change->slice, change->key, change->key_length, &is_there);
    switch (change->operation) {
    case MR_STORE_PUT:
        memcpy(&value, change->value, sizeof value);
        model_put(m, change->table, change->slice, change->key, change->key_length, value);
        break;
    case MR_STORE_DELETE:
        cr_assert(is_there, "only a committed key is deleted");
        model_delete(m, at);
        break;
    case MR_STORE_DROP_SLICE: model_drop(m, change->table, change->slice); break;
    }
    return mr_state_load(w->copy, change, err);
}

typedef struct comparison {
    const model *expected;
    uint32_t at;
} comparison;

static mr_status compare_entry(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    comparison *c = context;
    cr_assert_lt(c->at, c->expected->count);
    const item *i = &c->expected->items[c->at++];
    cr_assert_eq(entry->operation, MR_STORE_PUT);
    cr_assert_eq(compare_places(i->table, i->slice, i->key, i->key_length, entry->table,
                                entry->slice, entry->key, entry->key_length),
                 0);
    cr_assert_eq(memcmp(&i->value, entry->value, sizeof i->value), 0);
    return MR_OK;
}

static void expect_holds(world *w, mr_state *state, const model *expected)
{
    comparison c = {.expected = expected};
    cr_assert_eq(mr_state_entries(state, compare_entry, &c, &w->err), MR_OK);
    cr_assert_eq(c.at, expected->count);
    cr_assert_eq(mr_state_entries_count(state), expected->count);
}

static void expect_iteration(world *w)
{
    static mr_slice_entry entries[ITEMS_MAX];
    for (uint16_t t = 0; t < TABLES; t++)
        for (int64_t id = -2; id < 2; id++) {
            mr_slice *slice = mr_table_find(w->tables[t], id);
            if (slice == NULL)
                continue;
            mr_slice_entries(slice, entries);
            for (uint32_t i = 0; i < mr_slice_count(slice); i++) {
                bool is_there;
                uint32_t at = model_find(&w->now, t, id, entries[i].key.bytes,
                                         entries[i].key.length, &is_there);
                cr_assert(is_there);
                cr_assert_eq(*(uint64_t *)entries[i].value, w->now.items[at].value);
                cr_assert_eq(mr_slice_get(slice, entries[i].key, entries[i].hash),
                             entries[i].value);
            }
        }
}

static void do_commit(world *w)
{
    w->has_last = false;
    cr_assert_eq(mr_state_changes(w->live, take_change, w, &w->err), MR_OK);
    mr_state_mark_clean(w->live);
    cr_assert_not(mr_state_is_dirty(w->live));
    w->committed = w->now;
    cr_assert_eq(memcmp(&w->from_deltas.count, &w->now.count, sizeof w->now.count), 0);
    expect_holds(w, w->live, &w->now);
    expect_holds(w, w->copy, &w->now);
    expect_iteration(w);
}

static mr_status load_into(void *context, const mr_store_change *change, mr_error *err)
{
    return mr_state_load(context, change, err);
}

/* An abort: everything in memory goes, committed state is loaded again. */
static void do_abort(world *w)
{
    mr_state_clear(w->live);
    cr_assert_eq(mr_state_entries(w->copy, load_into, w->live, &w->err), MR_OK);
    mr_state_mark_clean(w->live);
    w->now = w->committed;
    expect_holds(w, w->live, &w->committed);
}

static void play_history(world *w, uint64_t seed)
{
    *w = (world){.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    w->live = mr_state_new(NULL);
    w->copy = mr_state_new(NULL);
    const char *names[TABLES] = {"a", "b"};
    for (uint32_t t = 0; t < TABLES; t++) {
        mr_table_layout layout = {.name = names[t], .value_size = 8};
        w->tables[t] = mr_state_table(w->live, &layout);
        mr_state_table(w->copy, &layout);
    }
    uint64_t steps = 10 + roll(w, 30);
    for (uint64_t step = 0; step < steps; step++) {
        uint64_t choice = roll(w, 20);
        if (choice < 7)
            do_upsert(w);
        else if (choice < 15)
            for (uint64_t i = roll(w, 12); i > 0; i--)
                do_one_entry(w, choice < 12);
        else if (choice < 16)
            do_drop(w);
        else if (choice < 19)
            do_commit(w);
        else
            do_abort(w);
    }
    do_commit(w);
    mr_state_free(w->live);
    mr_state_free(w->copy);
}

Test(state_model, random_histories_agree_and_deltas_rebuild_the_state)
{
    static world w;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        play_history(&w, seed);
}
