#include "connectors/blobs/blobs.h"

#include <string.h>

mr_status mr_blobs_open(const char *address, const mr_blobs_options *options, mr_blobs **blobs,
                        mr_error *err)
{
    static const mr_blobs_options none;
    *blobs = NULL;
    if (strncmp(address, "s3://", 5) == 0)
        return mr_s3_blobs_open(address, options != NULL ? options : &none, blobs, err);
    if (strncmp(address, "file://", 7) == 0 && address[7] == '/')
        return mr_file_blobs_open(address + 7, blobs, err);
    return mr_error_set(err, MR_E_BLOB_ADDRESS,
                        "`%s` is no blob store: file:///folder or s3://bucket/prefix expected",
                        address);
}
