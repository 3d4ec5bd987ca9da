#include "connectors/memory/broker/partition.h"

#include "connectors/memory/broker/grow.h"

#include <stdlib.h>
#include <string.h>

/* Segments begin small because a simulated cluster has hundreds of nearly empty partitions. */
#define SEGMENT_RECORDS_MIN 64u
#define SEGMENT_RECORDS_MAX 4096u
/* A segment is left early once its bytes would keep a trimmed log from giving memory back. */
#define SEGMENT_BYTES_MAX ((size_t)8 << 20)

void mr_memory_segment_ref(mr_memory_segment *segment)
{
    atomic_fetch_add(&segment->refs, 1);
}

void mr_memory_segment_unref(mr_memory_segment *segment)
{
    if (atomic_fetch_sub(&segment->refs, 1) != 1)
        return;
    mr_arena_release(&segment->bytes);
    free(segment);
}

void mr_memory_partition_release(mr_memory_partition *partition)
{
    for (uint32_t i = 0; i < partition->segments_count; i++)
        mr_memory_segment_unref(partition->segment[i]);
    free(partition->segment);
    free(partition->open);
    free(partition->sequence);
    *partition = (mr_memory_partition){0};
}

static mr_memory_segment *new_segment(uint32_t capacity, int64_t base)
{
    size_t size = sizeof(mr_memory_segment) + capacity * sizeof(mr_memory_entry);
    mr_memory_segment *segment = malloc(size);
    if (segment == NULL)
        abort();
    segment->refs = 1;
    segment->count = 0;
    segment->capacity = capacity;
    segment->base = base;
    mr_arena_init(&segment->bytes, 0, NULL, MR_BUDGET_KAFKA);
    return segment;
}

static mr_memory_segment *tail(mr_memory_partition *partition)
{
    mr_memory_segment *last = NULL;
    if (partition->segments_count > 0)
        last = partition->segment[partition->segments_count - 1];
    if (last != NULL && last->count < last->capacity && last->bytes.bytes < SEGMENT_BYTES_MAX)
        return last;
    uint32_t capacity = last != NULL ? last->capacity * 2 : SEGMENT_RECORDS_MIN;
    if (capacity > SEGMENT_RECORDS_MAX)
        capacity = SEGMENT_RECORDS_MAX;
    partition->segment = mr_memory_grow(partition->segment, partition->segments_count,
                                        &partition->segments_capacity, sizeof(mr_memory_segment *));
    last = new_segment(capacity, partition->end);
    partition->segment[partition->segments_count++] = last;
    return last;
}

static mr_memory_entry *push(mr_memory_partition *partition, mr_memory_segment *segment)
{
    mr_memory_entry *entry = &segment->entry[segment->count++];
    *entry = (mr_memory_entry){.record.offset = partition->end++, .producer_id = -1};
    return entry;
}

static const char *copy_bytes(mr_arena *arena, const char *bytes, size_t length)
{
    return bytes != NULL ? mr_arena_copy(arena, bytes, length) : NULL;
}

static void copy_headers(mr_arena *arena, mr_memory_entry *entry, const mr_log_record *record)
{
    mr_header *copy = mr_arena_alloc(arena, record->headers_count * sizeof *copy);
    for (uint32_t i = 0; i < record->headers_count; i++) {
        const mr_header *header = &record->headers[i];
        copy[i].name = mr_arena_string(arena, header->name, strlen(header->name));
        copy[i].value = copy_bytes(arena, header->value, header->value_length);
        copy[i].value_length = header->value != NULL ? header->value_length : 0;
    }
    entry->headers = copy;
    entry->headers_count = record->headers_count;
}

static void append_one(mr_memory_partition *partition, int64_t producer_id,
                       const mr_log_record *record, int64_t now_ms)
{
    mr_memory_segment *segment = tail(partition);
    mr_arena *arena = &segment->bytes;
    mr_memory_entry *entry = push(partition, segment);
    bool has_time = record->timestamp_ms != MR_TIME_NONE;
    entry->record.timestamp_ms = has_time ? record->timestamp_ms : now_ms;
    entry->record.timestamp_kind = MR_TIMESTAMP_CREATE;
    entry->record.key_length = record->key != NULL ? (uint32_t)record->key_length : 0;
    entry->record.key = copy_bytes(arena, record->key, record->key_length);
    entry->record.value_length = record->value != NULL ? (uint32_t)record->value_length : 0;
    entry->record.value = copy_bytes(arena, record->value, record->value_length);
    if (record->headers_count > 0)
        copy_headers(arena, entry, record);
    entry->producer_id = producer_id;
}

static mr_memory_sequence *sequence_of(mr_memory_partition *partition, mr_memory_identity identity)
{
    /* The newest producer is nearly always the one that appends. */
    for (uint32_t i = partition->sequences_count; i-- > 0;) {
        mr_memory_sequence *known = &partition->sequence[i];
        if (known->producer_id != identity.producer_id)
            continue;
        if (known->epoch != identity.epoch)
            *known = (mr_memory_sequence){identity.producer_id, identity.epoch, 0, -1};
        return known;
    }
    partition->sequence =
        mr_memory_grow(partition->sequence, partition->sequences_count,
                       &partition->sequences_capacity, sizeof(mr_memory_sequence));
    mr_memory_sequence *fresh = &partition->sequence[partition->sequences_count++];
    *fresh = (mr_memory_sequence){identity.producer_id, identity.epoch, 0, -1};
    return fresh;
}

static void open_span(mr_memory_partition *partition, int64_t producer_id)
{
    for (uint32_t i = 0; i < partition->open_count; i++)
        if (partition->open[i].producer_id == producer_id)
            return;
    partition->open = mr_memory_grow(partition->open, partition->open_count,
                                     &partition->open_capacity, sizeof(mr_memory_span));
    partition->open[partition->open_count++] = (mr_memory_span){producer_id, partition->end};
}

int64_t mr_memory_partition_append(mr_memory_partition *partition, mr_memory_identity identity,
                                   int64_t sequence, const mr_log_record *records, uint32_t count,
                                   int64_t now_ms)
{
    mr_memory_sequence *known = sequence_of(partition, identity);
    if (sequence < known->next)
        return known->last_offset;
    if (identity.is_transactional)
        open_span(partition, identity.producer_id);
    int64_t owner = identity.is_transactional ? identity.producer_id : -1;
    for (uint32_t i = 0; i < count; i++)
        append_one(partition, owner, &records[i], now_ms);
    known->next = sequence + count;
    known->last_offset = partition->end - 1;
    return known->last_offset;
}

mr_memory_segment *mr_memory_partition_segment(const mr_memory_partition *partition, int64_t offset)
{
    uint32_t low = 0;
    uint32_t high = partition->segments_count;
    if (high == 0 || offset >= partition->end || offset < partition->segment[0]->base)
        return NULL;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (partition->segment[middle]->base <= offset)
            low = middle;
        else
            high = middle;
    }
    return partition->segment[low];
}

static mr_memory_entry *entry_at(const mr_memory_partition *partition, int64_t offset)
{
    mr_memory_segment *segment = mr_memory_partition_segment(partition, offset);
    return segment != NULL ? &segment->entry[offset - segment->base] : NULL;
}

static void mark_aborted(mr_memory_partition *partition, const mr_memory_span *span)
{
    int64_t first = span->first > partition->start ? span->first : partition->start;
    for (int64_t offset = first; offset < partition->end; offset++) {
        mr_memory_entry *entry = entry_at(partition, offset);
        if (entry->producer_id == span->producer_id && entry->kind == MR_MEMORY_DATA)
            entry->kind = MR_MEMORY_ABORTED;
    }
}

void mr_memory_partition_end(mr_memory_partition *partition, int64_t producer_id, bool is_commit,
                             int64_t now_ms)
{
    uint32_t i = 0;
    while (i < partition->open_count && partition->open[i].producer_id != producer_id)
        i++;
    if (i == partition->open_count)
        return;
    if (!is_commit)
        mark_aborted(partition, &partition->open[i]);
    mr_memory_entry *marker = push(partition, tail(partition));
    marker->kind = MR_MEMORY_MARKER;
    marker->record.timestamp_ms = now_ms;
    partition->open[i] = partition->open[--partition->open_count];
}

int64_t mr_memory_partition_stable_end(const mr_memory_partition *partition)
{
    int64_t stable = partition->end;
    for (uint32_t i = 0; i < partition->open_count; i++)
        if (partition->open[i].first < stable)
            stable = partition->open[i].first;
    return stable > partition->start ? stable : partition->start;
}

void mr_memory_partition_trim(mr_memory_partition *partition, int64_t before)
{
    if (before <= partition->start)
        return;
    partition->start = before;
    uint32_t gone = 0;
    while (gone < partition->segments_count) {
        mr_memory_segment *segment = partition->segment[gone];
        /* The newest segment stays even when it is empty of live records: it is the one written
         * to. */
        if (segment->base + segment->count > before || gone + 1 == partition->segments_count)
            break;
        mr_memory_segment_unref(segment);
        gone++;
    }
    partition->segments_count -= gone;
    if (gone > 0)
        memmove(partition->segment, partition->segment + gone,
                partition->segments_count * sizeof *partition->segment);
}

int64_t mr_memory_partition_skip(const mr_memory_partition *partition, int64_t offset,
                                 int64_t limit)
{
    while (offset < limit) {
        const mr_memory_segment *segment = mr_memory_partition_segment(partition, offset);
        if (segment == NULL)
            return offset;
        for (uint32_t i = (uint32_t)(offset - segment->base); i < segment->count; i++, offset++)
            if (offset == limit || segment->entry[i].kind == MR_MEMORY_DATA)
                return offset;
    }
    return offset;
}

int64_t mr_memory_partition_offset_at(const mr_memory_partition *partition, int64_t timestamp_ms)
{
    int64_t stable_end = mr_memory_partition_stable_end(partition);
    int64_t offset = mr_memory_partition_skip(partition, partition->start, stable_end);
    while (offset < stable_end) {
        if (entry_at(partition, offset)->record.timestamp_ms >= timestamp_ms)
            return offset;
        offset = mr_memory_partition_skip(partition, offset + 1, stable_end);
    }
    return stable_end;
}
