/*
 * Goal: the local store is asked for keys that may be in it, and for no others. Method: a store
 * that counts its questions; entries that left, that never were, and that a restore left in it.
 */
#include "engine/base/hash.h"
#include "engine/state/slice.h"
#include "engine/state/state.h"
#include "tests/sim/plain_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define EPOCH_KEYS 5000u

typedef struct play {
    mr_budget budget;
    mr_state *state;
    mr_table *table;
    mr_plain_store store;
    mr_error err;
} play;

static void begin(play *p)
{
    *p = (play){0};
    mr_plain_store_init(&p->store);
    p->state = mr_state_new(&p->budget);
    p->table = mr_state_table(p->state,
                              &(mr_table_layout){.name = "t", .value_size = 8, .may_leave = true});
    mr_state_back(p->state, &p->store.store);
}

static void end(play *p)
{
    mr_state_free(p->state);
    cr_expect_eq(mr_budget_used(&p->budget), 0);
    mr_plain_store_release(&p->store);
}

/* The value of a key; 0: it was new. Becomes `to`. */
static uint64_t put(play *p, uint32_t number, uint64_t to)
{
    char bytes[16];
    mr_string key = mr_string_of(bytes, (uint32_t)snprintf(bytes, sizeof bytes, "%08u", number));
    uint64_t hash = mr_hash(key.bytes, key.length);
    void *value;
    mr_slice_upsert(mr_table_make(p->table, 0), &key, &hash, 1, &value);
    uint64_t was = *(uint64_t *)value;
    *(uint64_t *)value = to;
    return was;
}

static mr_status to_store(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_sim_entries_apply(context, change);
    return MR_OK;
}

/* All is committed, applied, and leaves. */
static void settle(play *p)
{
    cr_assert_eq(mr_state_changes(p->state, to_store, &p->store.entries, &p->err), MR_OK);
    mr_state_mark_clean(p->state);
    mr_state_settle(p->state, 0);
    cr_assert_eq(mr_slice_count(mr_table_find(p->table, 0)), 0);
}

static void leave(play *p, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++)
        put(p, i, i + 1);
    settle(p);
}

Test(away_filter, keys_that_never_were_are_not_looked_for)
{
    play p;
    begin(&p);
    leave(&p, 0, 100);
    uint64_t finds = p.store.finds;
    uint32_t mistaken = 0;
    for (uint32_t i = 100; i < 200; i++) {
        cr_expect_eq(put(&p, i, 1), 0);
        mistaken += p.store.finds > finds;
        finds = p.store.finds;
    }
    cr_expect_leq(mistaken, 5);
    for (uint32_t i = 0; i < 100; i++)
        cr_expect_eq(put(&p, i, 0), i + 1);
    cr_expect_eq(p.store.finds, finds + 100);
    end(&p);
}

Test(away_filter, a_slice_that_came_back_whole_leaves_again)
{
    play p;
    begin(&p);
    leave(&p, 0, 50);
    cr_assert_eq(mr_slice_complete(mr_table_find(p.table, 0), &p.err), MR_OK);
    leave(&p, 50, 50);
    for (uint32_t i = 0; i < 100; i++)
        cr_expect_eq(put(&p, i, 0), i + 1);
    end(&p);
}

/* Key 50 is in the store, with 7, and the state knows nothing of it. */
static mr_store_change put_behind(play *p)
{
    static const uint64_t value = 7;
    mr_store_change change = {.operation = MR_STORE_PUT,
                              .key = "00000050",
                              .key_length = 8,
                              .value = (const char *)&value,
                              .value_length = sizeof value};
    mr_sim_entries_apply(&p->store.entries, &change);
    return change;
}

Test(away_filter, what_a_restore_left_in_the_store_is_found)
{
    play p;
    begin(&p);
    leave(&p, 0, 50);
    mr_store_change change = put_behind(&p);
    cr_assert_eq(mr_state_load_left(p.state, &change, &p.err), MR_OK);
    cr_expect_eq(put(&p, 50, 1), 7);
    end(&p);
}

Test(away_filter, of_a_slice_that_a_restore_noted_nothing_is_known)
{
    play p;
    begin(&p);
    leave(&p, 0, 50);
    (void)put_behind(&p);
    mr_state_load_away(p.state, 0, 0);
    cr_expect_eq(put(&p, 50, 1), 7);
    leave(&p, 51, 1);
    cr_expect_eq(put(&p, 0, 1), 1);
    end(&p);
}

Test(away_filter, takes_no_more_than_its_share)
{
    play p;
    begin(&p);
    leave(&p, 0, EPOCH_KEYS);
    cr_expect_gt(mr_slice_bytes(mr_table_find(p.table, 0)), EPOCH_KEYS);
    for (uint32_t epoch = 1; epoch < 8; epoch++)
        leave(&p, epoch * EPOCH_KEYS, EPOCH_KEYS);
    cr_expect_lt(mr_slice_bytes(mr_table_find(p.table, 0)), 64 * 1024);
    uint64_t finds = p.store.finds; /* without a filter a new key is asked for */
    for (uint32_t i = 0; i < 20; i++)
        cr_expect_eq(put(&p, 8 * EPOCH_KEYS + i, 1), 0);
    cr_expect_eq(p.store.finds, finds + 20);
    cr_expect_eq(put(&p, 3, 1), 4);
    end(&p);
}
