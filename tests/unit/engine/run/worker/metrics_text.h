/*
 * A registry of metrics read back from its ndjson, as a user's tool would.
 */
#ifndef MR_TESTS_UNIT_ENGINE_RUN_WORKER_METRICS_TEXT_H
#define MR_TESTS_UNIT_ENGINE_RUN_WORKER_METRICS_TEXT_H

#include "engine/base/metrics.h"

/* Sum of `field` ("value", or of a histogram "count", "sum") of all metrics of that name whose line
 * holds `with`; 0 when there is none. */
double metrics_number(mr_metrics *metrics, const char *name, const char *with, const char *field);

#endif
