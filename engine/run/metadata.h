/*
 * Metadata columns: what a record says about itself besides key and value.
 */
#ifndef MR_ENGINE_RUN_METADATA_H
#define MR_ENGINE_RUN_METADATA_H

#include "engine/run/plan.h"

/* One flat column of `type` over the rows of `batch`, in its arena; batch->records and ->record are
 * set. */
mr_vector mr_metadata_column(mr_metadata which, mr_type type, const mr_batch *batch);

#endif
