/*
 * What the oracle expects as lines, and whether two lists of lines are the same.
 */
#ifndef MR_TESTS_SIM_WINDOW_EXPECT_H
#define MR_TESTS_SIM_WINDOW_EXPECT_H

#include "tests/sim/window_lines.h"

/* Results of the windows that the oracle has closed, and its late rows; sorted. */
void mr_window_expect(mr_oracle *oracle, mr_window_lines *results, mr_window_lines *late);

/* Prints the first difference. */
bool mr_window_lines_same(const char *what, const mr_window_lines *want,
                          const mr_window_lines *got);

#endif
