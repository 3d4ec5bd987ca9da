#include "tests/sim/store.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"
#include "engine/commit/delta.h"
#include "tests/sim/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct batch {
    mr_store_change *change;
    size_t count;
    mr_store_marker marker;
} batch;

typedef struct sim_store {
    mr_local_store store;
    mr_sim_disk *disk;
    char *job;
    uint32_t task;
    bool is_open;
    mr_sim_damage damage; /* 0: none */
    mr_sim_entries durable;
    mr_store_marker durable_marker;
    mr_sim_entries live;
    mr_store_marker marker;
    batch *pending; /* applied, not flushed */
    size_t pending_count;
    size_t pending_capacity;
} sim_store;

struct mr_sim_disk {
    mr_store_factory factory;
    mr_memory_process *process;
    sim_store **store;
    size_t count;
    uint32_t quarantined;
};

static sim_store *self_of(mr_local_store *store)
{
    return (sim_store *)store;
}

static void release_batch(batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        mr_sim_change_release(&b->change[i]);
    free(b->change);
}

/* The first `keep` pending batches become durable, the rest is forgotten. */
static void settle(sim_store *self, size_t keep)
{
    for (size_t i = 0; i < self->pending_count; i++) {
        for (size_t c = 0; c < self->pending[i].count && i < keep; c++)
            mr_sim_entries_apply(&self->durable, &self->pending[i].change[c]);
        if (i < keep)
            self->durable_marker = self->pending[i].marker;
        release_batch(&self->pending[i]);
    }
    bool is_lost = keep < self->pending_count;
    self->pending_count = 0;
    if (is_lost) {
        mr_sim_entries_copy(&self->live, &self->durable);
        self->marker = self->durable_marker;
    }
}

static void free_store(sim_store *self)
{
    settle(self, 0);
    mr_sim_entries_release(&self->durable);
    mr_sim_entries_release(&self->live);
    free(self->pending);
    free(self->job);
    free(self);
}

/* --------------------------------------------------------------------------------- the store */

static mr_status marker(mr_local_store *store, mr_store_marker *result, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.marker", err);
    if (status != MR_OK)
        return status;
    if (self->damage == MR_SIM_DAMAGE_MARKER)
        status = mr_error_set(err, MR_E_STORE_DAMAGED, "the simulated marker is damaged");
    *result = self->marker;
    return mr_memory_tock(self->disk->process, status, err);
}

static batch *room(sim_store *self)
{
    if (self->pending_count == self->pending_capacity) {
        self->pending_capacity = self->pending_capacity != 0 ? self->pending_capacity * 2 : 8;
        self->pending = realloc(self->pending, self->pending_capacity * sizeof *self->pending);
        if (self->pending == NULL)
            abort();
    }
    return &self->pending[self->pending_count++];
}

static mr_status apply(mr_local_store *store, const mr_store_change *changes, size_t count,
                       const mr_store_marker *new_marker, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.apply", err);
    if (status != MR_OK)
        return status;
    MR_ASSERT(new_marker->is_present);
    batch *added = room(self);
    *added = (batch){calloc(count + 1, sizeof *added->change), count, *new_marker};
    if (added->change == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        added->change[i] = mr_sim_change_copy(&changes[i]);
        mr_sim_entries_apply(&self->live, &changes[i]);
    }
    self->marker = *new_marker;
    return mr_memory_tock(self->disk->process, MR_OK, err);
}

static mr_status scan(mr_local_store *store,
                      mr_status (*visit)(void *context, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.scan", err);
    if (status != MR_OK)
        return status;
    bool is_damaged = self->damage == MR_SIM_DAMAGE_SCAN;
    size_t end = is_damaged ? self->live.count / 2 : self->live.count;
    for (size_t i = 0; i < end && status == MR_OK; i++)
        status = visit(context, &self->live.entry[i], err);
    if (status == MR_OK && is_damaged)
        status =
            mr_error_set(err, MR_E_STORE_DAMAGED, "%s task %u: bad block in the simulated store",
                         self->job, self->task);
    return mr_memory_tock(self->disk->process, status, err);
}

/* ------------------------------------------------------------------------- keys, and in order */

/* Half of the entries cannot be read. */
static mr_status read_block(const sim_store *self, size_t entry, mr_error *err)
{
    if (self->damage != MR_SIM_DAMAGE_SCAN || entry < self->live.count / 2)
        return MR_OK;
    return mr_error_set(err, MR_E_STORE_DAMAGED, "%s task %u: bad block in the simulated store",
                        self->job, self->task);
}

static mr_status find_keys(mr_local_store *store, const mr_store_change *keys, size_t count,
                           mr_status (*visit)(void *context, size_t number,
                                              const mr_store_change *entry, mr_error *err),
                           void *context, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.find", err);
    for (size_t i = 0; i < count && status == MR_OK; i++) {
        size_t at;
        MR_ASSERT(i == 0 || mr_sim_entries_order(&keys[i - 1], &keys[i]) < 0);
        bool is_there = mr_sim_entries_find(&self->live, &keys[i], &at);
        status = read_block(self, at, err);
        if (status == MR_OK && is_there)
            status = visit(context, i, &self->live.entry[at], err);
    }
    return status != MR_E_CRASHED ? mr_memory_tock(self->disk->process, status, err) : status;
}

typedef struct sim_cursor {
    mr_store_cursor cursor;
    sim_store *store;
    size_t at;
} sim_cursor;

static mr_status cursor_next(mr_store_cursor *base, const mr_store_change **entry, mr_error *err)
{
    sim_cursor *self = (sim_cursor *)base;
    *entry = NULL;
    if (self->at == self->store->live.count)
        return MR_OK;
    mr_status status = read_block(self->store, self->at, err);
    if (status == MR_OK)
        *entry = &self->store->live.entry[self->at++];
    return status;
}

static void cursor_close(mr_store_cursor *base)
{
    free(base);
}

static const mr_store_cursor_class cursor_class = {.next = cursor_next, .close = cursor_close};

static mr_status seek(mr_local_store *store, const mr_store_change *from, mr_store_cursor **cursor,
                      mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.seek", err);
    if (status == MR_OK)
        status = mr_memory_tock(self->disk->process, MR_OK, err);
    if (status != MR_OK)
        return status;
    sim_cursor *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    *made = (sim_cursor){.cursor.class = &cursor_class, .store = self};
    (void)mr_sim_entries_find(&self->live, from, &made->at);
    *cursor = &made->cursor;
    return MR_OK;
}

static uint64_t entries(mr_local_store *store)
{
    return self_of(store)->live.count;
}

static mr_status flush(mr_local_store *store, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.flush", err);
    if (status != MR_OK)
        return status;
    settle(self, self->pending_count);
    return mr_memory_tock(self->disk->process, MR_OK, err);
}

static void close_store(mr_local_store *store)
{
    sim_store *self = self_of(store);
    mr_error ignored;
    MR_ASSERT(self->is_open);
    self->is_open = false;
    if (mr_memory_tick(self->disk->process, "store.close", &ignored) != MR_OK)
        return;
    settle(self, self->pending_count);
    (void)!mr_memory_tock(self->disk->process, MR_OK, &ignored);
}

/* ------------------------------------------------------------------------------------ images */

/* One file, of all entries as changes of a delta. */
typedef struct sim_image {
    mr_store_image image;
    mr_store_file file;
    mr_memory_process *process;
    mr_buffer bytes;
} sim_image;

static mr_status read_image(mr_store_image *base, uint32_t file, uint64_t offset, char *to,
                            size_t length, mr_error *err)
{
    sim_image *self = (sim_image *)base;
    (void)err;
    MR_ASSERT(file == 0 && offset + length <= self->bytes.length);
    memcpy(to, self->bytes.data + offset, length);
    return MR_OK;
}

static void close_image(mr_store_image *base)
{
    sim_image *self = (sim_image *)base;
    mr_buffer_release(&self->bytes);
    free(self);
}

static const mr_store_image_class image_class = {.read = read_image, .close = close_image};

static void put_marker(mr_buffer *to, const mr_store_marker *at)
{
    mr_buffer_put_u64(to, at->plan_version);
    mr_buffer_put_u64(to, at->epoch);
    mr_buffer_put_u64(to, (uint64_t)at->log_offset);
    mr_buffer_put_u32(to, at->checksum);
}

static mr_status image_store(mr_local_store *store, mr_store_image **image, mr_error *err)
{
    sim_store *self = self_of(store);
    mr_status status = mr_memory_tick(self->disk->process, "store.image", err);
    if (status != MR_OK)
        return status;
    settle(self, self->pending_count);
    sim_image *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    made->process = self->disk->process;
    put_marker(&made->bytes, &self->marker);
    for (size_t i = 0; i < self->live.count; i++)
        mr_delta_put_change(&made->bytes, &self->live.entry[i]);
    made->file = (mr_store_file){"entries", made->bytes.length};
    made->image = (mr_store_image){.class = &image_class,
                                   .marker = self->marker,
                                   .files_count = self->marker.is_present,
                                   .files = &made->file};
    status = mr_memory_tock(self->disk->process, MR_OK, err);
    if (status == MR_OK)
        *image = &made->image;
    else
        close_image(&made->image);
    return status;
}

static const mr_store_class store_class = {
    .marker = marker,
    .apply = apply,
    .scan = scan,
    .find = find_keys,
    .seek = seek,
    .entries = entries,
    .flush = flush,
    .image = image_store,
    .close = close_store,
};

/* ------------------------------------------------------------------------------- the factory */

static sim_store *find(const mr_sim_disk *disk, const char *job, uint32_t task)
{
    for (size_t i = 0; i < disk->count; i++)
        if (disk->store[i]->task == task && strcmp(disk->store[i]->job, job) == 0)
            return disk->store[i];
    return NULL;
}

static sim_store *create(mr_sim_disk *disk, const char *job, uint32_t task)
{
    sim_store *self = calloc(1, sizeof *self);
    disk->store = realloc(disk->store, (disk->count + 1) * sizeof *disk->store);
    if (self == NULL || disk->store == NULL || (self->job = strdup(job)) == NULL)
        abort();
    self->store.class = &store_class;
    self->disk = disk;
    self->task = task;
    disk->store[disk->count++] = self;
    return self;
}

static void drop(mr_sim_disk *disk, const sim_store *gone)
{
    for (size_t i = 0; i < disk->count; i++)
        if (disk->store[i] == gone) {
            free_store(disk->store[i]);
            disk->store[i] = disk->store[--disk->count];
            return;
        }
}

static mr_status open_store(mr_store_factory *factory, const char *job, uint32_t task,
                            mr_local_store **store, mr_error *err)
{
    mr_sim_disk *disk = factory->state;
    mr_status status = mr_memory_tick(disk->process, "store.open", err);
    if (status != MR_OK)
        return status;
    sim_store *self = find(disk, job, task);
    if (self == NULL)
        self = create(disk, job, task);
    if (self->is_open)
        status = mr_error_set(err, MR_E_STORE_LOCKED, "%s task %u: the store is open", job, task);
    else if (self->damage == MR_SIM_DAMAGE_OPEN)
        status = mr_error_set(err, MR_E_STORE_DAMAGED, "%s task %u: the simulated store is damaged",
                              job, task);
    status = mr_memory_tock(disk->process, status, err);
    if (status != MR_OK)
        return status;
    self->is_open = true;
    *store = &self->store;
    return MR_OK;
}

static mr_status quarantine(mr_store_factory *factory, const char *job, uint32_t task, char *where,
                            size_t where_size, mr_error *err)
{
    mr_sim_disk *disk = factory->state;
    mr_status status = mr_memory_tick(disk->process, "store.quarantine", err);
    if (status != MR_OK)
        return status;
    sim_store *self = find(disk, job, task);
    MR_ASSERT(self == NULL || !self->is_open);
    if (self != NULL)
        drop(disk, self);
    snprintf(where, where_size, "quarantine/%s-%u-%u", job, task, ++disk->quarantined);
    return mr_memory_tock(disk->process, MR_OK, err);
}

static mr_status remove_store(mr_store_factory *factory, const char *job, uint32_t task,
                              mr_error *err)
{
    mr_sim_disk *disk = factory->state;
    mr_status status = mr_memory_tick(disk->process, "store.remove", err);
    if (status != MR_OK)
        return status;
    sim_store *self = find(disk, job, task);
    MR_ASSERT(self == NULL || !self->is_open);
    if (self != NULL)
        drop(disk, self);
    return mr_memory_tock(disk->process, MR_OK, err);
}

typedef struct sim_import {
    mr_store_import import;
    mr_sim_disk *disk;
    char *job;
    uint32_t task;
    mr_buffer bytes;
} sim_import;

static mr_status write_import(mr_store_import *base, const char *file, uint64_t offset,
                              const char *bytes, size_t length, mr_error *err)
{
    sim_import *self = (sim_import *)base;
    mr_status status = mr_memory_tick(self->disk->process, "import.write", err);
    if (status != MR_OK)
        return status;
    MR_ASSERT(strcmp(file, "entries") == 0);
    if (offset == 0)
        mr_buffer_clear(&self->bytes);
    mr_buffer_put(&self->bytes, bytes, length);
    return mr_memory_tock(self->disk->process, MR_OK, err);
}

static mr_status read_import(mr_store_import *base, const char *file, uint64_t offset, char *to,
                             size_t length, mr_error *err)
{
    sim_import *self = (sim_import *)base;
    (void)file;
    if (offset + length > self->bytes.length)
        return mr_error_set(err, MR_E_STORE_WRITE, "the simulated file ends early");
    memcpy(to, self->bytes.data + offset, length);
    return MR_OK;
}

static mr_status finish_import(mr_store_import *base, mr_error *err)
{
    sim_import *self = (sim_import *)base;
    mr_status status = mr_memory_tick(self->disk->process, "import.finish", err);
    if (status != MR_OK)
        return status;
    sim_store *store = find(self->disk, self->job, self->task);
    MR_ASSERT(store == NULL || !store->is_open);
    if (store != NULL)
        drop(self->disk, store);
    store = create(self->disk, self->job, self->task);
    mr_reader from = mr_reader_of(self->bytes.data, self->bytes.length);
    store->durable_marker = (mr_store_marker){.is_present = true};
    store->durable_marker.plan_version = mr_reader_u64(&from);
    store->durable_marker.epoch = mr_reader_u64(&from);
    store->durable_marker.log_offset = (int64_t)mr_reader_u64(&from);
    store->durable_marker.checksum = mr_reader_u32(&from);
    mr_store_change change;
    while (mr_delta_next_change(&from, &change))
        mr_sim_entries_apply(&store->durable, &change);
    MR_ASSERT(!from.is_bad);
    mr_sim_entries_copy(&store->live, &store->durable);
    store->marker = store->durable_marker;
    return mr_memory_tock(self->disk->process, MR_OK, err);
}

static void close_import(mr_store_import *base)
{
    sim_import *self = (sim_import *)base;
    mr_buffer_release(&self->bytes);
    free(self->job);
    free(self);
}

static const mr_store_import_class import_class = {
    .write = write_import, .read = read_import, .finish = finish_import, .close = close_import};

static mr_status import_store(mr_store_factory *factory, const char *job, uint32_t task,
                              mr_store_import **import, mr_error *err)
{
    mr_sim_disk *disk = factory->state;
    mr_status status = mr_memory_tick(disk->process, "store.import", err);
    if (status != MR_OK)
        return status;
    status = mr_memory_tock(disk->process, MR_OK, err);
    if (status != MR_OK)
        return status;
    sim_import *made = calloc(1, sizeof *made);
    if (made == NULL || (made->job = strdup(job)) == NULL)
        abort();
    made->import.class = &import_class;
    made->disk = disk;
    made->task = task;
    *import = &made->import;
    return MR_OK;
}

/* ---------------------------------------------------------------------------------- the disk */

mr_sim_disk *mr_sim_disk_new(mr_memory_process *process)
{
    mr_sim_disk *disk = calloc(1, sizeof *disk);
    if (disk == NULL)
        abort();
    disk->process = process;
    disk->factory = (mr_store_factory){.open = open_store,
                                       .quarantine = quarantine,
                                       .remove = remove_store,
                                       .import = import_store,
                                       .state = disk};
    return disk;
}

void mr_sim_disk_free(mr_sim_disk *disk)
{
    if (disk == NULL)
        return;
    mr_sim_disk_wipe(disk);
    free(disk->store);
    free(disk);
}

mr_store_factory *mr_sim_disk_factory(mr_sim_disk *disk)
{
    return &disk->factory;
}

void mr_sim_disk_crash(mr_sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        sim_store *self = disk->store[i];
        size_t keep = (size_t)mr_memory_draw_below(disk->process, self->pending_count + 1);
        if (keep < self->pending_count)
            mr_memory_note(disk->process, "  store %s/%u loses %zu of %zu batches", self->job,
                           self->task, self->pending_count - keep, self->pending_count);
        settle(self, keep);
        self->is_open = false;
    }
}

bool mr_sim_disk_damage(mr_sim_disk *disk, const char *job, uint32_t task, mr_sim_damage damage)
{
    sim_store *self = find(disk, job, task);
    if (self == NULL)
        return false;
    self->damage = damage;
    return true;
}

void mr_sim_disk_wipe(mr_sim_disk *disk)
{
    while (disk->count > 0) {
        MR_ASSERT(!disk->store[0]->is_open);
        drop(disk, disk->store[0]);
    }
}

mr_store_marker mr_sim_disk_marker(const mr_sim_disk *disk, const char *job, uint32_t task)
{
    const sim_store *self = find(disk, job, task);
    return self != NULL ? self->durable_marker : (mr_store_marker){0};
}

uint32_t mr_sim_disk_quarantined(const mr_sim_disk *disk)
{
    return disk->quarantined;
}
