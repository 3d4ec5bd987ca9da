/* What a new writer does first, and any behind an abort: no transaction of its id may hang where it
 * will write, for its next marker would decide about that one too. */
#include "engine/commit/hanging.h"

#include "engine/run/worker/private.h"

static uint32_t add(mr_log_ends *places, uint32_t count, const char *topic, int32_t partitions)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(places[i].topic, topic) == 0)
            return count;
    for (int32_t p = 0; p < partitions; p++)
        places[count++] = (mr_log_ends){.topic = topic, .partition = p};
    return count;
}

/* All partitions that the worker's transactions may touch. */
static mr_log_ends *places_of(const mr_worker *worker, mr_arena *arena, uint32_t *count)
{
    const mr_plan *plan = worker->plan;
    size_t room = worker->tasks_count;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL)
            room += plan->sources[s].exchange->downstreams_count;
    for (uint32_t i = 0; i < worker->outputs_count; i++)
        room += (size_t)worker->outputs[i].partitions;
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        room += (size_t)worker->dlqs[i].partitions;
    mr_log_ends *places = mr_arena_alloc(arena, (room + 1) * sizeof *places);
    *count = 0;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        if (plan->sources[s].exchange != NULL)
            *count = add(places, *count, plan->sources[s].exchange->topic,
                         (int32_t)plan->sources[s].exchange->downstreams_count);
    for (uint32_t i = 0; i < worker->outputs_count; i++)
        *count = add(places, *count, worker->outputs[i].topic, worker->outputs[i].partitions);
    for (uint32_t i = 0; i < worker->dlqs_count; i++)
        *count = add(places, *count, worker->dlqs[i].topic, worker->dlqs[i].partitions);
    for (uint32_t t = 0; t < worker->tasks_count; t++)
        places[(*count)++] = (mr_log_ends){.topic = worker->state_topic,
                                           .partition = (int32_t)worker->tasks[t].index};
    return places;
}

mr_status mr_worker_end_hanging(mr_worker *worker, mr_error *err)
{
    if (worker->tasks_count == 0 || worker->config.sabotage.let_hang)
        return MR_OK;
    mr_arena arena = {0};
    uint32_t count, ended;
    mr_log_ends *places = places_of(worker, &arena, &count);
    mr_log_offset offset = {
        .topic = worker->state_topic, .partition = (int32_t)worker->tasks[0].index, .offset = 0};
    mr_hanging_request request = {.log = worker->config.log,
                                  .writer = worker->writer,
                                  .member = worker->member,
                                  .offset = &offset,
                                  .logger = worker->config.logger,
                                  .job = worker->plan->job};
    mr_status status = mr_hanging_end(&request, places, count, &ended, err);
    /* All of them were there a moment ago: not every broker knows yet of a topic just made. */
    if (status == MR_E_KAFKA_TOPIC_MISSING)
        err->recovery = MR_RECOVERY_RETRY;
    worker->hanging_ended += status == MR_OK ? ended : 0;
    mr_arena_release(&arena);
    return status;
}
