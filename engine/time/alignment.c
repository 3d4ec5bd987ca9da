#include "engine/time/alignment.h"

#include "engine/base/assert.h"
#include "engine/batch/record.h"

/* `mark` may be NONE or MAX: neither is a time that one may count with. */
static bool is_ahead(int64_t mark, int64_t low, int64_t drift_max_ms)
{
    int64_t limit;
    if (mark <= low)
        return false;
    return low == MR_TIME_NONE ||
           (!__builtin_sub_overflow(mark, drift_max_ms, &limit) && limit > low);
}

uint32_t mr_alignment_judge(mr_aligned_input *inputs, uint32_t count, int64_t *lows,
                            uint32_t groups_count)
{
    for (uint32_t g = 0; g < groups_count; g++)
        lows[g] = MR_TIME_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const mr_aligned_input *input = &inputs[i];
        MR_ASSERT(input->group < groups_count);
        if (input->drift_max_ms > 0 && input->has_more && input->watermark_ms < lows[input->group])
            lows[input->group] = input->watermark_ms;
    }
    uint32_t held = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_aligned_input *input = &inputs[i];
        input->is_held = input->drift_max_ms > 0 &&
                         is_ahead(input->watermark_ms, lows[input->group], input->drift_max_ms);
        held += input->is_held;
    }
    return held;
}
