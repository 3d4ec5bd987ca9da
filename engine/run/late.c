#include "engine/run/late.h"

#include <inttypes.h>

#define US_PER_MS INT64_C(1000)
#define LATE_HEADERS_MAX 5

#define NOT_NULL_STRING                                                              \
    {                                                                                \
        .kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = false \
    }
#define TIMESTAMP_MS                                                   \
    {                                                                  \
        .kind = MR_TYPE_TIMESTAMP, .precision = 3, .is_nullable = true \
    }

const mr_field mr_late_columns[MR_LATE_COLUMNS] = {
    {"late_operator", NOT_NULL_STRING},
    {"window_start", TIMESTAMP_MS},
    {"window_end", TIMESTAMP_MS},
    {"late_watermark", TIMESTAMP_MS},
    {"late_by_ms", {.kind = MR_TYPE_BIGINT, .is_nullable = false}},
    {"row_kind", NOT_NULL_STRING},
};

static mr_string kind_name(const mr_batch *input, uint32_t row)
{
    static const char names[4][3] = {"+I", "-U", "+U", "-D"};
    uint8_t kind = input->kind != NULL ? input->kind[row] : (uint8_t)MR_ROW_INSERT;
    return mr_string_of(names[kind], 2);
}

static void put_time(mr_vector *to, uint32_t row, uint32_t rows, int64_t ms, mr_arena *arena)
{
    if (ms == MR_TIME_NONE || ms == MR_TIME_MAX)
        mr_vector_set_null(to, row, rows, arena);
    else
        to->i64[row] = ms * US_PER_MS;
}

static void fill_facts(const mr_batch *input, const char *operator_id, const mr_late_fact *facts,
                       uint32_t count, mr_vector *to, mr_arena *arena)
{
    for (uint32_t c = 0; c < MR_LATE_COLUMNS; c++)
        to[c] = mr_vector_new(mr_late_columns[c].type, count, arena);
    mr_string id = mr_string_of(operator_id, (uint32_t)strlen(operator_id));
    for (uint32_t i = 0; i < count; i++) {
        to[0].strings[i] = id;
        put_time(&to[1], i, count, facts[i].window_start_ms, arena);
        put_time(&to[2], i, count, facts[i].window_end_ms, arena);
        put_time(&to[3], i, count, facts[i].watermark_ms, arena);
        to[4].i64[i] = facts[i].late_by_ms;
        to[5].strings[i] = kind_name(input, facts[i].row);
    }
}

static mr_row_late *marks_of(const char *operator_id, const mr_late_fact *facts, uint32_t count,
                             mr_arena *arena)
{
    mr_row_late *late = mr_arena_alloc(arena, count * sizeof *late);
    for (uint32_t i = 0; i < count; i++)
        late[i] = (mr_row_late){.operator= operator_id,
                                .window_start_ms = facts[i].window_start_ms,
                                .window_end_ms = facts[i].window_end_ms,
                                .watermark_ms = facts[i].watermark_ms,
                                .by_ms = facts[i].late_by_ms};
    return late;
}

mr_batch mr_late_batch(const mr_batch *input, const char *operator_id, const mr_late_fact *facts,
                       uint32_t count, mr_arena *arena)
{
    uint32_t *rows = mr_arena_alloc(arena, count * sizeof *rows);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = facts[i].row;
    mr_batch selected = mr_batch_select(input, rows, count);
    mr_batch late = mr_batch_compact(&selected, arena);
    mr_vector *columns =
        mr_arena_alloc(arena, (late.columns_count + MR_LATE_COLUMNS) * sizeof *columns);
    memcpy(columns, late.columns, late.columns_count * sizeof *columns);
    fill_facts(input, operator_id, facts, count, columns + late.columns_count, arena);
    late.late = marks_of(operator_id, facts, count, arena);
    late.columns = columns;
    late.columns_count += MR_LATE_COLUMNS;
    return late;
}

static void put_header(mr_header *headers, uint32_t *count, const char *name, const char *value)
{
    headers[(*count)++] =
        (mr_header){.name = name, .value = value, .value_length = (uint32_t)strlen(value)};
}

static void put_ms(mr_header *headers, uint32_t *count, const char *name, int64_t ms,
                   mr_arena *arena)
{
    if (ms != MR_TIME_NONE && ms != MR_TIME_MAX)
        put_header(headers, count, name, mr_arena_printf(arena, "%" PRId64, ms));
}

const mr_header *mr_late_headers(const mr_row_late *late, mr_arena *arena, uint32_t *count)
{
    mr_header *headers = mr_arena_alloc(arena, LATE_HEADERS_MAX * sizeof *headers);
    *count = 0;
    put_header(headers, count, "__millrace.late.operator", late->operator);
    put_ms(headers, count, "__millrace.late.watermark", late->watermark_ms, arena);
    put_ms(headers, count, "__millrace.late.window.start", late->window_start_ms, arena);
    put_ms(headers, count, "__millrace.late.window.end", late->window_end_ms, arena);
    put_ms(headers, count, "__millrace.late.by.ms", late->by_ms, arena);
    return headers;
}
