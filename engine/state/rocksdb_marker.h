/* The marker of a local store in RocksDB: its key and its bytes, as engine/state/rocksdb_store.h
 * draws them. Pure. */
#ifndef MR_ENGINE_STATE_ROCKSDB_MARKER_H
#define MR_ENGINE_STATE_ROCKSDB_MARKER_H

#include "engine/ports/store.h"

#define MR_ROCKSDB_MARKER_BYTES 36u
#define MR_ROCKSDB_MARKER_KEY "\xff\xffmarker"
#define MR_ROCKSDB_MARKER_KEY_LENGTH 8u

bool mr_rocksdb_is_marker(const char *key, size_t length);

void mr_rocksdb_marker_encode(const mr_store_marker *marker, char to[MR_ROCKSDB_MARKER_BYTES]);

/* `path`: of the store, for the message. MR_E_STORE_DAMAGED. */
MR_MUST_USE mr_status mr_rocksdb_marker_decode(const char *path, const char *bytes, size_t length,
                                               mr_store_marker *marker, mr_error *err);

#endif
