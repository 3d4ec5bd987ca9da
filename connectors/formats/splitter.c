#include "connectors/formats/splitter.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

static void begin(mr_splitter *splitter)
{
    (void)splitter;
}

static mr_status cut(mr_splitter *splitter, mr_split *split, mr_error *err)
{
    (void)splitter;
    (void)err;
    const char *at = split->bytes, *const end = split->bytes + split->length;
    while (split->count < split->records_max && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL && !split->is_end)
            break;
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        size_t kept = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
        if (kept > 0)
            split->record[split->count++] =
                mr_split_record(at, kept, split->offset + (at - split->bytes));
        at += length + (stop != NULL ? 1 : 0);
    }
    split->taken = (size_t)(at - split->bytes);
    return MR_OK;
}

size_t mr_lines_resync(mr_splitter *splitter, const char *bytes, size_t length, bool *is_found)
{
    (void)splitter;
    const char *stop = memchr(bytes, '\n', length);
    *is_found = stop != NULL;
    return stop != NULL ? (size_t)(stop - bytes) + 1 : length;
}

static void free_lines(mr_splitter *splitter)
{
    free(splitter);
}

static const mr_splitter_class LINES = {
    .is_seekable = true, .begin = begin, .cut = cut, .resync = mr_lines_resync, .free = free_lines};

mr_splitter *mr_lines_new(void)
{
    mr_splitter *splitter = calloc(1, sizeof *splitter);
    MR_ASSERT(splitter != NULL);
    splitter->class = &LINES;
    return splitter;
}
