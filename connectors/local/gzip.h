/*
 * Gzip: bytes of one .gz file back to what they were made from.
 */
#ifndef MR_CONNECTORS_LOCAL_GZIP_H
#define MR_CONNECTORS_LOCAL_GZIP_H

#include "engine/base/buffer.h"
#include "engine/base/error.h"

/* Appends the content to `out`; more than `bytes_max` of it, a damaged file and one that is cut
 * short are refused. Errors: MR_E_ENVIRONMENT; `out` then holds what was read before. */
MR_MUST_USE mr_status mr_gzip_inflate(const void *bytes, size_t length, size_t bytes_max,
                                      mr_buffer *out, mr_error *err);

#endif
