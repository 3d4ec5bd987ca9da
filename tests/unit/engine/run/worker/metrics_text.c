#include "tests/unit/engine/run/worker/metrics_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double metrics_number(mr_metrics *metrics, const char *name, const char *with, const char *field)
{
    mr_buffer text = {0};
    mr_metrics_print_ndjson(metrics, &text);
    mr_buffer_put_u8(&text, '\0');
    double sum = 0;
    char *rest = NULL, wanted[80], label[40];
    snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", name);
    snprintf(label, sizeof label, "\"%s\":", field);
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *value = strstr(line, label);
        if (value != NULL && strstr(line, wanted) != NULL && strstr(line, with) != NULL)
            sum += strtod(value + strlen(label), NULL);
    }
    mr_buffer_release(&text);
    return sum;
}
