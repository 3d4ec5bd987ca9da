/*
 * Time zones: the rules of one zone, from a TZif file (RFC 8536) or a fixed offset.
 *
 * A zone maps instants (UTC microseconds) to wall clocks (the same count as if the wall clock were
 * UTC). Behind the last transition of the file its footer's POSIX rule goes on for ever.
 * Thread: immutable once made. Memory: heap; `mr_zone_free`. NULL as a zone means UTC everywhere.
 */
#ifndef MR_ENGINE_EXPR_ZONE_H
#define MR_ENGINE_EXPR_ZONE_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MR_ZONE_NAME_MAX 64

typedef struct mr_zone mr_zone;

/* The zone in the bytes of a TZif file; MR_E_SETTING when they are none. */
MR_MUST_USE mr_status mr_zone_parse(const char *name, const void *bytes, size_t length,
                                    mr_zone **zone, mr_error *err);

/* `UTC`, `Z`, `GMT`, `+02:00`, `-0530`, `GMT+8`, `UTC-03:30`. MR_E_SETTING: another name. */
MR_MUST_USE mr_status mr_zone_of_offset(const char *name, mr_zone **zone, mr_error *err);

void mr_zone_free(mr_zone *zone);
const char *mr_zone_name(const mr_zone *zone);

/* Seconds to add to UTC at this instant. */
int32_t mr_zone_offset(const mr_zone *zone, int64_t utc_seconds);

/* Abbreviation in force at this instant, e.g. CET. Lives as long as the zone. */
const char *mr_zone_abbreviation(const mr_zone *zone, int64_t utc_seconds);

/* Wall clock of an instant, and the instant of a wall clock: a time that a gap skips moves forward
 * by the gap's length, a time that occurs twice is the earlier one. Microseconds. */
int64_t mr_zone_to_local(const mr_zone *zone, int64_t utc);
int64_t mr_zone_to_utc(const mr_zone *zone, int64_t local);

#endif
