#include "connectors/blobs/xml.h"

#include <stdio.h>
#include <string.h>

/* `text` at or behind `at`; NULL: not there. */
static const char *find(const char *at, const char *end, const char *text)
{
    size_t left = (size_t)(end - at);
    return left > 0 ? memmem(at, left, text, strlen(text)) : NULL;
}

bool mr_xml_next(const char **at, const char *end, const char *name, const char **contents,
                 size_t *length)
{
    char open[64], close[64];
    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    const char *begin = *at != NULL ? find(*at, end, open) : NULL;
    if (begin == NULL)
        return false;
    begin += strlen(open);
    const char *stop = find(begin, end, close);
    if (stop == NULL)
        return false;
    *contents = begin;
    *length = (size_t)(stop - begin);
    *at = stop + strlen(close);
    return true;
}

void mr_xml_text(const char *bytes, size_t length, const char *name, char *to, size_t to_size)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    const char *at = bytes, *contents;
    size_t left, put = 0;
    to[0] = '\0';
    if (bytes == NULL || !mr_xml_next(&at, bytes + length, name, &contents, &left))
        return;
    while (left > 0 && put + 1 < to_size) {
        size_t step = 1;
        char c = *contents;
        for (size_t e = 0; c == '&' && step == 1 && e < sizeof entities / sizeof entities[0]; e++) {
            size_t entity = strlen(entities[e].entity);
            if (entity <= left && memcmp(contents, entities[e].entity, entity) == 0) {
                c = entities[e].c;
                step = entity;
            }
        }
        to[put++] = c;
        contents += step;
        left -= step;
    }
    to[put] = '\0';
}
