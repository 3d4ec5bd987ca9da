#include "connectors/formats/text/base64.h"

#include <stdint.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mr_base64_encode(char *to, const char *bytes, size_t length)
{
    const unsigned char *from = (const unsigned char *)bytes;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)from[i] << 16;
        if (left > 1)
            group |= (uint32_t)from[i + 1] << 8;
        if (left > 2)
            group |= from[i + 2];
        *to++ = ALPHABET[group >> 18];
        *to++ = ALPHABET[group >> 12 & 63];
        *to++ = left > 1 ? ALPHABET[group >> 6 & 63] : '=';
        *to++ = left > 2 ? ALPHABET[group & 63] : '=';
    }
}

/* 0..63, or 64. */
static uint32_t sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool mr_base64_decode(char *to, const char *text, size_t length, size_t *decoded)
{
    if (length % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    char *at = to;
    for (size_t i = 0; i < length; i += 4) {
        size_t missing = i + 4 == length ? padding : 0;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t bits = k < 4 - missing ? sextet(text[i + k]) : 0;
            if (bits > 63)
                return false;
            group = group << 6 | bits;
        }
        *at++ = (char)(group >> 16);
        if (missing < 2)
            *at++ = (char)(group >> 8);
        if (missing < 1)
            *at++ = (char)group;
    }
    *decoded = (size_t)(at - to);
    return true;
}
