#include "connectors/formats/text/character.h"

#include <stdlib.h>
#include <string.h>

static bool parse_code(const char *digits, char *character)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    if (strlen(digits) != 4 || strspn(digits, hex) != 4)
        return false;
    unsigned long code = strtoul(digits, NULL, 16);
    *character = (char)code;
    return code > 0 && code < 0x80;
}

bool mr_character_parse(const char *text, char *character)
{
    static const char from[] = "tbnrf\\'\"", to[] = "\t\b\n\r\f\\'\"";
    size_t length = strlen(text);
    if (length == 1) {
        *character = text[0];
        return (unsigned char)text[0] < 0x80;
    }
    if (length < 2 || text[0] != '\\')
        return false;
    if (text[1] == 'u')
        return parse_code(text + 2, character);
    const char *known = strchr(from, text[1]);
    if (length != 2 || known == NULL)
        return false;
    *character = to[known - from];
    return true;
}
