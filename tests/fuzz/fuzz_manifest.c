/*
 * Goal: no bytes from a blob store make the reader of manifests crash, and what it reads it writes
 * again to the same bytes. Method: as they are, and with the checksum made good.
 */
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/checkpoint/manifest.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const char *bytes, size_t length)
{
    mr_manifest manifest;
    mr_error err;
    if (mr_manifest_decode(bytes, length, &manifest, &err) != MR_OK)
        return;
    mr_buffer first = {0}, second = {0};
    mr_manifest again;
    mr_manifest_encode(&manifest, &first);
    MR_ASSERT(mr_manifest_decode(first.data, first.length, &again, &err) == MR_OK);
    mr_manifest_encode(&again, &second);
    MR_ASSERT(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    MR_ASSERT(mr_manifest_bytes(&again) == mr_manifest_bytes(&manifest));
    mr_manifest_release(&again);
    mr_manifest_release(&manifest);
    mr_buffer_release(&first);
    mr_buffer_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_buffer sealed = {0};
    read_one((const char *)data, size);
    mr_buffer_put(&sealed, data, size);
    mr_buffer_put_u32(&sealed, mr_checksum(sealed.data != NULL ? sealed.data : "", size));
    read_one(sealed.data, sealed.length);
    mr_buffer_release(&sealed);
    return 0;
}
