#include "jobs/engine/shares.h"

#include <stdio.h>
#include <unistd.h>

#define MIB ((int64_t)1 << 20)
#define MEMTABLES 2      /* of a task: one is written to, one on its way to disk */
#define DIRTY_WEIGHT 8   /* copies of a changed entry at a commit: lists, delta, batch, memtable */
#define ENTRY_WEIGHT 256 /* of a loaded entry, with its key, generously */
#define LOAD_MOST 262144 /* a quarter of a second to read */

static int64_t between(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* INT64_MAX: the group has no limit, or there is none. */
static int64_t group_limit(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    int64_t limit = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(files[i], "re");
        long long found;
        if (file != NULL && fscanf(file, "%lld", &found) == 1 && found > 0 && found < limit)
            limit = found;
        if (file != NULL)
            fclose(file);
    }
    return limit;
}

int64_t mr_shares_default(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int64_t group = group_limit();
    int64_t all = pages > 0 && size > 0 ? pages * size : 1024 * MIB;
    return between((group < all ? group : all) / 2, MR_MEMORY_LEAST, INT64_MAX);
}

mr_shares mr_shares_of(int64_t limit_bytes, uint32_t tasks, uint32_t inputs)
{
    int64_t limit = limit_bytes > 0 ? limit_bytes : mr_shares_default();
    int64_t sixteenth = limit / 16, rocksdb = limit / 4;
    int64_t memtable = between(rocksdb / 2 / MEMTABLES / tasks, MIB, 8 * MIB);
    mr_shares shares = {.limit_bytes = limit, .state_bytes = (size_t)(limit / 8 * 3)};
    shares.load_entries =
        (uint64_t)between((int64_t)shares.state_bytes / ENTRY_WEIGHT / tasks, 1024, LOAD_MOST);
    shares.dirty_bytes = (size_t)between(limit / 8 / DIRTY_WEIGHT, MIB, 64 * MIB);
    shares.staged_bytes = (size_t)between(sixteenth / 2, MIB, 16 * MIB);
    shares.memtable_bytes = (size_t)memtable;
    shares.cache_bytes =
        (size_t)between(rocksdb - memtable * MEMTABLES * tasks, 4 * MIB, 1024 * MIB);
    shares.input_queue_kb = (int32_t)between(sixteenth / inputs / 1024, 64, 4096);
    shares.writer_queue_kb = (int32_t)between(sixteenth / 1024, 1024, 32768);
    return shares;
}
