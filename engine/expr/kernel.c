#include "engine/expr/kernel.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 384

void mr_kernel_null(const mr_kernel_call *call, uint32_t row)
{
    mr_vector_set_null(call->result, row, call->rows, call->arena);
}

void mr_kernel_fail(const mr_kernel_call *call, uint32_t row, mr_status code, const char *format,
                    ...)
{
    mr_kernel_null(call, row);
    if (call->errors == NULL)
        return;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mr_row_errors_add(call->errors, row, code, "%s", text);
}
