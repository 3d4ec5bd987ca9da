/*
 * Row writer: what a format provides for encoding; writes one row's key or value as bytes.
 * The encoder over two of them is in encoder.c. Thread: one at a time.
 */
#ifndef MR_CONNECTORS_FORMATS_WRITER_H
#define MR_CONNECTORS_FORMATS_WRITER_H

#include "engine/base/buffer.h"
#include "engine/batch/batch.h"
#include "engine/batch/row_error.h"

typedef struct mr_row_writer mr_row_writer;

typedef enum mr_written {
    MR_WRITTEN_BYTES = 0,
    MR_WRITTEN_NULL,  /* the part is NULL; nothing was appended */
    MR_WRITTEN_ERROR, /* added to `errors` (by batch row); what was appended is to be dropped */
} mr_written;

typedef struct mr_row_writer_class {
    /* Asks the outside world what the rows of a batch need, before the first of them is written; an
     * error is one of the whole call. NULL: there is nothing to ask. */
    mr_status (*prepare)(mr_row_writer *writer, mr_error *err);
    /* Appends the bytes of row `row` to `out`. */
    mr_written (*write)(mr_row_writer *writer, const mr_batch *batch, uint32_t row, mr_buffer *out,
                        mr_row_errors *errors);
    void (*free)(mr_row_writer *writer);
} mr_row_writer_class;

struct mr_row_writer {
    const mr_row_writer_class *class;
};

#endif
