#include "jobs/engine/topics.h"

#include <stdio.h>
#include <string.h>

#define MISSING_NAMES_MAX 500 /* bytes of names in one message */

/* Topics that are not there: told together, so that nobody mends a job one run at a time. */
typedef struct missing {
    char names[MISSING_NAMES_MAX];
    char first[256];
    int32_t first_partitions;
    uint32_t count, unnamed;
} missing;

static void missing_add(missing *absent, const char *topic, int32_t partitions)
{
    char quoted[300];
    snprintf(quoted, sizeof quoted, "`%s`", topic);
    if (strstr(absent->names, quoted) != NULL)
        return; /* several tables may share a topic */
    if (absent->count++ == 0) {
        snprintf(absent->first, sizeof absent->first, "%s", topic);
        absent->first_partitions = partitions;
    }
    size_t length = strlen(absent->names);
    if (length + strlen(quoted) + 3 > sizeof absent->names)
        absent->unnamed++;
    else
        snprintf(absent->names + length, sizeof absent->names - length, "%s%s",
                 length > 0 ? ", " : "", quoted);
}

static mr_status missing_tell(const missing *absent, const char *bootstrap, mr_error *err)
{
    char more[40] = "";
    if (absent->unnamed > 0)
        snprintf(more, sizeof more, " and %u more", absent->unnamed);
    bool is_one = absent->count == 1;
    return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                        "topic%s %s%s %s not exist at %s\n"
                        "  create %s: kafka-topics.sh --bootstrap-server %s --create --topic %s "
                        "--partitions %d\n"
                        "  or run again with --create-topics",
                        is_one ? "" : "s", absent->names, more, is_one ? "does" : "do", bootstrap,
                        is_one ? "it" : "each, as in", bootstrap, absent->first,
                        absent->first_partitions);
}

/* What all topics are looked at with. */
typedef struct look {
    mr_log *log;
    bool is_creating;
    missing absent;
} look;

/* `found` gets the topic's partitions; 0: it does not exist and is not to be created. */
static mr_status prepare(look *l, const char *topic, int32_t partitions, int32_t *found,
                         mr_error *err)
{
    mr_topic_facts facts;
    mr_status status = l->log->class->describe(l->log, topic, &facts, err);
    if (status != MR_OK)
        return status;
    *found = facts.partitions;
    if (facts.exists)
        return MR_OK;
    if (!l->is_creating) {
        missing_add(&l->absent, topic, partitions);
        return MR_OK;
    }
    *found = partitions;
    status = l->log->class->create_topic(l->log, topic, partitions, NULL, err);
    if (status == MR_E_KAFKA_TOPIC_EXISTS)
        return MR_OK;
    if (status == MR_OK)
        fprintf(stderr, "created topic %s with %d partition%s\n", topic, partitions,
                partitions == 1 ? "" : "s");
    return status;
}

/* A created output has as many partitions as the widest input, so that keys keep spread. */
static mr_status prepare_outputs(const mr_plan *plan, look *l, int32_t widest, mr_error *err)
{
    int32_t found;
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < plan->sinks_count; i++) {
        if (plan->sinks[i].topic != NULL)
            status = prepare(l, plan->sinks[i].topic, widest, &found, err);
        if (status == MR_OK && plan->sinks[i].errors.mode == MR_ERRORS_DLQ)
            status = prepare(l, plan->sinks[i].errors.dlq_topic, widest, &found, err);
    }
    for (uint32_t i = 0; status == MR_OK && i < plan->sources_count; i++)
        if (plan->sources[i].errors.mode == MR_ERRORS_DLQ)
            status = prepare(l, plan->sources[i].errors.dlq_topic, widest, &found, err);
    return status;
}

/* How many tasks of stage 1 the narrowest of its sources has input for. One without any would be
 * nobody to wait for, and yet hold up the end of a bounded run. */
static mr_status find_narrowest(const mr_job *job, mr_log *log, uint32_t *narrowest, mr_error *err)
{
    const mr_plan *stage = &job->plan.stages[0];
    mr_arena arena = {0};
    mr_status status = MR_OK;
    *narrowest = job->stages.tasks_max;
    for (uint32_t s = 0; status == MR_OK && s < stage->sources_count; s++) {
        const mr_plan_source *source = &stage->sources[s];
        const char **names;
        uint32_t widest = 0;
        if (source->reader != NULL)
            status = source->reader->splits(source->reader->config, job->stages.tasks_max, &arena,
                                            &names, &widest, err);
        for (uint32_t t = 0; status == MR_OK && t < source->topics_count; t++) {
            mr_topic_facts facts;
            status = log->class->describe(log, source->topics[t], &facts, err);
            if (status == MR_OK && facts.partitions > (int32_t)widest)
                widest = (uint32_t)facts.partitions;
        }
        if (widest < *narrowest)
            *narrowest = widest > 0 ? widest : 1;
    }
    mr_arena_release(&arena);
    return status;
}

/* A job that has state keeps the tasks it has, whatever partitions were added since: then the state
 * topic tells. */
static mr_status set_stage_tasks(mr_job *job, mr_log *log, bool is_reset, mr_error *err)
{
    uint32_t first, later = mr_stages_later_tasks(&job->stages);
    mr_status status = find_narrowest(job, log, &first, err);
    mr_arena arena = {0};
    mr_topic_facts facts = {0};
    if (status == MR_OK && !is_reset)
        status = log->class->describe(log, mr_arena_printf(&arena, "%s.state", job->plan.job),
                                      &facts, err);
    mr_arena_release(&arena);
    if (facts.exists && facts.partitions > (int32_t)later &&
        (uint32_t)facts.partitions - later < first)
        first = (uint32_t)facts.partitions - later;
    if (status == MR_OK)
        mr_stages_set_tasks(&job->plan, &job->stages, first);
    return status;
}

/* All topics that this call and the worker behind it will describe. */
static void expect_all(const mr_job *job, mr_log *log)
{
    const mr_plan *plan = &job->plan;
    mr_arena arena = {0};
    size_t room = 2 + 2 * plan->sinks_count + 2 * plan->sources_count + plan->nodes_count;
    for (uint32_t i = 0; i < plan->sources_count; i++)
        room += plan->sources[i].topics_count;
    const char **names = mr_arena_zalloc(&arena, room, sizeof *names);
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->sources_count; i++) {
        const mr_plan_source *source = &plan->sources[i];
        for (uint32_t t = 0; source->exchange == NULL && t < source->topics_count; t++)
            names[count++] = source->topics[t];
        names[count++] = source->exchange != NULL ? source->exchange->topic : NULL;
        names[count++] = source->errors.dlq_topic;
    }
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        names[count++] = plan->nodes[i].errors.dlq_topic;
    for (uint32_t i = 0; i < plan->sinks_count; i++) {
        names[count++] = plan->sinks[i].topic;
        names[count++] = plan->sinks[i].errors.dlq_topic;
    }
    if (plan->guarantee != MR_NO_GUARANTEE) {
        names[count++] = mr_arena_printf(&arena, "%s.state", plan->job);
        names[count++] = mr_arena_printf(&arena, "%s.fork", plan->job);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (names[i] != NULL)
            names[kept++] = names[i];
    log->class->expect(log, names, kept);
    mr_arena_release(&arena);
}

mr_status mr_topics_prepare(mr_job *job, mr_log *log, bool is_creating, bool is_reset,
                            uint32_t *inputs, mr_error *err)
{
    mr_plan *plan = &job->plan;
    int32_t widest = 1, tasks = 0, found = 0;
    look l = {.log = log, .is_creating = is_creating};
    if (inputs != NULL)
        *inputs = 0;
    if (log->class->expect != NULL)
        expect_all(job, log);
    for (uint32_t i = 0; i < plan->sources_count; i++)
        for (uint32_t t = 0; plan->sources[i].exchange == NULL && t < plan->sources[i].topics_count;
             t++) {
            mr_status status = prepare(&l, plan->sources[i].topics[t], 1, &found, err);
            if (status != MR_OK)
                return status;
            widest = found > widest ? found : widest;
            if (inputs != NULL)
                *inputs += (uint32_t)found;
            if (plan->sources[i].partitioned_by == NULL || found == 0)
                continue;
            /* Partition p meets partition p: unequal numbers would tear a key's rows apart. */
            if (job->tasks_follow_partitions && job->joins_partitions && tasks > 0 &&
                found != tasks)
                return mr_error_set(err, MR_E_SETTING,
                                    "topic `%s` has %d partitions, and a table that it is joined "
                                    "with has %d: 'partitioned-by' needs as many on both sides",
                                    plan->sources[i].topics[t], found, tasks);
            tasks = found > tasks ? found : tasks;
        }
    if (job->tasks_follow_partitions && tasks > 0) {
        plan->tasks_count = (uint32_t)tasks;
        plan->tasks_follow_partitions = true;
    }
    mr_status status = prepare_outputs(plan, &l, widest, err);
    if (status == MR_OK && l.absent.count > 0)
        status = missing_tell(&l.absent, job->cluster.bootstrap, err);
    if (status == MR_OK && plan->stages_count > 0)
        status = set_stage_tasks(job, log, is_reset, err);
    return status;
}
