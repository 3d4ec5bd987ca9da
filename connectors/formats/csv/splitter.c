#include "connectors/formats/csv/splitter.h"

#include "connectors/formats/csv/scan.h"
#include "connectors/formats/text/utf8.h"
#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

typedef struct csv_splitter {
    mr_splitter base;
    mr_csv_dialect dialect;
} csv_splitter;

static void begin(mr_splitter *splitter)
{
    (void)splitter;
}

static const char *line_end(const char *at, const char *end)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return stop != NULL ? stop : end;
}

static bool holds(const char *at, const char *end, char c)
{
    return c != MR_CSV_NONE && memchr(at, c, (size_t)(end - at)) != NULL;
}

/* Behind the closing quote of the field whose opening one is at `at`; NULL: it is not closed. */
static const char *skip_quoted(const mr_csv_dialect *d, const char *at, const char *end)
{
    for (at = mr_csv_find_quote(d, at + 1, end); at < end; at = mr_csv_find_quote(d, at, end)) {
        if (*at == d->quote && (at + 1 == end || at[1] != d->quote))
            return at + 1;
        at += end - at > 1 ? 2 : 1;
    }
    return NULL;
}

/* The row's end by the grammar of csv/scan.h: its `\n`, or `end`; NULL: within quotes there. */
static const char *row_end(const mr_csv_dialect *d, const char *at, const char *end)
{
    const char *const start = at;
    bool is_field_start = true;
    while (at < end) {
        unsigned ignored = 0;
        if (is_field_start && *at == d->quote && d->quote != MR_CSV_NONE)
            at = skip_quoted(d, at, end);
        if (at == NULL)
            return NULL;
        at = mr_csv_find(d, at, start, end, &ignored);
        if (at == end)
            break;
        is_field_start = *at == d->delimiter;
        if (*at == '\n' && !is_field_start)
            return at;
        bool is_escape = *at == d->escape && d->escape != MR_CSV_NONE && !is_field_start;
        at += is_escape && end - at > 1 ? 2 : 1;
    }
    return end;
}

/* The same without an escape character: then a quote opens a field where a delimiter, or the row's
 * begin, stands in front of it, and all else need not be looked at. `stop` is the first line end.
 * */
static const char *row_end_by_quotes(const mr_csv_dialect *d, const char *at, const char *stop,
                                     const char *end)
{
    const char *const start = at;
    for (;;) {
        const char *quote = memchr(at, d->quote, (size_t)(stop - at));
        if (quote == NULL)
            return stop;
        at = quote + 1;
        if (quote != start && quote[-1] != d->delimiter)
            continue;
        at = skip_quoted(d, quote, end);
        if (at == NULL)
            return NULL;
        if (at > stop)
            stop = line_end(at, end);
    }
}

/* Where the row at `at` ends; NULL: more bytes are needed to tell. */
static const char *find_end(const mr_csv_dialect *d, const char *at, const char *end, bool is_end)
{
    const char *stop = line_end(at, end);
    bool is_whole = stop < end || is_end;
    if (!is_whole || mr_csv_is_comment(d, at, stop) ||
        (!holds(at, stop, d->quote) && !holds(at, stop, d->escape)))
        return is_whole ? stop : NULL;
    bool has_escape = d->escape != MR_CSV_NONE;
    const char *row = has_escape ? row_end(d, at, end) : row_end_by_quotes(d, at, stop, end);
    if (row != NULL && row < end)
        return row;
    if (!is_end)
        return NULL;
    return row != NULL ? end : stop;
}

static mr_status cut(mr_splitter *splitter, mr_split *split, mr_error *err)
{
    (void)err;
    const mr_csv_dialect *d = &((csv_splitter *)splitter)->dialect;
    const char *at = split->bytes, *const end = split->bytes + split->length;
    if (split->offset == 0) /* a quote behind it is a field's first byte */
        at += mr_utf8_mark(at, split->length);
    while (split->count < split->records_max && at < end) {
        const char *stop = find_end(d, at, end, split->is_end);
        if (stop == NULL)
            break;
        size_t length = (size_t)(stop - at);
        size_t kept = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
        if (kept > 0 && !mr_csv_is_comment(d, at, stop))
            split->record[split->count++] =
                mr_split_record(at, kept, split->offset + (at - split->bytes));
        at = stop + (stop < end ? 1 : 0);
    }
    split->taken = (size_t)(at - split->bytes);
    return MR_OK;
}

static void free_splitter(mr_splitter *splitter)
{
    free(splitter);
}

static const mr_splitter_class CSV_SPLITTER = {.is_seekable = true,
                                               .begin = begin,
                                               .cut = cut,
                                               .resync = mr_lines_resync,
                                               .free = free_splitter};

mr_splitter *mr_csv_splitter_new(const mr_csv_dialect *dialect)
{
    csv_splitter *splitter = calloc(1, sizeof *splitter);
    MR_ASSERT(splitter != NULL);
    splitter->base.class = &CSV_SPLITTER;
    splitter->dialect = *dialect;
    return &splitter->base;
}
