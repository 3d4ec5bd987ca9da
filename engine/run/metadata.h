/*
 * Metadata columns: what a record says about itself besides key and value.
 *
 * Headers are one JSON object in their order: a value that is UTF-8 as text, any other as
 * {"hex": "00ff"}, no value as null. connectors/formats/json/headers.h is the way back.
 */
#ifndef MR_ENGINE_RUN_METADATA_H
#define MR_ENGINE_RUN_METADATA_H

#include "engine/expr/zone.h"
#include "engine/run/plan.h"

/* One flat column of `type` over the rows of `batch`, in its arena; batch->records and ->record are
 * set. `partition` is INT or BIGINT, `timestamp` TIMESTAMP_LTZ, or TIMESTAMP: local in `zone`
 * (NULL: UTC); digits that the type has not are cut off. */
mr_vector mr_metadata_column(mr_metadata which, mr_type type, const mr_zone *zone,
                             const mr_batch *batch);

#endif
