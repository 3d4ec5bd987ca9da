/*
 * A world to run workers in: one cluster, a virtual clock, processes that die, disks that stay.
 *
 *   mr_sim_world world;
 *   mr_sim_world_init(&world, seed, 2, NULL);
 *   mr_sim_create(&world, "in", 4);
 *   mr_sim_put(&world, "in", 0, NULL, "hello", 1000);
 *   mr_log *log = mr_sim_connect(&world, 0);         // worker 0, alive
 *   mr_sim_kill_at(&world, 0, 17, MR_MEMORY_CRASH_DRAWN);
 *   ... run the engine on log, mr_sim_stores(&world, 0), mr_sim_clock(&world) ...
 *   ... it unwinds with MR_E_CRASHED and closes what it had open, the log too ...
 *   log = mr_sim_connect(&world, 0);                 // restarted: unflushed local state is lost
 *   mr_sim_read(&world, "out", 0, &text);            // what a read_committed reader sees
 *   mr_sim_world_release(&world);
 *
 * The same seed, faults and calls give the same history. Thread: one.
 */
#ifndef MR_TESTS_SIM_WORLD_H
#define MR_TESTS_SIM_WORLD_H

#include "connectors/memory/log.h"
#include "engine/base/buffer.h"
#include "tests/sim/blobs.h"
#include "tests/sim/store.h"

#define MR_SIM_WORKERS_MAX 8

typedef struct mr_sim_worker {
    char name[16];
    mr_memory_process process;
    mr_sim_disk *disk;
    uint32_t lives; /* connects so far */
} mr_sim_worker;

typedef struct mr_sim_world {
    uint64_t seed;
    mr_memory_clock clock;
    mr_memory_cluster *cluster;
    mr_sim_blobs *blobs; /* one store for all workers */
    mr_log *outside;     /* a connection on which nothing goes wrong: feeds and reads */
    mr_log_writer *feeder;
    uint32_t workers_count;
    mr_sim_worker worker[MR_SIM_WORKERS_MAX];
} mr_sim_world;

/* `trace` (may be NULL) gets one line a port call. The world must not move in memory. */
void mr_sim_world_init(mr_sim_world *world, uint64_t seed, uint32_t workers, FILE *trace);

/* All connections of workers have been closed. */
void mr_sim_world_release(mr_sim_world *world);

/* Connects worker `k`; one that had died is restarted: its disk has lost what was not flushed. */
mr_log *mr_sim_connect(mr_sim_world *world, uint32_t k);
mr_store_factory *mr_sim_stores(mr_sim_world *world, uint32_t k);
const mr_clock *mr_sim_clock(const mr_sim_world *world);
mr_memory_process *mr_sim_process(mr_sim_world *world, uint32_t k);

/* Worker `k` dies in its `call`-th port call from now on (1: the next). */
void mr_sim_kill_at(mr_sim_world *world, uint32_t k, uint64_t call, mr_memory_crash how);

/* What may go wrong from now on. Zero: nothing. */
void mr_sim_set_faults(mr_sim_world *world, uint32_t k, const mr_memory_faults *faults);

/* A mix of faults drawn from the seed: each kind is on or off, so that rare pairs meet too. Nothing
 * that an engine may refuse to survive (hidden doubt, refused records). */
mr_memory_faults mr_sim_draw_faults(mr_sim_world *world, uint32_t k);

/* Lets virtual time pass: timeouts and late requests are played. */
void mr_sim_pass(mr_sim_world *world, int64_t ms);

/* The outside world: topics, committed input records, committed output. They assert on errors. */
void mr_sim_create(mr_sim_world *world, const char *topic, int32_t partitions);
void mr_sim_grow(mr_sim_world *world, const char *topic, int32_t partitions);
void mr_sim_put(mr_sim_world *world, const char *topic, int32_t partition, const char *key,
                const char *value, int64_t timestamp_ms);

/* How many offsets of the partition are behind the last stable one: a transaction is open there. */
int64_t mr_sim_held(mr_sim_world *world, const char *topic, int32_t partition);

/* Calls `visit` for each committed record of the partition, in order. Returns the stable end. */
int64_t mr_sim_each(mr_sim_world *world, const char *topic, int32_t partition,
                    void (*visit)(void *context, const mr_record *record), void *context);

/* The values of all committed records of the partition, each behind a newline, appended. */
void mr_sim_read(mr_sim_world *world, const char *topic, int32_t partition, mr_buffer *text);

#endif
