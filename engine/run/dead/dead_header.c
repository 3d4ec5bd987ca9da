#include "engine/run/dead/dead_header.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <string.h>

#define OWN_HEADERS_MAX 28

/* A dead row as its headers tell of it. */
typedef struct dead_facts {
    const mr_task_io *io;
    const mr_dead_rows *rows;
    const mr_row_error *error;
    const mr_record *record; /* NULL: a made row */
    const char *stage, *code, *chain;
} dead_facts;

typedef struct header_list {
    mr_header *headers;
    uint32_t count, capacity;
    mr_arena *arena;
} header_list;

static void put_bytes(header_list *list, const char *name, const char *value, uint32_t length)
{
    MR_ASSERT(list->count < list->capacity);
    list->headers[list->count++] =
        (mr_header){.name = name, .value = value, .value_length = length};
}

/* NULL: there is no such fact. */
static void put(header_list *list, const char *name, const char *value)
{
    if (value != NULL)
        put_bytes(list, name, value, (uint32_t)strlen(value));
}

static void put_number(header_list *list, const char *name, int64_t value)
{
    put(list, name, mr_arena_printf(list->arena, "%" PRId64, value));
}

static void put_big_endian(header_list *list, const char *name, int64_t value, uint32_t size)
{
    char *bytes = mr_arena_alloc(list->arena, size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (char)((uint64_t)value >> (8 * (size - 1 - i)));
    put_bytes(list, name, bytes, size);
}

static void put_streams(header_list *list, const dead_facts *facts)
{
    put(list, "__streams.errors.exception", facts->code);
    put(list, "__streams.errors.message", facts->error->message);
    put(list, "__streams.errors.stacktrace", facts->chain);
    if (facts->record == NULL)
        return;
    put(list, "__streams.errors.topic", facts->rows->records->topic);
    put_number(list, "__streams.errors.partition", facts->rows->records->partition);
    put_number(list, "__streams.errors.offset", facts->record->offset);
}

/* The step of a Connect pipeline that ours is like. */
static const char *connect_stage(const char *stage)
{
    if (strcmp(stage, "process") == 0)
        return "TRANSFORMATION";
    return strcmp(stage, "sink") == 0 ? "TASK_PUT" : "VALUE_CONVERTER";
}

static void put_connect(header_list *list, const dead_facts *facts)
{
    if (facts->record != NULL) {
        put(list, "__connect.errors.topic", facts->rows->records->topic);
        put_number(list, "__connect.errors.partition", facts->rows->records->partition);
        put_number(list, "__connect.errors.offset", facts->record->offset);
    }
    put(list, "__connect.errors.connector.name", facts->io->job);
    put_number(list, "__connect.errors.task.id", facts->io->task);
    put(list, "__connect.errors.stage", connect_stage(facts->stage));
    put(list, "__connect.errors.class.name", facts->rows->operator);
    put(list, "__connect.errors.exception.class.name", facts->code);
    put(list, "__connect.errors.exception.message", facts->error->message);
    put(list, "__connect.errors.exception.stacktrace", facts->chain);
}

static const char *timestamp_type(mr_timestamp_kind kind)
{
    return kind == MR_TIMESTAMP_APPEND ? "LogAppendTime" : "CreateTime";
}

static void put_spring(header_list *list, const dead_facts *facts)
{
    const mr_record *record = facts->record;
    if (record != NULL) {
        put(list, "kafka_dlt-original-topic", facts->rows->records->topic);
        put_big_endian(list, "kafka_dlt-original-partition", facts->rows->records->partition, 4);
        put_big_endian(list, "kafka_dlt-original-offset", record->offset, 8);
    }
    if (record != NULL && record->timestamp_ms != MR_TIME_NONE) {
        put_big_endian(list, "kafka_dlt-original-timestamp", record->timestamp_ms, 8);
        put(list, "kafka_dlt-original-timestamp-type", timestamp_type(record->timestamp_kind));
    }
    put(list, "kafka_dlt-original-consumer-group", facts->io->job);
    put(list, "kafka_dlt-exception-fqcn", facts->code);
    put(list, "kafka_dlt-exception-message", facts->error->message);
    put(list, "kafka_dlt-exception-stacktrace", facts->chain);
}

static void put_own(header_list *list, const dead_facts *facts)
{
    const mr_task_io *io = facts->io;
    put(list, "__millrace.errors.job", io->job);
    put(list, "__millrace.errors.operator", facts->rows->operator);
    put(list, "__millrace.errors.stage", facts->stage);
    put(list, "__millrace.errors.code", facts->code);
    put(list, "__millrace.errors.expression", facts->error->expression);
    if (facts->record != NULL && facts->record->timestamp_ms != MR_TIME_NONE)
        put_number(list, "__millrace.errors.timestamp", facts->record->timestamp_ms);
    put_number(list, "__millrace.errors.time", io->clock->wall_ms(io->clock));
    put_number(list, "__millrace.errors.epoch", (int64_t)io->epoch);
    put_number(list, "__millrace.errors.attempt", (int64_t)io->failed_attempts + 1);
}

static void put_cut(header_list *list, const char *part, size_t whole, size_t left,
                    const char **parts)
{
    if (left == whole)
        return;
    *parts = mr_arena_printf(list->arena, "%s%s%s", *parts, (*parts)[0] != '\0' ? "," : "", part);
    put_number(list, mr_arena_printf(list->arena, "__millrace.errors.%s.bytes", part),
               (int64_t)whole);
}

/* What had to be left out of the original. */
static void put_cuts(header_list *list, const mr_dead_original *whole, const mr_dead_original *left)
{
    const char *parts = "";
    put_cut(list, "key", whole->key_length, left->key_length, &parts);
    put_cut(list, "value", whole->value_length, left->value_length, &parts);
    put_cut(list, "headers", mr_dead_headers_bytes(whole), mr_dead_headers_bytes(left), &parts);
    if (parts[0] != '\0')
        put(list, "__millrace.errors.cut", parts);
}

static dead_facts facts_of(const mr_task_io *io, const mr_dead_rows *rows,
                           const mr_row_error *error)
{
    dead_facts facts = {.io = io, .rows = rows, .error = error};
    facts.record = mr_dead_rows_record(rows, error->row);
    facts.stage = mr_dead_rows_stage(rows, error);
    facts.code = mr_arena_printf(rows->arena, "MR%d", error->code);
    facts.chain =
        mr_arena_printf(rows->arena, "%s at %s of %s%s%s: %s", facts.code, facts.stage,
                        rows->operator, error->expression != NULL ? " in " : "",
                        error->expression != NULL ? error->expression : "", error->message);
    return facts;
}

const mr_header *mr_dead_headers(const mr_task_io *io, const mr_dead_rows *rows,
                                 const mr_row_error *error, const mr_dead_original *whole,
                                 const mr_dead_original *left, uint32_t *count)
{
    uint32_t kept = left->headers_count;
    header_list list = {.arena = rows->arena, .count = kept, .capacity = kept + OWN_HEADERS_MAX};
    list.headers = mr_arena_alloc(rows->arena, list.capacity * sizeof *list.headers);
    if (kept > 0)
        memcpy(list.headers, left->headers, kept * sizeof *left->headers);
    dead_facts facts = facts_of(io, rows, error);
    switch (rows->policy->style) {
    case MR_DEAD_HEADERS_STREAMS: put_streams(&list, &facts); break;
    case MR_DEAD_HEADERS_CONNECT: put_connect(&list, &facts); break;
    case MR_DEAD_HEADERS_SPRING: put_spring(&list, &facts); break;
    }
    put_own(&list, &facts);
    put_cuts(&list, whole, left);
    *count = list.count;
    return list.headers;
}
