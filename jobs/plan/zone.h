/*
 * The job's time zone by name: an offset, or a file of the system's zone database.
 */
#ifndef MR_JOBS_PLAN_ZONE_H
#define MR_JOBS_PLAN_ZONE_H

#include "engine/expr/zone.h"

/* *zone NULL: UTC. MR_E_SETTING: no such zone. */
MR_MUST_USE mr_status mr_zone_load(const char *name, mr_zone **zone, mr_error *err);

#endif
