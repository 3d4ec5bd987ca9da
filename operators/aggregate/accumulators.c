#include "operators/aggregate/accumulators.h"

#define ACCUMULATOR_MAX 64

static bool keeps_strings(const mr_aggregate *aggregate)
{
    return (aggregate->kind == MR_AGGREGATE_MIN || aggregate->kind == MR_AGGREGATE_MAX) &&
           mr_type_lane(aggregate->argument_type) == MR_LANE_STRING;
}

mr_accumulators mr_accumulators_of(const mr_aggregate *aggregates, uint32_t count, uint32_t head,
                                   mr_arena *arena)
{
    uint32_t *offsets = mr_arena_alloc(arena, (count + 1) * sizeof *offsets);
    mr_accumulators made = {
        .aggregates = aggregates, .count = count, .offsets = offsets, .size = head};
    for (uint32_t a = 0; a < count; a++) {
        offsets[a] = made.size;
        made.size += mr_aggregate_size(&aggregates[a]);
        made.has_distinct = made.has_distinct || aggregates[a].is_distinct;
        made.needs_arenas = made.needs_arenas || aggregates[a].is_distinct ||
                            aggregates[a].kind == MR_AGGREGATE_MIN ||
                            aggregates[a].kind == MR_AGGREGATE_MAX;
        made.keeps_strings = made.keeps_strings || keeps_strings(&aggregates[a]);
    }
    return made;
}

void mr_accumulators_write(const mr_accumulators *accumulators, const void *value, mr_buffer *to)
{
    for (uint32_t a = 0; a < accumulators->count; a++)
        mr_aggregate_write(&accumulators->aggregates[a],
                           (const char *)value + accumulators->offsets[a], to);
}

bool mr_accumulators_read(const mr_accumulators *accumulators, mr_reader *from, void *value,
                          mr_arena *arena)
{
    for (uint32_t a = 0; a < accumulators->count; a++)
        if (!mr_aggregate_read(&accumulators->aggregates[a], from,
                               (char *)value + accumulators->offsets[a], arena))
            return false;
    return !from->is_bad && mr_reader_left(from) == 0;
}

void mr_accumulators_merge(const mr_accumulators *accumulators, void *to, const void *from,
                           mr_arena *arena)
{
    for (uint32_t a = 0; a < accumulators->count; a++)
        if (!accumulators->aggregates[a].is_distinct)
            mr_aggregate_merge(&accumulators->aggregates[a], (char *)to + accumulators->offsets[a],
                               (const char *)from + accumulators->offsets[a], arena);
}

void mr_accumulators_move_strings(const mr_accumulators *accumulators, void *value, mr_arena *arena)
{
    for (uint32_t a = 0; a < accumulators->count; a++) {
        const mr_aggregate *aggregate = &accumulators->aggregates[a];
        if (!keeps_strings(aggregate))
            continue;
        /* Merged into an empty one, a string is copied. */
        _Alignas(16) char moved[ACCUMULATOR_MAX] = {0};
        char *at = (char *)value + accumulators->offsets[a];
        mr_aggregate_merge(aggregate, moved, at, arena);
        memcpy(at, moved, mr_aggregate_size(aggregate));
    }
}

uint32_t mr_aggregate_passing(const mr_batch *batch, int32_t filter, const uint32_t *rows,
                              uint32_t count, uint32_t *kept)
{
    const mr_vector *column = &batch->columns[filter];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!mr_vector_is_null(column, rows[i]) && column->bools[rows[i]] != 0)
            kept[n++] = i;
    return n;
}
