/*
 * Headers of a record as a JSON object, in their order: {"trace": "abc", "none": null,
 * "bytes": {"hex": "00ff"}}. A text stands for its UTF-8 bytes, an object with the one member `hex`
 * for any others, null for a header without a value; a name may come several times. The way back
 * from engine/run/metadata.h, which shows headers so.
 *
 * Thread: pure. Memory: `arena`, and bytes of the text itself.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_HEADERS_H
#define MR_CONNECTORS_FORMATS_JSON_HEADERS_H

#include "connectors/formats/json/scan.h"
#include "engine/batch/record.h"

/* False: `scan` (the caller's, over the whole text) says why and where. */
bool mr_json_headers_read(mr_json_scan *scan, mr_arena *arena, const mr_header **headers,
                          uint32_t *count);

#endif
