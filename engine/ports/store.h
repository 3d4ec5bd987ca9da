/*
 * The local store of one task: where committed state lives beyond memory and restarts fast from.
 *
 * Keys are (table, slice, key) in that order, ascending; values are opaque. Only committed deltas
 * are applied, each batch together with its marker, atomically. A batch is durable after `flush`
 * (or an orderly close); a crash may lose the newest batches but never a middle one, and never
 * tears one. Implemented by engine/state/rocksdb_store (real) and tests/sim (loses what was not
 * flushed).
 *
 * Errors: 4xxx. MR_E_STORE_DAMAGED: contents cannot be trusted; quarantine and rebuild.
 */
#ifndef MR_ENGINE_PORTS_STORE_H
#define MR_ENGINE_PORTS_STORE_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MR_E_STORE_OPEN = 4001,
    MR_E_STORE_WRITE = 4002,
    MR_E_STORE_DAMAGED = 4003,
    MR_E_STORE_LOCKED = 4004,
};

/* What the store holds: everything up to and including this epoch of this task. */
typedef struct mr_store_marker {
    bool is_present; /* false: a fresh store */
    uint64_t plan_version;
    uint64_t epoch;
    int64_t log_offset; /* next offset of the state log to apply */
    uint32_t checksum;  /* of the last applied delta */
} mr_store_marker;

/* Epochs are numbered from 1: this one is of a restore that was under way (log_scan.c). */
static inline bool mr_store_is_unfinished(const mr_store_marker *marker)
{
    return marker->is_present && marker->epoch == 0;
}

typedef struct mr_local_store mr_local_store;

/* One change. `key`/`value` borrowed during the call. */
typedef enum mr_store_operation {
    MR_STORE_PUT = 1,
    MR_STORE_DELETE = 2,
    MR_STORE_DROP_SLICE = 3, /* everything of (table, slice); key and value empty */
} mr_store_operation;

typedef struct mr_store_change {
    uint16_t table;
    int64_t slice;
    mr_store_operation operation;
    uint32_t key_length;
    uint32_t value_length;
    const char *key;
    const char *value;
} mr_store_change;

/*
 * An image: the files that a store consists of, as of its marker. They are shared with the store
 * where they can be (hard links) and never change. Thread: one at a time, any.
 */
typedef struct mr_store_image mr_store_image;

typedef struct mr_store_file {
    const char *name; /* of letters, digits, `-` and `.`, not the first */
    uint64_t size;
} mr_store_file;

typedef struct mr_store_image_class {
    /* All of `to`, or an error. */
    mr_status (*read)(mr_store_image *image, uint32_t file, uint64_t offset, char *to,
                      size_t length, mr_error *err);
    void (*close)(mr_store_image *image);
} mr_store_image_class;

struct mr_store_image {
    const mr_store_image_class *class;
    mr_store_marker marker; /* not present: an empty store; there are no files then */
    uint32_t files_count;
    const mr_store_file *files; /* by name */
};

/*
 * An import: files that are to become a task's store, put in the place of the one it had (closed)
 * all at once. A crash within `finish` leaves the old one, the new one, or one that is damaged and
 * says so. Thread: one.
 */
typedef struct mr_store_import mr_store_import;

typedef struct mr_store_import_class {
    /* Pieces of a file in order; offset 0: it starts, or starts anew. */
    mr_status (*write)(mr_store_import *import, const char *file, uint64_t offset,
                       const char *bytes, size_t length, mr_error *err);
    /* What was written, to check it. */
    mr_status (*read)(mr_store_import *import, const char *file, uint64_t offset, char *to,
                      size_t length, mr_error *err);
    mr_status (*finish)(mr_store_import *import, mr_error *err);
    void (*close)(mr_store_import *import); /* unfinished: nothing is left of it */
} mr_store_import_class;

struct mr_store_import {
    const mr_store_import_class *class;
};

/*
 * A walk over entries in key order. While one is open, no other call is made to its store but by
 * the thread that takes images.
 */
typedef struct mr_store_cursor mr_store_cursor;

typedef struct mr_store_cursor_class {
    /* The next entry, as `scan` gives it, borrowed until the next call; NULL: there is no more. */
    mr_status (*next)(mr_store_cursor *cursor, const mr_store_change **entry, mr_error *err);
    void (*close)(mr_store_cursor *cursor);
} mr_store_cursor_class;

struct mr_store_cursor {
    const mr_store_cursor_class *class;
};

typedef struct mr_store_class {
    mr_status (*marker)(mr_local_store *store, mr_store_marker *marker, mr_error *err);
    mr_status (*apply)(mr_local_store *store, const mr_store_change *changes, size_t count,
                       const mr_store_marker *marker, mr_error *err);
    /* Calls `visit` for every live entry in key order; stops when it returns non-zero. The change's
     * operation is PUT; bytes are borrowed during the call. */
    mr_status (*scan)(mr_local_store *store,
                      mr_status (*visit)(void *context, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err);
    /* Looks for `count` keys, all of one (table, slice), which rise, none twice: calls `visit` for
     * those that are there, in order, with the key's number. Of `keys` only place and key count. */
    mr_status (*find)(mr_local_store *store, const mr_store_change *keys, size_t count,
                      mr_status (*visit)(void *context, size_t number, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err);
    /* Begins at the first entry that is not before the place and key of `from`. */
    mr_status (*seek)(mr_local_store *store, const mr_store_change *from, mr_store_cursor **cursor,
                      mr_error *err);
    /* About how many there are. */
    uint64_t (*entries)(mr_local_store *store);
    mr_status (*flush)(mr_local_store *store, mr_error *err);
    /* What the store holds now, which is durable from then on. The one call that may be made on
     * another thread while the store's own applies, scans or flushes; not while it closes. One
     * image of a store at a time. */
    mr_status (*image)(mr_local_store *store, mr_store_image **image, mr_error *err);
    void (*close)(mr_local_store *store);
} mr_store_class;

struct mr_local_store {
    const mr_store_class *class;
};

typedef struct mr_store_factory mr_store_factory;

/* Opens and clears the stores of a worker's state directory. */
struct mr_store_factory {
    /* Opens (creates) the store of a task. MR_E_STORE_DAMAGED when it cannot be read. */
    mr_status (*open)(mr_store_factory *factory, const char *job, uint32_t task,
                      mr_local_store **store, mr_error *err);
    /* Puts a closed, damaged store aside (kept for a human to look at); `where` says where. */
    mr_status (*quarantine)(mr_store_factory *factory, const char *job, uint32_t task, char *where,
                            size_t where_size, mr_error *err);
    /* Removes a closed store (--reset). */
    mr_status (*remove)(mr_store_factory *factory, const char *job, uint32_t task, mr_error *err);
    /* Begins an import for a task whose store is closed. */
    mr_status (*import)(mr_store_factory *factory, const char *job, uint32_t task,
                        mr_store_import **import, mr_error *err);
    void *state;
};

#endif
