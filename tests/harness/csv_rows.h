/* All rows of a CSV file as texts, read by splitter and decoder together. */
#ifndef MR_TESTS_HARNESS_CSV_ROWS_H
#define MR_TESTS_HARNESS_CSV_ROWS_H

#include "connectors/formats/format.h"

#define MR_CSV_WIDTH 4
#define MR_CSV_ROWS_MAX 512

typedef struct mr_csv_row {
    bool is_bad; /* a dead letter; no texts */
    mr_string field[MR_CSV_WIDTH];
} mr_csv_row;

typedef struct mr_csv_rows {
    mr_arena arena;
    uint32_t count;
    mr_csv_row row[MR_CSV_ROWS_MAX];
} mr_csv_rows;

/* The four dialects of tests/harness/csv_oracle.py. */
#define MR_CSV_DIALECTS 4
mr_format_use mr_csv_dialect_of(uint32_t which);

/* Reads `text` of a table of MR_CSV_WIDTH nullable STRING columns. `piece` bytes more are handed to
 * the splitter at a time; 0: all at once. Every call sees memory of the exact size. */
void mr_csv_rows_read(mr_format_use use, const char *text, size_t length, size_t piece,
                      mr_csv_rows *rows);

/* The rows that are good, written by the encoder as a file. */
void mr_csv_rows_write(mr_format_use use, const mr_csv_rows *rows, mr_buffer *to);

void mr_csv_rows_release(mr_csv_rows *rows);

#endif
