#include "engine/commit/staging.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST ((size_t)64 * 1024)

static mr_header *copy_headers(mr_staging *staging, const mr_log_record *record)
{
    mr_arena *arena = &staging->arena;
    mr_header *headers = mr_arena_alloc(arena, record->headers_count * sizeof *headers);
    for (uint32_t i = 0; i < record->headers_count; i++) {
        headers[i] = record->headers[i];
        size_t length = strlen(headers[i].name);
        headers[i].name = mr_arena_string(arena, headers[i].name, length);
        if (headers[i].value != NULL)
            headers[i].value = mr_arena_copy(arena, headers[i].value, headers[i].value_length);
        staging->bytes += length + headers[i].value_length;
    }
    return headers;
}

/* The bytes of one call. */
typedef struct extent {
    const char *first, *end; /* NULL: there are none */
} extent;

static bool follows(extent *bytes, const char *part, size_t length)
{
    if (part == NULL)
        return true;
    bool is_next = bytes->end == part || bytes->first == NULL;
    bytes->first = bytes->first != NULL ? bytes->first : part;
    bytes->end = part + length;
    return is_next;
}

/* An encoder writes keys and values one behind the other into one buffer: then they are copied in
 * one piece. What merely lies near each other may belong to different owners, with something
 * between that is nobody's to read. */
static bool lie_in_a_row(const mr_log_record *records, uint32_t count, extent *bytes)
{
    bool are_in_a_row = true;
    *bytes = (extent){0};
    for (uint32_t i = 0; i < count && are_in_a_row; i++)
        are_in_a_row = follows(bytes, records[i].key, records[i].key_length) &&
                       follows(bytes, records[i].value, records[i].value_length);
    return are_in_a_row;
}

static void copy_records(mr_staging *staging, const mr_log_record *records, uint32_t count)
{
    mr_arena *arena = &staging->arena;
    mr_log_record *copies = staging->records + staging->records_count;
    extent bytes;
    bool is_one = lie_in_a_row(records, count, &bytes);
    const char *moved = is_one && bytes.first != NULL
                            ? mr_arena_copy(arena, bytes.first, (size_t)(bytes.end - bytes.first))
                            : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const mr_log_record *record = &records[i];
        mr_log_record copy = *record;
        if (record->key != NULL)
            copy.key = is_one ? moved + (record->key - bytes.first)
                              : mr_arena_copy(arena, record->key, record->key_length);
        if (record->value != NULL)
            copy.value = is_one ? moved + (record->value - bytes.first)
                                : mr_arena_copy(arena, record->value, record->value_length);
        if (record->headers_count > 0)
            copy.headers = copy_headers(staging, record);
        staging->bytes += record->key_length + record->value_length + sizeof copy;
        copies[i] = copy;
    }
    staging->records_count += count;
}

static void hold(mr_staging *staging, const char *topic, int32_t partition,
                 const mr_log_record *records, uint32_t count)
{
    if (staging->calls_count == staging->calls_capacity) {
        staging->calls_capacity = staging->calls_capacity != 0 ? staging->calls_capacity * 2 : 16;
        staging->calls = realloc(staging->calls, staging->calls_capacity * sizeof *staging->calls);
        MR_ASSERT(staging->calls != NULL);
    }
    MR_ASSERT(count <= UINT32_MAX / 2 - staging->records_count);
    if (staging->records_count + count > staging->records_capacity) {
        uint32_t twice = staging->records_capacity * 2;
        uint32_t needed = staging->records_count + count;
        staging->records_capacity = needed > twice ? needed : twice;
        staging->records =
            realloc(staging->records, staging->records_capacity * sizeof *staging->records);
        MR_ASSERT(staging->records != NULL);
    }
    staging->calls[staging->calls_count++] = (mr_staged_call){
        .topic = topic, .partition = partition, .first = staging->records_count, .count = count};
    copy_records(staging, records, count);
}

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_staging *staging = (mr_staging *)writer;
    bool leaks = staging->leaks != NULL && staging->leaks(staging->leaks_context);
    if (!staging->is_holding || leaks)
        return staging->target->class->produce(staging->target, topic, partition, records, count,
                                               err);
    if (count > 0)
        hold(staging, topic, partition, records, count);
    return MR_OK;
}

static const mr_writer_class staging_class = {.produce = produce};

void mr_staging_init(mr_staging *staging, mr_budget *budget)
{
    *staging = (mr_staging){.writer = {.class = &staging_class}};
    mr_arena_init(&staging->arena, ARENA_FIRST, budget, MR_BUDGET_STAGING);
}

void mr_staging_release(mr_staging *staging)
{
    mr_arena_release(&staging->arena);
    free(staging->calls);
    free(staging->records);
    *staging = (mr_staging){0};
}

void mr_staging_set_target(mr_staging *staging, mr_log_writer *target)
{
    mr_staging_clear(staging);
    staging->target = target;
}

void mr_staging_hold(mr_staging *staging)
{
    MR_ASSERT(staging->records_count == 0);
    staging->is_holding = true;
}

mr_status mr_staging_play(mr_staging *staging, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < staging->calls_count; i++) {
        const mr_staged_call *call = &staging->calls[i];
        status = staging->target->class->produce(staging->target, call->topic, call->partition,
                                                 staging->records + call->first, call->count, err);
    }
    if (status == MR_OK)
        mr_staging_clear(staging);
    return status;
}

void mr_staging_clear(mr_staging *staging)
{
    staging->is_holding = false;
    staging->calls_count = staging->records_count = 0;
    staging->bytes = 0;
    mr_arena_rewind(&staging->arena); /* the next epoch needs as much: no page is faulted twice */
}
