/*
 * Schema resolution of single values: which operation turns a writer's type into a column.
 *
 *   column                 writer's type
 *   BOOLEAN                boolean
 *   TINYINT, SMALLINT, INT int                     (the first two: within their range)
 *   BIGINT                 int, long
 *   FLOAT                  int, long, float
 *   DOUBLE                 int, long, float, double
 *   CHAR, VARCHAR          string, bytes, enum
 *   BINARY, VARBINARY      bytes, string, fixed
 *   DECIMAL(p, s)          decimal of any scale; plain bytes and fixed as of scale s
 *   DATE                   int (date)
 *   TIME(p)                int (time-millis), long (time-micros)
 *   TIMESTAMP(p), _LTZ(p)  long (timestamp-* and local-timestamp-*), cut to p digits
 *
 * Integers without a logical type count in the unit of the reader's schema, which for a column is
 * milliseconds up to precision 3 and microseconds beyond. Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_RESOLVE_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_RESOLVE_H

#include "connectors/formats/avro/decode/want.h"

/* Fills *op but for `to`. False: the type cannot be read as the column. `arena`: for tables. */
bool mr_avro_resolve(const mr_avro_type *writer, const mr_avro_want *want, mr_arena *arena,
                     mr_avro_op *op);

/* The branch of `reader` (itself, when it is no union) that takes values of `writer`, or NULL. */
const mr_avro_type *mr_avro_match(const mr_avro_type *writer, const mr_avro_type *reader);

#endif
