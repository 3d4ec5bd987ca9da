#include "connectors/local/file_sink.h"

#include "connectors/local/log_sink.h"
#include "engine/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct file_sink {
    mr_sink base;
    const mr_file_sink_config *config;
    mr_encoder *encoder;
    mr_encoded encoded;
    FILE *file;
} file_sink;

static mr_status fail(const file_sink *self, const char *what, mr_error *err)
{
    return mr_error_set(err, MR_E_ENVIRONMENT, "cannot %s `%s`: %s", what, self->config->path,
                        strerror(errno));
}

static mr_status write_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    file_sink *self = (file_sink *)sink;
    mr_encoded *encoded = &self->encoded;
    mr_buffer_clear(&encoded->bytes);
    mr_status status = self->encoder->class->encode(self->encoder, batch, encoded, errors, err);
    if (status != MR_OK)
        return status;
    mr_sink_check_not_null(self->config->schema, batch, errors);
    for (uint32_t i = 0; i < batch->selected; i++)
        if (encoded->value_length[i] == UINT32_MAX)
            mr_row_errors_add(errors, mr_batch_row(batch, i), MR_E_ROW_NO_LINE,
                              "NULL: a file has no line for it");
    mr_row_errors_settle(errors);
    uint32_t failed = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        while (failed < errors->count && errors->error[failed].row < row)
            failed++;
        if (failed < errors->count && errors->error[failed].row == row)
            continue;
        fwrite(encoded->bytes.data + encoded->value_start[i], 1, encoded->value_length[i],
               self->file);
        fputc('\n', self->file);
        if (context->bytes != NULL)
            *context->bytes += encoded->value_length[i] + 1;
    }
    return ferror(self->file) ? fail(self, "write to", err) : MR_OK;
}

static mr_status flush(mr_sink *sink, mr_error *err)
{
    file_sink *self = (file_sink *)sink;
    if (fflush(self->file) != 0)
        return fail(self, "write to", err);
    /* A pipe or a device cannot be synced; it is out of our hands then. */
    if (fdatasync(fileno(self->file)) != 0 && errno != EINVAL && errno != EROFS)
        return fail(self, "sync", err);
    return MR_OK;
}

static void close_sink(mr_sink *sink)
{
    file_sink *self = (file_sink *)sink;
    if (self->encoder != NULL)
        self->encoder->class->free(self->encoder);
    if (self->file != NULL)
        fclose(self->file);
    mr_buffer_release(&self->encoded.bytes);
    free(self);
}

static const mr_sink_class file_class = {.write = write_rows, .flush = flush, .close = close_sink};

mr_status mr_file_sink_open(const void *config, mr_sink **sink, mr_error *err)
{
    file_sink *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &file_class;
    self->config = config;
    mr_status status =
        self->config->make_encoder(self->config->encoder_config, &self->encoder, err);
    if (status == MR_OK) {
        self->file = fopen(self->config->path, "ae");
        if (self->file == NULL)
            status = fail(self, "open", err);
    }
    if (status != MR_OK) {
        close_sink(&self->base);
        return status;
    }
    *sink = &self->base;
    return MR_OK;
}
