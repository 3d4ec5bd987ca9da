#include "jobs/sql/script.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* Length of the line end at `at`, 0 where there is none. */
static size_t line_end(const char *text, size_t length, size_t at)
{
    if (text[at] == '\n')
        return 1;
    if (text[at] != '\r')
        return 0;
    return at + 1 < length && text[at + 1] == '\n' ? 2 : 1;
}

void mr_script_init(mr_script *script, const char *name, const char *text, size_t length)
{
    MR_ASSERT(length <= MR_SCRIPT_BYTES_MAX);
    uint32_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n' || text[i] == '\r';
    uint32_t *lines = malloc(count * sizeof lines[0]);
    MR_ASSERT(lines != NULL);
    lines[0] = 0;
    uint32_t found = 1;
    for (size_t i = 0; i < length;) {
        size_t end = line_end(text, length, i);
        i += end == 0 ? 1 : end;
        if (end != 0)
            lines[found++] = (uint32_t)i;
    }
    *script = (mr_script){
        .name = name, .text = text, .length = length, .lines = lines, .lines_count = found};
}

void mr_script_release(mr_script *script)
{
    free(script->lines);
    *script = (mr_script){0};
}

mr_place mr_script_place(const mr_script *script, uint32_t offset)
{
    if (offset > script->length)
        offset = (uint32_t)script->length;
    uint32_t low = 0;
    uint32_t high = script->lines_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (script->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    uint32_t column = 1;
    for (uint32_t i = script->lines[low]; i < offset; i++)
        column += ((unsigned char)script->text[i] & 0xC0) != 0x80;
    return (mr_place){.line = low + 1, .column = column};
}

mr_span mr_script_line(const mr_script *script, uint32_t line)
{
    MR_ASSERT(line >= 1 && line <= script->lines_count);
    uint32_t start = script->lines[line - 1];
    uint32_t end = line < script->lines_count ? script->lines[line] : (uint32_t)script->length;
    while (end > start && (script->text[end - 1] == '\n' || script->text[end - 1] == '\r'))
        end--;
    return (mr_span){start, end};
}

mr_span mr_span_join(mr_span a, mr_span b)
{
    return (mr_span){a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
}
