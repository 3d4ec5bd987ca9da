/*
 * The simulated local store: a worker's state directory in memory.
 *
 * A disk outlives the processes that use it. What a store applied but did not flush is lost from
 * some batch on when its process dies, never a middle batch (engine/ports/store.h); how much is
 * drawn from the process' seed. Every call goes through the process' hook, so it may be the one it
 * dies in. Thread: one.
 */
#ifndef MR_TESTS_SIM_STORE_H
#define MR_TESTS_SIM_STORE_H

#include "connectors/memory/process.h"
#include "engine/ports/store.h"

typedef struct mr_sim_disk mr_sim_disk;

typedef enum mr_sim_damage {
    MR_SIM_DAMAGE_OPEN = 1, /* `open` finds it */
    MR_SIM_DAMAGE_SCAN,     /* `open` and `marker` go well, `scan` finds it half way */
    MR_SIM_DAMAGE_MARKER,   /* `open` goes well, `marker` finds it */
} mr_sim_damage;

/* `process` is borrowed and outlives the disk. */
mr_sim_disk *mr_sim_disk_new(mr_memory_process *process);
void mr_sim_disk_free(mr_sim_disk *disk);

/* The factory of the process; lives as long as the disk. */
mr_store_factory *mr_sim_disk_factory(mr_sim_disk *disk);

/* The process has died: locks fall, unflushed batches are lost from a drawn one on. */
void mr_sim_disk_crash(mr_sim_disk *disk);

/* The store's contents can no longer be trusted. False: there is no such store. */
bool mr_sim_disk_damage(mr_sim_disk *disk, const char *job, uint32_t task, mr_sim_damage damage);

/* rm -r: all stores are gone. */
void mr_sim_disk_wipe(mr_sim_disk *disk);

/* What is durable of a store. */
mr_store_marker mr_sim_disk_marker(const mr_sim_disk *disk, const char *job, uint32_t task);
/* How many stores have been put aside so far. */
uint32_t mr_sim_disk_quarantined(const mr_sim_disk *disk);

#endif
