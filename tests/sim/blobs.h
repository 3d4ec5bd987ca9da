/*
 * The simulated blob store: one for the world, as S3 is. Each process has handles of its own, whose
 * every call goes through the process' hook: it may be the one it dies in. A blob is there whole or
 * not at all. While a process' log is hard to reach (mr_memory_faults.fetch_error), so is the
 * store. Thread: one.
 */
#ifndef MR_TESTS_SIM_BLOBS_H
#define MR_TESTS_SIM_BLOBS_H

#include "connectors/memory/process.h"
#include "engine/ports/blob.h"

typedef struct mr_sim_blobs mr_sim_blobs;

/* `clock` tells when blobs were put. */
mr_sim_blobs *mr_sim_blobs_new(const mr_clock *clock);
void mr_sim_blobs_free(mr_sim_blobs *blobs);

/* A process' handle; closed by its user. */
mr_blobs *mr_sim_blobs_open(mr_sim_blobs *blobs, mr_memory_process *process);

/* All is gone. */
void mr_sim_blobs_wipe(mr_sim_blobs *blobs);

uint32_t mr_sim_blobs_count(const mr_sim_blobs *blobs);

#endif
