/*
 * A table as CREATE TABLE defines it: columns, connector, options, policies.
 *
 * Nothing here knows expressions: computed columns, watermark and constraints stay syntax until the
 * binder asks for the table's relation. Checks that only matter to a reader or to a writer are made
 * on first use as one. Memory: the job's arena. Thread: immutable once read, but for the
 * `is_checked` flags.
 */
#ifndef MR_JOBS_PLAN_CATALOG_TABLE_H
#define MR_JOBS_PLAN_CATALOG_TABLE_H

#include "connectors/formats/format.h"
#include "engine/run/plan.h"
#include "jobs/plan/catalog/connector.h"
#include "jobs/plan/options/settings.h"

typedef struct mr_table_column {
    const char *name;
    mr_span span;
    mr_ast_column_kind kind;
    const mr_ast_type *shape; /* NULL: computed */
    mr_type type;             /* kind ROW: see shape; computed: none yet */
    const mr_ast_expr *expr;  /* computed */
    mr_metadata metadata;
    bool is_virtual;
    bool is_key;        /* one of key.fields */
    uint32_t key_place; /* which of them */
} mr_table_column;

typedef struct mr_table {
    const char *name;
    const mr_ast_create_table *ast;
    const mr_connector *connector;
    mr_options options;
    uint32_t columns_count;
    mr_table_column *columns;
    mr_format_use value_format; /* format NULL: none */
    mr_format_use key_format;
    uint32_t topics_count;
    const char *const *topics;
    mr_start start;
    mr_bound bound;
    mr_errors_policy errors;
    uint32_t partitioned_by_count;
    const uint32_t *partitioned_by; /* columns */
    bool is_source_checked, is_source_good;
    bool is_sink_checked, is_sink_good;
} mr_table;

/* Reads a definition; NULL: so wrong that nothing may be said about its uses. */
mr_table *mr_table_read(const mr_ast_create_table *ast, mr_arena *arena,
                        mr_diagnostics *diagnostics);

/* Can it be read / written? Reports once, at `span`. */
bool mr_table_check_source(mr_table *table, mr_span span, mr_diagnostics *diagnostics);
bool mr_table_check_sink(mr_table *table, mr_span span, mr_diagnostics *diagnostics);

/* UINT32_MAX: none of that name. */
uint32_t mr_table_column_find(const mr_table *table, const char *name);

/* Has a row that is written a value for it: physical, or metadata without VIRTUAL. */
bool mr_table_column_is_written(const mr_table_column *column);
bool mr_metadata_is_writable(mr_metadata which);

/* The column's place in the value, from 0: keys count where the value holds them too. */
uint32_t mr_table_value_place(const mr_table *table, uint32_t column);

/* "a.b.c" of a dotted name, without what mr_path_default counts. */
const char *mr_path_text(const mr_ast_path *path, mr_arena *arena);

/* How many names in front say only what holds anyway: Flink's `default_catalog.default_database.t`
 * and `default_database.t` are t. */
uint32_t mr_path_default(const mr_ast_path *path);

#endif
