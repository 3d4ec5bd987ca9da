/*
 * Session aggregate: GROUP BY window_start, window_end and the keys that SESSION partitions by.
 *
 * A row joins the open sessions of its key that it touches (session.h); two become one. It is late
 * when it touches none and its own would be closed already. Sessions fire when watermark >= end -
 * 1, in order of (end, hash, key), and are forgotten as they are emitted: what is left in state is
 * what is left to do, so MORE needs no cursor, and all that is held are live sessions.
 *
 * State tables: "sessions" (session.h), "distinct" (key of the session + aggregate + value ->
 * seen). Output, late and dead rows as in window_aggregate.h; the bounds of a late row are those of
 * the session it would have made alone. With a zone, sessions are stretches between instants and
 * their bounds are shown as wall clocks.
 */
#ifndef MR_OPERATORS_WINDOW_SESSION_AGGREGATE_H
#define MR_OPERATORS_WINDOW_SESSION_AGGREGATE_H

#include "operators/window/window_aggregate.h"

/* Its config is an mr_window_config of kind SESSION: size_ms is the gap, slide and offset are not
 * used. */
extern const mr_operator_class mr_session_aggregate_class;

/* Of this class or of mr_window_aggregate_class: its config is an mr_window_config. */
static inline bool mr_class_aggregates_windows(const mr_operator_class *class)
{
    return class == &mr_window_aggregate_class || class == &mr_session_aggregate_class;
}

#endif
