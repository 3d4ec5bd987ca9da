/*
 * Decoder and encoder: records to columns and back. Implemented in connectors/formats.
 *
 * A decoder is compiled once from the physical columns a plan uses; a column that nobody uses is
 * not in its list and is not decoded. Thread: one at a time. Memory: results live in the batch's
 * arena or point into the records.
 */
#ifndef MR_ENGINE_PORTS_CODEC_H
#define MR_ENGINE_PORTS_CODEC_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/batch/batch.h"
#include "engine/batch/row_error.h"

typedef struct mr_decoder mr_decoder;

typedef struct mr_decoder_class {
    /* Decodes the records into `columns_count` flat columns of as many rows as there are good
     * records. `rows[r]` (room for records->count) gets the record index of row r; bad records are
     * added to `errors` by record index; records that are to be skipped silently (option) are in
     * neither. Returns non-zero only when no further record could be decoded at all. */
    mr_status (*decode)(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err);
    void (*free)(mr_decoder *decoder);
} mr_decoder_class;

struct mr_decoder {
    const mr_decoder_class *class;
};

typedef struct mr_encoder mr_encoder;

/* Keys and values of the encoded rows; offsets into `bytes`. length UINT32_MAX: NULL. */
typedef struct mr_encoded {
    mr_buffer bytes;
    uint32_t *key_start, *key_length, *value_start,
        *value_length; /* [selected rows] in the arena */
} mr_encoded;

typedef struct mr_encoder_class {
    /* Encodes every selected row (i-th selected row -> entry i). Rows in `errors` (by batch row)
     * are to be left out by the caller. `out->bytes` is appended to. */
    mr_status (*encode)(mr_encoder *encoder, const mr_batch *batch, mr_encoded *out,
                        mr_row_errors *errors, mr_error *err);
    void (*free)(mr_encoder *encoder);
} mr_encoder_class;

struct mr_encoder {
    const mr_encoder_class *class;
};

#endif
