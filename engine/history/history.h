/*
 * History: the epochs of one task, as its partition of the state log has them.
 *
 * Reads committed records alone, in order, and checks each one's own checksum; what a former owner
 * left without transactions is passed over by the chain of epochs. Nothing is loaded: that is
 * recovery's. Thread: one at a time; blocks. Errors: those of the log; MR_E_STATE_FORMAT.
 */
#ifndef MR_ENGINE_HISTORY_HISTORY_H
#define MR_ENGINE_HISTORY_HISTORY_H

#include "engine/commit/epoch_record.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"

typedef struct mr_history {
    mr_log *log;
    const mr_clock *clock;
    const char *topic; /* the state log */
    uint32_t task;
} mr_history;

/* One epoch record or claim; everything is borrowed during the call of the visitor. */
typedef struct mr_history_record {
    bool is_claim;
    const mr_epoch_record *record;
    int64_t offset;
    int64_t timestamp_ms; /* when it was written */
    uint32_t checksum;
    const char *bytes; /* the whole record, as it lies in the log */
    size_t length;
} mr_history_record;

/* `*is_enough`: no further one is wanted. */
typedef mr_status (*mr_history_visit)(void *context, const mr_history_record *record,
                                      bool *is_enough, mr_error *err);

/* All of [from, until); `from` MR_OFFSET_EARLIEST: from its start; `until` negative: to the last
 * stable offset as it is now. MR_E_KAFKA_OFFSET_LOST: `from` is trimmed, or the log was while it
 * was read; what was visited may be gone. */
MR_MUST_USE mr_status mr_history_read(const mr_history *history, int64_t from, int64_t until,
                                      mr_history_visit visit, void *context, mr_error *err);

/* Whose plan the last epoch is of; 0: there is none. Where the offsets of the job's group say where
 * it lies, it alone is read. */
MR_MUST_USE mr_status mr_history_last_plan(const mr_history *history, const char *job,
                                           uint64_t *version, mr_error *err);

#endif
