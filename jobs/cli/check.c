#include "jobs/cli/command.h"
#include "jobs/cli/load.h"

#include <inttypes.h>
#include <stdio.h>

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

mr_exit mr_command_check(const mr_flags *flags)
{
    mr_loaded loaded = mr_load(flags);
    mr_exit exit = loaded.exit;
    if (loaded.job != NULL && !mr_flags_has(flags, MR_FLAG_QUIET)) {
        const mr_plan *plan = &loaded.job->plan;
        fprintf(stderr, "ok: job %s, plan %016" PRIx64 ", %u source%s, %u operator%s, %u sink%s\n",
                plan->job, plan->version, plan->sources_count, plural(plan->sources_count),
                plan->nodes_count, plural(plan->nodes_count), plan->sinks_count,
                plural(plan->sinks_count));
    }
    mr_loaded_release(&loaded);
    return exit;
}
