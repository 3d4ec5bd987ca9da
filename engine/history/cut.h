/*
 * Cut: moments of the tasks of a job with several stages, and what of its past has to be played so
 * that they fit together (docs/decisions/0022).
 *
 * What a task has heard of those before it is part of its epoch records. A frame that it had not
 * heard yet lies in no topic for ever; it comes again when its upstream is played:
 *
 *   upstream     .. e-1 | e | e+1 ..  starts there: at the latest in front of the epoch of the last
 *                     |  \            frame heard, for there may have been more in it; and stops
 *   downstream   .... | .. heard e |  behind all that is heard in the end
 *                               from
 *
 * No task's moment has heard what its upstream's has not said: what a point names is lowered to
 * that. In a job of one stage each task has its own moments, and nothing else is played. Thread:
 * one; blocks. Errors: those of moments.
 */
#ifndef MR_ENGINE_HISTORY_CUT_H
#define MR_ENGINE_HISTORY_CUT_H

#include "engine/history/moment.h"

/* [plan->tasks_count] each. start <= from <= to <= stop. */
typedef struct mr_cut {
    mr_moment *from, *to;    /* what lies between them is wanted */
    mr_moment *start, *stop; /* what lies between them is to be played for it */
} mr_cut;

/* What a task has heard of one before it. */
typedef struct mr_heard {
    const mr_exchange *exchange;
    uint32_t upstream; /* within its stage */
    uint32_t task;     /* the same, in the job */
    bool is_heard;     /* else it has heard nothing yet */
    uint64_t epoch, number;
    mr_watermark mark;
} mr_heard;

MR_MUST_USE mr_status mr_cut_find(const mr_moments *moments, const mr_point *from,
                                  const mr_point *to, mr_arena *arena, mr_cut *cut, mr_error *err);

/* One moment, for moves: from = to, and what has to be played for what is in flight there. */
MR_MUST_USE mr_status mr_cut_find_flight(const mr_moments *moments, const mr_point *point,
                                         mr_arena *arena, mr_cut *cut, mr_error *err);

/* Whether a task can be played: it was not moved in between (MR_E_MOMENT), and its sources reach
 * back (MR_E_REPLAY_GONE). */
MR_MUST_USE mr_status mr_cut_check(const mr_moments *moments, const mr_cut *cut, uint32_t task,
                                   mr_error *err);

/* Of all that lead to the task, as its epoch record has it. */
MR_MUST_USE mr_status mr_cut_heard(const mr_moments *moments, uint32_t task,
                                   const mr_epoch_record *record, mr_arena *arena, mr_heard **heard,
                                   uint32_t *count, mr_error *err);

#endif
