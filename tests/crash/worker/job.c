#include "tests/crash/worker/job.h"

#include "connectors/local/log_sink.h"

#include <string.h>

static const char *name_of(mr_sim_job *job, const char *topic)
{
    return mr_arena_printf(&job->arena, "%s.%s", job->plan.job, topic);
}

static void *copy_of(mr_sim_job *job, const void *from, size_t size)
{
    return memcpy(mr_arena_alloc(&job->arena, size), from, size);
}

static void rename_source(mr_sim_job *job)
{
    mr_plan_source *source = copy_of(job, job->plan.sources, sizeof *source);
    const char **topics = mr_arena_alloc(&job->arena, sizeof *topics);
    topics[0] = name_of(job, "in");
    source->topics = topics;
    source->errors.dlq_topic = name_of(job, "dlq");
    job->plan.sources = source;
}

static void rename_node(mr_sim_job *job)
{
    mr_plan_node *node = copy_of(job, job->plan.nodes, sizeof *node);
    node->errors.dlq_topic = name_of(job, "dlq");
    job->plan.nodes = node;
}

static void rename_sinks(mr_sim_job *job)
{
    uint32_t count = job->plan.sinks_count;
    mr_plan_sink *sinks = copy_of(job, job->plan.sinks, count * sizeof *sinks);
    for (uint32_t s = 0; s < count; s++) {
        mr_log_sink_config *config = copy_of(job, sinks[s].config, sizeof *config);
        config->topic = sinks[s].topic = name_of(job, sinks[s].topic);
        sinks[s].config = config;
        sinks[s].errors.dlq_topic = name_of(job, "dlq");
    }
    job->plan.sinks = sinks;
}

void mr_crash_job_init(mr_sim_job *job, const mr_crash_job_options *options)
{
    mr_sim_job_init(job, &options->sim);
    job->plan.job = mr_arena_printf(&job->arena, "%s", options->name);
    job->plan.commit_interval_ms = options->commit_interval_ms;
    job->plan.transaction_timeout_ms = options->transaction_timeout_ms;
    rename_source(job);
    rename_node(job);
    rename_sinks(job);
    mr_sim_job_cut(job, &options->sim);
}
