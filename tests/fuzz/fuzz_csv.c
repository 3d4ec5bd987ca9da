/*
 * Any bytes as a CSV file, in four dialects: no crash, no read outside of what was given; the same
 * rows however the bytes are cut into pieces; and what the encoder makes of the good rows reads
 * back as the same rows. Built without libFuzzer it replays the files it is given.
 */
#include "tests/harness/csv_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const mr_csv_rows *a, const mr_csv_rows *b, bool has_bad, const char *what)
{
    uint32_t k = 0;
    bool are_same = true;
    for (uint32_t i = 0; i < a->count && are_same; i++) {
        const mr_csv_row *one = &a->row[i], *other = &b->row[k];
        if (one->is_bad && !has_bad)
            continue;
        are_same = k++ < b->count && one->is_bad == other->is_bad;
        for (uint32_t c = 0; are_same && !one->is_bad && c < MR_CSV_WIDTH; c++)
            are_same =
                one->field[c].length == other->field[c].length &&
                memcmp(one->field[c].bytes, other->field[c].bytes, one->field[c].length) == 0;
    }
    if (are_same && k == b->count)
        return;
    fprintf(stderr, "csv: %s gives other rows\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mr_csv_rows whole, again;
    const char *text = (const char *)data;
    for (uint32_t which = 0; which < MR_CSV_DIALECTS; which++) {
        mr_format_use use = mr_csv_dialect_of(which);
        mr_csv_rows_read(use, text, size, 0, &whole);
        mr_csv_rows_read(use, text, size, 1 + size % 5, &again);
        if (whole.count < MR_CSV_ROWS_MAX)
            expect_same(&whole, &again, true, "another cut");
        mr_csv_rows_release(&again);
        mr_buffer written = {0};
        mr_csv_rows_write(use, &whole, &written);
        mr_csv_rows_read(use, written.data, written.length, 0, &again);
        if (whole.count < MR_CSV_ROWS_MAX && which != 2) /* without quotes not all can be written */
            expect_same(&whole, &again, false, "what was written");
        mr_csv_rows_release(&again);
        mr_buffer_release(&written);
        mr_csv_rows_release(&whole);
    }
    return 0;
}
