/*
 * The program's own log: lines for operators of the fleet, never results.
 *
 * A line is `level msg key=value ..`: plain on a terminal, logfmt else. Repeated lines of one
 * `site` are limited to `rate_max` a second and then counted. Secrets never: callers pass masked
 * values. Thread: a logger may be used from any thread. Memory: nothing is allocated.
 */
#ifndef MR_ENGINE_BASE_LOGGER_H
#define MR_ENGINE_BASE_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum mr_log_level {
    MR_LOG_DEBUG = 0,
    MR_LOG_INFO,
    MR_LOG_WARN,
    MR_LOG_ERROR,
} mr_log_level;

typedef struct mr_logger {
    void (*write)(void *sink, mr_log_level level, const char *line); /* NULL: silent */
    void *sink;
    mr_log_level level_min;
} mr_logger;

/* One rate-limited place in the code or one kind of record problem; all-zero is ready to use. */
typedef struct mr_log_site {
    int64_t second;
    uint32_t lines;
    uint64_t suppressed;
} mr_log_site;

/* Formats and writes one line of at most 2 KiB. `logger` NULL is silent. */
void mr_logger_line(const mr_logger *logger, mr_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when the site may write a line now; `suppressed` gets how many were swallowed before it. */
bool mr_log_allowed(mr_log_site *site, int64_t now_ms, uint32_t rate_max, uint64_t *suppressed);

const char *mr_log_level_name(mr_log_level level);

#endif
