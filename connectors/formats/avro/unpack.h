/* Codecs of container blocks: null, deflate (raw, RFC 1951), zstandard, and snappy, behind which
 * stands the CRC-32 of what was packed, big-endian. Used by container.c alone. */
#ifndef MR_CONNECTORS_FORMATS_AVRO_UNPACK_H
#define MR_CONNECTORS_FORMATS_AVRO_UNPACK_H

#include "engine/base/buffer.h"

typedef enum mr_avro_codec {
    MR_AVRO_CODEC_NULL = 0,
    MR_AVRO_CODEC_DEFLATE,
    MR_AVRO_CODEC_ZSTANDARD,
    MR_AVRO_CODEC_SNAPPY,
    MR_AVRO_CODEC_UNKNOWN,
} mr_avro_codec;

mr_avro_codec mr_avro_codec_of(const char *name, size_t length);

/* Puts the content of a block into `out`, emptied first; false: damaged, or more than bytes_max. */
bool mr_avro_unpack(mr_avro_codec codec, const char *bytes, size_t length, size_t bytes_max,
                    mr_buffer *out);

#endif
