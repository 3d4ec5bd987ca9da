/*
 * Hashing and checksums: XXH3 with fixed seed, so a hash may be written to disk and to the wire.
 * Source of the algorithm: xxhash (header-only).
 */
#ifndef MR_ENGINE_BASE_HASH_H
#define MR_ENGINE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* 64-bit hash of `length` bytes, equal on every machine. */
uint64_t mr_hash(const void *bytes, size_t length);

/* Mixes a fixed 8-byte value: equal to mr_hash of its little-endian bytes. Fast path for keys. */
uint64_t mr_hash_u64(uint64_t value);

/* Checksum of what is written to a log or a file: the low 32 bits of mr_hash. */
uint32_t mr_checksum(const void *bytes, size_t length);

#endif
