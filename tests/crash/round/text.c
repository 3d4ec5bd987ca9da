#include "tests/crash/round/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void mr_crash_row_print(char *to, size_t size, bool is_json, uint32_t key, int64_t time_ms,
                        int64_t amount)
{
    if (is_json)
        snprintf(to, size,
                 "{\"k\":\"k%" PRIu32 "\",\"t\":\"1970-01-01 00:00:%02d.%03d\",\"a\":%" PRId64 "}",
                 key, (int)(time_ms / 1000), (int)(time_ms % 1000), amount);
    else
        snprintf(to, size, "k%" PRIu32 "|%" PRId64 "|%" PRId64, key, time_ms, amount);
}

/* Seconds with any number of decimals, in ms. The epoch's first minute is all that the feed
 * uses. */
static int64_t ms_of(double seconds)
{
    return (int64_t)(seconds * 1000.0 + 0.5);
}

static bool put_line(const char *line, mr_buffer *lines)
{
    uint32_t key;
    double start, end;
    int64_t count, sum;
    if (sscanf(line,
               "{\"k\":\"k%" SCNu32 "\",\"s\":\"1970-01-01 00:00:%lf\",\"e\":\"1970-01-01 "
               "00:00:%lf\",\"n\":%" SCNd64 ",\"total\":%" SCNd64 "}",
               &key, &start, &end, &count, &sum) == 5)
        mr_buffer_printf(lines, "k%" PRIu32 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "\n",
                         key, ms_of(start), ms_of(end), count, sum);
    else if (sscanf(line,
                    "{\"k\":\"k%" SCNu32 "\",\"t\":\"1970-01-01 00:00:%lf\",\"a\":%" SCNd64 "}",
                    &key, &start, &sum) == 3)
        mr_buffer_printf(lines, "k%" PRIu32 "|%" PRId64 "|%" PRId64 "|\n", key, ms_of(start), sum);
    else
        return false;
    return true;
}

void mr_crash_lines_of_json(const char *json, mr_buffer *lines)
{
    char line[512];
    while (*json != '\0') {
        size_t length = strcspn(json, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, json);
        if (length > 0 && !put_line(line, lines))
            mr_buffer_printf(lines, "%s\n", line);
        json += length + (json[length] == '\n');
    }
}
