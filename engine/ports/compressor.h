/*
 * Compressor: bytes made smaller and back, for what the engine itself writes. Implemented in
 * connectors/exchange. Thread: any. Memory: the caller's.
 */
#ifndef MR_ENGINE_PORTS_COMPRESSOR_H
#define MR_ENGINE_PORTS_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_compressor {
    /* Compresses into `room` bytes at `to`; 0: it did not fit. */
    size_t (*compress)(const char *from, size_t length, char *to, size_t room);

    /* Gives back exactly `length_raw` bytes at `to`; false: these bytes are not the compressed form
     * of so many. Reads and writes nothing outside, whatever the bytes are. */
    bool (*decompress)(const char *from, size_t length, char *to, size_t length_raw);
} mr_compressor;

#endif
