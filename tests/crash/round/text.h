/*
 * Rows as text: as the hand-built job reads and writes them ("k3|120|7"), and as JSON for the
 * program. The law reads the former, so what the program writes is translated.
 */
#ifndef MR_TESTS_CRASH_ROUND_TEXT_H
#define MR_TESTS_CRASH_ROUND_TEXT_H

#include "engine/base/buffer.h"

/* A row of the feed. JSON: {"k":"k3","t":"1970-01-01 00:00:00.120","a":7}. */
void mr_crash_row_print(char *to, size_t size, bool is_json, uint32_t key, int64_t time_ms,
                        int64_t amount);

/* Lines of JSON results {"k","s","e","n","total"} or late rows {"k","t","a"}, fields in this order,
 * to lines between bars. What is neither is copied, for the law to complain about. */
void mr_crash_lines_of_json(const char *json, mr_buffer *lines);

#endif
