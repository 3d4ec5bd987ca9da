#include "engine/history/crossing.h"

#include "engine/exchange/receiver.h"
#include "engine/history/ask.h"
#include "engine/history/cut.h"

#include <string.h>

#define INFIX ".exchange."

uint64_t mr_crossing_epoch(const mr_transplant_task *task)
{
    if (task->last != NULL)
        return task->last->epoch + 1;
    return task->record->epoch > 0 ? task->record->epoch : 1;
}

const char *mr_crossing_topic(const char *job, const mr_exchange *exchange, mr_arena *arena)
{
    const char *suffix = strstr(exchange->topic, INFIX); /* a job may have one in its name */
    for (const char *next = suffix; next != NULL; next = strstr(next + 1, INFIX))
        suffix = next;
    return mr_arena_printf(arena, "%s%s", job, suffix != NULL ? suffix : "");
}

/* The frames of one channel that were not heard. */
static mr_status send(const mr_transplant *t, const mr_heard *from, uint32_t downstream,
                      const char *topic, mr_log_writer *writer, bool *has_any, mr_error *err)
{
    mr_buffer frame = {0};
    mr_status status = MR_OK;
    uint64_t epoch, number;
    while (status == MR_OK && t->flight != NULL &&
           mr_spool_peek(t->flight, from->exchange, from->upstream, downstream, &epoch, &number)) {
        bool was_heard = from->is_heard &&
                         (epoch < from->epoch || (epoch == from->epoch && number <= from->number));
        mr_buffer_clear(&frame);
        status = mr_spool_take(t->flight, from->exchange, from->upstream, downstream, &frame, err);
        if (status != MR_OK || was_heard)
            continue;
        mr_log_record record = {
            .value = frame.data, .value_length = frame.length, .timestamp_ms = MR_TIME_NONE};
        status = writer->class->produce(writer, topic, (int32_t)downstream, &record, 1, err);
        *has_any = true;
    }
    mr_buffer_release(&frame);
    return status;
}

static mr_status cross(const mr_transplant *t, const mr_heard *heard, uint32_t downstream,
                       mr_log_writer *writer, mr_arena *arena, mr_epoch_input *input, mr_error *err)
{
    const mr_exchange *exchange = heard->exchange;
    input->topic = mr_crossing_topic(t->plan->job, exchange, arena);
    mr_status status =
        mr_ask_high(t->log, input->topic, input->partition, &input->offset_next, err);
    mr_receiver *receiver = mr_receiver_new(exchange, downstream);
    if (status == MR_OK && input->place_length > 0)
        status = mr_receiver_load(receiver, input->place, input->place_length, err);
    for (uint32_t u = 0; status == MR_OK && u < exchange->upstreams_count; u++) {
        bool has_any = false;
        status = send(t, &heard[u], downstream, input->topic, writer, &has_any, err);
        if (!has_any)
            mr_receiver_hear_all(receiver, u, mr_crossing_epoch(&t->tasks[heard[u].task]));
    }
    mr_buffer place = {0};
    mr_receiver_save(receiver, &place);
    input->place = mr_arena_copy(arena, place.data, place.length);
    input->place_length = place.length;
    mr_buffer_release(&place);
    mr_receiver_free(receiver);
    return status;
}

/* Those of then are another job's, or were made anew since: what lay there is sent again. */
static mr_status identify(const mr_transplant *t, const mr_plan *stage, mr_arena *arena,
                          mr_epoch_record *record, mr_error *err)
{
    uint32_t count;
    const mr_exchange **list = mr_plan_exchanges(stage, arena, &count);
    const char **topics = mr_arena_alloc(arena, (count + 1) * sizeof *topics);
    mr_topic_id *ids = mr_arena_alloc(arena, (count + 1) * sizeof *ids);
    for (uint32_t i = 0; i < count; i++)
        topics[i] = mr_crossing_topic(t->plan->job, list[i], arena);
    mr_status status = count > 0 ? mr_ask_topic_ids(t->log, topics, count, ids, err) : MR_OK;
    if (status == MR_OK)
        mr_epoch_record_identify(record, topics, ids, count, arena);
    return status;
}

mr_status mr_crossing_write(const mr_transplant *t, uint32_t index, mr_log_writer *writer,
                            mr_arena *arena, mr_epoch_record *record, mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(t->plan, index);
    mr_moments m = {.plan = t->plan};
    mr_heard *heard;
    uint32_t count, at = 0;
    mr_status status = identify(t, stage, arena, record, err);
    if (status == MR_OK)
        status = mr_cut_heard(&m, index, record, arena, &heard, &count, err);
    if (status != MR_OK || count == 0)
        return status;
    record->inputs =
        mr_arena_copy(arena, record->inputs, record->inputs_count * sizeof *record->inputs);
    for (uint32_t s = 0; status == MR_OK && s < stage->sources_count; s++) {
        const mr_exchange *exchange = stage->sources[s].exchange;
        for (uint32_t i = 0; status == MR_OK && exchange != NULL && i < record->inputs_count; i++)
            if (strcmp(record->inputs[i].source, stage->sources[s].table) == 0)
                status = cross(t, &heard[at], index - stage->first_task, writer, arena,
                               &record->inputs[i], err);
        at += exchange != NULL ? exchange->upstreams_count : 0;
    }
    return status;
}
