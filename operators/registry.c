#include "operators/registry.h"

#include "operators/join/interval_join.h"
#include "operators/rank/deduplicate.h"
#include "operators/rows/filter.h"
#include "operators/rows/project.h"
#include "operators/rows/union_all.h"
#include "operators/window/window_aggregate.h"

#include <string.h>

const mr_operator_class *const *mr_operator_all(void)
{
    static const mr_operator_class *const all[] = {
        &mr_filter_class,
        &mr_project_class,
        &mr_union_all_class,
        &mr_window_aggregate_class,
        &mr_deduplicate_class,
        &mr_interval_join_class,
        NULL,
    };
    return all;
}

const mr_operator_class *mr_operator_find(const char *name)
{
    for (const mr_operator_class *const *class = mr_operator_all(); *class != NULL; class ++)
        if (strcmp((*class)->name, name) == 0)
            return *class;
    return NULL;
}
