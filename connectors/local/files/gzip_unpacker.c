#include "connectors/local/files/codes.h"
#include "connectors/local/files/unpacker.h"

#include "engine/base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_ONLY (15 + 16) /* window bits, and a gzip header is demanded */

typedef struct gzip_unpacker {
    mr_unpacker base;
    z_stream stream;
    bool is_between; /* a member has ended: the next one begins, or padding */
} gzip_unpacker;

static mr_status damaged(const gzip_unpacker *self, mr_error *err)
{
    return mr_error_set(err, MR_E_FILE_DAMAGED, "%s",
                        self->stream.msg != NULL ? self->stream.msg : "no gzip data");
}

/* Zero bytes behind a member are padding (tapes, block devices); anything else begins another. */
static bool skip_padding(gzip_unpacker *self, mr_unpack_step *step)
{
    while (step->used < step->in_length && step->in[step->used] == '\0')
        step->used++;
    if (step->used == step->in_length)
        return true;
    self->is_between = self->base.is_complete = false;
    (void)inflateReset(&self->stream);
    return false;
}

static mr_status unpack(mr_unpacker *unpacker, mr_unpack_step *step, mr_error *err)
{
    gzip_unpacker *self = (gzip_unpacker *)unpacker;
    step->used = step->made = 0;
    if (self->is_between && skip_padding(self, step))
        return MR_OK;
    z_stream *stream = &self->stream;
    stream->next_in = (Bytef *)(uintptr_t)(step->in + step->used);
    stream->avail_in = (uInt)(step->in_length - step->used);
    stream->next_out = (Bytef *)step->out;
    stream->avail_out = (uInt)step->out_room;
    int code = inflate(stream, Z_NO_FLUSH);
    step->used = step->in_length - stream->avail_in;
    step->made = step->out_room - stream->avail_out;
    self->is_between = self->base.is_complete = code == Z_STREAM_END;
    /* No progress is no damage: more bytes are needed, and whether there are any the caller knows.
     * */
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR ? MR_OK : damaged(self, err);
}

static void free_unpacker(mr_unpacker *unpacker)
{
    gzip_unpacker *self = (gzip_unpacker *)unpacker;
    (void)inflateEnd(&self->stream);
    free(self);
}

static const mr_unpacker_class GZIP = {.name = "gzip", .step = unpack, .free = free_unpacker};

mr_status mr_gzip_unpacker_new(mr_unpacker **unpacker, mr_error *err)
{
    gzip_unpacker *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &GZIP;
    if (inflateInit2(&self->stream, GZIP_ONLY) != Z_OK) {
        free(self);
        return mr_error_set(err, MR_E_ENVIRONMENT, "zlib cannot be used");
    }
    *unpacker = &self->base;
    return MR_OK;
}
