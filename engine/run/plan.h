/*
 * The plan: an immutable operator graph, made by jobs/plan and run by tasks.
 *
 * Nodes are in topological order: a node's inputs are sources or nodes with a smaller number. All
 * pointers live in the plan's arena, which outlives every task. The engine knows connectors only
 * through the factory functions that jobs/ put here.
 *
 *   source (decode, computed columns, metadata, watermark, constraints) -> node .. node -> sink
 *
 * A job with exchanges is cut into stages, each a plan of its own: its sources are tables or
 * exchanges, its sinks tables or exchanges, and its origins count within it. The job's plan then
 * has the lists of all stages one behind the other, and its tasks are numbered through.
 */
#ifndef MR_ENGINE_RUN_PLAN_H
#define MR_ENGINE_RUN_PLAN_H

#include "engine/exchange/exchange.h"
#include "engine/expr/expr.h"
#include "engine/ports/sink.h"
#include "engine/run/operator.h"
#include "engine/time/watermark.h"

/* Where rows come from: a port of a source or of a node. The numbers go into plan versions. */
typedef enum mr_origin_kind {
    MR_ORIGIN_SOURCE_ROWS = 0, /* rows of a table */
    MR_ORIGIN_SOURCE_ERRORS,   /* t$errors: see mr_error_columns */
    MR_ORIGIN_NODE_ROWS,
    MR_ORIGIN_NODE_LATE,       /* v$late */
    MR_ORIGIN_SINK_ERRORS,     /* t$errors of a table that is written and not read */
    MR_ORIGIN_NODE_RAW,        /* rows of the node's input that go on as they came */
    MR_ORIGIN_SOURCE_PARTIALS, /* of an exchange: what was aggregated before it */
} mr_origin_kind;

typedef struct mr_origin {
    mr_origin_kind kind;
    uint32_t index; /* of the source, node or sink */
} mr_origin;

/* What becomes of rows that fail ('errors.mode'). */
typedef enum mr_errors_mode {
    MR_ERRORS_LOG = 0, /* counted, sampled in the log */
    MR_ERRORS_DLQ,
    MR_ERRORS_FAIL,
    MR_ERRORS_IGNORE, /* counted only */
} mr_errors_mode;

/* Whose names the headers of dead letters have (engine/run/dead/dead_header.h). */
typedef enum mr_dead_headers_style {
    MR_DEAD_HEADERS_STREAMS = 0,
    MR_DEAD_HEADERS_CONNECT,
    MR_DEAD_HEADERS_SPRING,
} mr_dead_headers_style;

typedef struct mr_errors_policy {
    mr_errors_mode mode;
    const char *dlq_topic; /* DLQ */
    mr_dead_headers_style style;
    /* 'errors.budget' = '1 % of 10000': stop when more than `budget_share` of the last
     * `budget_rows` rows died. budget_rows 0: none. */
    double budget_share;
    uint32_t budget_rows;
} mr_errors_policy;

typedef enum mr_violation {
    MR_VIOLATION_TABLE = 0, /* as the table's errors.mode says */
    MR_VIOLATION_DLQ,
    MR_VIOLATION_DROP, /* filtered, counted */
    MR_VIOLATION_FAIL,
    MR_VIOLATION_WARN, /* the row goes on; counted, sampled in the log */
} mr_violation;

typedef struct mr_constraint {
    const char *name;
    const mr_expr *check; /* BOOLEAN over the source's columns; a row violates it when FALSE */
    mr_violation on_violation;
} mr_constraint;

typedef enum mr_metadata {
    MR_METADATA_TOPIC = 0,      /* STRING NOT NULL */
    MR_METADATA_PARTITION,      /* INT or BIGINT, NOT NULL */
    MR_METADATA_OFFSET,         /* BIGINT NOT NULL */
    MR_METADATA_TIMESTAMP,      /* TIMESTAMP_LTZ(p), or TIMESTAMP(p) in the job's zone */
    MR_METADATA_TIMESTAMP_TYPE, /* STRING NOT NULL: NoTimestampType, CreateTime, LogAppendTime */
    MR_METADATA_KEY,            /* BYTES: the raw key */
    MR_METADATA_HEADERS,        /* STRING: JSON object of the headers (MAP is not there yet) */
} mr_metadata;

/* How one column of a source comes about. */
typedef enum mr_column_origin {
    MR_COLUMN_VALUE = 0, /* value decoder's column `index` */
    MR_COLUMN_KEY,       /* key decoder's column `index` */
    MR_COLUMN_METADATA,  /* `index` is an mr_metadata */
    MR_COLUMN_COMPUTED,  /* `expr` over the source's earlier-filled columns */
} mr_column_origin;

typedef struct mr_source_column {
    mr_field field;
    mr_column_origin origin;
    uint32_t index;
    const mr_expr *expr;
} mr_source_column;

/* Where reading starts when there is no state yet. */
typedef enum mr_start_mode {
    MR_START_GROUP_OFFSETS = 0,
    MR_START_EARLIEST,
    MR_START_LATEST,
    MR_START_TIMESTAMP,
    MR_START_SPECIFIC,
} mr_start_mode;

typedef struct mr_start_offset {
    int32_t partition;
    int64_t offset;
} mr_start_offset;

typedef struct mr_start {
    mr_start_mode mode;
    const char *group;    /* GROUP_OFFSETS: properties.group.id; NULL: the job's own */
    int64_t timestamp_ms; /* TIMESTAMP */
    uint32_t specific_count;
    const mr_start_offset *specific;
} mr_start;

/* How far reading goes ('scan.bounded.mode'; --bounded sets LATEST everywhere). */
typedef enum mr_bound_mode {
    MR_BOUND_NONE = 0,
    MR_BOUND_LATEST, /* the ends at the start of the run */
    MR_BOUND_GROUP_OFFSETS,
    MR_BOUND_TIMESTAMP,
    MR_BOUND_SPECIFIC,
} mr_bound_mode;

typedef struct mr_bound {
    mr_bound_mode mode;
    int64_t timestamp_ms;
    uint32_t specific_count;
    const mr_start_offset *specific;
} mr_bound;

/* A reader that is not the job's log: file, datagen. */
typedef struct mr_reader_factory {
    /* Splits of the source: names (topic, file, folder) in `topics`, one input each, partition =
     * index. What can be shared out freely is cut into `tasks_count` shares. */
    mr_status (*splits)(const void *config, uint32_t tasks_count, mr_arena *arena,
                        const char ***topics, uint32_t *count, mr_error *err);
    mr_status (*open)(const void *config, uint32_t tasks_count, mr_log_reader **reader,
                      mr_error *err);
    const void *config;
} mr_reader_factory;

typedef struct mr_plan_source {
    const char *table;     /* SQL name; stable */
    uint32_t topics_count; /* log-backed: topics read; 0 when `reader` is set */
    const char *const *topics;
    const mr_reader_factory *reader; /* NULL: the job's log */
    mr_start start;
    mr_bound bound;

    /* Make a fresh decoder (one per task); `make_key` NULL: the key is not decoded. */
    mr_status (*make_value)(const void *config, mr_decoder **decoder, mr_error *err);
    mr_status (*make_key)(const void *config, mr_decoder **decoder, mr_error *err);
    const void *codec_config;
    uint32_t value_columns_count, key_columns_count;

    uint32_t columns_count; /* of the emitted batch: only what the plan uses */
    const mr_source_column *columns;

    int32_t time_column;         /* event time: TIMESTAMP or TIMESTAMP_LTZ column; -1: none */
    const mr_expr *watermark;    /* candidate watermark, same kind of type; NULL: none */
    int64_t idle_timeout_ms;     /* 0: never idle */
    int64_t drift_max_ms;        /* of its inputs ahead of others; 0: read as they come */
    const char *alignment_group; /* as the table says; NULL: it does not */
    uint32_t aligned_with;       /* sources of one number wait for one another; < sources_count */
    mr_watermark_guard guard;
    bool guard_is_dead_letter; /* what becomes of a guarded row: dead letter, else admitted */

    uint32_t constraints_count;
    const mr_constraint *constraints;
    mr_errors_policy errors;
    const char *partitioned_by; /* 'partitioned-by', for EXPLAIN; NULL */
    /* Rows come through an exchange: its relation 0 are this source's rows, relation 1, where there
     * is one, its partials. NULL: from outside. */
    const mr_exchange *exchange;
} mr_plan_source;

typedef struct mr_plan_node {
    const char *id; /* stable name */
    const mr_operator_class *class;
    const void *config;
    uint32_t inputs_count;
    const mr_origin *inputs;
    mr_schema schema;        /* of the main port */
    mr_errors_policy errors; /* for rows that fail here: policy of the table they came from */
    const char *details;     /* for EXPLAIN, e.g. "TUMBLE(ts, 1 min) GROUP BY auction" */
} mr_plan_node;

typedef struct mr_plan_sink {
    const char *table;
    mr_origin input;
    const char *topic; /* log sink; NULL else */
    mr_status (*open)(const void *config, mr_sink **sink, mr_error *err);
    const void *config;
    mr_schema schema;
    mr_errors_policy errors;
    bool is_transactional;
    /* Rows go to another stage, as this relation of the exchange; the sink is the task's own and
     * `open` NULL. NULL: outside. */
    const mr_exchange *exchange;
    uint32_t relation;
} mr_plan_sink;

typedef enum mr_guarantee {
    MR_EXACTLY_ONCE = 0,
    MR_AT_LEAST_ONCE,
    MR_NO_GUARANTEE,
} mr_guarantee;

typedef struct mr_plan {
    const char *job;
    uint64_t version;             /* hash over the graph: ids, classes, schemas, state layouts */
    uint32_t tasks_count;         /* of a job: of all stages */
    uint32_t stages_count;        /* 0: the plan is its own only stage */
    const struct mr_plan *stages; /* in order: rows go from earlier to later ones */
    const struct mr_plan *uncut;  /* the graph as it was before; NULL: it was not cut */
    /* Of a stage: where its own begin in the job's numbering. */
    uint32_t first_task, first_source, first_node, first_sink;
    mr_guarantee guarantee;
    int64_t commit_interval_ms;
    int32_t transaction_timeout_ms;
    bool is_pipelined; /* an epoch may be processed while the one before it is decided */
    /* Task i owns the keys of partition i of 'partitioned-by' tables. */
    bool tasks_follow_partitions;
    const char *why_uncut; /* for EXPLAIN: why a job has no exchange that asked for one; NULL */
    bool uses_log;         /* false: nothing touches the log; runs on an in-memory one */
    mr_expr_context expr;
    uint32_t sources_count, nodes_count, sinks_count;
    const mr_plan_source *sources;
    const mr_plan_node *nodes;
    const mr_plan_sink *sinks;
} mr_plan;

/* How many stages a job has, and one of them. */
uint32_t mr_plan_stages(const mr_plan *job);
const mr_plan *mr_plan_stage(const mr_plan *job, uint32_t stage);

/* The stage of a task, or of a source, by its number in the job. */
const mr_plan *mr_plan_of_task(const mr_plan *job, uint32_t task);
const mr_plan *mr_plan_of_source(const mr_plan *job, uint32_t source);

/* The task, by its number in the job, that partition `partition` of a source belongs to. */
uint32_t mr_plan_owner(const mr_plan *job, uint32_t source, int32_t partition);

/* The exchanges that the plan's tasks read or write, each once; the list lives in `arena`. */
const mr_exchange **mr_plan_exchanges(const mr_plan *plan, mr_arena *arena, uint32_t *count);

/* Columns of t$errors: see engine/run/dead/errors_relation.h. */
#define MR_ERROR_COLUMNS 11
extern const mr_field mr_error_columns[MR_ERROR_COLUMNS];

/* Columns of the rows that an origin carries; what has to be made lives in `arena`. */
mr_schema mr_plan_schema(const mr_plan *plan, mr_origin origin, mr_arena *arena);

#endif
