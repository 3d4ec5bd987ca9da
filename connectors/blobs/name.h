/* Names of blobs: what engine/ports/blob.h allows. */
#ifndef MR_CONNECTORS_BLOBS_NAME_H
#define MR_CONNECTORS_BLOBS_NAME_H

#include <stdbool.h>

bool mr_blob_name_is_good(const char *name);

#endif
