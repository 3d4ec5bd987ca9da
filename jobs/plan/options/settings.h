/*
 * The settings of a job. First wins: `-D key=value` of the command line, the environment
 * (environment.h), SET 'key' = 'value' of the script, the default.
 *
 * A setting holds for the whole job wherever it stands. Of two SETs the later one wins; RESET takes
 * back the SETs in front of it. An unknown key of a script is a warning, since scripts come from
 * elsewhere; one of the command line or the environment is an error.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_SETTINGS_H
#define MR_JOBS_PLAN_OPTIONS_SETTINGS_H

#include "engine/run/plan.h"
#include "jobs/plan/options/option.h"

typedef enum mr_setting_origin {
    MR_SETTING_BY_DEFAULT = 0,
    MR_SETTING_BY_SCRIPT,
    MR_SETTING_BY_ENVIRONMENT,
    MR_SETTING_BY_FLAG,
} mr_setting_origin;

/* A setting that was given, for whoever asks where it came from. */
typedef struct mr_setting_value {
    const mr_option *option;
    mr_setting_origin origin;
    const char *variable; /* of the environment; else NULL */
} mr_setting_value;

/* Where settings come from besides the script. */
typedef struct mr_setting_sources {
    const char *const *flags; /* "key=value" of -D */
    uint32_t flags_count;
    const char *const *environment; /* "NAME=value" .. NULL; NULL: none */
} mr_setting_sources;

typedef struct mr_settings {
    const mr_setting_value *values;
    uint32_t values_count;
    const char *name; /* pipeline.name; NULL */
    int64_t commit_interval_ms;
    int32_t transaction_timeout_ms;
    const char *checkpoints_address; /* execution.checkpointing.dir; NULL: no checkpoints */
    int64_t checkpoints_interval_ms, checkpoints_age_ms, checkpoints_grace_ms;
    uint32_t checkpoints_kept;
    bool is_pipelined;     /* execution.pipelined-commit */
    const char *zone_name; /* NULL: UTC */
    uint32_t parallelism;
    int64_t idle_timeout_ms;
    int64_t state_ttl_ms;
    int64_t memory_bytes; /* taskmanager.memory.process.size; 0: not set */
    mr_guarantee guarantee;
    bool has_guarantee;
    bool forbids_unbounded_state;
    mr_span zone_span;
} mr_settings;

/* What `script` and `sources` say; strings of both are borrowed, all else lives in `arena`. */
mr_settings mr_settings_read(const mr_ast_script *script, const mr_setting_sources *sources,
                             mr_arena *arena, mr_diagnostics *diagnostics);

/* All known settings, for help. */
mr_option_specs mr_settings_specs(void);

#endif
