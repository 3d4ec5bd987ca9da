#include "engine/base/budget.h"

void mr_budget_add(mr_budget *budget, mr_budget_part part, int64_t bytes)
{
    if (budget != NULL)
        atomic_fetch_add_explicit(&budget->used[part], bytes, memory_order_relaxed);
}

int64_t mr_budget_used(const mr_budget *budget)
{
    int64_t sum = 0;
    for (int part = 0; part < MR_BUDGET_PARTS; part++)
        sum += atomic_load_explicit(&budget->used[part], memory_order_relaxed);
    return sum;
}

const char *mr_budget_part_name(mr_budget_part part)
{
    static const char *const names[MR_BUDGET_PARTS] = {"batches", "tables", "staging",
                                                       "rocksdb", "kafka",  "exchange"};
    return names[part];
}
