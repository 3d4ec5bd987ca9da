/*
 * Cut: when an epoch is to end. By age, which is the commit interval, or early, when it holds more
 * than it should.
 *
 * An epoch that outlived its transaction's timeout was too much work for one transaction: after a
 * timeout abort all limits are halved, again and again, so that the replay comes through; a quiet
 * run of commits takes one halving back. Pure. Thread: the engine's.
 */
#ifndef MR_ENGINE_COMMIT_CUT_H
#define MR_ENGINE_COMMIT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_CUT_HALVINGS_MAX 10u
#define MR_CUT_QUIET_COMMITS 64u /* without a timeout abort: one halving less */

typedef struct mr_cut {
    int64_t age_us;
    size_t dirty_bytes;
    size_t staged_bytes;
    uint32_t halvings;
    uint32_t quiet_commits;
} mr_cut;

/* The commit interval has passed. */
bool mr_cut_is_due(const mr_cut *cut, int64_t age_us);

/* How much of the interval is left; 0: it has passed. */
int64_t mr_cut_left_us(const mr_cut *cut, int64_t age_us);

/* The same of the least age at which an epoch that has taken all that others sent it may end: a
 * quarter of the interval, but no less than 25 ms, so that workers that feed one another make no
 * tiny epochs. */
#define MR_CUT_DRAINED_PART 4
#define MR_CUT_DRAINED_MIN_US INT64_C(25000)
int64_t mr_cut_drained_left_us(const mr_cut *cut, int64_t age_us);

/* The epoch holds too much: no more work before it ends. */
bool mr_cut_is_full(const mr_cut *cut, size_t dirty_bytes, size_t staged_bytes);

void mr_cut_on_timeout_abort(mr_cut *cut);
void mr_cut_on_commit(mr_cut *cut);

#endif
