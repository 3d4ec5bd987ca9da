/*
 * The older way to write a window: GROUP BY TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts,
 * gap), and TUMBLE_START(ts, size), .._END, .._ROWTIME with the same arguments for its bounds.
 *
 *   SELECT k, TUMBLE_START(ts, i), COUNT(*) FROM t WHERE p GROUP BY k, TUMBLE(ts, i)
 *   SELECT k, window_start, COUNT(*)
 *   FROM TABLE(TUMBLE((SELECT * FROM t WHERE p), DESCRIPTOR(ts), i))
 *   GROUP BY k, window_start, window_end
 *
 * The second is what is bound for the first; a SESSION partitions by the other columns of GROUP BY.
 */
#ifndef MR_JOBS_PLAN_BINDER_QUERY_GROUP_WINDOW_H
#define MR_JOBS_PLAN_BINDER_QUERY_GROUP_WINDOW_H

#include "jobs/plan/binder/expr/scope.h"

/* Is this a TUMBLE, HOP or SESSION call? */
bool mr_is_group_window(const mr_ast_expr *ast);

/* What FROM means: the window function where GROUP BY has one (WHERE lies within then), else
 * select->from itself. NULL: reported. */
const mr_ast_ref *mr_group_window_from(mr_binder *binder, const mr_ast_select *select);

/* When `ast` is a bound of a window (TUMBLE_START ..) or the window itself: true, and *role is the
 * window column that it means, MR_ROLE_NONE when it was reported wrong. `window` is the call in
 * GROUP BY, NULL: none. */
bool mr_group_window_part(mr_binder *binder, const mr_ast_expr *window, const mr_ast_expr *ast,
                          mr_column_role *role);

#endif
