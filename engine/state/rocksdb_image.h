/*
 * Images of a RocksDB store (engine/ports/store.h): hard links beside it, in `<store>.image`.
 *
 * RocksDB flushes what is in memory, links the files that never change, copies the few that do. The
 * marker is read from the image itself, opened read-only: what it holds is what it says, whatever
 * the store applied meanwhile, and it is known to open. Thread: any, one image of a store at a
 * time.
 */
#ifndef MR_ENGINE_STATE_ROCKSDB_IMAGE_H
#define MR_ENGINE_STATE_ROCKSDB_IMAGE_H

#include "engine/ports/store.h"

#include <rocksdb/c.h>

/* `db` lies at `path`. Errors: MR_E_STORE_WRITE, MR_E_STORE_DAMAGED. */
MR_MUST_USE mr_status mr_rocksdb_image_make(rocksdb_t *db, const char *path, mr_store_image **image,
                                            mr_error *err);

#endif
