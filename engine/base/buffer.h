/*
 * A growable byte buffer, and a reader with bounds for what was written into one.
 *
 * Integers are little-endian; `varint` is LEB128, `zigzag` a signed one over it. A reader never
 * reads past its end: a short or malformed input sets `is_bad`, after which every read gives 0.
 * An all-zero buffer is empty and valid. Running out of memory aborts. Thread: one at a time.
 */
#ifndef MR_ENGINE_BASE_BUFFER_H
#define MR_ENGINE_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mr_buffer {
    char *data;
    size_t length;
    size_t capacity;
} mr_buffer;

void mr_buffer_release(mr_buffer *buffer);
void mr_buffer_clear(mr_buffer *buffer); /* keeps the memory */

/* Room for `more` bytes behind the end; returns where they start. Does not change the length. */
char *mr_buffer_reserve(mr_buffer *buffer, size_t more);
void mr_buffer_put(mr_buffer *buffer, const void *bytes, size_t length);
void mr_buffer_put_u8(mr_buffer *buffer, uint8_t value);
void mr_buffer_put_u32(mr_buffer *buffer, uint32_t value);
void mr_buffer_put_u64(mr_buffer *buffer, uint64_t value);
void mr_buffer_put_varint(mr_buffer *buffer, uint64_t value);
void mr_buffer_put_zigzag(mr_buffer *buffer, int64_t value);
void mr_buffer_put_bytes(mr_buffer *buffer, const void *bytes, size_t length); /* varint + bytes */
void mr_buffer_printf(mr_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

typedef struct mr_reader {
    const char *next;
    const char *end;
    bool is_bad;
} mr_reader;

mr_reader mr_reader_of(const void *bytes, size_t length);
size_t mr_reader_left(const mr_reader *reader);
const void *mr_reader_get(mr_reader *reader, size_t length); /* NULL when short */
uint8_t mr_reader_u8(mr_reader *reader);
uint32_t mr_reader_u32(mr_reader *reader);
uint64_t mr_reader_u64(mr_reader *reader);
uint64_t mr_reader_varint(mr_reader *reader);
int64_t mr_reader_zigzag(mr_reader *reader);
const char *mr_reader_bytes(mr_reader *reader, size_t *length); /* varint + bytes, borrowed */

#endif
