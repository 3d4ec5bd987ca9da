/*
 * SESSION, exactly. The rows of a key are put together in their order: a row joins the sessions it
 * touches (shares a point with, bounds included) that are still open, and one is closed when just
 * that session, with its bounds, count and sum, is among the results. A row that touches none is in
 * the late rows, or begins one. In the end every result and every late row has been used: each
 * session is whole, and none is a part of another. Amounts of a key are unequal, so that a late row
 * is no other.
 */
#ifndef MR_TESTS_SIM_LAW_SESSIONS_H
#define MR_TESTS_SIM_LAW_SESSIONS_H

#include "tests/sim/law.h"

bool mr_sim_sessions_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size);

#endif
