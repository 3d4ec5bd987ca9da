/*
 * The relation t$errors, and whose a dead row is.
 *
 * A dead row belongs to one table: the one whose 'errors.*' options decide about it. That is the
 * table it was read from, or, where a sink could not write it, the table it was to be written to. A
 * row that an operator made belongs to the table its operator's first input came from. So each dead
 * row is in exactly one $errors, the same whose dead-letter topic it goes to.
 *
 * Rows for $errors wait in a queue until the call they died in is over: what reads them may be the
 * very node that is in the middle of its batch. Rows that come of t$errors and die in their turn
 * are in no $errors that they have passed already, so that no row goes round for ever.
 *
 *   error_code       STRING            MR<code>
 *   error_message    STRING            the reason
 *   error_stage      STRING            decode, process, encode, sink
 *   error_operator   STRING            id of the operator, or the table
 *   error_expression STRING            text of what failed; NULL: nothing that has one
 *   topic, partition, offset           STRING, INT, BIGINT: place of the record; NULL: a made row
 *   record_timestamp TIMESTAMP_LTZ(3)  of the record; NULL: none, or a made row
 *   record_key       BYTES             of the record
 *   record_value     BYTES             of the record; of a made row: the row as JSON text
 *
 * Memory: the plan's tables live in the arena given to `init`, rows in that of their dead rows.
 * Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_DEAD_ERRORS_RELATION_H
#define MR_ENGINE_RUN_DEAD_ERRORS_RELATION_H

#include "engine/run/dead/dead_letter.h"
#include "engine/run/dead/errors_meter.h"

#define MR_ERRORS_TABLE_NONE UINT32_MAX

/* A table that rows can die for. */
typedef struct mr_errors_table {
    const char *name;
    const mr_errors_policy *policy;
    mr_errors_meter meter;
    mr_log_site site;
} mr_errors_table;

/* The tables whose $errors some rows have come through, the last first. */
typedef struct mr_errors_path mr_errors_path;
struct mr_errors_path {
    uint32_t table;
    const mr_errors_path *before;
};

/* A batch on its way to the readers of its table's $errors. */
typedef struct mr_errors_batch mr_errors_batch;
struct mr_errors_batch {
    mr_errors_path path; /* .table: whose $errors */
    mr_batch rows;
    mr_errors_batch *next;
};

typedef struct mr_errors_relations {
    mr_errors_table *tables; /* of source i: number i; of sink i: by `of_sink` */
    uint32_t tables_count;
    uint32_t *of_node, *of_sink;
    const mr_errors_path *path; /* of what is being handed out; NULL: rows of a source */
    mr_errors_batch *first, *last;
} mr_errors_relations;

void mr_errors_relations_init(mr_errors_relations *relations, const mr_plan *plan, mr_arena *arena);

/* The table that MR_ORIGIN_SOURCE_ERRORS and MR_ORIGIN_SINK_ERRORS mean. */
uint32_t mr_errors_table_of(const mr_errors_relations *relations, mr_origin origin);

/* Queues `dead` for `table`'s $errors, unless the rows have been there. */
void mr_errors_relations_put(mr_errors_relations *relations, uint32_t table,
                             const mr_dead_rows *dead);

/* The next batch; NULL: none waits. It is the path until `mr_errors_relations_done`. */
const mr_errors_batch *mr_errors_relations_take(mr_errors_relations *relations);
void mr_errors_relations_done(mr_errors_relations *relations);

/* Forgets what waits. */
void mr_errors_relations_clear(mr_errors_relations *relations);

/* MR_E_ROWS_BUDGET when a table is over its budget. */
mr_status mr_errors_relations_check(const mr_errors_relations *relations, mr_error *err);

/* A batch of $errors for `dead`, in its arena. */
mr_batch mr_errors_rows(const mr_dead_rows *dead);

#endif
