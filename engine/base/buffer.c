#include "engine/base/buffer.h"

#include "engine/base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST ((size_t)256)

void mr_buffer_release(mr_buffer *buffer)
{
    free(buffer->data);
    *buffer = (mr_buffer){0};
}

void mr_buffer_clear(mr_buffer *buffer)
{
    buffer->length = 0;
}

char *mr_buffer_reserve(mr_buffer *buffer, size_t more)
{
    MR_ASSERT(more < SIZE_MAX / 4 && buffer->length < SIZE_MAX / 4);
    size_t need = buffer->length + more;
    if (need > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity != 0 ? buffer->capacity * 2 : BUFFER_FIRST;
        if (capacity < need)
            capacity = need;
        buffer->data = realloc(buffer->data, capacity);
        MR_ASSERT(buffer->data != NULL);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void mr_buffer_put(mr_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    memcpy(mr_buffer_reserve(buffer, length), bytes, length);
    buffer->length += length;
}

void mr_buffer_put_u8(mr_buffer *buffer, uint8_t value)
{
    *mr_buffer_reserve(buffer, 1) = (char)value;
    buffer->length++;
}

void mr_buffer_put_u32(mr_buffer *buffer, uint32_t value)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    mr_buffer_put(buffer, bytes, sizeof bytes);
}

void mr_buffer_put_u64(mr_buffer *buffer, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    mr_buffer_put(buffer, bytes, sizeof bytes);
}

void mr_buffer_put_varint(mr_buffer *buffer, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (unsigned char)value;
    mr_buffer_put(buffer, bytes, n);
}

void mr_buffer_put_zigzag(mr_buffer *buffer, int64_t value)
{
    mr_buffer_put_varint(buffer, ((uint64_t)value << 1) ^ (uint64_t)(value < 0 ? -1 : 0));
}

void mr_buffer_put_bytes(mr_buffer *buffer, const void *bytes, size_t length)
{
    mr_buffer_put_varint(buffer, length);
    mr_buffer_put(buffer, bytes, length);
}

void mr_buffer_printf(mr_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MR_ASSERT(length >= 0);
    char *to = mr_buffer_reserve(buffer, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(to, (size_t)length + 1, format, args);
    va_end(args);
    buffer->length += (size_t)length;
}

mr_reader mr_reader_of(const void *bytes, size_t length)
{
    const char *start = bytes != NULL ? bytes : "";
    return (mr_reader){.next = start, .end = start + length};
}

size_t mr_reader_left(const mr_reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

const void *mr_reader_get(mr_reader *reader, size_t length)
{
    if (reader->is_bad || mr_reader_left(reader) < length) {
        reader->is_bad = true;
        return NULL;
    }
    const void *at = reader->next;
    reader->next += length;
    return at;
}

static uint64_t get_fixed(mr_reader *reader, size_t width)
{
    const unsigned char *bytes = mr_reader_get(reader, width);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t mr_reader_u8(mr_reader *reader)
{
    return (uint8_t)get_fixed(reader, 1);
}

uint32_t mr_reader_u32(mr_reader *reader)
{
    return (uint32_t)get_fixed(reader, 4);
}

uint64_t mr_reader_u64(mr_reader *reader)
{
    return get_fixed(reader, 8);
}

uint64_t mr_reader_varint(mr_reader *reader)
{
    uint64_t value = 0;
    for (int shift = 0; shift <= 63; shift += 7) {
        uint64_t byte = get_fixed(reader, 1);
        if (reader->is_bad || (shift == 63 && byte > 1))
            break;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->is_bad = true;
    return 0;
}

int64_t mr_reader_zigzag(mr_reader *reader)
{
    uint64_t raw = mr_reader_varint(reader);
    return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
}

const char *mr_reader_bytes(mr_reader *reader, size_t *length)
{
    uint64_t n = mr_reader_varint(reader);
    *length = 0;
    if (reader->is_bad || n > mr_reader_left(reader)) {
        reader->is_bad = true;
        return NULL;
    }
    *length = (size_t)n;
    return mr_reader_get(reader, (size_t)n);
}
