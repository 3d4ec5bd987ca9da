/*
 * What the open epoch counts beside the tasks' own counters: dead letters by stage and code, bytes
 * written to sinks, how late its late rows were, the age of the oldest record. These are of this
 * process alone, not of the epoch record; they are published with their epoch or forgotten with it
 * (worker/report.h).
 *
 * All-zero but for `bytes_out` and `lateness` is ready. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_TALLY_H
#define MR_ENGINE_RUN_TALLY_H

#include "engine/base/metrics.h"

#include <stdbool.h>
#include <stdint.h>

#define MR_TALLY_DEAD_MAX 64u /* pairs of stage and code; later ones are not told apart */

typedef struct mr_tally_dead {
    const char *stage; /* a literal */
    int code;
    uint64_t letters; /* produced to a dead-letter topic */
    uint64_t cut;     /* of these: not whole */
} mr_tally_dead;

typedef struct mr_tally {
    mr_tally_dead dead[MR_TALLY_DEAD_MAX];
    uint32_t dead_count;
    uint64_t *bytes_out; /* [sinks]; NULL: nobody asks */
    uint32_t sinks_count;
    mr_histogram *lateness; /* [nodes of the job], ms; NULL: nobody asks */
    uint32_t nodes_count;
    int64_t oldest_ms; /* timestamp of a record; 0: none */
} mr_tally;

/* One letter more. `tally` NULL: nobody counts. */
void mr_tally_letter(mr_tally *tally, const char *stage, int code, bool is_cut);

/* A row that `node` of the job found late. */
void mr_tally_late(mr_tally *tally, uint32_t node, int64_t by_ms);

void mr_tally_oldest(mr_tally *tally, int64_t timestamp_ms);

/* Moves all of `from` to `to`; `from` is empty then. Both have room for the same sinks
 * and nodes. */
void mr_tally_move(mr_tally *to, mr_tally *from);

void mr_tally_clear(mr_tally *tally);

#endif
