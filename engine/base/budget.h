/*
 * What a job takes in memory, counted by part. How much each may take is dealt out elsewhere;
 * nothing here fails an allocation. Thread: counters are atomic, any thread may add.
 */
#ifndef MR_ENGINE_BASE_BUDGET_H
#define MR_ENGINE_BASE_BUDGET_H

#include <stdatomic.h>
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
    _Atomic int64_t used[MR_BUDGET_PARTS];
} mr_budget;

void mr_budget_add(mr_budget *budget, mr_budget_part part, int64_t bytes);
int64_t mr_budget_used(const mr_budget *budget);
const char *mr_budget_part_name(mr_budget_part part);

#endif
