#include "connectors/memory/connection.h"

#include "connectors/memory/broker/grow.h"
#include "engine/base/assert.h"

#include <inttypes.h>
#include <string.h>

typedef struct reader_input {
    uint32_t input;
    int32_t partition;
    mr_memory_topic *topic; /* counted; NULL: missing when it was added */
    char *topic_name;
    int64_t position;
    int64_t stalled_until_us;
    bool is_paused;
} reader_input;

typedef struct mr_memory_reader {
    mr_log_reader reader;
    mr_memory_log *log;
    reader_input *input;
    uint32_t inputs_count;
    uint32_t inputs_capacity;
    uint32_t turn;           /* whose turn it is */
    mr_memory_segment *held; /* what was fetched last lives there */
    mr_record *record;
    const mr_memory_entry **entry;
    uint32_t records_max;
} mr_memory_reader;

static mr_memory_reader *self_of(mr_log_reader *reader)
{
    return (mr_memory_reader *)reader;
}

static reader_input *find_input(mr_memory_reader *self, uint32_t input)
{
    for (uint32_t i = 0; i < self->inputs_count; i++)
        if (self->input[i].input == input)
            return &self->input[i];
    return NULL;
}

static mr_memory_partition *partition_of(const reader_input *input)
{
    if (input->topic == NULL || input->topic->is_deleted ||
        input->partition >= input->topic->partitions_count)
        return NULL;
    return &input->topic->partition[input->partition];
}

static mr_status add(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    mr_memory_reader *self = self_of(reader);
    mr_status status = mr_memory_enter(self->log, "reader.add", err);
    if (status != MR_OK)
        return status;
    MR_ASSERT(find_input(self, input) == NULL);
    self->input = mr_memory_grow(self->input, self->inputs_count, &self->inputs_capacity,
                                 sizeof *self->input);
    reader_input *fresh = &self->input[self->inputs_count++];
    *fresh = (reader_input){.input = input, .partition = partition, .position = offset};
    fresh->topic = mr_memory_cluster_topic(self->log->cluster, topic);
    fresh->topic_name = strdup(topic);
    if (fresh->topic != NULL)
        mr_memory_topic_ref(fresh->topic);
    const mr_memory_partition *found = partition_of(fresh);
    if (found != NULL && offset == MR_OFFSET_EARLIEST)
        fresh->position = found->start;
    if (found != NULL && offset == MR_OFFSET_LATEST)
        fresh->position = mr_memory_partition_stable_end(found);
    return mr_memory_leave(self->log, MR_OK, err);
}

static void drop_held(mr_memory_reader *self)
{
    if (self->held != NULL)
        mr_memory_segment_unref(self->held);
    self->held = NULL;
}

static void release_input(reader_input *input)
{
    if (input->topic != NULL)
        mr_memory_topic_unref(input->topic);
    free(input->topic_name);
}

static mr_status remove_input(mr_log_reader *reader, uint32_t input, mr_error *err)
{
    mr_memory_reader *self = self_of(reader);
    mr_status status = mr_memory_enter(self->log, "reader.remove", err);
    if (status != MR_OK)
        return status;
    drop_held(self);
    reader_input *found = find_input(self, input);
    MR_ASSERT(found != NULL);
    release_input(found);
    size_t behind = (size_t)(&self->input[self->inputs_count] - (found + 1));
    memmove(found, found + 1, behind * sizeof *found);
    self->inputs_count--;
    return mr_memory_leave(self->log, MR_OK, err);
}

static mr_status check_range(const reader_input *input, const mr_memory_partition *partition,
                             mr_error *err)
{
    if (partition == NULL)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s has no partition %d",
                            input->topic_name, input->partition);
    if (input->position < partition->start || input->position > partition->end)
        return mr_error_set(err, MR_E_KAFKA_OFFSET_LOST,
                            "%s[%d]@%" PRId64 ": the log holds %" PRId64 " to %" PRId64,
                            input->topic_name, input->partition, input->position, partition->start,
                            partition->end);
    return MR_OK;
}

static const mr_header *headers_of(const mr_records *records, uint32_t i, mr_arena *arena,
                                   uint32_t *count)
{
    (void)arena;
    const mr_memory_reader *self = records->owner;
    *count = self->entry[i]->headers_count;
    return self->entry[i]->headers;
}

static void reserve(mr_memory_reader *self, uint32_t rows_max)
{
    if (self->records_max >= rows_max)
        return;
    self->record = realloc(self->record, rows_max * sizeof *self->record);
    self->entry = realloc(self->entry, rows_max * sizeof *self->entry);
    if (self->record == NULL || self->entry == NULL)
        abort();
    self->records_max = rows_max;
}

/* Takes committed records of one segment from the input's position on. A fetch never spans
 * segments: that makes one count enough to hold what it returned, and a segment is as large as a
 * batch. */
static uint32_t take(mr_memory_reader *self, reader_input *input,
                     const mr_memory_partition *partition, uint32_t rows_max)
{
    int64_t limit = mr_memory_partition_stable_end(partition);
    input->position = mr_memory_partition_skip(partition, input->position, limit);
    mr_memory_segment *segment = mr_memory_partition_segment(partition, input->position);
    if (segment == NULL || input->position >= limit)
        return 0;
    int64_t segment_end = segment->base + segment->count;
    uint32_t end = (uint32_t)((limit < segment_end ? limit : segment_end) - segment->base);
    uint32_t i = (uint32_t)(input->position - segment->base);
    uint32_t count = 0;
    for (; i < end && count < rows_max; i++) {
        const mr_memory_entry *entry = &segment->entry[i];
        if (entry->kind != MR_MEMORY_DATA)
            continue;
        self->record[count] = entry->record;
        self->entry[count++] = entry;
    }
    input->position = mr_memory_partition_skip(partition, segment->base + (int64_t)i, limit);
    mr_memory_segment_ref(segment);
    self->held = segment;
    return count;
}

static bool is_silent(mr_memory_reader *self, reader_input *input, int64_t now_us)
{
    mr_memory_process *process = self->log->process;
    if (input->is_paused || process->unreachable_until_us > now_us)
        return true;
    if (input->stalled_until_us <= now_us &&
        mr_memory_draw(process, process->faults.stall, "stall"))
        input->stalled_until_us =
            now_us + (int64_t)mr_memory_draw_below(process, (uint64_t)process->faults.stall_us_max);
    return input->stalled_until_us > now_us;
}

/* Serves the next input that has something. */
static mr_status take_next(mr_memory_reader *self, uint32_t rows_max, mr_records *records,
                           mr_error *err)
{
    int64_t now_us = mr_memory_cluster_now_us(self->log->cluster);
    for (uint32_t n = 0; n < self->inputs_count; n++) {
        reader_input *input = &self->input[(self->turn + n) % self->inputs_count];
        if (is_silent(self, input, now_us))
            continue;
        const mr_memory_partition *partition = partition_of(input);
        mr_status status = check_range(input, partition, err);
        if (status != MR_OK)
            return status;
        uint32_t count = take(self, input, partition, rows_max);
        if (count == 0)
            continue;
        self->turn = (self->turn + n + 1) % self->inputs_count;
        records->input = input->input;
        records->topic = input->topic_name;
        records->partition = input->partition;
        records->count = count;
        return MR_OK;
    }
    return MR_OK;
}

/* The next moment at which an input may speak again, besides changes in the cluster. */
static int64_t next_change_us(const mr_memory_reader *self, int64_t until_us)
{
    int64_t now_us = mr_memory_cluster_now_us(self->log->cluster);
    int64_t next_us = until_us;
    int64_t back_us = self->log->process->unreachable_until_us;
    if (back_us > now_us && back_us < next_us)
        next_us = back_us;
    for (uint32_t i = 0; i < self->inputs_count; i++) {
        int64_t stalled_us = self->input[i].stalled_until_us;
        if (stalled_us > now_us && stalled_us < next_us)
            next_us = stalled_us;
    }
    return next_us;
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    mr_memory_reader *self = self_of(reader);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "reader.fetch", err);
    if (status != MR_OK)
        return status;
    drop_held(self);
    reserve(self, rows_max);
    *records = (mr_records){
        .input = MR_INPUT_NONE, .record = self->record, .headers = headers_of, .owner = self};
    if (mr_memory_draw(log->process, log->process->faults.fetch_error, "fetch error")) {
        status = mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                       "fetch: no answer from the broker");
        return mr_memory_leave(log, status, err);
    }
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + timeout_ms * INT64_C(1000);
    for (;;) {
        status = take_next(self, rows_max, records, err);
        if (status != MR_OK || records->count > 0 ||
            mr_memory_cluster_now_us(log->cluster) >= until_us)
            break;
        (void)mr_memory_cluster_wait(log->cluster, next_change_us(self, until_us));
    }
    return mr_memory_leave(log, status, err);
}

static mr_status pause_input(mr_log_reader *reader, uint32_t input, bool is_paused, mr_error *err)
{
    mr_memory_reader *self = self_of(reader);
    mr_status status = mr_memory_enter(self->log, "reader.pause", err);
    if (status != MR_OK)
        return status;
    reader_input *found = find_input(self, input);
    MR_ASSERT(found != NULL);
    found->is_paused = is_paused;
    return mr_memory_leave(self->log, MR_OK, err);
}

static mr_status ends(mr_log_reader *reader, uint32_t input, int32_t timeout_ms,
                      mr_input_ends *result, mr_error *err)
{
    mr_memory_reader *self = self_of(reader);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "reader.ends", err);
    if (status != MR_OK)
        return status;
    reader_input *found = find_input(self, input);
    MR_ASSERT(found != NULL);
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + timeout_ms * INT64_C(1000);
    if (mr_memory_draw(log->process, log->process->faults.fetch_error, "ends error") ||
        !mr_memory_await_broker(log, until_us, NULL)) {
        status = mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                       "%s[%d]: ends not known within %d ms", found->topic_name,
                                       found->partition, timeout_ms);
        return mr_memory_leave(log, status, err);
    }
    const mr_memory_partition *partition = partition_of(found);
    status = check_range(found, partition, err);
    if (status == MR_OK) {
        int64_t stable_end = mr_memory_partition_stable_end(partition);
        found->position = mr_memory_partition_skip(partition, found->position, stable_end);
        *result = (mr_input_ends){
            .position = found->position,
            .start = partition->start,
            .stable_end = stable_end,
            .high_end = partition->end,
            .is_paused = found->is_paused,
        };
    }
    return mr_memory_leave(log, status, err);
}

static void close_reader(mr_log_reader *reader)
{
    mr_memory_reader *self = self_of(reader);
    mr_memory_log *log = self->log;
    (void)mr_memory_close_begin(log, "reader.close");
    drop_held(self);
    for (uint32_t i = 0; i < self->inputs_count; i++)
        release_input(&self->input[i]);
    free(self->input);
    free(self->record);
    free(self->entry);
    free(self);
    mr_memory_close_end(log);
}

static const mr_reader_class reader_class = {
    .add = add,
    .remove = remove_input,
    .fetch = fetch,
    .pause = pause_input,
    .ends = ends,
    .close = close_reader,
};

mr_status mr_memory_reader_open(mr_memory_log *log, mr_log_reader **reader, mr_error *err)
{
    mr_memory_reader *self = calloc(1, sizeof *self);
    if (self == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for a reader");
    self->reader.class = &reader_class;
    self->log = log;
    *reader = &self->reader;
    return MR_OK;
}
