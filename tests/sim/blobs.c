#include "tests/sim/blobs.h"

#include "connectors/blobs/sha256.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

typedef struct sim_blob {
    char *name;
    char *bytes;
    size_t length;
    int64_t modified_ms;
} sim_blob;

struct mr_sim_blobs {
    const mr_clock *clock;
    sim_blob *blob; /* by name */
    size_t count;
};

typedef struct handle {
    mr_blobs blobs;
    mr_sim_blobs *store;
    mr_memory_process *process;
} handle;

static handle *self_of(mr_blobs *blobs)
{
    return (handle *)blobs;
}

/* The first that is not before `name`. */
static size_t place_of(const mr_sim_blobs *store, const char *name)
{
    size_t at = 0;
    while (at < store->count && strcmp(store->blob[at].name, name) < 0)
        at++;
    return at;
}

static sim_blob *find(const mr_sim_blobs *store, const char *name)
{
    size_t at = place_of(store, name);
    bool is_there = at < store->count && strcmp(store->blob[at].name, name) == 0;
    return is_there ? &store->blob[at] : NULL;
}

static void remove_at(mr_sim_blobs *store, size_t at)
{
    free(store->blob[at].name);
    free(store->blob[at].bytes);
    store->count--;
    memmove(&store->blob[at], &store->blob[at + 1], (store->count - at) * sizeof *store->blob);
}

static mr_status begin(handle *self, const char *call, mr_error *err)
{
    mr_status status = mr_memory_tick(self->process, call, err);
    if (status == MR_OK && mr_memory_draw(self->process, self->process->faults.fetch_error, call))
        status = mr_error_set_recovery(err, MR_E_BLOB_STORE, MR_RECOVERY_RETRY,
                                       "%s: the simulated store is away", call);
    return status;
}

static void set(mr_sim_blobs *store, const char *name, char *bytes, size_t length)
{
    sim_blob *blob = find(store, name);
    if (blob == NULL) {
        size_t at = place_of(store, name);
        store->blob = realloc(store->blob, (store->count + 1) * sizeof *store->blob);
        MR_ASSERT(store->blob != NULL);
        memmove(&store->blob[at + 1], &store->blob[at], (store->count - at) * sizeof *store->blob);
        store->count++;
        blob = &store->blob[at];
        *blob = (sim_blob){.name = strdup(name)};
        MR_ASSERT(blob->name != NULL);
    }
    free(blob->bytes);
    blob->bytes = bytes;
    blob->length = length;
    blob->modified_ms = store->clock->wall_ms(store->clock);
}

static mr_status put(mr_blobs *blobs, const char *name, const mr_blob_source *source,
                     mr_blob_put how, mr_error *err)
{
    handle *self = self_of(blobs);
    mr_status status = begin(self, "blob.put", err);
    if (status != MR_OK)
        return status;
    char *bytes = malloc((size_t)source->size + 1);
    MR_ASSERT(bytes != NULL);
    status = source->size > 0 ? source->read(source->context, 0, bytes, (size_t)source->size, err)
                              : MR_OK;
    if (status == MR_OK && how == MR_BLOB_IF_ABSENT && find(self->store, name) != NULL)
        status = mr_error_set(err, MR_E_BLOB_EXISTS, "%s exists", name);
    if (status == MR_OK)
        set(self->store, name, bytes, (size_t)source->size);
    else
        free(bytes);
    return mr_memory_tock(self->process, status, err);
}

static mr_status get(mr_blobs *blobs, const char *name, const mr_blob_target *target, mr_error *err)
{
    handle *self = self_of(blobs);
    mr_status status = begin(self, "blob.get", err);
    if (status != MR_OK)
        return status;
    const sim_blob *blob = find(self->store, name);
    if (blob == NULL)
        status = mr_error_set(err, MR_E_BLOB_MISSING, "%s does not exist", name);
    else if (blob->length > 0) /* in two pieces */
        status = target->write(target->context, 0, blob->bytes, blob->length / 2 + 1, err);
    if (status == MR_OK && blob->length > blob->length / 2 + 1)
        status =
            target->write(target->context, blob->length / 2 + 1, blob->bytes + blob->length / 2 + 1,
                          blob->length - blob->length / 2 - 1, err);
    return mr_memory_tock(self->process, status, err);
}

static mr_status list(mr_blobs *blobs, const char *prefix,
                      mr_status (*visit)(void *context, const mr_blob_facts *facts, mr_error *err),
                      void *context, mr_error *err)
{
    handle *self = self_of(blobs);
    mr_status status = begin(self, "blob.list", err);
    if (status == MR_OK)
        status = mr_memory_tock(self->process, MR_OK, err);
    if (status != MR_OK)
        return status;
    /* What is visited may be removed meanwhile: so by name, not by place. */
    size_t at = place_of(self->store, prefix);
    while (status == MR_OK && at < self->store->count &&
           strncmp(self->store->blob[at].name, prefix, strlen(prefix)) == 0) {
        const sim_blob *blob = &self->store->blob[at];
        char *name = strdup(blob->name);
        MR_ASSERT(name != NULL);
        status = visit(context, &(mr_blob_facts){name, blob->length, blob->modified_ms}, err);
        at = place_of(self->store, name);
        at += at < self->store->count && strcmp(self->store->blob[at].name, name) == 0;
        free(name);
    }
    return status;
}

static mr_status remove_blob(mr_blobs *blobs, const char *name, mr_error *err)
{
    handle *self = self_of(blobs);
    mr_status status = begin(self, "blob.remove", err);
    if (status != MR_OK)
        return status;
    const sim_blob *blob = find(self->store, name);
    if (blob != NULL)
        remove_at(self->store, (size_t)(blob - self->store->blob));
    return mr_memory_tock(self->process, MR_OK, err);
}

static mr_status digest(mr_blobs *blobs, const mr_blob_source *source, char to[MR_BLOB_DIGEST_SIZE],
                        mr_error *err)
{
    (void)blobs;
    return mr_sha256_source(source, to, err);
}

static void close_handle(mr_blobs *blobs)
{
    free(blobs);
}

static const mr_blobs_class sim_class = {.put = put,
                                         .get = get,
                                         .list = list,
                                         .remove = remove_blob,
                                         .digest = digest,
                                         .close = close_handle};

mr_sim_blobs *mr_sim_blobs_new(const mr_clock *clock)
{
    mr_sim_blobs *store = calloc(1, sizeof *store);
    MR_ASSERT(store != NULL);
    store->clock = clock;
    return store;
}

void mr_sim_blobs_wipe(mr_sim_blobs *store)
{
    while (store->count > 0)
        remove_at(store, store->count - 1);
}

void mr_sim_blobs_free(mr_sim_blobs *store)
{
    if (store == NULL)
        return;
    mr_sim_blobs_wipe(store);
    free(store->blob);
    free(store);
}

mr_blobs *mr_sim_blobs_open(mr_sim_blobs *store, mr_memory_process *process)
{
    handle *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    *self = (handle){{&sim_class}, store, process};
    return &self->blobs;
}

uint32_t mr_sim_blobs_count(const mr_sim_blobs *store)
{
    return (uint32_t)store->count;
}
