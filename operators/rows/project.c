#include "operators/rows/project.h"

#include "engine/base/assert.h"
#include "engine/expr/program.h"

#include <stdlib.h>

#define US_PER_MS INT64_C(1000)

typedef struct project {
    mr_operator base;
    const mr_project_config *config;
    mr_program *program;
} project;

static mr_status open_project(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    const mr_project_config *config = context->config;
    project *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_project_class;
    self->config = config;
    mr_status status =
        mr_program_new(config->columns, config->columns_count, context->expr, &self->program, err);
    if (status != MR_OK) {
        free(self);
        return status;
    }
    *op = &self->base;
    return MR_OK;
}

/* Times of a column; MR_TIME_NONE where it is NULL. */
static int64_t *times_of(const mr_vector *column, const mr_batch *batch, mr_arena *arena)
{
    int64_t *times = mr_arena_alloc(arena, batch->rows * sizeof *times);
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        int64_t us = column->i64[row];
        times[row] =
            mr_vector_is_null(column, row) ? MR_TIME_NONE : us / US_PER_MS - (us % US_PER_MS < 0);
    }
    return times;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    project *self = (project *)op;
    mr_arena *arena = mr_output_arena(out);
    mr_row_errors errors = {.arena = arena};
    mr_batch result = *batch;
    result.columns_count = self->config->columns_count;
    result.columns = mr_arena_zalloc(arena, result.columns_count, sizeof(mr_vector));
    result.arena = arena;
    mr_program_run(self->program, batch, result.columns, &errors);
    mr_row_errors_settle(&errors);
    if (self->config->time_column < 0)
        result.event_time = NULL;
    else if (self->config->is_retimed)
        result.event_time = times_of(&result.columns[self->config->time_column], batch, arena);
    op->counts.rows_in += batch->selected;
    op->counts.dead += errors.count;
    op->counts.accepted += batch->selected - errors.count;
    if (errors.count == 0)
        return mr_output_emit(out, MR_PORT_MAIN, &result, err);
    mr_status status = mr_output_dead(out, batch, &errors, err);
    if (status != MR_OK)
        return status;
    uint32_t *kept = mr_arena_alloc(arena, batch->selected * sizeof *kept);
    uint32_t count = mr_row_errors_exclude(&errors, batch->selection, batch->selected, kept);
    result = mr_batch_select(&result, kept, count);
    return mr_output_emit(out, MR_PORT_MAIN, &result, err);
}

static void close_project(mr_operator *op)
{
    project *self = (project *)op;
    mr_program_free(self->program);
    free(self);
}

const mr_operator_class mr_project_class = {
    .name = "project",
    .open = open_project,
    .on_batch = on_batch,
    .close = close_project,
};
