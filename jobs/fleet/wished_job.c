#include "jobs/fleet/wished_job.h"

#include <string.h>

void mr_wished_job_read(mr_wished_job *wished, const mr_wish *wish, const char *const *environment,
                        const char *const *properties, uint32_t properties_count)
{
    *wished = (mr_wished_job){0};
    mr_script_init(&wished->script, wish->job, wish->sql, strlen(wish->sql));
    mr_job_options options = {.name = wish->job,
                              .stem = wish->job,
                              .settings = wish->settings,
                              .settings_count = wish->settings_count,
                              .environment = environment,
                              .properties = properties,
                              .properties_count = properties_count};
    wished->job = mr_job_new(&wished->script, &options, &wished->diagnostics);
}

void mr_wished_job_release(mr_wished_job *wished)
{
    mr_diagnostics_release(&wished->diagnostics);
    mr_job_free(wished->job);
    mr_script_release(&wished->script);
}
