/*
 * JSON writer: a row as one JSON object on one line, in the form Flink writes.
 *
 *   integers, DECIMAL   numbers (mr_number_write_decimal says how)
 *   FLOAT, DOUBLE       the fewest digits that read back the same; NaN and Infinity: error of
 *                       the row
 *   text                escaped: quote, backslash and control characters only; not UTF-8: error
 *                       of the row
 *   BYTES               base64
 *   DATE, TIME          'yyyy-MM-dd', 'HH:mm:ss[.f]'
 *   TIMESTAMP, _LTZ     the timestamp standard of the options; fractions as long as needed; LTZ
 *                       with 'Z'
 *   NULL                null, or nothing under encode.ignore-null-fields
 *
 * Thread: one at a time.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_WRITER_H
#define MR_CONNECTORS_FORMATS_JSON_WRITER_H

#include "connectors/formats/column.h"
#include "connectors/formats/json/options.h"
#include "connectors/formats/writer.h"

/* A writer of all `fields`, whatever part they name. MR_E_SETTING for a type JSON cannot hold. */
mr_status mr_json_writer_new(const mr_codec_field *fields, uint32_t fields_count,
                             const mr_json_options *options, mr_row_writer **writer,
                             mr_error *err) MR_MUST_USE;

#endif
