#include "engine/time/watermark.h"

void mr_watermark_advance(mr_watermark *wm, const int64_t *candidate_ms, const uint8_t *is_barred,
                          uint32_t rows, int64_t others_ms, int64_t *before_ms)
{
    /* MR_TIME_NONE is the lowest value there is, so a row without a candidate moves nothing. */
    int64_t value = wm->value_ms;
    for (uint32_t i = 0; i < rows; i++) {
        before_ms[i] = value < others_ms ? value : others_ms;
        bool is_free = is_barred == NULL || is_barred[i] == 0;
        if (is_free && candidate_ms[i] > value)
            value = candidate_ms[i];
    }
    wm->value_ms = value;
}

int64_t mr_watermark_minimum(const mr_watermark *inputs, uint32_t count, uint32_t skip,
                             int64_t previous_ms)
{
    int64_t minimum = MR_TIME_MAX;
    bool has_live = false, has_idle = false;
    for (uint32_t i = 0; i < count; i++) {
        if (i == skip)
            continue;
        if (inputs[i].is_idle) {
            has_idle = true;
            continue;
        }
        has_live = true;
        if (inputs[i].value_ms < minimum)
            minimum = inputs[i].value_ms;
    }
    /* An input that has ended promises nothing for an idle one, which may go on. */
    if (!has_live || (has_idle && minimum == MR_TIME_MAX))
        return previous_ms;
    return minimum > previous_ms ? minimum : previous_ms;
}

uint32_t mr_watermark_guard_rows(const mr_watermark_guard *guard, const int64_t *event_time_ms,
                                 const int64_t *reference_ms, uint32_t rows, uint8_t *is_barred)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        int64_t limit = 0;
        bool is_judged = guard->skew_max_ms >= 0 && event_time_ms[i] != MR_TIME_NONE &&
                         reference_ms[i] != MR_TIME_NONE &&
                         !__builtin_add_overflow(reference_ms[i], guard->skew_max_ms, &limit);
        is_barred[i] = is_judged && event_time_ms[i] > limit;
        count += is_barred[i];
    }
    return count;
}
