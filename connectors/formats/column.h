/* What a format is told about the columns it reads or writes. */
#ifndef MR_CONNECTORS_FORMATS_COLUMN_H
#define MR_CONNECTORS_FORMATS_COLUMN_H

#include "engine/batch/type.h"

/* Which half of a record. */
typedef enum mr_record_part {
    MR_PART_VALUE = 0,
    MR_PART_KEY,
} mr_record_part;

/* A column to decode: position in the list = position in the decoder's output. Names are UTF-8
 * and are copied by the decoder. A type that is not nullable makes NULL (or a missing field) an
 * error. */
typedef struct mr_codec_column {
    mr_record_part part;
    uint32_t path_length;
    const char *const *path; /* nested ROW fields from the outside in: a.b.c */
    mr_type type;
    uint32_t place; /* among the table's columns of this part, from 0: for formats without names */
} mr_codec_column;

/* A column to encode: column `column` of the batch under `name`. One column may be in key and
 * value. */
typedef struct mr_codec_field {
    mr_record_part part;
    uint32_t column;
    const char *name;
    mr_type type;
} mr_codec_field;

#endif
