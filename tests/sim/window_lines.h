/*
 * Results and late rows as lines of text, and sinks that keep them.
 */
#ifndef MR_TESTS_SIM_WINDOW_LINES_H
#define MR_TESTS_SIM_WINDOW_LINES_H

#include "engine/base/buffer.h"
#include "engine/ports/sink.h"
#include "tests/harness/window_oracle.h"

/* Lines, each NUL-terminated, and where they start. */
typedef struct mr_window_lines {
    mr_buffer text;
    size_t *starts;
    size_t count, room;
} mr_window_lines;

void mr_window_lines_add(mr_window_lines *lines, const char *line);
const char *mr_window_line(const mr_window_lines *lines, size_t i);
void mr_window_lines_sort(mr_window_lines *lines);
void mr_window_lines_release(mr_window_lines *lines);

/* The lines of `from` go behind those of `to`. */
void mr_window_lines_move(mr_window_lines *from, mr_window_lines *to);

/* What is written is staged as lines: those of the oracle, see window_expect.h. */
typedef struct mr_line_sink {
    mr_sink base;
    const mr_oracle_job *job;
    mr_window_lines staged;
} mr_line_sink;

mr_line_sink mr_line_sink_of_results(const mr_oracle_job *job);
mr_line_sink mr_line_sink_of_late(const mr_oracle_job *job);

#endif
