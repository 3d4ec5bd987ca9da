#include "engine/time/idleness.h"

void mr_idleness_init(mr_idleness *idleness, int64_t timeout_ms)
{
    *idleness = (mr_idleness){.timeout_ms = timeout_ms, .since_ms = MR_TIME_NONE};
}

void mr_idleness_on_record(mr_idleness *idleness)
{
    idleness->since_ms = MR_TIME_NONE;
}

bool mr_input_is_caught_up(const mr_input_ends *ends)
{
    /* An empty partition has no position yet: its start is its end. */
    bool at_end = ends->position >= ends->stable_end ||
                  (ends->position < 0 && ends->start >= 0 && ends->start == ends->stable_end);
    return at_end && ends->high_end <= ends->stable_end && !ends->is_buffered && !ends->is_paused;
}

bool mr_idleness_observe(mr_idleness *idleness, const mr_input_ends *ends, int64_t now_ms)
{
    if (idleness->timeout_ms <= 0 || !mr_input_is_caught_up(ends)) {
        idleness->since_ms = MR_TIME_NONE;
        return false;
    }
    if (idleness->since_ms == MR_TIME_NONE || idleness->position != ends->position) {
        idleness->since_ms = now_ms;
        idleness->position = ends->position;
    }
    return now_ms - idleness->since_ms >= idleness->timeout_ms;
}
