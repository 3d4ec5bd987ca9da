#include "jobs/explain/explain.h"

#include "jobs/cli/command.h"
#include "jobs/cli/load.h"

#include <stdio.h>
#include <string.h>

mr_exit mr_command_explain(const mr_flags *flags)
{
    mr_loaded loaded = mr_load(flags);
    mr_exit exit = loaded.exit;
    if (loaded.job != NULL) {
        const char *format = flags->format != NULL ? flags->format : "text";
        mr_buffer text = {0};
        if (strcmp(format, "dot") == 0)
            mr_explain_dot(&loaded.job->plan, &text);
        else if (strcmp(format, "json") == 0)
            mr_explain_json(&loaded.job->plan, &text);
        else
            mr_explain_text(&loaded.job->plan, &text);
        fwrite(text.data, 1, text.length, stdout);
        mr_buffer_release(&text);
    }
    mr_loaded_release(&loaded);
    return exit;
}
