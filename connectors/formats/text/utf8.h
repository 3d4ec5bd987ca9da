/*
 * UTF-8 validation, one character at a time: callers find the rare non-ASCII byte by themselves.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_UTF8_H
#define MR_CONNECTORS_FORMATS_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool mr_utf8_is_tail(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Length of the well-formed multi-byte character at `at` (its first byte is >= 0x80), or 0.
 * Overlong forms, surrogates and code points over U+10FFFF are not well-formed. */
static inline size_t mr_utf8_length(const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    unsigned char first = (unsigned char)at[0];
    if (first < 0xc2 || first > 0xf4 || left < 2 || !mr_utf8_is_tail(at[1]))
        return 0;
    if (first < 0xe0)
        return 2;
    unsigned char second = (unsigned char)at[1];
    if (left < 3 || !mr_utf8_is_tail(at[2]))
        return 0;
    if (first < 0xf0)
        return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
    if (left < 4 || !mr_utf8_is_tail(at[3]))
        return 0;
    return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
}

/* Bytes of a byte order mark in front of the text: 3 or 0. */
static inline size_t mr_utf8_mark(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* First byte of `[at, end)` that does not belong to well-formed UTF-8; `end` when all is well. */
static inline const char *mr_utf8_bad(const char *at, const char *end)
{
    while (at < end) {
        uint64_t word = 0;
        if (end - at >= (ptrdiff_t)sizeof word) {
            memcpy(&word, at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        if ((unsigned char)*at < 0x80) {
            at++;
            continue;
        }
        size_t length = mr_utf8_length(at, end);
        if (length == 0)
            return at;
        at += length;
    }
    return end;
}

#endif
