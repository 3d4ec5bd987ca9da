#include "engine/batch/row_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_FIRST 16u
#define ERROR_TEXT_MAX 512

static mr_row_error *room(mr_row_errors *errors)
{
    if (errors->count == errors->capacity) {
        uint32_t capacity = errors->capacity != 0 ? errors->capacity * 2 : ERRORS_FIRST;
        mr_row_error *grown = mr_arena_alloc(errors->arena, capacity * sizeof *grown);
        if (errors->count > 0)
            memcpy(grown, errors->error, errors->count * sizeof *grown);
        errors->error = grown;
        errors->capacity = capacity;
    }
    return &errors->error[errors->count++];
}

mr_row_error *mr_row_errors_add(mr_row_errors *errors, uint32_t row, mr_status code,
                                const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mr_row_error *error = room(errors);
    *error = (mr_row_error){
        .row = row,
        .code = code,
        .message = mr_arena_string(errors->arena, text, strlen(text)),
    };
    return error;
}

/* Merge sort would need memory; insertion keeps the order of equal rows and lists are short or
 * sorted. */
void mr_row_errors_settle(mr_row_errors *errors)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < errors->count; i++) {
        mr_row_error error = errors->error[i];
        uint32_t at = kept;
        while (at > 0 && errors->error[at - 1].row > error.row)
            at--;
        if (at > 0 && errors->error[at - 1].row == error.row)
            continue;
        memmove(&errors->error[at + 1], &errors->error[at], (kept - at) * sizeof error);
        errors->error[at] = error;
        kept++;
    }
    errors->count = kept;
}

uint32_t mr_row_errors_exclude(const mr_row_errors *errors, const uint32_t *selection,
                               uint32_t count, uint32_t *to)
{
    if (errors->count == 0 && selection != NULL) { /* the usual case */
        if (to != selection)
            memmove(to, selection, count * sizeof *to);
        return count;
    }
    uint32_t kept = 0, e = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = selection != NULL ? selection[i] : i;
        while (e < errors->count && errors->error[e].row < row)
            e++;
        if (e < errors->count && errors->error[e].row == row)
            continue;
        to[kept++] = row;
    }
    return kept;
}
