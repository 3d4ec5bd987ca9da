#include "engine/base/error.h"

#include <stdio.h>
#include <string.h>

static mr_status fill(mr_error *err, mr_status status, mr_recovery recovery, const char *format,
                      va_list args)
{
    err->status = status;
    err->recovery = recovery;
    vsnprintf(err->message, sizeof err->message, format, args);
    return status;
}

mr_status mr_error_set(mr_error *err, mr_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, status, MR_RECOVERY_STOP, format, args);
    va_end(args);
    return status;
}

mr_status mr_error_set_recovery(mr_error *err, mr_status status, mr_recovery recovery,
                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, status, recovery, format, args);
    va_end(args);
    return status;
}

mr_status mr_error_prefix(mr_error *err, const char *format, ...)
{
    char tail[MR_ERROR_MESSAGE_MAX];
    memcpy(tail, err->message, sizeof tail);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->message)
        snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", tail);
    return err->status;
}

const char *mr_recovery_name(mr_recovery recovery)
{
    switch (recovery) {
    case MR_RECOVERY_STOP:
        return "stop";
    case MR_RECOVERY_RETRY:
        return "retry";
    case MR_RECOVERY_RECORD:
        return "record";
    case MR_RECOVERY_EPOCH:
        return "epoch";
    case MR_RECOVERY_WRITER:
        return "writer";
    }
    return "unknown";
}
