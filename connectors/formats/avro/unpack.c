#include "connectors/formats/avro/unpack.h"

#include "connectors/formats/avro/snappy.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define STEP ((size_t)256 << 10)
#define CHECK_BYTES 4

mr_avro_codec mr_avro_codec_of(const char *name, size_t length)
{
    static const char *const names[] = {"null", "deflate", "zstandard", "snappy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return (mr_avro_codec)i;
    return MR_AVRO_CODEC_UNKNOWN;
}

static bool inflate_block(const char *bytes, size_t length, size_t bytes_max, mr_buffer *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    if (inflateInit2(&stream, -15) != Z_OK)
        return false;
    int status = Z_OK;
    while (status == Z_OK && out->length < bytes_max) {
        stream.next_out = (Bytef *)mr_buffer_reserve(out, STEP);
        stream.avail_out = (uInt)STEP;
        status = inflate(&stream, Z_NO_FLUSH);
        out->length += STEP - stream.avail_out;
        if (status == Z_BUF_ERROR || (stream.avail_out == STEP && stream.avail_in == 0))
            break;
    }
    inflateEnd(&stream);
    return status == Z_STREAM_END && out->length <= bytes_max;
}

static bool unzstd_block(const char *bytes, size_t length, size_t bytes_max, mr_buffer *out)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = {.src = bytes, .size = length};
    size_t status = 1;
    bool is_moving = context != NULL;
    while (is_moving && out->length < bytes_max) {
        ZSTD_outBuffer to = {.dst = mr_buffer_reserve(out, STEP), .size = STEP};
        size_t before = in.pos;
        status = ZSTD_decompressStream(context, &to, &in);
        out->length += to.pos;
        is_moving = !ZSTD_isError(status) && (in.pos > before || to.pos > 0) &&
                    (status != 0 || in.pos < in.size);
    }
    ZSTD_freeDCtx(context);
    return status == 0 && in.pos == in.size && out->length <= bytes_max;
}

static bool unsnap_block(const char *bytes, size_t length, size_t bytes_max, mr_buffer *out)
{
    uint32_t check;
    if (length < CHECK_BYTES || !mr_snappy_unpack(bytes, length - CHECK_BYTES, bytes_max, out))
        return false;
    memcpy(&check, bytes + length - CHECK_BYTES, sizeof check);
    return crc32(0, (const Bytef *)out->data, (uInt)out->length) == __builtin_bswap32(check);
}

bool mr_avro_unpack(mr_avro_codec codec, const char *bytes, size_t length, size_t bytes_max,
                    mr_buffer *out)
{
    mr_buffer_clear(out);
    switch (codec) {
    case MR_AVRO_CODEC_NULL:
        if (length <= bytes_max)
            mr_buffer_put(out, bytes, length);
        return length <= bytes_max;
    case MR_AVRO_CODEC_DEFLATE: return inflate_block(bytes, length, bytes_max, out);
    case MR_AVRO_CODEC_SNAPPY: return unsnap_block(bytes, length, bytes_max, out);
    case MR_AVRO_CODEC_ZSTANDARD: return unzstd_block(bytes, length, bytes_max, out);
    default: return false;
    }
}
