/*
 * The past: a log in which one partition of the state log ends where it did once.
 *
 * Recovery runs on it as on any log, and restores the task as of then. It has what recovery asks
 * for: offsets, and readers of the one partition; there are no writers and no members in the past.
 * Memory: the past borrows the log; readers are closed before it. Thread: as the log's.
 */
#ifndef MR_ENGINE_HISTORY_PAST_H
#define MR_ENGINE_HISTORY_PAST_H

#include "engine/ports/log.h"

typedef struct mr_past {
    mr_log log; /* to be handed on */
    mr_log *present;
    int64_t end;
} mr_past;

/* `end`: behind the last record that there was. */
void mr_past_init(mr_past *past, mr_log *present, int64_t end);

#endif
