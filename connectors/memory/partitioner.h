/*
 * Which partition a key goes to: murmur2 as Java producers compute it, so that what we write and
 * what they write meet in the same partition.
 */
#ifndef MR_CONNECTORS_MEMORY_PARTITIONER_H
#define MR_CONNECTORS_MEMORY_PARTITIONER_H

#include <stddef.h>
#include <stdint.h>

uint32_t mr_memory_murmur2(const void *bytes, size_t length);

/* In [0, partitions). */
int32_t mr_memory_partition_of_key(const void *key, size_t length, int32_t partitions);

#endif
