/*
 * UTF-8, one character at a time. Strict: no overlong forms, no surrogates, at most U+10FFFF.
 * Thread: pure.
 */
#ifndef MR_JOBS_SQL_UTF8_H
#define MR_JOBS_SQL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text`, 0 when it is malformed or cut off. `*point` gets the character;
 * it is untouched on 0. `length` is at least 1. */
size_t mr_script_utf8_decode(const char *text, size_t length, uint32_t *point);

/* Writes at most 4 bytes; returns how many, 0 when `point` is no character. */
size_t mr_script_utf8_encode(uint32_t point, char to[4]);

/* Columns of a character on a terminal: 0 (combining), 1 or 2 (CJK, emoji). */
unsigned mr_script_utf8_columns(uint32_t point);

#endif
