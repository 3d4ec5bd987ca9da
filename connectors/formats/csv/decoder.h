/*
 * CSV decoder: rows of text straight into columns, by place.
 *
 * All fields of a row are scanned, so a row with the wrong number of them is known; only those of
 * wanted columns are converted (text/convert.h). As in Flink: an empty record and a comment carry
 * no row; one more field is allowed behind the last if it is blank and the last; with
 * ignore-parse-errors a bad field is NULL, missing ones are NULL, a row that cannot be cut is
 * skipped. An empty field is the empty text; for any other type it is an error unless the null
 * literal is empty. A byte order mark in front of a row is no part of it.
 *
 * Thread: one at a time. Memory: texts are views into the records, or lie in the batch's arena.
 */
#ifndef MR_CONNECTORS_FORMATS_CSV_DECODER_H
#define MR_CONNECTORS_FORMATS_CSV_DECODER_H

#include "connectors/formats/column.h"
#include "connectors/formats/csv/dialect.h"
#include "engine/ports/codec.h"

/* `width` columns in a row, `columns` those that are wanted, by place. The dialect is copied.
 * MR_E_SETTING for a type or path that CSV cannot hold. */
mr_status mr_csv_decoder_new(const mr_codec_column *columns, uint32_t columns_count, uint32_t width,
                             mr_record_part part, const mr_csv_dialect *dialect,
                             mr_decoder **decoder, mr_error *err) MR_MUST_USE;

#endif
