/* Decodes texts as records and prints the result, so that a test is text in, text out. */
#ifndef MR_TESTS_UNIT_CONNECTORS_FORMATS_DECODE_FIXTURE_H
#define MR_TESTS_UNIT_CONNECTORS_FORMATS_DECODE_FIXTURE_H

#include "connectors/formats/column.h"
#include "engine/ports/codec.h"

#define FIXTURE_RECORDS_MAX 256

typedef struct decoded {
    mr_arena arena;
    mr_vector columns[80];
    uint32_t rows[FIXTURE_RECORDS_MAX];
    uint32_t rows_count;
    mr_row_errors errors;
    char text[65536];
} decoded;

/* `texts[i]` NULL: a NULL record. Each text is copied to a block of its exact size, so that ASan
 * sees a read behind its end. Both key and value are the text. */
void fixture_decode(mr_decoder *decoder, uint32_t columns_count, const char *const *texts,
                    const size_t *lengths, uint32_t texts_count, decoded *out);

/* Rows as "0: a, b; 2: .." and errors as "1! MR3110 message; ", in `out->text`. */
const char *fixture_print(decoded *out, uint32_t columns_count, bool has_messages);

void fixture_release(decoded *out);

#endif
