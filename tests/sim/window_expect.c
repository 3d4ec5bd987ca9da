#include "tests/sim/window_expect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_first(const mr_oracle_entry *entry, char *to, size_t size)
{
    static const mr_oracle_column columns[] = {MR_ORACLE_AMOUNT, MR_ORACLE_NAME,  MR_ORACLE_FLAG,
                                               MR_ORACLE_PRICE,  MR_ORACLE_RATIO, MR_ORACLE_DAY,
                                               MR_ORACLE_MOMENT};
    const mr_oracle_row *row = entry->row;
    size_t at =
        (size_t)snprintf(to, size, "k%d|%" PRId64 "|%" PRId64, row->key, row->id, row->time_ms);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        char text[128];
        mr_oracle_print_value(row, columns[c], text, sizeof text);
        at += (size_t)snprintf(to + at, size - at, "|%s", text);
    }
}

static void expect_late(const mr_oracle_late *late, mr_window_lines *to)
{
    char line[256], bounds[64] = "null|null";
    if (late->start_ms != MR_ORACLE_NONE)
        snprintf(bounds, sizeof bounds, "%" PRId64 "|%" PRId64, late->start_ms, late->end_ms);
    snprintf(line, sizeof line, "late|%" PRId64 "|%s|%" PRId64 "|%" PRId64, late->row->id, bounds,
             late->watermark_ms, late->by_ms);
    mr_window_lines_add(to, line);
}

void mr_window_expect(mr_oracle *oracle, mr_window_lines *results, mr_window_lines *late)
{
    bool is_first = oracle->job.kind == MR_ORACLE_FIRST;
    size_t count = mr_oracle_results(oracle), end;
    for (size_t i = 0; i < count; i = end) {
        const mr_oracle_entry *group = &oracle->entries[i];
        for (end = i + 1; end < count && !is_first; end++)
            if (oracle->entries[end].end_ms != group->end_ms ||
                oracle->entries[end].row->key != group->row->key)
                break;
        char line[1024];
        if (is_first)
            print_first(group, line, sizeof line);
        else
            mr_oracle_print(&oracle->job, group, end - i, line, sizeof line);
        mr_window_lines_add(results, line);
    }
    for (size_t i = 0; i < oracle->late_count; i++)
        expect_late(&oracle->late[i], late);
    mr_window_lines_sort(results);
    mr_window_lines_sort(late);
}

bool mr_window_lines_same(const char *what, const mr_window_lines *want, const mr_window_lines *got)
{
    size_t i = 0;
    while (i < want->count && i < got->count &&
           strcmp(mr_window_line(want, i), mr_window_line(got, i)) == 0)
        i++;
    if (i == want->count && i == got->count)
        return true;
    printf("  %s %zu of %zu/%zu: expected `%s`, got `%s`\n", what, i, want->count, got->count,
           i < want->count ? mr_window_line(want, i) : "nothing",
           i < got->count ? mr_window_line(got, i) : "nothing");
    return false;
}
