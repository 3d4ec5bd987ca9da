/*
 * Time zones by name, from the machine's TZif files (tzdata).
 *
 * The folder is $TZDIR, else /usr/share/zoneinfo. Names are as in `SET 'table.local-time-zone'`:
 * Europe/Berlin, UTC, GMT+05:30, +02:00. Thread: any. Memory: the zone is the caller's,
 * mr_zone_free.
 */
#ifndef MR_CONNECTORS_LOCAL_ZONE_FILE_H
#define MR_CONNECTORS_LOCAL_ZONE_FILE_H

#include "engine/expr/zone.h"

/* MR_E_SETTING: no such zone, or its file is broken. */
MR_MUST_USE mr_status mr_zone_load(const char *name, mr_zone **zone, mr_error *err);

#endif
