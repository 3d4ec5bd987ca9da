#include "connectors/exchange/lz4.h"

#include <limits.h>
#include <lz4.h>

static size_t compress(const char *from, size_t length, char *to, size_t room)
{
    if (length > LZ4_MAX_INPUT_SIZE)
        return 0;
    int limit = room > INT_MAX ? INT_MAX : (int)room;
    int written = LZ4_compress_default(from, to, (int)length, limit);
    return written > 0 ? (size_t)written : 0;
}

static bool decompress(const char *from, size_t length, char *to, size_t length_raw)
{
    if (length > INT_MAX || length_raw > INT_MAX)
        return false;
    return LZ4_decompress_safe(from, to, (int)length, (int)length_raw) == (int)length_raw;
}

const mr_compressor mr_lz4 = {.compress = compress, .decompress = decompress};
