/*
 * A tap on a connection: tells what a writer of it is producing, by the record's first bytes.
 *
 * "writer.produce" is one port call, but dying in a base is not dying in a delta. The tap puts its
 * own `open_writer` and `produce` before those of the log, and forwards. One log, one process.
 * Thread: one.
 */
#ifndef MR_TESTS_SIM_CRASH_TAP_H
#define MR_TESTS_SIM_CRASH_TAP_H

#include "engine/ports/log.h"

typedef struct mr_sim_tap {
    mr_log_class log_class;
    mr_writer_class writer_class;
    const mr_log_class *log_inner;
    const mr_writer_class *writer_inner;
    const char *producing; /* NULL: no call of produce is under way, or none has died in it */
} mr_sim_tap;

/* From now on the log's calls run through the tap, which must outlive it and must not move. */
void mr_sim_tap_open(mr_sim_tap *tap, mr_log *log);

#endif
