#include "jobs/cli/fleet/named.h"

#include "engine/base/buffer.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/mask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_diagnostics(mr_wished_job *wished, char *text)
{
    mr_buffer out = {0};
    mr_mask_secrets(&wished->script, text, &wished->diagnostics);
    mr_diagnostics_print(&wished->diagnostics, &wished->script, false, &out);
    fwrite(out.data, 1, out.length, stderr);
    mr_buffer_release(&out);
}

/* What the board holds goes with its next poll: the wish is taken over by its bytes. */
static mr_status take(mr_named *named, const mr_wish *wish, mr_error *err)
{
    mr_buffer bytes = {0};
    if (wish->plan_format > MR_FLEET_PLAN_FORMAT)
        return mr_error_set(err, MR_E_FLEET_VERSION,
                            "job `%s` is of %s, which is newer than this program", wish->job,
                            wish->written_by != NULL ? wish->written_by : "a Millrace");
    mr_wish_encode(wish, &bytes);
    mr_status status = mr_wish_decode(bytes.data, bytes.length, &named->arena, &named->wish, err);
    mr_buffer_release(&bytes);
    return status;
}

mr_exit mr_named_open(mr_named *named, const mr_flags *flags, const char *name,
                      const mr_reach_options *options)
{
    *named = (mr_named){0};
    mr_error err;
    mr_exit exit = mr_reach_open(&named->reach, flags, options);
    if (exit != MR_EXIT_OK)
        return exit;
    const mr_board_job *job = mr_reach_job(&named->reach, name);
    if (job == NULL)
        return MR_EXIT_FAILED;
    if (take(named, &job->wish, &err) != MR_OK)
        return mr_cli_fail(&err);
    mr_wished_job_read(&named->wished, &named->wish, (const char *const *)environ,
                       flags->properties, flags->properties_count);
    if (named->wished.job == NULL) {
        print_diagnostics(&named->wished, (char *)(uintptr_t)named->wish.sql);
        return MR_EXIT_JOB;
    }
    if (named->wished.job->plan.version != named->wish.plan_version)
        fprintf(stderr,
                "millrace: this is plan %016" PRIx64 ", submitted was %016" PRIx64
                ": variables or -X properties differ here\n",
                named->wished.job->plan.version, named->wish.plan_version);
    return MR_EXIT_OK;
}

mr_exit mr_named_open_asked(mr_named *named, const mr_flags *flags)
{
    *named = (mr_named){0};
    if ((flags->given & (MR_FLAG_NAME | MR_FLAG_SETTING | MR_FLAG_BOUNDED)) != 0) {
        fprintf(stderr,
                "millrace: --name, -D and --bounded are for a FILE: job `%s` runs as it was "
                "submitted\n",
                flags->file);
        return MR_EXIT_USAGE;
    }
    return mr_named_open(named, flags, flags->file, &(mr_reach_options){0});
}

void mr_named_mention(const mr_flags *flags)
{
    if (strcmp(flags->file, "-") != 0 && access(flags->file, F_OK) != 0)
        fprintf(stderr, "a job of a fleet is found by its name with --fleet or --kafka\n");
}

void mr_named_release(mr_named *named)
{
    mr_wished_job_release(&named->wished);
    mr_arena_release(&named->arena);
    mr_reach_release(&named->reach);
}
