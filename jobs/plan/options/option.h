/*
 * Options of tables and settings of jobs: a declarative list per connector, format and for SET, and
 * the values that a job gave for them.
 *
 * An option's name may hold one `*` that stands for one or more letters (`fields.*.min`), a
 * trailing one for the rest (`properties.*`), which behind a letter may be empty
 * (`state.backend*`). Values are parsed once; numbers are in the unit of their kind: DURATION ms,
 * MEMORY bytes, BOOL 0 or 1, ENUM the index in `values`. Memory: values live in the arena given.
 * Thread: immutable once read.
 */
#ifndef MR_JOBS_PLAN_OPTIONS_OPTION_H
#define MR_JOBS_PLAN_OPTIONS_OPTION_H

#include "engine/base/arena.h"
#include "jobs/sql/ast.h"
#include "jobs/sql/diagnostic.h"

typedef enum mr_setting_kind {
    MR_SETTING_STRING = 0,
    MR_SETTING_DURATION,
    MR_SETTING_INT, /* whole number >= 0 */
    MR_SETTING_LONG,
    MR_SETTING_BOOL,
    MR_SETTING_ENUM,
    MR_SETTING_MEMORY,
    MR_SETTING_IGNORED, /* accepted without effect */
} mr_setting_kind;

typedef struct mr_option_spec {
    const char *name;
    mr_setting_kind kind;
    const char *fallback; /* NULL: none */
    const char *values;   /* ENUM: "a|b|c" */
    const char *description;
} mr_option_spec;

/* Some lists of specs that are valid together. */
typedef struct mr_option_specs {
    const mr_option_spec *items;
    size_t count;
} mr_option_specs;

typedef struct mr_option {
    const mr_option_spec *spec;
    const char *key;
    const char *text; /* after substitution */
    int64_t number;
    bool is_secret;
    bool is_substituted; /* the script has ${..} in its place */
    mr_span key_span, value_span;
} mr_option;

typedef struct mr_options {
    const mr_option *items;
    uint32_t count;
} mr_options;

/* Parses one value of `spec`'s kind. False: `why` says what was expected. */
bool mr_option_parse(const mr_option_spec *spec, const char *text, int64_t *number, char *why,
                     size_t why_size);

/* 10 s, 1 min, 500 ms, 1h, P1D, PT1.5S, 0 -> ms. */
bool mr_duration_parse(const char *text, int64_t *ms);

/* 64 kb, 16mb, 1024 -> bytes. */
bool mr_memory_parse(const char *text, int64_t *bytes);

/* The spec that `key` belongs to, in any of the lists; NULL: unknown. */
const mr_option_spec *mr_option_spec_of(const mr_option_specs *lists, size_t lists_count,
                                        const char *key);

/* The known name nearest to `key`; NULL: none is near. */
const char *mr_option_nearest(const mr_option_specs *lists, size_t lists_count, const char *key);

/* NULL when the job did not give it. */
const mr_option *mr_options_find(const mr_options *options, const char *name);

/* Its text, else the fallback (which may be NULL). */
const char *mr_options_text(const mr_options *options, const char *name, const char *fallback);
int64_t mr_options_number(const mr_options *options, const char *name, int64_t fallback);

#endif
