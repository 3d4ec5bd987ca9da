/* A state from the inside, for the files that are state.h. */
#ifndef MR_ENGINE_STATE_STATE_PRIVATE_H
#define MR_ENGINE_STATE_STATE_PRIVATE_H

#include "engine/state/state.h"
#include "engine/state/table_private.h"

struct mr_state {
    mr_table **tables;
    uint32_t tables_count;
    mr_budget *budget;
    mr_away away;
};

#endif
