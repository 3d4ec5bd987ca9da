/*
 * Goal: the one batch that goes to the store after many epochs leaves it as if each epoch had gone
 * alone. Method: random epochs of puts, deletes and drops against a model that applies them one by
 * one; the batch must be sorted, with one change a key at the most and drops before the entries of
 * their slice.
 */
#include "engine/commit/pending.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define TABLES 2
#define SLICES 3
#define KEYS 4

typedef struct model {
    int value[TABLES][SLICES][KEYS]; /* 0: absent */
} model;

typedef struct fake_store {
    mr_local_store base;
    model held;
    mr_store_marker marker;
    uint32_t calls;
} fake_store;

static void apply_one(model *m, const mr_store_change *change)
{
    int *slice = m->value[change->table][change->slice];
    if (change->operation == MR_STORE_DROP_SLICE) {
        memset(slice, 0, sizeof m->value[0][0]);
        return;
    }
    int *at = &slice[change->key[0] - 'a'];
    *at = 0;
    if (change->operation == MR_STORE_PUT)
        memcpy(at, change->value, sizeof *at);
}

static mr_status apply(mr_local_store *store, const mr_store_change *changes, size_t count,
                       const mr_store_marker *marker, mr_error *err)
{
    (void)err;
    fake_store *self = (fake_store *)store;
    for (size_t i = 0; i < count; i++) {
        const mr_store_change *a = i > 0 ? &changes[i - 1] : NULL, *b = &changes[i];
        bool rises =
            a == NULL || a->table < b->table || (a->table == b->table && a->slice < b->slice) ||
            (a->table == b->table && a->slice == b->slice && b->operation != MR_STORE_DROP_SLICE &&
             (a->operation == MR_STORE_DROP_SLICE || a->key[0] < b->key[0]));
        cr_assert(rises, "change %zu is out of order", i);
        apply_one(&self->held, b);
    }
    self->marker = *marker;
    self->calls++;
    return MR_OK;
}

static const mr_store_class fake_class = {.apply = apply};

Test(pending, collapses_epochs_to_what_they_come_to)
{
    static const char keys[] = "abcd";
    unsigned seed = 3;
    mr_error err = {0};
    for (int history = 0; history < 3000; history++) {
        fake_store store = {.base = {.class = &fake_class}};
        model expected = {0};
        mr_pending pending;
        mr_pending_init(&pending, NULL);
        for (uint64_t epoch = 1; epoch <= 6; epoch++) {
            for (int i = rand_r(&seed) % 8; i > 0; i--) {
                int value = 1 + rand_r(&seed) % 1000;
                int operation = 1 + rand_r(&seed) % 8;
                bool drops = operation == MR_STORE_DROP_SLICE;
                bool puts = operation != MR_STORE_DROP_SLICE && operation != MR_STORE_DELETE;
                mr_store_change change = {.table = (uint16_t)(rand_r(&seed) % TABLES),
                                          .slice = rand_r(&seed) % SLICES,
                                          .operation =
                                              puts ? MR_STORE_PUT : (mr_store_operation)operation,
                                          .key = keys + rand_r(&seed) % KEYS,
                                          .key_length = drops ? 0 : 1,
                                          .value = (const char *)&value,
                                          .value_length = puts ? sizeof value : 0};
                cr_assert_eq(mr_pending_add(&pending, &change, &err), MR_OK);
                apply_one(&expected, &change);
            }
            mr_pending_seal(&pending, &(mr_store_marker){.is_present = true, .epoch = epoch});
            if (rand_r(&seed) % 3 == 0 || epoch == 6) {
                cr_assert_eq(mr_pending_apply(&pending, &store.base, &err), MR_OK);
                cr_assert_eq(memcmp(&store.held, &expected, sizeof expected), 0);
                cr_assert_eq(store.marker.epoch, epoch);
            }
        }
        mr_pending_release(&pending);
    }
}

Test(pending, does_not_call_the_store_for_nothing)
{
    fake_store store = {.base = {.class = &fake_class}};
    mr_pending pending;
    mr_error err = {0};
    mr_pending_init(&pending, NULL);
    cr_assert_eq(mr_pending_apply(&pending, &store.base, &err), MR_OK);
    cr_assert_eq(store.calls, 0);
    mr_pending_seal(&pending, &(mr_store_marker){.epoch = 1});
    cr_assert_eq(mr_pending_apply(&pending, &store.base, &err), MR_OK);
    cr_assert_eq(store.calls, 1); /* the marker of an epoch without changes */
    mr_pending_clear(&pending);
    mr_pending_release(&pending);
}
