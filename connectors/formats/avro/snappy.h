/*
 * Snappy's raw format, unpacked: what blocks of container files with the codec `snappy` hold.
 *
 *   block    varint of the unpacked length, then elements up to its end
 *   element  its low two bits tell: 0 a literal, else a copy of what was unpacked before
 *
 *   | low bits | length                                           | distance of a copy         |
 *   | 00       | upper six bits + 1; 60 to 63: 1 to 4 bytes + 1   | -                          |
 *   | 01       | bits 2 to 4, + 4                                 | bits 5 to 7, then one byte |
 *   | 10, 11   | upper six bits + 1                               | two bytes, four bytes      |
 *
 * Numbers of several bytes are little-endian; a copy may reach into what it makes itself.
 * Thread: pure.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_SNAPPY_H
#define MR_CONNECTORS_FORMATS_AVRO_SNAPPY_H

#include "engine/base/buffer.h"

#include <stdbool.h>

/* Puts what the bytes stand for behind what is in `out`; false: damaged, or more than bytes_max. */
bool mr_snappy_unpack(const char *bytes, size_t length, size_t bytes_max, mr_buffer *out);

#endif
