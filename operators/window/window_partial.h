/*
 * Window partial: the half of a window aggregate that runs before an exchange.
 *
 * Groups the rows of one batch by (slice, key) and emits the groups as partials (partials.h) on the
 * main port. It keeps nothing: no state, no timer, nothing to restore. Only rows are grouped whose
 * windows are all open for certain, by their own watermark, the operator's and the floor
 * (mr_operator_context): then they are open behind the exchange too, whose watermark is no further.
 * All others go on as they came, by the raw port, to be judged there: late ones, ones late for some
 * of their windows, and all that nobody here can vouch for. Dead: as in window_aggregate, whose
 * config it has and for which mr_window_has_partials must hold.
 */
#ifndef MR_OPERATORS_WINDOW_WINDOW_PARTIAL_H
#define MR_OPERATORS_WINDOW_WINDOW_PARTIAL_H

#include "operators/window/window_aggregate.h"

extern const mr_operator_class mr_window_partial_class;

#endif
