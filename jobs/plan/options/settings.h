/*
 * The settings of a job: SET 'key' = 'value' of its script, `-D key=value` of the command line
 * first. A setting holds for the whole job wherever it stands; of two SETs the later one wins.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_SETTINGS_H
#define MR_JOBS_PLAN_OPTIONS_SETTINGS_H

#include "engine/run/plan.h"
#include "jobs/plan/options/option.h"

typedef struct mr_settings {
    const char *name; /* pipeline.name; NULL */
    int64_t commit_interval_ms;
    int32_t transaction_timeout_ms;
    const char *zone_name; /* NULL: UTC */
    uint32_t parallelism;
    int64_t idle_timeout_ms;
    int64_t state_ttl_ms;
    mr_guarantee guarantee;
    bool has_guarantee;
    bool forbids_unbounded_state;
    mr_span zone_span;
} mr_settings;

/* `overrides`: "key=value" texts of the command line. */
mr_settings mr_settings_read(const mr_ast_script *script, const char *const *overrides,
                             uint32_t overrides_count, mr_arena *arena,
                             mr_diagnostics *diagnostics);

/* All known settings, for help. */
mr_option_specs mr_settings_specs(void);

#endif
