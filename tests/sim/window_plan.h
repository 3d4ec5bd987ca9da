/*
 * The plan of sim_windows, built by hand from a history's job: records whose value is an
 * mr_oracle_row.
 */
#ifndef MR_TESTS_SIM_WINDOW_PLAN_H
#define MR_TESTS_SIM_WINDOW_PLAN_H

#include "engine/run/plan.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/session_aggregate.h"
#include "tests/harness/window_oracle.h"

enum {
    MR_SIM_COLUMN_ID = 0,
    MR_SIM_COLUMN_KEY,
    MR_SIM_COLUMN_TIME,
    MR_SIM_COLUMN_AMOUNT,
    MR_SIM_COLUMN_NAME,
    MR_SIM_COLUMN_FLAG,
    MR_SIM_COLUMN_PRICE,
    MR_SIM_COLUMN_RATIO,
    MR_SIM_COLUMN_DAY,
    MR_SIM_COLUMN_MOMENT,
    MR_SIM_COLUMN_MARK, /* time - delay: the watermark expression reads it */
    MR_SIM_COLUMNS,
};

typedef struct mr_window_plan {
    mr_plan plan;
    mr_plan_source source;
    mr_source_column columns[MR_SIM_COLUMNS];
    mr_expr mark;
    mr_plan_node node;
    mr_plan_sink sinks[2]; /* results, late rows; opened by the caller */
    mr_window_config window;
    mr_deduplicate_config first;
    mr_aggregate aggregates[MR_ORACLE_AGGREGATES_MAX];
    mr_type types[MR_SIM_COLUMNS];
    uint32_t keys[1];
    int64_t delay_ms; /* the decoder's config is this */
} mr_window_plan;

void mr_window_plan_init(mr_window_plan *plan, const mr_oracle_job *job);

#endif
