#include "jobs/engine/topics.h"

#include "connectors/memory/clock.h"
#include "engine/history/history.h"
#include "jobs/plan/version.h"

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

/* With how many tasks the first stage wrote the last epoch; 0: none did, or another text's. */
static mr_status find_known(mr_job *job, mr_log *log, const char *topic, uint32_t *known,
                            mr_error *err)
{
    mr_clock clock;
    uint64_t version;
    mr_memory_clock_real(&clock);
    mr_history history = {.log = log, .clock = &clock, .topic = topic};
    mr_status status = mr_history_last_plan(&history, job->plan.job, &version, err);
    *known = 0;
    for (uint32_t n = 1; status == MR_OK && version != 0 && n <= job->stages.tasks_max; n++) {
        mr_stages_set_tasks(&job->plan, &job->stages, n);
        if (job->plan.stages[0].version == version)
            *known = n;
    }
    return status;
}

/* The last partition is a task that has committed: nobody has made the topic wider since. */
static mr_status is_last_task(const mr_job *job, mr_log *log, const char *topic, int32_t partitions,
                              bool *is_task, mr_error *err)
{
    mr_arena arena = {0};
    mr_log_offset last = {.topic = topic, .partition = partitions - 1, .offset = -1};
    uint64_t epoch = 0;
    int64_t offset;
    uint32_t checksum;
    mr_status status = log->class->group_offsets(log, job->plan.job, &last, 1, &arena, err);
    *is_task = status == MR_OK && last.offset >= 0 &&
               mr_epoch_metadata_parse(last.metadata, &epoch, &offset, &checksum) && epoch > 0;
    mr_arena_release(&arena);
    return status;
}

/* A job that has state keeps the tasks it has, whatever partitions were added since. The state
 * topic's width tells, but for one that an upgrade has made wider, and for another text's. */
static mr_status find_first(mr_job *job, mr_log *log, mr_topics_state state, uint32_t *first,
                            mr_error *err)
{
    mr_arena arena = {0};
    mr_topic_facts facts = {0};
    uint32_t known = 0, later = mr_stages_later_tasks(&job->stages);
    const char *topic = mr_arena_printf(&arena, "%s.state", job->plan.job);
    bool is_told = false, is_kept = state == MR_TOPICS_KEPT;
    mr_status status = find_narrowest(job, log, first, err);
    if (status == MR_OK && state != MR_TOPICS_FORGOTTEN)
        status = log->class->describe(log, topic, &facts, err);
    uint32_t partitions = facts.exists ? (uint32_t)facts.partitions : 0;
    bool may_be_less = status == MR_OK && partitions > 0 && *first > 1;
    if (may_be_less && is_kept && partitions > later)
        status = is_last_task(job, log, topic, facts.partitions, &is_told, err);
    if (may_be_less && status == MR_OK && !is_told)
        status = find_known(job, log, topic, &known, err);
    mr_arena_release(&arena);
    if (known > 0)
        *first = known;
    else if (is_kept && partitions > later && partitions - later < *first)
        *first = partitions - later;
    return status;
}

/* Behind an upgrade to another number of tasks the version hangs on it (jobs/plan/version.h). */
static mr_status find_counted(mr_job *job, mr_log *log, mr_topics_state state, mr_error *err)
{
    mr_clock clock;
    mr_arena arena = {0};
    mr_topic_facts facts = {0};
    uint64_t version = 0, counted = mr_plan_counted_version(job->version, job->plan.tasks_count);
    mr_memory_clock_real(&clock);
    mr_history history = {
        .log = log, .clock = &clock, .topic = mr_arena_printf(&arena, "%s.state", job->plan.job)};
    mr_status status = MR_OK;
    if (state != MR_TOPICS_FORGOTTEN)
        status = log->class->describe(log, history.topic, &facts, err);
    if (status == MR_OK && facts.exists)
        status = mr_history_last_plan(&history, job->plan.job, &version, err);
    job->plan.version = version == counted ? counted : job->version;
    mr_arena_release(&arena);
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

mr_status mr_topics_prepare(mr_job *job, mr_log *log, bool is_creating, mr_topics_state state,
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
    uint32_t first = 0;
    if (status == MR_OK && plan->stages_count > 0)
        status = find_first(job, log, state, &first, err);
    if (first > 0 && status == MR_OK)
        mr_stages_set_tasks(plan, &job->stages, first);
    return status == MR_OK && job->tasks_are_free ? find_counted(job, log, state, err) : status;
}
