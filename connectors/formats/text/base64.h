/* Base64 (RFC 4648, with padding, no line breaks). Thread: pure functions. */
#ifndef MR_CONNECTORS_FORMATS_TEXT_BASE64_H
#define MR_CONNECTORS_FORMATS_TEXT_BASE64_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t mr_base64_encoded_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

/* Writes mr_base64_encoded_length(length) bytes. */
void mr_base64_encode(char *to, const char *bytes, size_t length);

/* Writes at most length / 4 * 3 bytes to `to`; false when the text is no base64. */
bool mr_base64_decode(char *to, const char *text, size_t length, size_t *decoded);

#endif
