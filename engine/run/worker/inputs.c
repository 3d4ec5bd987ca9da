/* Finding source partitions, placing them at their positions. */
#include "engine/run/worker/private.h"

#include "engine/base/assert.h"
#include "engine/run/start.h"

#include <inttypes.h>
#include <stdlib.h>

void mr_worker_add_partition(mr_worker *worker, mr_worker_partition partition)
{
    uint32_t n = worker->partitions_count;
    if ((n & (n - 1)) == 0) {
        mr_worker_partition *grown =
            realloc(worker->partitions, (n == 0 ? 1 : n * 2) * sizeof *grown);
        MR_ASSERT(grown != NULL);
        worker->partitions = grown;
    }
    worker->partitions[worker->partitions_count++] = partition;
}

static mr_status find_in_log(mr_worker *worker, uint32_t s, mr_error *err)
{
    const mr_plan_source *source = &worker->plan->sources[s];
    mr_log *log = worker->config.log;
    if (source->exchange != NULL) { /* the plan knows */
        for (uint32_t d = 0; d < source->exchange->downstreams_count; d++)
            mr_worker_add_partition(worker, (mr_worker_partition){.source = s,
                                                                  .topic = source->exchange->topic,
                                                                  .partition = (int32_t)d});
        return MR_OK;
    }
    for (uint32_t t = 0; t < source->topics_count; t++) {
        mr_topic_facts facts;
        mr_status status = log->class->describe(log, source->topics[t], &facts, err);
        if (status != MR_OK)
            return status;
        if (!facts.exists)
            return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                                "topic `%s` of table `%s` does not exist; create it, or run with "
                                "--create-topics",
                                source->topics[t], source->table);
        for (int32_t p = 0; p < facts.partitions; p++)
            mr_worker_add_partition(
                worker,
                (mr_worker_partition){.source = s, .topic = source->topics[t], .partition = p});
    }
    return MR_OK;
}

mr_status mr_worker_find_partitions(mr_worker *worker, mr_error *err)
{
    uint32_t reader = 1;
    for (uint32_t s = 0; s < worker->plan->sources_count; s++) {
        const mr_plan_source *source = &worker->plan->sources[s];
        mr_status status = MR_OK;
        if (source->reader == NULL) {
            status = find_in_log(worker, s, err);
        } else {
            const char **names = NULL;
            uint32_t count = 0;
            status = source->reader->splits(source->reader->config,
                                            mr_plan_of_source(worker->plan, s)->tasks_count,
                                            &worker->arena, &names, &count, err);
            for (uint32_t i = 0; status == MR_OK && i < count; i++)
                mr_worker_add_partition(worker, (mr_worker_partition){.source = s,
                                                                      .reader = reader,
                                                                      .topic = names[i],
                                                                      .partition = (int32_t)i});
            reader++;
        }
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

mr_status mr_worker_open_readers(mr_worker *worker, mr_error *err)
{
    const mr_plan *plan = worker->plan;
    worker->readers =
        mr_arena_zalloc(&worker->arena, plan->sources_count + 1, sizeof(mr_log_reader *));
    worker->readers_count = 1;
    bool uses_log = false;
    for (uint32_t s = 0; s < plan->sources_count; s++)
        uses_log = uses_log || plan->sources[s].reader == NULL;
    mr_status status = MR_OK;
    if (uses_log)
        status =
            worker->config.log->class->open_reader(worker->config.log, &worker->readers[0], err);
    for (uint32_t s = 0; status == MR_OK && s < plan->sources_count; s++)
        if (plan->sources[s].reader != NULL)
            status = plan->sources[s].reader->open(plan->sources[s].reader->config,
                                                   mr_plan_of_source(plan, s)->tasks_count,
                                                   &worker->readers[worker->readers_count++], err);
    for (uint32_t r = 0; status != MR_OK && r < worker->readers_count; r++)
        if (worker->readers[r] != NULL)
            worker->readers[r]->class->close(worker->readers[r]);
    if (status != MR_OK) { /* the next try opens them all */
        worker->readers = NULL;
        worker->readers_count = 0;
    }
    return status;
}

/* A share of a folder stands in one of its files: `topic` is that file then. */
static bool is_of(const char *topic, const mr_worker_partition *at)
{
    size_t length = strlen(at->topic);
    return strncmp(topic, at->topic, length) == 0 &&
           (topic[length] == '\0' || (at->reader != 0 && topic[length] == '/'));
}

static const mr_epoch_input *find_position(const mr_epoch_record *record, const char *source,
                                           const mr_worker_partition *at)
{
    for (uint32_t i = 0; i < record->inputs_count; i++)
        if (strcmp(record->inputs[i].source, source) == 0 && is_of(record->inputs[i].topic, at) &&
            record->inputs[i].partition == at->partition)
            return &record->inputs[i];
    return NULL;
}

mr_status mr_worker_find_bound(mr_worker *worker, const mr_worker_partition *at, int64_t *bound,
                               mr_error *err)
{
    const mr_plan_source *source = &worker->plan->sources[at->source];
    mr_log *log = worker->config.log;
    *bound = -1;
    if (source->reader != NULL || source->exchange != NULL)
        return MR_OK; /* the reader itself knows its end; frames say it */
    mr_bound_mode mode = worker->config.is_bounded ? MR_BOUND_LATEST : source->bound.mode;
    switch (mode) {
    case MR_BOUND_NONE: return MR_OK;
    case MR_BOUND_LATEST:
        return log->class->offset(log, at->topic, at->partition, MR_OFFSET_LATEST, bound, err);
    case MR_BOUND_GROUP_OFFSETS: {
        const char *group = source->start.group != NULL ? source->start.group : worker->plan->job;
        return mr_start_of_group(log, group, at->topic, at->partition, bound, err);
    }
    case MR_BOUND_TIMESTAMP:
        return log->class->offset_at(log, at->topic, at->partition, source->bound.timestamp_ms,
                                     bound, err);
    case MR_BOUND_SPECIFIC:
        for (uint32_t i = 0; i < source->bound.specific_count; i++)
            if (source->bound.specific[i].partition == at->partition)
                *bound = source->bound.specific[i].offset;
        return MR_OK;
    }
    return MR_OK;
}

mr_status mr_worker_find_bounds(mr_worker *worker, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < worker->partitions_count; i++)
        status =
            mr_worker_find_bound(worker, &worker->partitions[i], &worker->partitions[i].bound, err);
    return status;
}

static mr_status place(mr_worker *worker, mr_worker_task *at, const mr_worker_partition *partition,
                       const mr_recovered *recovered, mr_error *err)
{
    const mr_plan *stage = mr_plan_of_task(worker->plan, at->index);
    uint32_t source = partition->source - stage->first_source;
    const char *table = stage->sources[source].table;
    mr_epoch_input input = {.source = table,
                            .topic = partition->topic,
                            .partition = partition->partition,
                            .watermark = {.value_ms = MR_TIME_NONE}};
    const mr_epoch_input *known = NULL;
    bool is_known_task = recovered != NULL && (recovered->has_epoch || recovered->has_claim);
    if (recovered != NULL && recovered->has_epoch)
        known = find_position(&recovered->epoch, table, partition);
    if ((known == NULL || known->offset_next < 0) && recovered != NULL && recovered->has_claim)
        known = find_position(&recovered->claim, table, partition);
    mr_status status = MR_OK;
    if (known != NULL && known->offset_next >= 0) {
        input.topic = known->topic;
        input.place = known->place;
        input.place_length = known->place_length;
        input.offset_next = known->offset_next;
        input.watermark = known->watermark;
        input.is_ended = known->is_ended;
    } else if (is_known_task && known == NULL && stage->sources[source].reader == NULL) {
        /* A partition added since: nothing of it was read. It starts at the watermark of its
         * table, and is idle until it has a row: it neither holds it nor pulls it back. */
        if (recovered->has_epoch && recovered->epoch.sources_count == stage->sources_count)
            input.watermark.value_ms = recovered->epoch.source_watermarks_ms[source];
        input.watermark.is_idle = true;
        status = worker->config.log->class->offset(worker->config.log, partition->topic,
                                                   partition->partition, MR_OFFSET_EARLIEST,
                                                   &input.offset_next, err);
    } else if (stage->sources[source].reader == NULL) {
        status = mr_start_find(worker->config.log, worker->plan->job, &stage->sources[source].start,
                               partition->topic, partition->partition, &input.offset_next, err);
    }
    if (worker->config.sabotage.ignore_journal)
        input.watermark = (mr_watermark){.value_ms = MR_TIME_NONE};
    if (status != MR_OK)
        return status;
    uint32_t number = mr_task_add_input(at->task, &input, source);
    mr_task_input_at(at->task, number)->bound = partition->bound;
    worker->slots[at->first_slot + at->slots_count++] =
        (mr_worker_slot){.task = (uint32_t)(at - worker->tasks),
                         .input = number,
                         .reader = partition->reader,
                         .partition = (uint32_t)(partition - worker->partitions),
                         .is_waiting = true,
                         .wait_until = -1,
                         .placed = input.offset_next,
                         .known_end = -1,
                         .lag = -1};
    return MR_OK;
}

static bool is_input_of(const mr_worker *worker, uint32_t partition, uint32_t index)
{
    const mr_worker_partition *at = &worker->partitions[partition];
    return mr_plan_owner(worker->plan, at->source, at->partition) == index;
}

/* Where `count` slots are free in a row, else at the end. */
static uint32_t find_slots(mr_worker *worker, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t run = 0; first + run < worker->slots_count && run < count;) {
        if (worker->slots[first + run].task == MR_WORKER_NO_TASK) {
            run++;
        } else {
            first += run + 1;
            run = 0;
        }
    }
    uint32_t needed = first + count;
    if (needed > worker->slots_capacity) {
        while (needed > worker->slots_capacity)
            worker->slots_capacity = worker->slots_capacity != 0 ? worker->slots_capacity * 2 : 16;
        worker->slots = realloc(worker->slots, worker->slots_capacity * sizeof *worker->slots);
        MR_ASSERT(worker->slots != NULL);
    }
    for (; worker->slots_count < needed; worker->slots_count++)
        worker->slots[worker->slots_count] = (mr_worker_slot){.task = MR_WORKER_NO_TASK};
    return first;
}

mr_status mr_worker_place_inputs(mr_worker *worker, uint32_t task, const mr_recovered *recovered,
                                 mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    mr_status status = MR_OK;
    /* Left out, its position would be missing from our next record, and be its start again. */
    if (recovered != NULL && recovered->has_epoch)
        status = mr_worker_learn_inputs(worker, at->index, &recovered->epoch, err);
    if (status == MR_OK && recovered != NULL && recovered->has_claim)
        status = mr_worker_learn_inputs(worker, at->index, &recovered->claim, err);
    if (status != MR_OK)
        return status;
    uint32_t count = 0;
    for (uint32_t i = 0; i < worker->partitions_count; i++)
        count += is_input_of(worker, i, at->index);
    at->first_slot = find_slots(worker, count);
    at->slots_count = 0;
    for (uint32_t i = 0; status == MR_OK && i < worker->partitions_count; i++)
        if (is_input_of(worker, i, at->index))
            status = place(worker, at, &worker->partitions[i], recovered, err);
    return status;
}

/* An input that was idle may be left so only where nothing has come since: else what has piled up
 * on it would be overtaken by the others and be late. The next offset may stand in front of
 * markers, and a transaction may be open; such an input counts until it is proven idle once
 * more. */
static mr_status wake_idle(mr_worker *worker, mr_task *task, mr_log_ends *ends,
                           const uint32_t *inputs, uint32_t count, mr_error *err)
{
    mr_log *log = worker->config.log;
    mr_status status = count > 0 ? log->class->ends(log, ends, count, err) : MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < count; i++)
        if (ends[i].stable < ends[i].high ||
            ends[i].stable > mr_task_input_at(task, inputs[i])->offset_next)
            mr_task_on_awake(task, inputs[i]);
    return status;
}

/* Had all inputs of the source ended? Then its operators were told so, and may have closed what
 * more rows would belong to. That is not taken back: a run that goes further would find all of
 * these late, or close windows twice. */
static bool has_source_ended(mr_task *task, uint32_t source)
{
    for (uint32_t i = 0; i < mr_task_inputs_count(task); i++) {
        const mr_task_input *input = mr_task_input_at(task, i);
        if (input->source == source && !input->is_ended)
            return false;
    }
    return true;
}

/* An input at the bound of a run that was interrupted, and this run goes further. */
static void wake_ended(mr_worker *worker, const mr_worker_task *at, uint32_t number)
{
    const mr_task_input *input = mr_task_input_at(at->task, number);
    if (!has_source_ended(at->task, input->source))
        mr_task_on_awake(at->task, number);
    else
        mr_logger_line(worker->config.logger, MR_LOG_WARN,
                       "a bounded run had come to its end here when it was interrupted: it is "
                       "finished, what follows stays unread (--reset starts anew) job=%s "
                       "task=%" PRIu32 " at=%s[%" PRId32 "]@%" PRId64,
                       worker->plan->job, at->index, input->topic, input->partition,
                       input->offset_next);
}

mr_status mr_worker_wake_inputs(mr_worker *worker, uint32_t number, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[number];
    mr_task *task = at->task;
    if (worker->config.is_settling)
        return MR_OK; /* none is read */
    mr_arena arena = {0};
    mr_log_ends *ends = mr_arena_alloc(&arena, (at->slots_count + 1) * sizeof *ends);
    uint32_t *inputs = mr_arena_alloc(&arena, (at->slots_count + 1) * sizeof *inputs);
    uint32_t count = 0;
    for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        const mr_task_input *input = mr_task_input_at(task, slot->input);
        bool is_of_log = slot->reader == 0;
        if (mr_worker_exchange_of(worker, slot) != NULL)
            continue; /* idle and ended are what its frames say */
        if (input->is_ended) {
            if (is_of_log && !at->is_kept &&
                (input->bound < 0 || input->bound > input->offset_next))
                wake_ended(worker, at, slot->input);
        } else if (input->watermark.is_idle && is_of_log) {
            inputs[count] = slot->input;
            ends[count++] = (mr_log_ends){.topic = input->topic, .partition = input->partition};
        } else if (input->watermark.is_idle) { /* only its reader knows, and when it has begun */
            mr_task_on_awake(task, slot->input);
        }
    }
    mr_status status = wake_idle(worker, task, ends, inputs, count, err);
    mr_arena_release(&arena);
    return status;
}

mr_status mr_worker_bound_inputs(mr_worker *worker, mr_error *err)
{
    worker->config.is_bounded = true;
    mr_status status = mr_worker_find_bounds(worker, err);
    if (status != MR_OK) {
        worker->config.is_bounded = false; /* asked once more */
        return status;
    }
    for (uint32_t i = 0; i < worker->slots_count; i++) {
        const mr_worker_slot *slot = &worker->slots[i];
        mr_task *task = mr_worker_task_of(worker, slot);
        if (task != NULL)
            mr_task_input_at(task, slot->input)->bound = worker->partitions[slot->partition].bound;
    }
    worker->is_watchful = mr_worker_is_watchful(worker);
    return MR_OK;
}

mr_status mr_worker_start_inputs(mr_worker *worker, uint32_t task, mr_error *err)
{
    mr_worker_task *at = &worker->tasks[task];
    for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        const mr_task_input *input = mr_task_input_at(at->task, slot->input);
        /* An upstream that had ended may go on in a run that goes further: its rows are late
         * then. */
        bool is_table = mr_worker_exchange_of(worker, slot) == NULL;
        if (is_table && (input->is_ended || worker->config.is_settling))
            continue;
        mr_log_reader *reader = worker->readers[slot->reader];
        mr_status status =
            reader->class->add(reader, i, input->topic, input->partition, input->offset_next, err);
        if (status == MR_OK && reader->class->resume != NULL)
            status = reader->class->resume(reader, i, input->place.data, input->place.length, err);
        if (status != MR_OK)
            return status;
        slot->is_open = true;
    }
    return MR_OK;
}

void mr_worker_stop_inputs(mr_worker *worker, uint32_t task)
{
    mr_error ignored;
    mr_worker_task *at = &worker->tasks[task];
    for (uint32_t i = at->first_slot; i < at->first_slot + at->slots_count; i++) {
        mr_worker_slot *slot = &worker->slots[i];
        mr_log_reader *reader = worker->readers[slot->reader];
        /* What fails here is the log's own trouble: the next `add` will meet it again. */
        if (slot->is_open)
            (void)!reader->class->remove(reader, i, &ignored);
        *slot = (mr_worker_slot){.task = MR_WORKER_NO_TASK};
    }
    at->slots_count = 0;
    while (worker->slots_count > 0 &&
           worker->slots[worker->slots_count - 1].task == MR_WORKER_NO_TASK)
        worker->slots_count--;
}
