#include "jobs/cli/metrics_file.h"

#include "jobs/cli/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void mr_metrics_file_write(mr_metrics *metrics, const char *file)
{
    mr_process_report(metrics);
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.new", file);
    mr_buffer text = {0};
    mr_metrics_print_prometheus(metrics, &text);
    FILE *to = fopen(beside, "w");
    bool is_good = to != NULL && fwrite(text.data, 1, text.length, to) == text.length;
    if (to != NULL)
        is_good = fclose(to) == 0 && is_good;
    if (!is_good || rename(beside, file) != 0)
        fprintf(stderr, "millrace: metrics not written to %s: %s\n", file, strerror(errno));
    mr_buffer_release(&text);
}
