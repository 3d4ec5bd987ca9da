/*
 * What a plan wants of a record, as a tree by field names: a leaf per column.
 *
 * With a reader's schema (a table's `schema` option) each name also knows its field there: aliases,
 * default and type take part in schema resolution. Without one the columns are the reader's schema.
 * Memory: the arena given; names are copied. Thread: immutable.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_WANT_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_WANT_H

#include "connectors/formats/avro/decode/program.h"
#include "connectors/formats/column.h"

typedef struct mr_avro_want mr_avro_want;

struct mr_avro_want {
    const char *name;
    uint32_t column; /* MR_AVRO_COLUMN_NONE: a record that leads to columns */
    mr_type type;
    const mr_avro_type *reader;        /* NULL: none was given */
    const mr_avro_field *reader_field; /* NULL likewise, and at the top */
    uint32_t children_count;
    mr_avro_want *children;
};

/* MR_E_SETTING: an empty path, one that occurs twice or leads through another column, a column type
 * that Avro cannot hold, or one that the reader's schema does not have or has as something else. */
mr_status mr_avro_wants_build(const mr_codec_column *columns, uint32_t columns_count,
                              const mr_avro_type *reader, mr_arena *arena, mr_avro_want *top,
                              mr_error *err) MR_MUST_USE;

#endif
