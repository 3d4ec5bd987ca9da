#include "jobs/sql/diagnostic.h"

#include "engine/base/assert.h"
#include "jobs/sql/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of generated SQL may be megabytes long; this many characters around the span are shown. */
#define EXCERPT_CHARACTERS_MAX 120
#define EXCERPT_BEFORE_MAX 50

#define MESSAGE_BYTES_MAX 1024

typedef struct code_row {
    mr_code code;
    mr_severity severity;
    const char *title;
} code_row;

#define CODE_ROW(number, name, severity, title) {name, MR_SEVERITY_##severity, title},
static const code_row code_rows[] = {MR_CODES(CODE_ROW)};
#undef CODE_ROW

static const code_row *find_code(mr_code code)
{
    for (size_t i = 0; i < MR_LENGTH(code_rows); i++)
        if (code_rows[i].code == code)
            return &code_rows[i];
    return NULL;
}

const char *mr_code_title(mr_code code)
{
    const code_row *row = find_code(code);
    return row != NULL ? row->title : "unknown code";
}

mr_severity mr_code_severity(mr_code code)
{
    const code_row *row = find_code(code);
    return row != NULL ? row->severity : MR_SEVERITY_ERROR;
}

const char *mr_severity_name(mr_severity severity)
{
    static const char *const names[] = {"error", "warning", "note"};
    return names[severity];
}

void mr_diagnostics_release(mr_diagnostics *list)
{
    free(list->items);
    mr_arena_release(&list->arena);
    *list = (mr_diagnostics){0};
}

static const char *format_text(mr_diagnostics *list, const char *format, va_list args)
{
    char text[MESSAGE_BYTES_MAX];
    int length = vsnprintf(text, sizeof text, format, args);
    MR_ASSERT(length >= 0);
    size_t kept = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return mr_arena_string(&list->arena, text, kept);
}

/* True when one more diagnostic of this severity and span is to be kept; counts it if it is new. */
static bool admit(mr_diagnostics *list, mr_severity severity, mr_span span)
{
    if (severity != MR_SEVERITY_ERROR && list->others >= MR_DIAGNOSTICS_MAX) {
        list->others++;
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const mr_diagnostic *other = &list->items[i];
        if ((other->severity == MR_SEVERITY_ERROR) != (severity == MR_SEVERITY_ERROR))
            continue;
        kept++;
        if (severity == MR_SEVERITY_ERROR && span.end != 0 && other->span.start == span.start &&
            other->span.end == span.end)
            return false;
    }
    if (severity == MR_SEVERITY_ERROR)
        list->errors++;
    else
        list->others++;
    return kept < MR_DIAGNOSTICS_MAX;
}

void mr_diagnostics_report(mr_diagnostics *list, mr_code code, mr_span span, const char *format,
                           ...)
{
    mr_severity severity = mr_code_severity(code);
    list->is_latest = admit(list, severity, span);
    if (!list->is_latest)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        list->items = realloc(list->items, list->capacity * sizeof list->items[0]);
        MR_ASSERT(list->items != NULL);
    }
    va_list args;
    va_start(args, format);
    list->items[list->count] = (mr_diagnostic){.code = code,
                                               .severity = severity,
                                               .span = span,
                                               .message = format_text(list, format, args),
                                               .order = list->count};
    va_end(args);
    list->count++;
}

void mr_diagnostics_label(mr_diagnostics *list, const char *format, ...)
{
    if (!list->is_latest)
        return;
    va_list args;
    va_start(args, format);
    list->items[list->count - 1].label = format_text(list, format, args);
    va_end(args);
}

void mr_diagnostics_hint(mr_diagnostics *list, const char *format, ...)
{
    if (!list->is_latest)
        return;
    va_list args;
    va_start(args, format);
    list->items[list->count - 1].hint = format_text(list, format, args);
    va_end(args);
}

bool mr_diagnostics_is_full(const mr_diagnostics *list)
{
    return list->errors >= MR_DIAGNOSTICS_MAX;
}

/* ---- printing ---- */

typedef struct printer {
    const mr_script *script;
    mr_buffer *out;
    bool is_coloured;
} printer;

static const char *const severity_colours[] = {"\033[1;31m", "\033[1;33m", "\033[1;36m"};
#define FRAME_COLOUR "\033[1;34m"

static void put_colour(const printer *to, const char *colour)
{
    if (to->is_coloured)
        mr_buffer_put(to->out, colour, strlen(colour));
}

static void put_plain(const printer *to)
{
    put_colour(to, "\033[0m");
}

/* The character at `text` as it may be shown: what a terminal would obey or cannot decode becomes
 * U+FFFD. Returns the bytes consumed. */
static size_t shown_character(const char *text, size_t length, uint32_t *point)
{
    size_t size = mr_script_utf8_decode(text, length, point);
    bool is_control =
        size != 0 && *point != '\t' &&
        (*point < 0x20 || (*point >= 0x7F && *point < 0xA0) ||
         (*point >= 0x202A && *point <= 0x202E) || (*point >= 0x2066 && *point <= 0x2069));
    if (size == 0 || is_control)
        *point = 0xFFFD;
    return size == 0 ? 1 : size;
}

static void put_text(const printer *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint32_t point = 0;
        i += shown_character(text + i, length - i, &point);
        char bytes[4];
        mr_buffer_put(to->out, bytes, mr_script_utf8_encode(point, bytes));
    }
}

/* Blanks (or carets) as wide as the text on a terminal; tabs stay tabs, so that they line up. */
static void put_width(const printer *to, const char *text, size_t length, char mark)
{
    for (size_t i = 0; i < length;) {
        uint32_t point = 0;
        i += shown_character(text + i, length - i, &point);
        unsigned columns = point == '\t' ? 1 : mr_script_utf8_columns(point);
        for (unsigned c = 0; c < columns; c++)
            mr_buffer_put_u8(to->out, (uint8_t)(point == '\t' && mark == ' ' ? '\t' : mark));
    }
}

static bool is_inside_character(const char *text, uint32_t at)
{
    return ((unsigned char)text[at] & 0xC0) == 0x80;
}

/* The part of `line` that is shown: all of it, or some characters around `at`. */
static mr_span excerpt(const char *text, mr_span line, uint32_t at)
{
    if (line.end - line.start <= EXCERPT_CHARACTERS_MAX)
        return line;
    mr_span shown = {at, at};
    uint32_t before = 0;
    while (shown.start > line.start &&
           (before < EXCERPT_BEFORE_MAX || at - line.start <= EXCERPT_CHARACTERS_MAX / 2)) {
        shown.start--;
        before += !is_inside_character(text, shown.start);
    }
    uint32_t after = before;
    while (shown.end < line.end && after < EXCERPT_CHARACTERS_MAX) {
        shown.end++;
        while (shown.end < line.end && is_inside_character(text, shown.end))
            shown.end++;
        after++;
    }
    return shown;
}

static void put_gutter(const printer *to, int width, uint32_t line)
{
    put_colour(to, FRAME_COLOUR);
    if (line != 0)
        mr_buffer_printf(to->out, "%*u |", width, line);
    else
        mr_buffer_printf(to->out, "%*s |", width, "");
    put_plain(to);
    mr_buffer_put_u8(to->out, ' ');
}

static void print_excerpt(const printer *to, const mr_diagnostic *item, mr_place place)
{
    const char *text = to->script->text;
    mr_span line = mr_script_line(to->script, place.line);
    uint32_t start = item->span.start < line.end ? item->span.start : line.end;
    uint32_t end = item->span.end < line.end ? item->span.end : line.end;
    mr_span shown = excerpt(text, line, start);
    end = end < shown.end ? end : shown.end;
    int width = snprintf(NULL, 0, "%u", place.line);
    put_gutter(to, width, place.line);
    const char *left = shown.start > line.start ? "..." : "";
    mr_buffer_put(to->out, left, strlen(left));
    put_text(to, text + shown.start, shown.end - shown.start);
    mr_buffer_printf(to->out, "%s\n", shown.end < line.end ? "..." : "");
    put_gutter(to, width, 0);
    put_width(to, left, strlen(left), ' ');
    put_width(to, text + shown.start, start - shown.start, ' ');
    put_colour(to, severity_colours[item->severity]);
    put_width(to, end > start ? text + start : "^", end > start ? end - start : 1, '^');
    if (item->label != NULL) {
        mr_buffer_put_u8(to->out, ' ');
        put_text(to, item->label, strlen(item->label));
    }
    put_plain(to);
    mr_buffer_put_u8(to->out, '\n');
    if (item->hint != NULL) {
        mr_buffer_printf(to->out, "%*s = help: ", width, "");
        put_text(to, item->hint, strlen(item->hint));
        mr_buffer_put_u8(to->out, '\n');
    }
}

static void print_one(const printer *to, const mr_diagnostic *item)
{
    mr_place place = mr_script_place(to->script, item->span.start);
    put_colour(to, severity_colours[item->severity]);
    mr_buffer_printf(to->out, "%s[MR%d]", mr_severity_name(item->severity), (int)item->code);
    put_plain(to);
    mr_buffer_put(to->out, ": ", 2);
    put_text(to, item->message, strlen(item->message));
    put_colour(to, FRAME_COLOUR);
    mr_buffer_put(to->out, "\n  --> ", 7);
    put_plain(to);
    if (item->span.end == 0 && to->script->length > 0) { /* no place in the script */
        mr_buffer_printf(to->out, "command line or environment\n");
        if (item->hint != NULL)
            mr_buffer_printf(to->out, "  = help: %s\n", item->hint);
        return;
    }
    put_text(to, to->script->name, strlen(to->script->name));
    mr_buffer_printf(to->out, ":%u:%u\n", place.line, place.column);
    print_excerpt(to, item, place);
}

static int by_position(const void *left, const void *right)
{
    const mr_diagnostic *a = left;
    const mr_diagnostic *b = right;
    if (a->span.start != b->span.start)
        return a->span.start < b->span.start ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

void mr_diagnostics_print(mr_diagnostics *list, const mr_script *script, bool is_coloured,
                          mr_buffer *out)
{
    /* Sorting moves the items, so there is no latest one any more. */
    list->is_latest = false;
    if (list->count != 0)
        qsort(list->items, list->count, sizeof list->items[0], by_position);
    printer to = {.script = script, .out = out, .is_coloured = is_coloured};
    for (size_t i = 0; i < list->count; i++) {
        if (i != 0)
            mr_buffer_put_u8(out, '\n');
        print_one(&to, &list->items[i]);
    }
    size_t left_out = list->errors + list->others - list->count;
    if (left_out != 0)
        mr_buffer_printf(out, "\n.. and %zu more, not shown\n", left_out);
}
