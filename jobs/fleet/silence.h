/*
 * Silence: workers that were taken for dead do not commit any more.
 *
 * One that stood still with its offsets sent has only a commit to do, of which its group knows
 * nothing. Thread: one; blocks.
 */
#ifndef MR_JOBS_FLEET_SILENCE_H
#define MR_JOBS_FLEET_SILENCE_H

#include "engine/base/logger.h"
#include "engine/ports/clock.h"
#include "engine/ports/log.h"

/* Ends what writers of the job have open in its state log. Its group has no member: nobody else
 * gets offsets through. What cannot be ended is waited for, a minute for all of them and a second
 * for each, and logged: MR_E_TRANSPLANT and damage stop nothing. */
MR_MUST_USE mr_status mr_silence_writers(mr_log *log, const mr_clock *clock,
                                         const mr_logger *logger, const char *job, mr_error *err);

#endif
