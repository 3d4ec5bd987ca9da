/*
 * Alignment: which inputs are held back because they run ahead of others in event time.
 *
 * An input whose watermark is more than its drift ahead of the lowest in its group is held: its
 * records stay where they are until the lowest has come closer. So inputs are read in about the
 * order of event time while they catch up, and state holds about a drift's worth of open windows.
 * Only an input that is known to have *more to read* makes others wait: one that is at its end,
 * idle or in vain (worker/fetch.c) never does, so of the inputs that have something some may always
 * be read. Nothing here is state: results do not depend on it but by the order in which inputs are
 * read. Pure functions.
 */
#ifndef MR_ENGINE_TIME_ALIGNMENT_H
#define MR_ENGINE_TIME_ALIGNMENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mr_aligned_input {
    uint32_t group;       /* below the groups_count that is passed on */
    int64_t watermark_ms; /* MR_TIME_NONE: none yet, which is lower than all */
    int64_t drift_max_ms; /* <= 0: neither held nor waited for */
    bool has_more;        /* others wait for it */
    bool is_held;         /* out */
} mr_aligned_input;

/* Judges all inputs by one another. `lows` is scratch of `groups_count` values. Returns how many
 * are held. */
uint32_t mr_alignment_judge(mr_aligned_input *inputs, uint32_t count, int64_t *lows,
                            uint32_t groups_count);

#endif
