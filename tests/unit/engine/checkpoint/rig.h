/*
 * What the tests of checkpoints share: a state directory with a RocksDB store, a blob store in a
 * folder, and verbs that fail the test. Thread: one.
 */
#ifndef MR_TESTS_UNIT_ENGINE_CHECKPOINT_RIG_H
#define MR_TESTS_UNIT_ENGINE_CHECKPOINT_RIG_H

#include "connectors/blobs/blobs.h"
#include "engine/checkpoint/download.h"
#include "engine/checkpoint/sweep.h"
#include "engine/checkpoint/upload.h"
#include "engine/state/rocksdb_store.h"

typedef struct checkpoint_rig {
    char root[64];
    mr_state_dir *dir;
    mr_store_factory *stores;
    mr_local_store *store; /* of task 3 of `job` */
    mr_blobs *blobs;
    mr_clock clock;
    int64_t now_ms;
    mr_upload upload;
    mr_error err;
} checkpoint_rig;

void taken_init(checkpoint_rig *s);
void taken_release(checkpoint_rig *s);

/* `count` entries of slice `slice`, each of about 100 incompressible bytes, at epoch `epoch`. */
void taken_apply(checkpoint_rig *s, int64_t slice, uint32_t count, uint64_t epoch);

/* Takes a checkpoint; its id, valid until the next. */
const char *taken_checkpoint(checkpoint_rig *s);

/* A hash of all entries, and the marker. */
uint64_t taken_contents(checkpoint_rig *s, mr_store_marker *marker);

/* rm -r of the local store, which is closed and stays so. */
void taken_lose_disk(checkpoint_rig *s);
void taken_open(checkpoint_rig *s);

/* How many blobs begin with `prefix` below "job/task-3/". */
uint32_t taken_count(checkpoint_rig *s, const char *prefix);

#endif
