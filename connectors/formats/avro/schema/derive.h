/*
 * The schema that a table's columns stand for, as Flink derives it: a record
 * org.apache.flink.avro.generated.record, nullable columns as ["null", type] with default null.
 *
 *   BOOLEAN boolean      TINYINT, SMALLINT, INT int      BIGINT long      FLOAT float
 *   DOUBLE double        CHAR, VARCHAR string            BINARY, VARBINARY bytes
 *   DECIMAL(p, s) bytes (decimal)      DATE int (date)   ROW record
 *   TIME(p) int (time-millis), beyond 3 digits long (time-micros)
 *   TIMESTAMP(p), TIMESTAMP_LTZ(p) long (timestamp-millis), beyond 3 digits (timestamp-micros);
 *   without the legacy mapping TIMESTAMP is local-timestamp-*
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_SCHEMA_DERIVE_H
#define MR_CONNECTORS_FORMATS_AVRO_SCHEMA_DERIVE_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/batch/type.h"

/* Appends the schema's JSON text. MR_E_SETTING: a column's name or type that Avro cannot hold. */
mr_status mr_avro_derive(const mr_field *fields, uint32_t count, bool is_legacy, mr_buffer *text,
                         mr_error *err) MR_MUST_USE;

#endif
