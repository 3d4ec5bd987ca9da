/*
 * What a table may be connected to: the known connectors with their options.
 */
#ifndef MR_JOBS_PLAN_CATALOG_CONNECTOR_H
#define MR_JOBS_PLAN_CATALOG_CONNECTOR_H

#include "jobs/plan/options/option.h"

typedef enum mr_connector_kind {
    MR_CONNECTOR_KAFKA = 0,
    MR_CONNECTOR_FILESYSTEM,
    MR_CONNECTOR_PRINT,
    MR_CONNECTOR_BLACKHOLE,
    MR_CONNECTOR_DATAGEN,
} mr_connector_kind;

typedef struct mr_connector {
    const char *name;
    mr_connector_kind kind;
    bool is_source, is_sink, has_format;
    mr_option_specs specs;
} mr_connector;

/* NULL: unknown. */
const mr_connector *mr_connector_find(const char *name);

/* Is `key` an option of any connector, formats' own ones left out? */
bool mr_connector_option_is_known(const char *key);

/* "kafka, filesystem, .." for messages. */
const char *mr_connector_names(void);
const char *mr_connector_nearest(const char *name);

/* Why a connector of other systems is not here, or NULL. */
const char *mr_connector_refusal(const char *name);

/* Options that every table takes; those of sources; those of tables with a format. */
mr_option_specs mr_connector_common_specs(void);
mr_option_specs mr_connector_source_specs(void);
mr_option_specs mr_connector_format_specs(void);

#endif
