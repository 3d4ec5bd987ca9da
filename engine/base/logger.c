#include "engine/base/logger.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define LOG_LINE_MAX 2048

void mr_logger_line(const mr_logger *logger, mr_log_level level, const char *format, ...)
{
    if (logger == NULL || logger->write == NULL || level < logger->level_min)
        return;
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    logger->write(logger->sink, level, line);
}

bool mr_log_allowed(mr_log_site *site, int64_t now_ms, uint32_t rate_max, uint64_t *suppressed)
{
    *suppressed = 0;
    int64_t second = now_ms / 1000;
    if (second != site->second) {
        site->second = second;
        site->lines = 0;
    }
    if (site->lines >= rate_max) {
        site->suppressed++;
        return false;
    }
    site->lines++;
    *suppressed = site->suppressed;
    site->suppressed = 0;
    return true;
}

const char *mr_log_level_name(mr_log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}
