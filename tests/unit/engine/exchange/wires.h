/*
 * Exchanges of rows (key, value), and lists of frames on their way, for tests.
 */
#ifndef MR_TESTS_UNIT_ENGINE_EXCHANGE_WIRES_H
#define MR_TESTS_UNIT_ENGINE_EXCHANGE_WIRES_H

#include "engine/exchange/receiver.h"
#include "engine/exchange/sender.h"

/* One frame in flight. */
typedef struct mr_wire_frame {
    uint32_t upstream, downstream;
    char *bytes;
    size_t length;
} mr_wire_frame;

typedef struct mr_wires {
    mr_wire_frame *frames;
    uint32_t count, room;
    uint32_t upstream; /* who is sending */
} mr_wires;

/* Relation 0 (key BIGINT, value BIGINT), relation 1 (key BIGINT, text STRING). */
mr_exchange mr_wires_exchange(uint32_t upstreams, uint32_t downstreams);

/* Keeps every frame in `wires`. */
mr_sender_out mr_wires_out(mr_wires *wires, uint32_t upstream);
void mr_wires_release(mr_wires *wires);

/* Rows of relation 0; values rise from `value`. */
mr_batch mr_wires_rows(const int64_t *keys, uint32_t count, int64_t value, mr_arena *arena);

#endif
