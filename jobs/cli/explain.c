#include "jobs/explain/explain.h"

#include "jobs/cli/command.h"
#include "jobs/cli/fleet/named.h"
#include "jobs/cli/load.h"

#include <stdio.h>
#include <string.h>

static void print(const mr_flags *flags, const mr_job *job)
{
    const char *format = flags->format != NULL ? flags->format : "text";
    mr_buffer text = {0};
    if (strcmp(format, "dot") == 0)
        mr_explain_dot(&job->plan, &text);
    else if (strcmp(format, "json") == 0)
        mr_explain_json(&job->plan, &text);
    else
        mr_explain_text(&job->plan, &text);
    fwrite(text.data, 1, text.length, stdout);
    mr_buffer_release(&text);
}

static mr_exit explain_file(const mr_flags *flags)
{
    mr_loaded loaded = mr_load(flags);
    if (loaded.job != NULL)
        print(flags, loaded.job);
    else
        mr_named_mention(flags);
    mr_exit exit = loaded.exit;
    mr_loaded_release(&loaded);
    return exit;
}

static mr_exit explain_named(const mr_flags *flags)
{
    mr_named named;
    mr_exit exit = mr_named_open_asked(&named, flags);
    if (exit == MR_EXIT_OK)
        print(flags, named.wished.job);
    mr_named_release(&named);
    return exit;
}

mr_exit mr_command_explain(const mr_flags *flags)
{
    return mr_named_is_asked(flags) ? explain_named(flags) : explain_file(flags);
}
