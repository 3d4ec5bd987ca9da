#include "tests/sim/plain_store.h"

#include "engine/base/assert.h"

#include <stdlib.h>

typedef struct plain_cursor {
    mr_store_cursor cursor;
    const mr_sim_entries *entries;
    size_t at;
} plain_cursor;

static mr_status fail_if_due(mr_plain_store *self, mr_error *err)
{
    if (self->failing == 0 || --self->failing > 0)
        return MR_OK;
    self->failing = 1;
    return mr_error_set(err, MR_E_STORE_DAMAGED, "the plain store fails as it was told to");
}

static mr_status find(mr_local_store *store, const mr_store_change *keys, size_t count,
                      mr_status (*visit)(void *context, size_t number, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err)
{
    mr_plain_store *self = (mr_plain_store *)store;
    mr_status status = fail_if_due(self, err);
    self->finds++;
    for (size_t i = 0; i < count && status == MR_OK; i++) {
        size_t at;
        MR_ASSERT(i == 0 || mr_sim_entries_order(&keys[i - 1], &keys[i]) < 0);
        if (mr_sim_entries_find(&self->entries, &keys[i], &at))
            status = visit(context, i, &self->entries.entry[at], err);
    }
    return status;
}

static mr_status next(mr_store_cursor *base, const mr_store_change **entry, mr_error *err)
{
    (void)err;
    plain_cursor *self = (plain_cursor *)base;
    *entry = self->at < self->entries->count ? &self->entries->entry[self->at++] : NULL;
    return MR_OK;
}

static void close_cursor(mr_store_cursor *base)
{
    free(base);
}

static const mr_store_cursor_class cursor_class = {.next = next, .close = close_cursor};

static mr_status seek(mr_local_store *store, const mr_store_change *from, mr_store_cursor **cursor,
                      mr_error *err)
{
    mr_plain_store *self = (mr_plain_store *)store;
    mr_status status = fail_if_due(self, err);
    if (status != MR_OK)
        return status;
    self->seeks++;
    plain_cursor *made = calloc(1, sizeof *made);
    MR_ASSERT(made != NULL);
    *made = (plain_cursor){.cursor.class = &cursor_class, .entries = &self->entries};
    (void)mr_sim_entries_find(&self->entries, from, &made->at);
    *cursor = &made->cursor;
    return MR_OK;
}

static uint64_t entries(mr_local_store *store)
{
    return ((mr_plain_store *)store)->entries.count;
}

static const mr_store_class store_class = {.find = find, .seek = seek, .entries = entries};

void mr_plain_store_init(mr_plain_store *store)
{
    *store = (mr_plain_store){.store.class = &store_class};
}

void mr_plain_store_release(mr_plain_store *store)
{
    mr_sim_entries_release(&store->entries);
}
