/* Errors of RocksDB, which it tells in words only, as ours. Thread: no shared state. */
#ifndef MR_ENGINE_STATE_ROCKSDB_ERROR_H
#define MR_ENGINE_STATE_ROCKSDB_ERROR_H

#include "engine/base/error.h"

#define MR_ROCKSDB_PATH_SHOWN 512

/* Takes RocksDB's message and frees it. `otherwise` is the code of failures that say nothing about
 * the contents; MR_E_STORE_DAMAGED: all do, but what the machine refused. */
mr_status mr_rocksdb_failed(const char *path, const char *what, char *message, mr_status otherwise,
                            mr_error *err);

mr_status mr_rocksdb_damaged(const char *path, const char *why, mr_error *err);

#endif
