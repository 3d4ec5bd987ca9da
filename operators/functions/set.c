#include "operators/functions/set.h"

#include "engine/base/hash.h"
#include "engine/expr/kernel.h"
#include "engine/expr/kernels/compare.h"

struct mr_set {
    uint32_t mask;
    bool has_null;
    uint32_t *slot;   /* 1 + index of a value, 0: empty */
    mr_vector values; /* of the items' type */
};

static uint64_t hash_of(const mr_vector *vector, size_t row)
{
    switch (vector->lane) {
    case MR_LANE_BOOL: return mr_hash_u64(vector->bools[row]);
    case MR_LANE_I32: return mr_hash_u64((uint64_t)(int64_t)vector->i32[row]);
    case MR_LANE_I64: return mr_hash_u64((uint64_t)vector->i64[row]);
    case MR_LANE_I128: return mr_hash_u64((uint64_t)vector->i128[row]);
    case MR_LANE_F64: {
        double value = vector->f64[row] + 0.0; /* -0.0 equals 0.0 */
        return mr_hash(&value, sizeof value);
    }
    case MR_LANE_STRING: return mr_hash(vector->strings[row].bytes, vector->strings[row].length);
    case MR_LANE_NONE: break;
    }
    return 0;
}

static uint32_t find(const mr_set *set, const mr_vector *vector, size_t row)
{
    uint32_t at = (uint32_t)hash_of(vector, row) & set->mask;
    while (set->slot[at] != 0 &&
           !mr_vector_value_equals(&set->values, set->slot[at] - 1, vector, row))
        at = (at + 1) & set->mask;
    return at;
}

const mr_set *mr_set_new(mr_arena *arena, mr_type type, mr_expr *const *items, uint32_t count)
{
    mr_set *set = mr_arena_zalloc(arena, 1, sizeof *set);
    uint32_t size = 4;
    while (size < count * 2)
        size *= 2;
    set->mask = size - 1;
    set->slot = mr_arena_zalloc(arena, size, sizeof *set->slot);
    set->values = mr_vector_new(type, count, arena);
    const size_t width = mr_lane_size(set->values.lane);
    for (uint32_t i = 0; i < count; i++) {
        if (items[i]->value.is_null) {
            set->has_null = true;
            continue;
        }
        memcpy((char *)set->values.values + width * i, &items[i]->value.i128, width);
        uint32_t at = find(set, &set->values, i);
        if (set->slot[at] == 0)
            set->slot[at] = i + 1;
    }
    return set;
}

static void in(const mr_kernel_call *call)
{
    const mr_set *set = call->data;
    for (uint32_t i = 0; i < call->selected; i++) {
        uint32_t row = mr_kernel_row(call, i);
        call->result->bools[row] = 0;
        if (mr_kernel_is_null(call, row))
            continue;
        bool is_in = set->slot[find(set, &call->args[0], mr_kernel_at(call, 0, row))] != 0;
        if (!is_in && set->has_null)
            mr_kernel_null(call, row);
        call->result->bools[row] = is_in;
    }
}

const mr_function mr_function_in = {
    .name = "IN", .kernel = in, .is_strict = true, .is_costly = true};
