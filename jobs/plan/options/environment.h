/*
 * Settings from the environment: MILLRACE_EXECUTION__CHECKPOINTING__INTERVAL='100 ms' is
 * `-D execution.checkpointing.interval='100 ms'`.
 *
 * Behind the prefix `__` stands for a dot, `_` for a dash; letters are lower case in the key. A
 * variable without `__` names no setting (all have a dot) and is left alone, since a platform
 * makes variables of its own (MILLRACE_SERVICE_HOST); but one that only spells the dots of a
 * setting wrongly is listed too, so that it is answered. Memory: keys live in the arena, values
 * point into the environment. Thread: pure.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_ENVIRONMENT_H
#define MR_JOBS_PLAN_OPTIONS_ENVIRONMENT_H

#include "jobs/plan/options/option.h"

typedef struct mr_environment_setting {
    const char *variable; /* "MILLRACE_PIPELINE__NAME" */
    const char *key;      /* "pipeline.name"; of a misspelt one: what it spells */
    const char *value;
    const char *meant; /* the variable that was meant; NULL: this one is right */
} mr_environment_setting;

/* `environment`: "NAME=value" texts ended by NULL; NULL: none. Returns how many; the list lives in
 * `arena`. */
uint32_t mr_environment_settings(const char *const *environment, const mr_option_specs *known,
                                 mr_arena *arena, const mr_environment_setting **list);

#endif
