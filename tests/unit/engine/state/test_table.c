/*
 * Goal: what table.h and state.h promise of entries, slices and their changes, case by case.
 * Method: one table of u64 values; changes printed as "t/slice:op key=value" and compared as text.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/state/slice.h"
#include "engine/state/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    mr_budget budget;
    mr_state *state;
    mr_table *table;
    mr_buffer text;
    mr_error err;
} fixture;

static void fixture_init(fixture *f)
{
    *f = (fixture){0};
    f->state = mr_state_new(&f->budget);
    f->table = mr_state_table(f->state, &(mr_table_layout){.name = "op/sums", .value_size = 8});
}

static void fixture_release(fixture *f)
{
    mr_state_free(f->state);
    mr_buffer_release(&f->text);
    cr_assert_eq(mr_budget_used(&f->budget), 0, "all memory is given back");
}

static mr_string key_of(const char *text)
{
    return mr_string_of(text, (uint32_t)strlen(text));
}

static uint64_t *upsert(fixture *f, int64_t slice, const char *key)
{
    mr_string k = key_of(key);
    uint64_t hash = mr_hash(k.bytes, k.length);
    void *value;
    mr_slice_upsert(mr_table_make(f->table, slice), &k, &hash, 1, &value);
    return value;
}

static bool take(fixture *f, int64_t slice, const char *key)
{
    mr_string k = key_of(key);
    return mr_slice_remove(mr_table_find(f->table, slice), k, mr_hash(k.bytes, k.length));
}

static uint64_t *get(fixture *f, int64_t slice, const char *key)
{
    mr_string k = key_of(key);
    return mr_slice_get(mr_table_find(f->table, slice), k, mr_hash(k.bytes, k.length));
}

static mr_status print_change(void *context, const mr_store_change *change, mr_error *err)
{
    mr_buffer *text = context;
    (void)err;
    const char *names[] = {"?", "put", "del", "drop"};
    mr_buffer_printf(text, "%u/%lld:%s", change->table, (long long)change->slice,
                     names[change->operation]);
    if (change->operation != MR_STORE_DROP_SLICE)
        mr_buffer_printf(text, " %.*s", (int)change->key_length, change->key);
    if (change->operation == MR_STORE_PUT) {
        uint64_t value;
        cr_assert_eq(change->value_length, 8);
        memcpy(&value, change->value, sizeof value);
        mr_buffer_printf(text, "=%llu", (unsigned long long)value);
    }
    mr_buffer_printf(text, "; ");
    return MR_OK;
}

static void expect_changes(fixture *f, const char *expected)
{
    mr_buffer_clear(&f->text);
    mr_buffer_printf(&f->text, "%s", "");
    cr_assert_eq(mr_state_changes(f->state, print_change, &f->text, &f->err), MR_OK);
    mr_buffer_put_u8(&f->text, 0);
    cr_assert_str_eq(f->text.data, expected);
    cr_assert_eq(mr_state_is_dirty(f->state), expected[0] != '\0');
}

Test(table, values_are_zeroed_and_their_addresses_stay)
{
    fixture f;
    fixture_init(&f);
    uint64_t *first = upsert(&f, 0, "first");
    cr_assert_eq(*first, 0);
    *first = 42;
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        uint64_t *value = upsert(&f, 0, key);
        cr_assert_eq(*value, 0);
        *value = (uint64_t)i;
    }
    cr_assert_eq(get(&f, 0, "first"), first);
    cr_assert_eq(*first, 42);
    cr_assert_eq(*get(&f, 0, "99999"), 99999);
    cr_assert_null(get(&f, 0, "100000"));
    cr_assert_eq(mr_slice_count(mr_table_find(f.table, 0)), 100001);
    fixture_release(&f);
}

Test(table, equal_keys_of_one_call_share_a_value)
{
    fixture f;
    fixture_init(&f);
    mr_string keys[] = {key_of("a"), key_of("b"), key_of("a"), key_of(""), key_of("")};
    uint64_t hashes[MR_LENGTH(keys)];
    void *values[MR_LENGTH(keys)];
    for (size_t i = 0; i < MR_LENGTH(keys); i++)
        hashes[i] = mr_hash(keys[i].bytes, keys[i].length);
    mr_slice_upsert(mr_table_make(f.table, 0), keys, hashes, MR_LENGTH(keys), values);
    cr_assert_eq(values[0], values[2]);
    cr_assert_eq(values[3], values[4]);
    cr_assert_neq(values[0], values[1]);
    cr_assert_eq(mr_slice_count(mr_table_find(f.table, 0)), 3);
    fixture_release(&f);
}

/* A slice this large is probed with many rows under way at once. The hashes are few, so that keys
 * share them, and the slice grows in the middle of a call. The oracle counts in an array. */
Test(table, many_keys_of_one_call_count_as_one_by_one)
{
    enum { KEYS = 30000, ROWS = 999, CALLS = 200 };
    static char texts[KEYS][40];
    static uint64_t counts[KEYS], hashes[ROWS];
    static mr_string keys[ROWS];
    static void *values[ROWS];
    static uint32_t rows[ROWS];
    fixture f;
    fixture_init(&f);
    for (uint32_t k = 0; k < KEYS; k++) /* every third one lies outside of its entry */
        snprintf(texts[k], sizeof texts[k],
                 k % 3 == 0 ? "a-key-of-more-bytes-than-inline-%u" : "%u", k);
    uint64_t seed = 4711;
    mr_slice *slice = mr_table_make(f.table, 0);
    for (uint32_t call = 0; call < CALLS; call++) {
        for (uint32_t i = 0; i < ROWS; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            rows[i] = i % 7 == 6 ? rows[i - 1] : (uint32_t)(seed >> 40) % KEYS;
            keys[i] = key_of(texts[rows[i]]);
            hashes[i] = mr_hash(keys[i].bytes, keys[i].length) & UINT64_C(0xff00000000000fff);
        }
        mr_slice_find(slice, keys, hashes, ROWS, values);
        for (uint32_t i = 0; i < ROWS; i++)
            cr_assert_eq(values[i] != NULL ? *(uint64_t *)values[i] : 0, counts[rows[i]]);
        mr_slice_upsert(slice, keys, hashes, ROWS, values);
        for (uint32_t i = 0; i < ROWS; i++)
            cr_assert_eq(++*(uint64_t *)values[i], ++counts[rows[i]], "call %u row %u", call, i);
        if (call % 10 == 9)
            mr_state_mark_clean(f.state);
    }
    cr_assert_gt(mr_slice_count(slice), 20000);
    fixture_release(&f);
}

Test(table, keys_with_one_hash_are_told_apart)
{
    fixture f;
    fixture_init(&f);
    mr_slice *slice = mr_table_make(f.table, 0);
    char texts[500][40];
    void *values[500];
    for (int i = 0; i < 500; i++) {
        snprintf(texts[i], sizeof texts[i], i % 2 ? "%d" : "a key of more than sixteen bytes %d",
                 i);
        mr_string key = key_of(texts[i]);
        uint64_t hash = 99;
        mr_slice_upsert(slice, &key, &hash, 1, &values[i]);
    }
    cr_assert_eq(mr_slice_count(slice), 500);
    for (int i = 0; i < 500; i++)
        cr_assert_eq(mr_slice_get(slice, key_of(texts[i]), 99), values[i]);
    for (int i = 0; i < 500; i += 2)
        cr_assert(mr_slice_remove(slice, key_of(texts[i]), 99));
    for (int i = 0; i < 500; i++)
        cr_assert_eq(mr_slice_get(slice, key_of(texts[i]), 99), i % 2 ? values[i] : NULL);
    fixture_release(&f);
}

Test(table, changes_are_sorted_by_slice_and_key)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 5, "b") = 1;
    *upsert(&f, -3, "zz") = 2;
    *upsert(&f, 5, "a") = 3;
    *upsert(&f, 5, "ab") = 4;
    *upsert(&f, 5, "") = 5;
    expect_changes(&f, "0/-3:put zz=2; 0/5:put =5; 0/5:put a=3; 0/5:put ab=4; 0/5:put b=1; ");
    mr_state_mark_clean(f.state);
    expect_changes(&f, "");
    fixture_release(&f);
}

Test(table, only_what_changed_since_mark_clean_is_in_the_delta)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 0, "a") = 1;
    *upsert(&f, 0, "b") = 2;
    mr_state_mark_clean(f.state);
    uint64_t *b = get(&f, 0, "b");
    *b = 3;
    expect_changes(&f, "");
    mr_slice_touch(mr_table_find(f.table, 0), b);
    mr_slice_touch(mr_table_find(f.table, 0), b);
    expect_changes(&f, "0/0:put b=3; ");
    fixture_release(&f);
}

Test(table, a_committed_key_removed_is_a_delete_and_made_again_a_put)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 0, "a key of more than sixteen bytes") = 1;
    mr_state_mark_clean(f.state);
    cr_assert(take(&f, 0, "a key of more than sixteen bytes"));
    cr_assert_not(take(&f, 0, "a key of more than sixteen bytes"));
    expect_changes(&f, "0/0:del a key of more than sixteen bytes; ");
    uint64_t *again = upsert(&f, 0, "a key of more than sixteen bytes");
    cr_assert_eq(*again, 0);
    *again = 9;
    expect_changes(&f, "0/0:put a key of more than sixteen bytes=9; ");
    cr_assert(take(&f, 0, "a key of more than sixteen bytes"));
    expect_changes(&f, "0/0:del a key of more than sixteen bytes; ");
    mr_state_mark_clean(f.state);
    expect_changes(&f, "");
    cr_assert_eq(mr_state_entries_count(f.state), 0);
    fixture_release(&f);
}

Test(table, a_key_made_and_removed_in_one_epoch_leaves_no_trace)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 0, "keep") = 1;
    for (int i = 0; i < 10000; i++) {
        *upsert(&f, 0, "gone") = 2;
        cr_assert(take(&f, 0, "gone"));
    }
    expect_changes(&f, "0/0:put keep=1; ");
    cr_assert_lt(mr_state_bytes(f.state), 20000, "memory of removed entries is taken again");
    fixture_release(&f);
}

Test(table, long_keys_that_come_and_go_do_not_add_up)
{
    fixture f;
    fixture_init(&f);
    for (int i = 0; i < 20000; i++) {
        char key[64];
        snprintf(key, sizeof key, "a key of more than sixteen bytes %d", i);
        *upsert(&f, 0, key) = 1;
        mr_state_mark_clean(f.state);
        cr_assert(take(&f, 0, key));
        mr_state_mark_clean(f.state);
    }
    cr_assert_lt(mr_state_bytes(f.state), 20000);
    fixture_release(&f);
}

Test(table, a_dropped_slice_is_one_change_and_goes_before_its_successor)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 1, "a") = 1;
    *upsert(&f, 2, "a") = 2;
    *upsert(&f, 3, "a") = 3;
    mr_state_mark_clean(f.state);
    mr_table_drop(f.table, mr_table_find(f.table, 3));
    mr_table_drop(f.table, mr_table_find(f.table, 1));
    *upsert(&f, 1, "b") = 4;
    mr_table_drop(f.table, mr_table_find(f.table, 1));
    *upsert(&f, 1, "c") = 5;
    expect_changes(&f, "0/1:drop; 0/1:put c=5; 0/3:drop; ");
    cr_assert_null(mr_table_find(f.table, 3));
    mr_state_mark_clean(f.state);
    expect_changes(&f, "");
    fixture_release(&f);
}

Test(table, a_slice_made_and_dropped_in_one_epoch_leaves_no_trace)
{
    fixture f;
    fixture_init(&f);
    upsert(&f, 1, "a");
    mr_table_drop(f.table, mr_table_find(f.table, 1));
    expect_changes(&f, "");
    fixture_release(&f);
}

Test(table, slices_are_walked_in_order_of_id)
{
    fixture f;
    fixture_init(&f);
    const int64_t ids[] = {70, -5, 0, INT64_MAX, INT64_MIN, 8};
    const int64_t sorted[] = {INT64_MIN, -5, 0, 8, 70, INT64_MAX};
    for (size_t i = 0; i < MR_LENGTH(ids); i++)
        cr_assert_eq(mr_slice_id(mr_table_make(f.table, ids[i])), ids[i]);
    size_t at = 0;
    for (mr_slice *s = mr_table_at_or_after(f.table, INT64_MIN); s != NULL; at++) {
        cr_assert_eq(mr_slice_id(s), sorted[at]);
        s = sorted[at] < INT64_MAX ? mr_table_at_or_after(f.table, sorted[at] + 1) : NULL;
    }
    cr_assert_eq(at, MR_LENGTH(ids));
    cr_assert_null(mr_table_find(f.table, 1));
    fixture_release(&f);
}

Test(table, an_epoch_number_that_comes_round_finds_no_old_mark)
{
    fixture f;
    fixture_init(&f);
    *upsert(&f, 0, "old") = 1; /* marked in epoch 1 */
    upsert(&f, 0, "gone");
    mr_state_mark_clean(f.state);
    cr_assert(take(&f, 0, "gone"));
    mr_slice *slice = mr_table_find(f.table, 0);
    slice->epoch = MR_SLICE_EPOCH_MAX;
    upsert(&f, 0, "other");
    mr_state_mark_clean(f.state);
    cr_assert_eq(slice->epoch, 1);
    *upsert(&f, 0, "old") = 2;
    expect_changes(&f, "0/0:put old=2; ");
    fixture_release(&f);
}

Test(table, clearing_leaves_no_trace_and_no_memory)
{
    fixture f;
    fixture_init(&f);
    upsert(&f, 0, "a");
    mr_state_mark_clean(f.state);
    mr_table_drop(f.table, mr_table_find(f.table, 0));
    upsert(&f, 4, "b");
    mr_state_clear(f.state);
    expect_changes(&f, "");
    cr_assert_eq(mr_state_entries_count(f.state), 0);
    cr_assert_eq(mr_budget_used(&f.budget), 0);
    fixture_release(&f);
}

static mr_status refuse(void *context, const mr_store_change *change, mr_error *err)
{
    (void)change;
    ++*(int *)context;
    return mr_error_set(err, MR_E_KAFKA, "no");
}

Test(table, a_visitor_that_fails_ends_the_walk)
{
    fixture f;
    fixture_init(&f);
    upsert(&f, 0, "a");
    upsert(&f, 0, "b");
    int calls = 0;
    cr_assert_eq(mr_state_changes(f.state, refuse, &calls, &f.err), MR_E_KAFKA);
    cr_assert_eq(mr_state_entries(f.state, refuse, &calls, &f.err), MR_E_KAFKA);
    cr_assert_eq(calls, 2);
    fixture_release(&f);
}

Test(table, changes_that_do_not_fit_the_plan_are_refused)
{
    fixture f;
    fixture_init(&f);
    mr_store_change change = {.table = 7, .operation = MR_STORE_PUT};
    cr_assert_eq(mr_state_load(f.state, &change, &f.err), MR_E_STATE);
    change =
        (mr_store_change){.operation = MR_STORE_PUT, .key = "k", .key_length = 1, .value = "1"};
    change.value_length = 1;
    cr_assert_eq(mr_state_load(f.state, &change, &f.err), MR_E_STATE, "a value of the wrong size");
    fixture_release(&f);
}

/* A value that points into the slice: the longest string seen. */
static void write_longest(const void *context, const void *value, mr_buffer *to)
{
    (void)context;
    const mr_string *s = value;
    mr_buffer_put(to, s->bytes, s->length);
}

static bool read_longest(const void *context, const char *bytes, size_t length, void *value,
                         mr_arena *arena)
{
    (void)context;
    char *copy = mr_arena_copy(arena, bytes, length);
    *(mr_string *)value = mr_string_of(copy, (uint32_t)length);
    return length > 0;
}

Test(table, values_that_point_elsewhere_travel_by_their_layout)
{
    fixture f;
    fixture_init(&f);
    mr_table_layout layout = {
        .name = "op/longest",
        .value_size = sizeof(mr_string),
        .write = write_longest,
        .read = read_longest,
    };
    mr_state_table(f.state, &layout);
    char wire[] = "a string";
    mr_store_change change = {.table = 1, .operation = MR_STORE_PUT, .key = "k", .key_length = 1};
    change.value = wire;
    change.value_length = 8;
    cr_assert_eq(mr_state_load(f.state, &change, &f.err), MR_OK);
    memset(wire, 'x', sizeof wire);
    cr_assert_not(mr_state_is_dirty(f.state));
    change.value_length = 0;
    change.key = "l";
    cr_assert_eq(mr_state_load(f.state, &change, &f.err), MR_E_STATE, "malformed says the layout");
    cr_assert_not_null(strstr(f.err.message, "op/longest"));
    cr_assert_eq(mr_state_tables_count(f.state), 2);
    cr_assert_str_eq(mr_state_table_name(f.state, 1), "op/longest");
    fixture_release(&f);
}
