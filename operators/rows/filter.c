#include "operators/rows/filter.h"

#include "engine/base/assert.h"
#include "engine/expr/program.h"

#include <stdlib.h>

typedef struct filter {
    mr_operator base;
    mr_program *program;
} filter;

static mr_status open_filter(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    const mr_filter_config *config = context->config;
    filter *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &mr_filter_class;
    const mr_expr *outputs[] = {config->predicate};
    mr_status status = mr_program_new(outputs, 1, context->expr, &self->program, err);
    if (status != MR_OK) {
        free(self);
        return status;
    }
    *op = &self->base;
    return MR_OK;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    filter *self = (filter *)op;
    mr_arena *arena = mr_output_arena(out);
    mr_row_errors errors = {.arena = arena};
    uint32_t *kept = mr_arena_alloc(arena, batch->selected * sizeof *kept);
    uint32_t count = mr_program_filter(self->program, batch, kept, &errors);
    mr_row_errors_settle(&errors);
    op->counts.rows_in += batch->selected;
    op->counts.accepted += count;
    op->counts.dead += errors.count;
    op->counts.filtered += batch->selected - count - errors.count;
    mr_status status = errors.count > 0 ? mr_output_dead(out, batch, &errors, err) : MR_OK;
    if (status != MR_OK || count == 0)
        return status;
    mr_batch narrowed = mr_batch_select(batch, kept, count);
    return mr_output_emit(out, MR_PORT_MAIN, count == batch->selected ? batch : &narrowed, err);
}

static void close_filter(mr_operator *op)
{
    filter *self = (filter *)op;
    mr_program_free(self->program);
    free(self);
}

const mr_operator_class mr_filter_class = {
    .name = "filter",
    .open = open_filter,
    .on_batch = on_batch,
    .close = close_filter,
};
