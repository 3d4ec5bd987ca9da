/*
 * Flight: the frames that tasks had sent at a cut and those behind them had not heard, made again
 * by playing them (player.h). Nothing is written.
 *
 * Thread: one; blocks. Errors: those of moments and players; MR_E_MOMENT: the playing was not what
 * the journals say, so that its frames are not those that were sent.
 */
#ifndef MR_ENGINE_REPLAY_FLIGHT_H
#define MR_ENGINE_REPLAY_FLIGHT_H

#include "engine/exchange/spool.h"
#include "engine/history/cut.h"

/* A job of one stage: NULL. The caller closes the spool. What lies in it of a channel begins with
 * frames that were heard. */
MR_MUST_USE mr_status mr_flight_make(const mr_moments *moments, const mr_cut *cut, mr_spool **spool,
                                     mr_error *err);

#endif
