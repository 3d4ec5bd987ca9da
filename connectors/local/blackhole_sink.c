#include "connectors/local/blackhole_sink.h"

#include "engine/base/assert.h"

#include <stdlib.h>

static mr_status write_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    (void)sink;
    (void)context;
    (void)batch;
    (void)errors;
    (void)err;
    return MR_OK;
}

static void close_sink(mr_sink *sink)
{
    free(sink);
}

static const mr_sink_class blackhole_class = {.write = write_rows, .close = close_sink};

mr_status mr_blackhole_sink_open(const void *config, mr_sink **sink, mr_error *err)
{
    (void)config;
    (void)err;
    *sink = calloc(1, sizeof **sink);
    MR_ASSERT(*sink != NULL);
    (*sink)->class = &blackhole_class;
    (*sink)->is_transactional = true; /* nothing to repeat */
    return MR_OK;
}
