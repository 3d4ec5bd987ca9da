/*
 * The Avro formats' entries in the table of formats, with Flink's option names.
 *
 *   avro             bare binary values in a log, object container files in a filesystem
 *   avro-confluent   values with the id of their schema in a schema registry; avro-registry is the
 *                    same under another name
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_FORMAT_H
#define MR_CONNECTORS_FORMATS_AVRO_FORMAT_H

#include "connectors/formats/format.h"

extern const mr_format mr_format_avro;
extern const mr_format mr_format_avro_confluent;
extern const mr_format mr_format_avro_registry;

#endif
