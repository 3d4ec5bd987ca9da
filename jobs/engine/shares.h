/*
 * Shares: how the memory that a job may take is dealt out.
 *
 *   1/16  what every process takes, before the first row   1/16  rows on their way: batches, staged
 *   1/16  fetched and not read yet, all inputs together    1/16  produced and not delivered yet
 *   1/4   RocksDB: blocks, indexes and filters in one      1/8   changes of an epoch, on their way
 *         cache, and memtables                                   to log and local store
 *   3/8   state that may leave memory for the local store
 *
 * Sizes that are fast enough are not exceeded, however much there is. Pure.
 */
#ifndef MR_JOBS_ENGINE_SHARES_H
#define MR_JOBS_ENGINE_SHARES_H

#include <stddef.h>
#include <stdint.h>

#define MR_MEMORY_LEAST ((int64_t)64 << 20)

typedef struct mr_shares {
    int64_t limit_bytes;
    size_t state_bytes;    /* in memory, of what may leave */
    uint64_t load_entries; /* a local store with no more is read whole at a restore */
    size_t dirty_bytes;    /* changed entries, before the epoch is cut */
    size_t staged_bytes;   /* outputs staged beside a decision */
    size_t cache_bytes;    /* RocksDB's cache */
    size_t memtable_bytes; /* of each task; there are two at a time */
    int32_t input_queue_kb;
    int32_t writer_queue_kb;
} mr_shares;

/* Half of what this machine, or the control group of this process, has. */
int64_t mr_shares_default(void);

/* `limit_bytes` 0: the default. `tasks` that one process may come to have, and `inputs`, both at
 * least 1. */
mr_shares mr_shares_of(int64_t limit_bytes, uint32_t tasks, uint32_t inputs);

#endif
