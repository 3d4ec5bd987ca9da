/*
 * UTF-8: counting and finding characters (code points). Functions other than `_is_valid` accept any
 * bytes: a byte that is no continuation starts a character. Thread: pure. Memory: none.
 */
#ifndef MR_ENGINE_EXPR_UTF8_H
#define MR_ENGINE_EXPR_UTF8_H

#include <stdbool.h>
#include <stdint.h>

bool mr_utf8_is_valid(const char *bytes, uint32_t length);

/* Characters in `length` bytes. */
uint32_t mr_utf8_count(const char *bytes, uint32_t length);

/* Bytes that the first `characters` take; `length` when there are fewer. */
uint32_t mr_utf8_prefix(const char *bytes, uint32_t length, uint32_t characters);

/* Decodes the character at `bytes` (at least one byte); `*size` is how many bytes it takes.
 * Malformed bytes come one at a time as 0xDC00 + byte, which no valid text holds. */
uint32_t mr_utf8_decode(const char *bytes, uint32_t length, uint32_t *size);

/* Writes a character that `mr_utf8_decode` gave (at most 4 bytes); returns how many bytes. */
uint32_t mr_utf8_encode(uint32_t character, char *to);

#endif
