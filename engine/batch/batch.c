#include "engine/batch/batch.h"

#include "engine/base/assert.h"

mr_batch mr_batch_new(uint32_t columns_count, uint32_t rows, mr_arena *arena)
{
    return (mr_batch){
        .rows = rows,
        .selected = rows,
        .columns_count = columns_count,
        .columns = mr_arena_zalloc(arena, columns_count, sizeof(mr_vector)),
        .arena = arena,
    };
}

static int64_t *gather_i64(const int64_t *from, const mr_batch *batch, mr_arena *arena)
{
    if (from == NULL)
        return NULL;
    int64_t *to = mr_arena_alloc(arena, batch->selected * sizeof *to);
    for (uint32_t i = 0; i < batch->selected; i++)
        to[i] = from[batch->selection[i]];
    return to;
}

mr_batch mr_batch_compact(const mr_batch *batch, mr_arena *arena)
{
    mr_batch result = *batch;
    result.arena = arena;
    if (batch->selection == NULL)
        return result;
    uint32_t count = batch->selected;
    result.rows = count;
    result.selection = NULL;
    result.columns = mr_arena_alloc(arena, batch->columns_count * sizeof(mr_vector));
    for (uint32_t c = 0; c < batch->columns_count; c++)
        result.columns[c] = mr_vector_gather(&batch->columns[c], batch->selection, count, arena);
    result.event_time = gather_i64(batch->event_time, batch, arena);
    result.watermark = gather_i64(batch->watermark, batch, arena);
    if (batch->kind != NULL) {
        result.kind = mr_arena_alloc(arena, count);
        for (uint32_t i = 0; i < count; i++)
            result.kind[i] = batch->kind[batch->selection[i]];
    }
    if (batch->record != NULL) {
        result.record = mr_arena_alloc(arena, count * sizeof(uint32_t));
        for (uint32_t i = 0; i < count; i++)
            result.record[i] = batch->record[batch->selection[i]];
    }
    if (batch->late != NULL) {
        result.late = mr_arena_alloc(arena, count * sizeof *result.late);
        for (uint32_t i = 0; i < count; i++)
            result.late[i] = batch->late[batch->selection[i]];
    }
    return result;
}

mr_batch mr_batch_select(const mr_batch *batch, const uint32_t *selection, uint32_t selected)
{
    MR_ASSERT(selected <= batch->rows);
    mr_batch result = *batch;
    result.selection = selection;
    result.selected = selected;
    return result;
}
