/*
 * The one Kafka cluster of a job: what its tables say about it, put together.
 */
#ifndef MR_JOBS_PLAN_CLUSTER_H
#define MR_JOBS_PLAN_CLUSTER_H

#include "jobs/plan/binder/binder.h"

/* What one property is and where it came from, for whoever asks. */
typedef struct mr_cluster_property {
    const char *name;
    const char *value;
    const char *table; /* that named it first; NULL: -X */
    bool is_secret;
} mr_cluster_property;

typedef struct mr_cluster {
    const char *bootstrap;         /* NULL: no table names one */
    const char *const *properties; /* name, value, .., NULL; librdkafka's names */
    const mr_cluster_property *facts;
    uint32_t facts_count;
} mr_cluster;

/* Reports tables that differ, and properties that the client does not take. All tables that name a
 * cluster count, used or not. `extra`: -X name=value of the command line, which win. */
mr_cluster mr_cluster_read(const mr_binder *binder, const char *const *extra, uint32_t extra_count);

#endif
