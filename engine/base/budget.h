/*
 * The memory budget of a process, counted by part.
 *
 * Invariant: `used` is the sum over parts. Going over the limit never fails an allocation that is
 * already under way: the engine asks `mr_budget_is_over` between batches and slows its intake or
 * cuts the epoch early. Thread: counters are atomic, any thread may add.
 */
#ifndef MR_ENGINE_BASE_BUDGET_H
#define MR_ENGINE_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mr_budget_part {
    MR_BUDGET_BATCHES = 0,
    MR_BUDGET_TABLES,
    MR_BUDGET_STAGING,
    MR_BUDGET_ROCKSDB,
    MR_BUDGET_KAFKA,
    MR_BUDGET_EXCHANGE, /* frames being made, and those on their way to a task beside */
    MR_BUDGET_PARTS,
} mr_budget_part;

typedef struct mr_budget {
    int64_t limit_bytes; /* 0: no limit */
    _Atomic int64_t used[MR_BUDGET_PARTS];
} mr_budget;

void mr_budget_add(mr_budget *budget, mr_budget_part part, int64_t bytes);
int64_t mr_budget_used(const mr_budget *budget);
bool mr_budget_is_over(const mr_budget *budget);
const char *mr_budget_part_name(mr_budget_part part);

#endif
