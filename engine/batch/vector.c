#include "engine/batch/vector.h"

#include "engine/base/assert.h"

mr_vector mr_vector_new(mr_type type, uint32_t rows, mr_arena *arena)
{
    mr_lane lane = mr_type_lane(type);
    return (mr_vector){
        .type = type,
        .lane = lane,
        .values = mr_arena_alloc(arena, mr_lane_size(lane) * rows),
    };
}

uint64_t *mr_vector_validity(mr_vector *vector, uint32_t rows, mr_arena *arena)
{
    if (vector->valid == NULL) {
        size_t bytes = mr_bitmap_words(rows) * sizeof(uint64_t);
        vector->valid = mr_arena_alloc(arena, bytes);
        memset(vector->valid, 0xff, bytes);
    }
    return vector->valid;
}

void mr_vector_set_null(mr_vector *vector, uint32_t row, uint32_t rows, mr_arena *arena)
{
    mr_bitmap_clear(mr_vector_validity(vector, rows, arena), row);
    size_t size = mr_lane_size(vector->lane);
    memset((char *)vector->values + size * row, 0, size);
}

/* Most columns that are gathered: four at a time, so that the loop is not half of it. */
static void gather_i64(const int64_t *from, const uint32_t *rows, uint32_t count, int64_t *to)
{
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        to[i] = from[rows[i]];
        to[i + 1] = from[rows[i + 1]];
        to[i + 2] = from[rows[i + 2]];
        to[i + 3] = from[rows[i + 3]];
    }
    for (; i < count; i++)
        to[i] = from[rows[i]];
}

static void gather_values(const mr_vector *from, const uint32_t *rows, uint32_t count,
                          mr_vector *to)
{
    switch (from->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL:
        for (uint32_t i = 0; i < count; i++)
            to->bools[i] = from->bools[rows[i]];
        break;
    case MR_LANE_I32:
        for (uint32_t i = 0; i < count; i++)
            to->i32[i] = from->i32[rows[i]];
        break;
    case MR_LANE_I64:
    case MR_LANE_F64: gather_i64(from->i64, rows, count, to->i64); break;
    case MR_LANE_I128:
    case MR_LANE_STRING:
        for (uint32_t i = 0; i < count; i++)
            to->i128[i] = from->i128[rows[i]];
        break;
    }
}

mr_vector mr_vector_gather(const mr_vector *vector, const uint32_t *rows, uint32_t count,
                           mr_arena *arena)
{
    MR_ASSERT(!vector->is_constant);
    mr_vector result = mr_vector_new(vector->type, count, arena);
    gather_values(vector, rows, count, &result);
    if (vector->valid == NULL)
        return result;
    size_t bytes = mr_bitmap_words(count) * sizeof(uint64_t);
    result.valid = mr_arena_alloc(arena, bytes);
    memset(result.valid, 0, bytes);
    for (uint32_t i = 0; i < count; i++)
        if (mr_bitmap_get(vector->valid, rows[i]))
            mr_bitmap_set(result.valid, i);
    return result;
}

static void repeat_i64(const int64_t *from, const mr_vector_run *runs, uint32_t count, int64_t *to)
{
    uint32_t i = 0;
    for (uint32_t r = 0; r < count; r++) {
        int64_t value = from[runs[r].row];
        for (; i + 4 <= runs[r].end; i += 4)
            to[i] = to[i + 1] = to[i + 2] = to[i + 3] = value;
        for (; i < runs[r].end; i++)
            to[i] = value;
    }
}

/* Lanes that few columns have that are repeated. */
static mr_vector repeat_by_row(const mr_vector *vector, const mr_vector_run *runs,
                               uint32_t runs_count, uint32_t count, mr_arena *arena)
{
    uint32_t *rows = mr_arena_alloc(arena, count * sizeof *rows);
    for (uint32_t r = 0, i = 0; r < runs_count; r++)
        while (i < runs[r].end)
            rows[i++] = runs[r].row;
    return mr_vector_gather(vector, rows, count, arena);
}

mr_vector mr_vector_repeat(const mr_vector *vector, const mr_vector_run *runs, uint32_t runs_count,
                           mr_arena *arena)
{
    MR_ASSERT(!vector->is_constant);
    uint32_t count = runs_count > 0 ? runs[runs_count - 1].end : 0;
    bool is_wide = vector->lane == MR_LANE_I64 || vector->lane == MR_LANE_F64;
    if (!is_wide || vector->valid != NULL)
        return repeat_by_row(vector, runs, runs_count, count, arena);
    mr_vector result = mr_vector_new(vector->type, count, arena);
    repeat_i64(vector->i64, runs, runs_count, result.i64);
    return result;
}

void mr_vector_own_strings(mr_vector *vector, uint32_t rows, mr_arena *arena)
{
    if (vector->lane != MR_LANE_STRING)
        return;
    for (uint32_t i = 0; i < rows; i++) {
        mr_string *s = &vector->strings[i];
        if (mr_vector_is_null(vector, i))
            *s = mr_string_of("", 0);
        else
            s->bytes = mr_arena_copy(arena, s->bytes, s->length);
    }
}
