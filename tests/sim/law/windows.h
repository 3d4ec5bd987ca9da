/*
 * TUMBLE and HOP, exactly: a window is closed for all rows behind some place of the key's order,
 * and for none before it. So what it counted are the first rows of those that belong to it, with
 * just their sum; a later window closes no earlier; and the late rows are those that came too late
 * for their last window, no others.
 */
#ifndef MR_TESTS_SIM_LAW_WINDOWS_H
#define MR_TESTS_SIM_LAW_WINDOWS_H

#include "tests/sim/law.h"

bool mr_sim_windows_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size);

#endif
