/*
 * Player: one task, from one moment to another, by its journal.
 *
 * What an epoch came to (counters, watermarks, next offsets, what was heard) must be what its
 * record says; where it is not, that is told and the playing goes on, for the text of a job may
 * have been changed on purpose. Frames are taken from the spool in the order of the journal, and
 * those that the task sends go there. Thread: one; blocks. Errors: MR_E_REPLAY_NEVER: an older
 * Millrace's journal does not say in which order frames came.
 */
#ifndef MR_ENGINE_REPLAY_PLAYER_H
#define MR_ENGINE_REPLAY_PLAYER_H

#include "engine/exchange/spool.h"
#include "engine/history/cut.h"

typedef struct mr_player {
    const mr_moments *moments;
    uint32_t task;
    const mr_cut *cut;
    mr_task_io *io;  /* its frames are the player's to set */
    mr_spool *spool; /* NULL: the job has one stage */
    /* All with `context`. Rows are wanted from now on, or not; several times a second; where it is
     * not what the journal says; records and epochs done since the last call. */
    void (*want)(void *context, bool is_wanted);
    mr_status (*breathe)(void *context, mr_error *err);
    void (*differ)(void *context, uint32_t task, uint64_t epoch, const char *what);
    void (*count)(void *context, uint64_t records, uint64_t epochs);
    void *context;
} mr_player;

MR_MUST_USE mr_status mr_player_run(const mr_player *player, mr_error *err);

#endif
