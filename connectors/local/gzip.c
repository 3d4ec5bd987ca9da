#include "connectors/local/gzip.h"

#include <zlib.h>

#define CHUNK 65536u
#define GZIP_ONLY (15 + 16) /* window bits, and a gzip header is demanded */

/* One chunk of content; *is_end when the stream says that it is over and its checksum holds. */
static mr_status inflate_chunk(z_stream *stream, mr_buffer *out, bool *is_end, mr_error *err)
{
    stream->next_out = (Bytef *)mr_buffer_reserve(out, CHUNK);
    stream->avail_out = CHUNK;
    int code = inflate(stream, Z_NO_FLUSH);
    out->length += CHUNK - stream->avail_out;
    *is_end = code == Z_STREAM_END;
    if (code == Z_OK || *is_end)
        return MR_OK;
    bool is_cut = code == Z_BUF_ERROR;
    return mr_error_set(err, MR_E_ENVIRONMENT, "gzip: %s",
                        is_cut                ? "the file is cut short"
                        : stream->msg != NULL ? stream->msg
                                              : "the file is damaged");
}

mr_status mr_gzip_inflate(const void *bytes, size_t length, size_t bytes_max, mr_buffer *out,
                          mr_error *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    if (length > UINT32_MAX || inflateInit2(&stream, GZIP_ONLY) != Z_OK)
        return mr_error_set(err, MR_E_ENVIRONMENT, "gzip: %zu bytes cannot be read", length);
    size_t before = out->length;
    bool is_end = false;
    mr_status status = MR_OK;
    while (status == MR_OK && !is_end) {
        status = inflate_chunk(&stream, out, &is_end, err);
        if (status == MR_OK && out->length - before > bytes_max)
            status = mr_error_set(err, MR_E_ENVIRONMENT, "gzip: more than %zu bytes of content",
                                  bytes_max);
    }
    (void)inflateEnd(&stream);
    return status;
}
