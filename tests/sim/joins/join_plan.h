/*
 * The plan of a history's join, by hand: one or two sources, the join, a sink.
 *
 *   left (id, key, time, amount, name; watermark time - delay) \
 *                                                               interval join -> results
 *   right (the same)                                           /
 */
#ifndef MR_TESTS_SIM_JOINS_JOIN_PLAN_H
#define MR_TESTS_SIM_JOINS_JOIN_PLAN_H

#include "engine/run/plan.h"
#include "operators/functions/resolve.h"
#include "operators/join/interval_join.h"
#include "tests/sim/joins/join_history.h"

enum {
    MR_SIM_JOIN_ID = 0,
    MR_SIM_JOIN_KEY,
    MR_SIM_JOIN_TIME,
    MR_SIM_JOIN_AMOUNT,
    MR_SIM_JOIN_NAME,
    MR_SIM_JOIN_KEPT, /* columns before this one are kept */
    MR_SIM_JOIN_MARK = MR_SIM_JOIN_KEPT,
    MR_SIM_JOIN_COLUMNS,
};

typedef struct mr_join_plan {
    int64_t delay_ms;
    mr_type types[MR_SIM_JOIN_COLUMNS], nullable[MR_SIM_JOIN_COLUMNS];
    mr_source_column columns[MR_SIM_JOIN_COLUMNS];
    mr_expr mark;
    uint32_t keys[1], kept[MR_SIM_JOIN_KEPT];
    mr_interval_join_config join;
    mr_origin inputs[2], right;
    mr_plan_source sources[2];
    mr_plan_node nodes[2]; /* [what stands before the right input,] the join */
    mr_plan_sink sink;
    mr_plan plan;
    mr_arena arena;
} mr_join_plan;

/* Points into itself: not to be moved. */
void mr_join_plan_init(mr_join_plan *plan, const mr_join_history *history);
void mr_join_plan_release(mr_join_plan *plan);

#endif
