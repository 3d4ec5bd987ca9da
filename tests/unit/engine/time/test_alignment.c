/*
 * Goal: who runs ahead is held, who others wait for is never, and somebody that has something to
 * read may always be read.
 * Method: cases by hand, then random ones against the definition, pair by pair.
 */
#include "engine/time/alignment.h"

#include "engine/batch/record.h"

#include <criterion/criterion.h>

#define DRAWN 20000
#define INPUTS_MAX 9
#define GROUPS 3

static mr_aligned_input at(int64_t watermark_ms)
{
    return (mr_aligned_input){.watermark_ms = watermark_ms, .drift_max_ms = 10, .has_more = true};
}

static uint32_t judge(mr_aligned_input *inputs, uint32_t count)
{
    int64_t lows[GROUPS];
    return mr_alignment_judge(inputs, count, lows, GROUPS);
}

Test(alignment, holds_what_is_a_ms_more_than_the_drift_ahead)
{
    mr_aligned_input inputs[] = {at(5), at(15), at(16)};
    cr_assert_eq(judge(inputs, 3), 1);
    cr_assert(!inputs[0].is_held && !inputs[1].is_held && inputs[2].is_held);
}

Test(alignment, who_has_nothing_to_read_makes_nobody_wait)
{
    mr_aligned_input inputs[] = {at(5), at(1000)};
    inputs[0].has_more = false;
    cr_assert_eq(judge(inputs, 2), 0);
}

Test(alignment, who_has_no_watermark_yet_is_waited_for)
{
    mr_aligned_input inputs[] = {at(MR_TIME_NONE), at(-5000), at(MR_TIME_NONE)};
    cr_assert_eq(judge(inputs, 3), 1);
    cr_assert(inputs[1].is_held);
}

Test(alignment, extreme_watermarks_are_no_overflow)
{
    mr_aligned_input inputs[] = {at(MR_TIME_NONE + 3), at(MR_TIME_NONE + 5), at(MR_TIME_MAX)};
    cr_assert_eq(judge(inputs, 2), 0);
    cr_assert_eq(judge(inputs, 3), 1);
    cr_assert(inputs[2].is_held);
}

Test(alignment, without_a_drift_an_input_takes_no_part)
{
    mr_aligned_input inputs[] = {at(5), at(1000)};
    inputs[0].drift_max_ms = 0;
    cr_assert_eq(judge(inputs, 2), 0);
    inputs[0].drift_max_ms = 10;
    inputs[1].drift_max_ms = 0;
    cr_assert_eq(judge(inputs, 2), 0);
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static bool is_behind(const mr_aligned_input *low, const mr_aligned_input *high)
{
    if (low->drift_max_ms <= 0 || high->drift_max_ms <= 0 || low->group != high->group ||
        !low->has_more || low->watermark_ms >= high->watermark_ms)
        return false;
    return low->watermark_ms == MR_TIME_NONE ||
           high->watermark_ms - low->watermark_ms > high->drift_max_ms;
}

Test(alignment, agrees_with_the_definition_and_leaves_somebody_to_be_read)
{
    uint64_t random = 1;
    for (int n = 0; n < DRAWN; n++) {
        mr_aligned_input inputs[INPUTS_MAX];
        uint32_t count = 1 + (uint32_t)draw(&random, INPUTS_MAX);
        for (uint32_t i = 0; i < count; i++)
            inputs[i] = (mr_aligned_input){.group = (uint32_t)draw(&random, GROUPS),
                                           .watermark_ms = draw(&random, 6) == 0
                                                               ? MR_TIME_NONE
                                                               : (int64_t)draw(&random, 60) - 30,
                                           .drift_max_ms = (int64_t)draw(&random, 4) * 7,
                                           .has_more = draw(&random, 3) != 0};
        uint32_t held = judge(inputs, count), found = 0;
        bool has_more = false, may_go_on = false;
        for (uint32_t i = 0; i < count; i++) {
            bool is_held = false;
            for (uint32_t j = 0; j < count; j++)
                is_held = is_held || is_behind(&inputs[j], &inputs[i]);
            cr_assert_eq(inputs[i].is_held, is_held, "case %d, input %u", n, i);
            found += is_held;
            has_more = has_more || inputs[i].has_more;
            may_go_on = may_go_on || (inputs[i].has_more && !inputs[i].is_held);
        }
        cr_assert_eq(held, found);
        cr_assert_eq(has_more, may_go_on, "case %d", n);
    }
}
