#include "engine/ports/codec.h"

#include <stdarg.h>
#include <stdio.h>

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

void mr_row_errors_add(mr_row_errors *errors, uint32_t row, mr_status code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *room(errors) = (mr_row_error){
        .row = row,
        .code = code,
        .message = mr_arena_string(errors->arena, text, strlen(text)),
    };
}
