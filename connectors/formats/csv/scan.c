#include "connectors/formats/csv/scan.h"

#include "connectors/formats/codes.h"
static bool fail(mr_csv_scan *scan, int32_t code, const char *at, const char *reason)
{
    scan->code = code;
    scan->bad_at = at;
    scan->reason = reason;
    return false;
}

/* At a line end outside of quotes: the row ends, and nothing may follow. */
static bool end_row(mr_csv_scan *scan, const char *at)
{
    const char *behind = at + 1;
    if (*at == '\r' && behind < scan->end && *behind == '\n')
        behind++;
    scan->is_last = true;
    scan->at = scan->end;
    return behind == scan->end ||
           fail(scan, MR_E_CSV_BEHIND, behind, "text behind the row's line end");
}

static char unescape(char c)
{
    switch (c) {
    case '0': return '\0';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

/* At an escape character: over what it escapes. */
static bool skip_escape(mr_csv_scan *scan, const char **at)
{
    if (*at + 1 == scan->end)
        return fail(scan, MR_E_CSV_ESCAPE, *at, "nothing behind the escape character");
    *at += 2;
    return true;
}

void mr_csv_make(const mr_csv_dialect *dialect, mr_arena *arena, mr_csv_field *field)
{
    if (!field->is_coded)
        return;
    char *made = mr_arena_alloc(arena, field->length), *to = made;
    const char *at = field->text, *end = at + field->length;
    while (at < end) {
        /* The same order as in reading: one character may be both quote and escape. */
        if (field->is_quoted && *at == dialect->quote) {
            *to++ = *at;
            at += 2;
        } else if (*at == dialect->escape && dialect->escape != MR_CSV_NONE) {
            *to++ = unescape(at[1]);
            at += 2;
        } else {
            *to++ = *at++;
        }
    }
    field->text = made;
    field->length = (uint32_t)(to - made);
    field->is_coded = false;
}

/* Behind a closing quote: blanks, then the delimiter or the row's end. */
static bool close_quoted(mr_csv_scan *scan, const char *at)
{
    for (; at < scan->end; at++) {
        if (*at == scan->dialect->delimiter) {
            scan->at = at + 1;
            return true;
        }
        if (*at == '\r' || *at == '\n')
            return end_row(scan, at);
        if ((unsigned char)*at > ' ')
            return fail(scan, MR_E_CSV_QUOTE, at, "text behind the closing quote");
    }
    scan->is_last = true;
    scan->at = scan->end;
    return true;
}

static bool read_quoted(mr_csv_scan *scan, mr_csv_field *field)
{
    const mr_csv_dialect *dialect = scan->dialect;
    const char *source = scan->at, *at = source + 1;
    bool is_coded = false;
    for (;;) {
        at = mr_csv_find_quote(dialect, at, scan->end);
        if (at == scan->end)
            break;
        if (*at != dialect->quote) {
            if (!skip_escape(scan, &at))
                return false;
        } else if (at + 1 < scan->end && at[1] == dialect->quote) {
            at += 2;
        } else {
            break;
        }
        is_coded = true;
    }
    if (at == scan->end)
        return fail(scan, MR_E_CSV_QUOTE, source, "the quote is not closed");
    *field = (mr_csv_field){.text = source + 1,
                            .length = (uint32_t)(at - source - 1),
                            .is_quoted = true,
                            .is_coded = is_coded};
    return close_quoted(scan, at + 1);
}

static bool read_unquoted(mr_csv_scan *scan, mr_csv_field *field)
{
    const mr_csv_dialect *dialect = scan->dialect;
    const char *source = scan->at, *at = source;
    bool is_coded = false;
    unsigned ignored = 0;
    for (;;) {
        at = mr_csv_find(dialect, at, scan->start, scan->end, &ignored);
        if (at == scan->end || *at == dialect->delimiter)
            break;
        if (*at == dialect->escape && dialect->escape != MR_CSV_NONE) {
            is_coded = true;
            if (!skip_escape(scan, &at))
                return false;
        } else if (*at == '\r' || *at == '\n') {
            break;
        } else {
            at++; /* some other control character */
        }
    }
    *field =
        (mr_csv_field){.text = source, .length = (uint32_t)(at - source), .is_coded = is_coded};
    if (at < scan->end && *at != dialect->delimiter)
        return end_row(scan, at);
    scan->is_last = at == scan->end;
    scan->at = at + (at < scan->end);
    return true;
}

bool mr_csv_next_slow(mr_csv_scan *scan, mr_csv_field *field)
{
    char quote = scan->dialect->quote;
    bool is_quoted = quote != MR_CSV_NONE && scan->at < scan->end && *scan->at == quote;
    return is_quoted ? read_quoted(scan, field) : read_unquoted(scan, field);
}
