#include "engine/commit/cut.h"

int64_t mr_cut_left_us(const mr_cut *cut, int64_t age_us)
{
    int64_t left_us = (cut->age_us >> cut->halvings) - age_us;
    return left_us > 0 ? left_us : 0;
}

int64_t mr_cut_drained_left_us(const mr_cut *cut, int64_t age_us)
{
    int64_t whole_us = cut->age_us >> cut->halvings;
    int64_t least_us = whole_us / MR_CUT_DRAINED_PART;
    if (least_us < MR_CUT_DRAINED_MIN_US)
        least_us = whole_us < MR_CUT_DRAINED_MIN_US ? whole_us : MR_CUT_DRAINED_MIN_US;
    return least_us > age_us ? least_us - age_us : 0;
}

bool mr_cut_is_due(const mr_cut *cut, int64_t age_us)
{
    return mr_cut_left_us(cut, age_us) == 0;
}

bool mr_cut_is_full(const mr_cut *cut, size_t dirty_bytes, size_t staged_bytes)
{
    return dirty_bytes > cut->dirty_bytes >> cut->halvings ||
           staged_bytes > cut->staged_bytes >> cut->halvings;
}

void mr_cut_on_timeout_abort(mr_cut *cut)
{
    cut->quiet_commits = 0;
    if (cut->halvings < MR_CUT_HALVINGS_MAX)
        cut->halvings++;
}

void mr_cut_on_commit(mr_cut *cut)
{
    if (cut->halvings == 0 || ++cut->quiet_commits < MR_CUT_QUIET_COMMITS)
        return;
    cut->halvings--;
    cut->quiet_commits = 0;
}
