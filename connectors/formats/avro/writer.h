/*
 * Avro writer: one row's columns as a record of a schema.
 *
 * The schema is the one derived from the table's columns, or one that is given: then its fields may
 * stand in another order, be of wider types, and those that the table lacks need a default or a
 * union with null. With a registry each record is preceded by 0x00 and the four bytes of the
 * schema's id, which is asked for before the first row of all.
 *
 *   column                     fields it can be written to, alone or in a union with null
 *   BOOLEAN                    boolean
 *   TINYINT, SMALLINT, INT     int, long          BIGINT   long
 *   FLOAT                      float, double      DOUBLE   double
 *   CHAR, VARCHAR              string, enum (a text that is no symbol is an error of the row),
 *   bytes
 *   BINARY, VARBINARY          bytes, fixed (of the same length)
 *   DECIMAL(p, s)              decimal of no smaller scale, as bytes or fixed
 *   DATE                       int                TIME   int (time-millis), long (time-micros)
 *   TIMESTAMP, TIMESTAMP_LTZ   long (timestamp-*, local-timestamp-*); finer digits are cut
 *
 * Thread: one at a time. Errors of rows: MR_E_FIELD_NULL, MR_E_FIELD_RANGE, MR_E_TEXT_UTF8,
 * MR_E_AVRO_VALUE.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_WRITER_H
#define MR_CONNECTORS_FORMATS_AVRO_WRITER_H

#include "connectors/formats/column.h"
#include "connectors/formats/writer.h"
#include "connectors/schemas/registry.h"

typedef struct mr_avro_writer_config {
    const char *schema;    /* its text */
    mr_registry *registry; /* NULL: bare; taken over, also after an error */
    const char *subject;   /* with a registry */
    bool may_register;
} mr_avro_writer_config;

/* MR_E_SETTING: a schema that is none, or that the fields do not fit. */
mr_status mr_avro_writer_new(const mr_avro_writer_config *config, const mr_codec_field *fields,
                             uint32_t fields_count, mr_row_writer **writer,
                             mr_error *err) MR_MUST_USE;

#endif
