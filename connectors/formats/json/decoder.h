/*
 * JSON decoder: projects the fields a plan uses out of JSON objects, straight into columns.
 *
 * One pass over each record, no document tree. What is skipped is validated too (scan.h), so a
 * record that is not RFC 8259 JSON, no object at the top or followed by anything but blanks is
 * an error.
 *
 *   missing field, null    NULL; a missing field is an error under fail-on-missing-field; either
 *                          is an error of the record for a NOT NULL column
 *   same name twice        the last one counts; an earlier one that cannot be converted is
 *                          an error
 *   numbers                exact; text holding a number counts as that number; an integer column
 *                          takes 12.0 and 1.2e1, refuses 1.5; DECIMAL rounds HALF_UP and is
 *                          NULL when too large
 *   text columns           numbers, true, false as written; objects and arrays as their JSON text
 *   BOOLEAN                true, false, "true", "false"
 *   BYTES                  base64
 *   ROW paths              an object; null makes its fields NULL
 *   ignore-parse-errors    a field that cannot be converted is NULL; a record that is no JSON
 *                          object is skipped (neither a row nor an error)
 *   NULL record value      skipped (a tombstone carries no row); the caller counts
 *                          records - rows - errors as skipped
 *   NULL record key        NULL in every key column
 *
 * Thread: one at a time. Memory: strings are views into the record unless they had escapes.
 * Errors of records: 3100..3114, with `$.path` and byte position.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_DECODER_H
#define MR_CONNECTORS_FORMATS_JSON_DECODER_H

#include "connectors/formats/column.h"
#include "connectors/formats/json/options.h"
#include "engine/ports/codec.h"

/* A decoder of the part that all `columns` name (`part` of the list is ignored: `part` decides).
 * MR_E_SETTING for contradicting options, a column type JSON cannot hold, or a path that occurs
 * twice or leads through another column. */
mr_status mr_json_decoder_new(const mr_codec_column *columns, uint32_t columns_count,
                              mr_record_part part, const mr_json_options *options,
                              mr_decoder **decoder, mr_error *err) MR_MUST_USE;

#endif
