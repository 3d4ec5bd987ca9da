/*
 * Default values: a field's default in the JSON of a schema, in Avro's binary form.
 *
 * A default that is no value of its type is not an error here: a writer's defaults are never used,
 * and schemas with wrong ones are about. Used by schema.c alone. Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_SCHEMA_DEFAULT_H
#define MR_CONNECTORS_FORMATS_AVRO_SCHEMA_DEFAULT_H

#include "connectors/formats/avro/schema/schema.h"
#include "engine/base/buffer.h"

/* Appends the default that the JSON text spells; false: it is none, or too large or too deep. */
bool mr_avro_default_encode(const mr_avro_type *type, const void *json, mr_buffer *out);

#endif
