/*
 * Words from outside: the topic `<job>.control`, one partition, kept for a day.
 *
 *   v1|checkpoint|<what the asker likes>     every task takes a checkpoint now
 *   v1|failed|<task>|<code>|<why>            a worker's answer: that one did not come about
 *
 * Every worker that takes checkpoints reads it beside its inputs, from where it ended when the
 * worker began to listen: who asks and gets no answer asks again. What it does not understand it
 * passes over.
 */
#include "engine/run/worker/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LISTEN_AGAIN_US INT64_C(10000000)
#define CHECKPOINT_WORD "v1|checkpoint|"

static mr_status open_topic(mr_worker *worker, const char *topic, mr_error *err)
{
    static const char *const configs[] = {"cleanup.policy", "delete", "retention.ms", "86400000",
                                          NULL};
    mr_log *log = worker->config.log;
    mr_log_reader *reader = worker->readers[0];
    mr_topic_facts facts;
    mr_status status = log->class->describe(log, topic, &facts, err);
    if (status == MR_OK && !facts.exists)
        status = log->class->create_topic(log, topic, 1, configs, err);
    if (status == MR_E_KAFKA_TOPIC_EXISTS) /* another worker was faster */
        status = MR_OK;
    if (status == MR_OK)
        status =
            reader->class->add(reader, MR_WORKER_CONTROL_INPUT, topic, 0, MR_OFFSET_LATEST, err);
    return status;
}

/* A job without it goes on: nobody can ask it for checkpoints then. */
mr_status mr_worker_listen(mr_worker *worker, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    int64_t now_us = mr_worker_now_us(worker);
    if (c->is_listening || now_us < c->listen_due_us || worker->readers[0] == NULL)
        return MR_OK;
    c->listen_due_us = now_us + LISTEN_AGAIN_US;
    const char *topic = mr_arena_printf(&worker->arena, "%s.control", worker->plan->job);
    mr_error why;
    mr_status status = open_topic(worker, topic, &why);
    if (status == MR_E_CRASHED) {
        *err = why;
        return status;
    }
    c->is_listening = status == MR_OK;
    if (status != MR_OK)
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "nobody can ask for checkpoints yet job=%s topic=%s code=MR%d reason=\"%s\"",
                       worker->plan->job, topic, status, why.message);
    return MR_OK;
}

/* Sent when the client sees fit: who does not hear it waits, as for a worker that died. */
mr_status mr_worker_answer(mr_worker *worker, uint32_t task, const mr_error *why, mr_error *err)
{
    mr_worker_checkpointing *c = &worker->checkpointing;
    mr_log *log = worker->config.log;
    char topic[256], text[MR_ERROR_MESSAGE_MAX + 64];
    snprintf(topic, sizeof topic, "%s.control", worker->plan->job);
    snprintf(text, sizeof text, MR_WORKER_FAILED_WORD "%" PRIu32 "|%d|%s", task, why->status,
             why->message);
    mr_log_record record = {
        .value = text, .value_length = strlen(text), .timestamp_ms = MR_TIME_NONE};
    mr_status status = MR_OK;
    if (c->answers == NULL)
        status = log->class->open_writer(log, &(mr_writer_options){0}, &c->answers, err);
    if (status == MR_OK)
        status = c->answers->class->produce(c->answers, topic, 0, &record, 1, err);
    return status == MR_E_CRASHED ? status : MR_OK;
}

void mr_worker_hear(mr_worker *worker, mr_records *records)
{
    if (records->count == 0 || records->input != MR_WORKER_CONTROL_INPUT)
        return;
    for (uint32_t i = 0; i < records->count; i++) {
        const mr_record *record = &records->record[i];
        size_t length = strlen(CHECKPOINT_WORD);
        if (record->value == NULL || record->value_length < length ||
            memcmp(record->value, CHECKPOINT_WORD, length) != 0)
            continue;
        for (uint32_t t = 0; t < worker->tasks_count; t++)
            worker->tasks[t].is_wanted = true;
    }
    records->count = 0;
}
