/* The csv format's entry in the table of formats: Flink's option names. */
#ifndef MR_CONNECTORS_FORMATS_CSV_FORMAT_H
#define MR_CONNECTORS_FORMATS_CSV_FORMAT_H

#include "connectors/formats/format.h"

extern const mr_format mr_format_csv;

#endif
