/*
 * CSV writer: a row as one line without its end, in the form Flink reads.
 *
 *   text        in quotes where it holds the delimiter, the quote, a line end, an escape character,
 *               or would be read as a comment, a byte order mark or as no row; a quote in it is
 *               doubled, an escape character escaped. Without quotes (disable-quote-character) it
 *               is escaped, or, where there is no escape character, an error of the row
 *   others      as in json, without quotes where nothing asks for them: NaN, Infinity are words
 *   NULL        the null literal, nothing where there is none
 *
 * Thread: one at a time.
 */
#ifndef MR_CONNECTORS_FORMATS_CSV_WRITER_H
#define MR_CONNECTORS_FORMATS_CSV_WRITER_H

#include "connectors/formats/column.h"
#include "connectors/formats/csv/dialect.h"
#include "connectors/formats/writer.h"

/* A writer of all `fields`, in their order. MR_E_SETTING for a type CSV cannot hold. */
mr_status mr_csv_writer_new(const mr_codec_field *fields, uint32_t fields_count,
                            const mr_csv_dialect *dialect, mr_row_writer **writer,
                            mr_error *err) MR_MUST_USE;

#endif
