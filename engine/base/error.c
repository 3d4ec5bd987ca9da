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
    char prefix[MR_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix - 2, format, args);
    va_end(args);
    size_t room = sizeof err->message - 1;
    size_t head = strlen(strcat(prefix, ": "));
    size_t tail = strlen(err->message);
    if (tail > room - head)
        tail = room - head;
    memmove(err->message + head, err->message, tail);
    memcpy(err->message, prefix, head);
    err->message[head + tail] = '\0';
    return err->status;
}

const char *mr_recovery_name(mr_recovery recovery)
{
    switch (recovery) {
    case MR_RECOVERY_STOP: return "stop";
    case MR_RECOVERY_RETRY: return "retry";
    case MR_RECOVERY_RECORD: return "record";
    case MR_RECOVERY_EPOCH: return "epoch";
    case MR_RECOVERY_WRITER: return "writer";
    }
    return "unknown";
}
