/*
 * The text of one job: its name, its bytes, and where its lines begin.
 *
 * Places in it are byte offsets (mr_span); lines and columns are worked out only when something is
 * printed. Bytes may be anything: whether they are UTF-8 without NUL is the lexer's business.
 * Memory: text and name are borrowed and must outlive the script and all that was parsed from it.
 * Thread: immutable after init.
 */
#ifndef MR_JOBS_SQL_SCRIPT_H
#define MR_JOBS_SQL_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

/* Offsets fit 32 bits with room to spare; a longer script is refused. */
#define MR_SCRIPT_BYTES_MAX ((size_t)1 << 30)

/* Half-open range of bytes. An empty one marks the place in front of `start`. */
typedef struct mr_span {
    uint32_t start;
    uint32_t end;
} mr_span;

typedef struct mr_script {
    const char *name; /* as shown in diagnostics: "job.sql", "<stdin>" */
    const char *text;
    size_t length;
    uint32_t *lines; /* offset of the first byte of each line */
    uint32_t lines_count;
} mr_script;

/* 1-based; the column counts characters, as editors do. */
typedef struct mr_place {
    uint32_t line;
    uint32_t column;
} mr_place;

/* Finds the lines. `\n`, `\r\n` and a lone `\r` end one. Length is at most MR_SCRIPT_BYTES_MAX. */
void mr_script_init(mr_script *script, const char *name, const char *text, size_t length);
void mr_script_release(mr_script *script);

mr_place mr_script_place(const mr_script *script, uint32_t offset);

/* Bytes of a 1-based line without its line end. */
mr_span mr_script_line(const mr_script *script, uint32_t line);

/* The smallest span that holds both. */
mr_span mr_span_join(mr_span a, mr_span b);

#endif
