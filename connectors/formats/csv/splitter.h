/*
 * CSV splitter: rows of a file; a line end in quotes, or escaped, ends no row. Empty lines,
 * comments and a byte order mark in front of the file are no rows. A quote that the file does not
 * close spoils its own line, not the rest of the file: the line becomes a record, which the decoder
 * refuses. Thread: one at a time.
 */
#ifndef MR_CONNECTORS_FORMATS_CSV_SPLITTER_H
#define MR_CONNECTORS_FORMATS_CSV_SPLITTER_H

#include "connectors/formats/csv/dialect.h"
#include "connectors/formats/splitter.h"

mr_splitter *mr_csv_splitter_new(const mr_csv_dialect *dialect);

#endif
