#include "operators/rows/union_all.h"

#include "engine/base/assert.h"

#include <stdlib.h>

static mr_status open_union(const mr_operator_context *context, mr_operator **op, mr_error *err)
{
    (void)context;
    (void)err;
    *op = calloc(1, sizeof **op);
    MR_ASSERT(*op != NULL);
    (*op)->class = &mr_union_all_class;
    return MR_OK;
}

static mr_status on_batch(mr_operator *op, uint32_t input, const mr_batch *batch, mr_output *out,
                          mr_progress *progress, mr_error *err)
{
    (void)input;
    (void)progress;
    op->counts.rows_in += batch->selected;
    op->counts.accepted += batch->selected;
    return mr_output_emit(out, MR_PORT_MAIN, batch, err);
}

static void close_union(mr_operator *op)
{
    free(op);
}

const mr_operator_class mr_union_all_class = {
    .name = "union_all",
    .open = open_union,
    .on_batch = on_batch,
    .close = close_union,
};
