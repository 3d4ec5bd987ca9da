/*
 * Diagnostics of a job's text: collected by lexer, parser, binder and planner, printed once.
 *
 *   error[MR1104]: no column `amout` in table `orders`
 *     --> job.sql:24:9
 *   24 |     SUM(amout) AS revenue
 *      |         ^^^^^ did you mean `amount`?
 *      = help: a longer hint on a line of its own
 *
 * The message says what is wrong, the label (beside the carets) what to do at this very place in a
 * few words, the hint the longer way out. Severity comes with the code (codes.h).
 * Bounds: MR_DIAGNOSTICS_MAX errors, and as many warnings and notes, are kept and printed; further
 * ones are counted. Memory: texts are copied; an all-zero list is empty and releasable.
 * Thread: one at a time.
 */
#ifndef MR_JOBS_SQL_DIAGNOSTIC_H
#define MR_JOBS_SQL_DIAGNOSTIC_H

#include "engine/base/arena.h"
#include "engine/base/buffer.h"
#include "jobs/sql/codes.h"
#include "jobs/sql/script.h"

#include <stdbool.h>

#define MR_DIAGNOSTICS_MAX 100

typedef enum mr_severity {
    MR_SEVERITY_ERROR = 0,
    MR_SEVERITY_WARNING,
    MR_SEVERITY_NOTE,
} mr_severity;

typedef struct mr_diagnostic {
    mr_code code;
    mr_severity severity;
    mr_span span;
    const char *message;
    const char *label; /* NULL: bare carets */
    const char *hint;  /* NULL: none */
    size_t order;      /* of reporting: keeps the sort stable */
} mr_diagnostic;

typedef struct mr_diagnostics {
    mr_diagnostic *items;
    size_t count;
    size_t capacity;
    size_t errors;  /* reported, kept or not */
    size_t others;  /* warnings and notes, likewise */
    bool is_latest; /* the latest report was kept: label and hint go there */
    mr_arena arena;
} mr_diagnostics;

void mr_diagnostics_release(mr_diagnostics *list);

/* Adds a diagnostic. A second error at exactly the span of a kept one is dropped, not counted: it
 * is nearly always a consequence of the first. (One without a place, span {0}, is kept.) */
void mr_diagnostics_report(mr_diagnostics *list, mr_code code, mr_span span, const char *format,
                           ...) __attribute__((format(printf, 4, 5)));

/* Label and hint of the latest report. */
void mr_diagnostics_label(mr_diagnostics *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mr_diagnostics_hint(mr_diagnostics *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* No further error would be kept: whoever reads the text may stop. */
bool mr_diagnostics_is_full(const mr_diagnostics *list);

/* Sorts by position and prints all, with a last line that counts what was left out. */
void mr_diagnostics_print(mr_diagnostics *list, const mr_script *script, bool is_coloured,
                          mr_buffer *out);

/* One-line title and severity of a code; title "unknown code" for a number that is none. */
const char *mr_code_title(mr_code code);
mr_severity mr_code_severity(mr_code code);
const char *mr_severity_name(mr_severity severity);

#endif
