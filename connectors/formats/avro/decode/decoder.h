/*
 * Avro decoder: keys or values of records into columns, through programs compiled from the writer's
 * schema (program.h).
 *
 * Where the writer's schema comes from:
 *   BARE       it is the table's own (or the one given): the bytes are nothing but the value
 *   REGISTRY   0x00, four bytes of schema id (big-endian), the value; schemas come from a registry,
 *              each once
 *   CONTAINER  records of a container file: the record's key is the schema's text (container.h)
 * A schema that is new is compiled when its first record comes, so a writer may change it at any
 * time. When it cannot be read as the columns, each of its records is an error that says why.
 *
 *   NULL record value   skipped, as json does it
 *   NULL record key     NULL in every key column
 * What no column needs is checked as far as needed to step over it: its text may be no UTF-8.
 *
 * Thread: one at a time. Memory: strings are views into the records, symbols of enums into the
 * decoder, where they hold until its next call; programs of at most MR_AVRO_PROGRAMS_MAX schemas
 * are kept. Errors of records: 310x and 315x, with field and byte; of the call: only when the
 * registry is away (5101, recovery RETRY), refuses us or does not speak its language.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_DECODER_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_DECODER_H

#include "connectors/formats/avro/schema/schema.h"
#include "connectors/formats/column.h"
#include "connectors/schemas/registry.h"
#include "engine/ports/codec.h"

#define MR_AVRO_PROGRAMS_MAX 128

typedef enum mr_avro_framing {
    MR_AVRO_BARE = 0,
    MR_AVRO_REGISTRY,
    MR_AVRO_CONTAINER,
} mr_avro_framing;

typedef struct mr_avro_decoder_config {
    mr_record_part part;
    mr_avro_framing framing;
    const char *writer;    /* BARE: text of the writer's schema */
    const char *reader;    /* text of the reader's schema; NULL: the columns are it */
    mr_registry *registry; /* REGISTRY: taken over, also after an error */
    bool is_narrow;        /* decodes as without AVX2, for tests */
    int32_t ask_again_ms;  /* for a schema id that the registry did not know; 0: 10,000 */
} mr_avro_decoder_config;

/* A decoder of the columns (`part` of the list is ignored). MR_E_SETTING: a column type Avro cannot
 * hold, a schema that is none, or one that the columns do not fit. */
mr_status mr_avro_decoder_new(const mr_avro_decoder_config *config, const mr_codec_column *columns,
                              uint32_t columns_count, mr_decoder **decoder,
                              mr_error *err) MR_MUST_USE;

#endif
