#include "engine/expr/utf8.h"

static bool is_start(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

uint32_t mr_utf8_count(const char *bytes, uint32_t length)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++)
        count += is_start(bytes[i]);
    return count;
}

uint32_t mr_utf8_prefix(const char *bytes, uint32_t length, uint32_t characters)
{
    if (characters >= length)
        return length; /* no text has more characters than bytes */
    for (uint32_t i = 0; i < length; i++) {
        if (!is_start(bytes[i]))
            continue;
        if (characters == 0)
            return i;
        characters--;
    }
    return length;
}

uint32_t mr_utf8_decode(const char *bytes, uint32_t length, uint32_t *size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char head = (unsigned char)bytes[0];
    *size = 1;
    if (head < 0x80)
        return head;
    uint32_t need = head >= 0xF0 ? 4 : head >= 0xE0 ? 3 : 2;
    if (head < 0xC2 || head > 0xF4 || need > length)
        return 0xDC00u + head;
    uint32_t character = head & (0x7Fu >> need);
    for (uint32_t i = 1; i < need; i++) {
        if (is_start(bytes[i]))
            return 0xDC00u + head;
        character = character << 6 | ((unsigned char)bytes[i] & 0x3F);
    }
    if (character < least[need] || character > 0x10FFFF ||
        (character >= 0xD800 && character <= 0xDFFF))
        return 0xDC00u + head;
    *size = need;
    return character;
}

uint32_t mr_utf8_encode(uint32_t character, char *to)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character >= 0xDC80 && character <= 0xDCFF) { /* a malformed byte goes back as it was */
        to[0] = (char)(character - 0xDC00);
        return 1;
    }
    uint32_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (uint32_t i = size - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    to[0] = (char)((0xF00u >> size & 0xFF) | character);
    return size;
}

bool mr_utf8_is_valid(const char *bytes, uint32_t length)
{
    for (uint32_t i = 0, size; i < length; i += size) {
        uint32_t character = mr_utf8_decode(bytes + i, length - i, &size);
        if (character >= 0xDC80 && character <= 0xDCFF)
            return false;
    }
    return true;
}
