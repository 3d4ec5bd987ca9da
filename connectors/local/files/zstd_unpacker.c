#include "connectors/local/files/codes.h"
#include "connectors/local/files/unpacker.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <zstd.h>

typedef struct zstd_unpacker {
    mr_unpacker base;
    ZSTD_DStream *stream;
} zstd_unpacker;

static mr_status unpack(mr_unpacker *unpacker, mr_unpack_step *step, mr_error *err)
{
    zstd_unpacker *self = (zstd_unpacker *)unpacker;
    ZSTD_inBuffer in = {.src = step->in, .size = step->in_length};
    ZSTD_outBuffer out = {.dst = step->out, .size = step->out_room};
    size_t left = ZSTD_decompressStream(self->stream, &out, &in);
    step->used = in.pos;
    step->made = out.pos;
    self->base.is_complete = left == 0;
    if (ZSTD_isError(left))
        return mr_error_set(err, MR_E_FILE_DAMAGED, "%s", ZSTD_getErrorName(left));
    return MR_OK;
}

static void free_unpacker(mr_unpacker *unpacker)
{
    zstd_unpacker *self = (zstd_unpacker *)unpacker;
    ZSTD_freeDStream(self->stream);
    free(self);
}

static const mr_unpacker_class ZSTD = {.name = "zstd", .step = unpack, .free = free_unpacker};

mr_status mr_zstd_unpacker_new(mr_unpacker **unpacker, mr_error *err)
{
    zstd_unpacker *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &ZSTD;
    self->stream = ZSTD_createDStream();
    if (self->stream == NULL) {
        free(self);
        return mr_error_set(err, MR_E_ENVIRONMENT, "zstd cannot be used");
    }
    *unpacker = &self->base;
    return MR_OK;
}
