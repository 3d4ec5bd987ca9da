/* Avro decoding as text in, text out: schemas as JSON, columns as in SQL, records as hexadecimal.
 * */
#ifndef MR_TESTS_UNIT_CONNECTORS_FORMATS_AVRO_AVRO_FIXTURE_H
#define MR_TESTS_UNIT_CONNECTORS_FORMATS_AVRO_AVRO_FIXTURE_H

#include "connectors/formats/column.h"
#include "engine/base/arena.h"
#include "engine/ports/codec.h"

#define AVRO_COLUMNS_MAX 40

typedef struct avro_columns {
    mr_codec_column column[AVRO_COLUMNS_MAX];
    uint32_t count;
    mr_arena arena;
} avro_columns;

/* "a.b BIGINT, c STRING NOT NULL, d DECIMAL(5 2)"; the caller releases the arena. */
avro_columns avro_columns_of(const char *text);

/* Decodes bare records, hexadecimal and apart by '|' (blanks ignored; '-' is a NULL value), as
 * "0: 1, 'x'; 1! MR3150 message; ". `reader` may be NULL. A decoder that cannot be made gives
 * "MR2000 message". Both copies of the machine run and must agree. Valid until the next call. */
const char *avro_decode(const char *writer, const char *reader, const char *columns,
                        const char *records);

/* "MR3147" style part of a text: true when `text` holds all words, apart by '..'. */
bool avro_holds(const char *text, const char *words);

#endif
