/*
 * The journal: the choices of an epoch that input order alone does not decide.
 *
 * Replaying the inputs in the journal's order, with its idle and end decisions, gives the same rows
 * and the same late/on-time split (P3). About 4-6 bytes an event.
 *
 * One event, bytes:   kind u8 | input varint | offset zigzag; FRAME: | number varint
 *   BATCH  rows of `input` up to (not including) `offset` were processed as one batch
 *   IDLE   `input` was declared idle at `offset`
 *   END    `input` ended (bounded run) at `offset`: its watermark is MR_TIME_MAX
 *   AWAKE  a restore found records at `offset` of `input`, which was idle or had ended: it holds
 *          the watermark from here on (the idle one where it stood, the ended one at NONE)
 *   HANDED a frame for `input` came from a task of the same worker, not through its topic, where
 *          the task stood at `offset`
 *   FRAME  before the BATCH or HANDED that it is part of: frame `number` of its epoch, of upstream
 *          `offset`, was taken. A number 0 is of a later epoch than the frame before it
 * and of tasks that lead to other stages:
 *   RESTORED  the task is a new one: what it says of its watermark it says to all once more
 *   STEPS  the next event, or the end of the epoch, came amid a fire: `offset` steps had been taken
 *          since the event before, or since the epoch began
 * Thread: one at a time.
 */
#ifndef MR_ENGINE_COMMIT_JOURNAL_H
#define MR_ENGINE_COMMIT_JOURNAL_H

#include "engine/base/buffer.h"

typedef enum mr_journal_kind {
    MR_JOURNAL_BATCH = 1,
    MR_JOURNAL_IDLE = 2,
    MR_JOURNAL_END = 3,
    MR_JOURNAL_AWAKE = 4,
    MR_JOURNAL_HANDED = 5,
    MR_JOURNAL_FRAME = 6,
    MR_JOURNAL_RESTORED = 7,
    MR_JOURNAL_STEPS = 8,
} mr_journal_kind;

typedef struct mr_journal_event {
    mr_journal_kind kind;
    uint32_t input; /* number in the epoch record's list of inputs */
    int64_t offset;
    uint64_t number; /* FRAME */
} mr_journal_event;

void mr_journal_append(mr_buffer *journal, mr_journal_event event);

/* The next event; false at the end or when malformed (`reader->is_bad`). */
bool mr_journal_next(mr_reader *reader, mr_journal_event *event);

#endif
