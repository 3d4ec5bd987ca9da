/*
 * Source stage: raw records of one source become a judged batch.
 *
 *   records -> decode -> metadata -> computed columns -> event time -> guard -> watermark ->
 *   constraints
 *
 * A row that a constraint drops or dead-letters still moves the watermark; an undecodable one, one
 * whose computed column failed, and one from the future cannot. Accounting: records = rows +
 * filtered + dead. Memory: the batch lives in the arena given. Thread: the engine's.
 */
#ifndef MR_ENGINE_RUN_SOURCE_STAGE_H
#define MR_ENGINE_RUN_SOURCE_STAGE_H

#include "engine/expr/program.h"
#include "engine/run/dead/dead_letter.h"
#include "engine/run/plan.h"

typedef struct mr_source_counts {
    uint64_t records;
    uint64_t rows;     /* went on */
    uint64_t filtered; /* null values, constraints with DROP */
    uint64_t dead;
    uint64_t bytes;
    uint64_t guarded; /* admitted without moving the watermark */
    uint64_t warned;  /* violations of constraints with WARN; those rows went on */
} mr_source_counts;

typedef struct mr_source_stage mr_source_stage;

mr_status mr_source_stage_new(const mr_plan_source *source, const mr_expr_context *context,
                              mr_source_stage **stage, mr_error *err);
void mr_source_stage_free(mr_source_stage *stage);

/* Before it is freed: how many failed rows were not shown in the log. */
void mr_source_stage_tell_rest(mr_source_stage *stage, const mr_task_io *io);

/* What becomes of one fetch. */
typedef struct mr_source_result {
    mr_batch batch; /* selected: the rows that go on; watermark column filled */
    uint64_t dead;  /* rows in the lists below */
    uint32_t dead_lists_count;
    mr_dead_rows dead_lists[5]; /* decode, computed columns, guard, constraints: table's and DLQ */
} mr_source_result;

/* Decodes and judges `records`. `wm` is the input's own watermark (advanced); `others_ms` the
 * minimum over the source's other live inputs; no row is judged by less than `floor_ms`, the
 * source's watermark so far. Dead letters are sent through `io`. */
mr_status mr_source_stage_run(mr_source_stage *stage, const mr_task_io *io,
                              const mr_records *records, mr_watermark *wm, int64_t others_ms,
                              int64_t floor_ms, mr_arena *arena, mr_source_result *result,
                              mr_error *err);

mr_source_counts *mr_source_stage_counts(mr_source_stage *stage);

#endif
