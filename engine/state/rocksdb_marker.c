#include "engine/state/rocksdb_marker.h"

#include "engine/base/buffer.h"
#include "engine/base/hash.h"

#include <string.h>

#define FORMAT_VERSION 1u
#define PATH_SHOWN 512

bool mr_rocksdb_is_marker(const char *key, size_t length)
{
    return length == MR_ROCKSDB_MARKER_KEY_LENGTH &&
           memcmp(key, MR_ROCKSDB_MARKER_KEY, MR_ROCKSDB_MARKER_KEY_LENGTH) == 0;
}

static void put_fixed(char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(value >> (8 * i));
}

void mr_rocksdb_marker_encode(const mr_store_marker *marker, char to[MR_ROCKSDB_MARKER_BYTES])
{
    put_fixed(to, FORMAT_VERSION, 4);
    put_fixed(to + 4, marker->plan_version, 8);
    put_fixed(to + 12, marker->epoch, 8);
    put_fixed(to + 20, (uint64_t)marker->log_offset, 8);
    put_fixed(to + 28, marker->checksum, 4);
    put_fixed(to + 32, mr_checksum(to, 32), 4);
}

static mr_status damaged(const char *path, const char *why, mr_error *err)
{
    return mr_error_set(err, MR_E_STORE_DAMAGED, "local store %.*s: %s", PATH_SHOWN, path, why);
}

mr_status mr_rocksdb_marker_decode(const char *path, const char *bytes, size_t length,
                                   mr_store_marker *marker, mr_error *err)
{
    mr_reader from = mr_reader_of(bytes, length);
    uint32_t version = mr_reader_u32(&from);
    if (!from.is_bad && version != FORMAT_VERSION)
        return mr_error_set(err, MR_E_STORE_DAMAGED,
                            "local store %.*s has format version %u, this program reads %u",
                            PATH_SHOWN, path, version, FORMAT_VERSION);
    if (length != MR_ROCKSDB_MARKER_BYTES)
        return damaged(path, "its marker has a wrong length", err);
    *marker = (mr_store_marker){.is_present = true};
    marker->plan_version = mr_reader_u64(&from);
    marker->epoch = mr_reader_u64(&from);
    marker->log_offset = (int64_t)mr_reader_u64(&from);
    marker->checksum = mr_reader_u32(&from);
    if (mr_reader_u32(&from) != mr_checksum(bytes, MR_ROCKSDB_MARKER_BYTES - 4))
        return damaged(path, "its marker has a wrong checksum", err);
    return MR_OK;
}
