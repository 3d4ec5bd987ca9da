#include "engine/run/dead/errors_relation.h"

#include "engine/run/dead/row_text.h"

#include <string.h>

#define US_PER_MS INT64_C(1000)

#define TEXT                                                                        \
    {                                                                               \
        .kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true \
    }
#define BYTES                                                                         \
    {                                                                                 \
        .kind = MR_TYPE_VARBINARY, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true \
    }

enum {
    CODE,
    MESSAGE,
    STAGE,
    OPERATOR,
    EXPRESSION,
    TOPIC,
    PARTITION,
    OFFSET,
    TIMESTAMP,
    KEY,
    VALUE
};

const mr_field mr_error_columns[MR_ERROR_COLUMNS] = {
    [CODE] = {"error_code", TEXT},
    [MESSAGE] = {"error_message", TEXT},
    [STAGE] = {"error_stage", TEXT},
    [OPERATOR] = {"error_operator", TEXT},
    [EXPRESSION] = {"error_expression", TEXT},
    [TOPIC] = {"topic", TEXT},
    [PARTITION] = {"partition", {.kind = MR_TYPE_INT, .is_nullable = true}},
    [OFFSET] = {"offset", {.kind = MR_TYPE_BIGINT, .is_nullable = true}},
    [TIMESTAMP] = {"record_timestamp",
                   {.kind = MR_TYPE_TIMESTAMP_LTZ, .precision = 3, .is_nullable = true}},
    [KEY] = {"record_key", BYTES},
    [VALUE] = {"record_value", BYTES},
};

/* --- whose a row is -------------------------------------------------------------------- */

/* The table whose rows an origin carries, first inputs first. */
static uint32_t table_below(const mr_errors_relations *relations, const mr_plan *plan,
                            mr_origin origin)
{
    while (origin.kind == MR_ORIGIN_NODE_ROWS || origin.kind == MR_ORIGIN_NODE_LATE ||
           origin.kind == MR_ORIGIN_NODE_RAW)
        origin = plan->nodes[origin.index].inputs[0];
    return origin.kind == MR_ORIGIN_SINK_ERRORS ? relations->of_sink[origin.index] : origin.index;
}

static uint32_t find_table(const mr_errors_relations *relations, const char *name)
{
    for (uint32_t t = 0; t < relations->tables_count; t++)
        if (strcmp(relations->tables[t].name, name) == 0)
            return t;
    return MR_ERRORS_TABLE_NONE;
}

static uint32_t add_table(mr_errors_relations *relations, const char *name,
                          const mr_errors_policy *policy)
{
    mr_errors_table *table = &relations->tables[relations->tables_count];
    *table = (mr_errors_table){.name = name, .policy = policy};
    mr_errors_meter_init(&table->meter, policy);
    return relations->tables_count++;
}

void mr_errors_relations_init(mr_errors_relations *relations, const mr_plan *plan, mr_arena *arena)
{
    *relations = (mr_errors_relations){0};
    uint32_t room = plan->sources_count + plan->sinks_count;
    relations->tables = mr_arena_zalloc(arena, room, sizeof *relations->tables);
    relations->of_node = mr_arena_zalloc(arena, plan->nodes_count, sizeof(uint32_t));
    relations->of_sink = mr_arena_zalloc(arena, plan->sinks_count, sizeof(uint32_t));
    for (uint32_t s = 0; s < plan->sources_count; s++)
        (void)add_table(relations, plan->sources[s].table, &plan->sources[s].errors);
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        const mr_plan_sink *sink = &plan->sinks[s];
        uint32_t table = find_table(relations, sink->table);
        relations->of_sink[s] = table != MR_ERRORS_TABLE_NONE
                                    ? table
                                    : add_table(relations, sink->table, &sink->errors);
    }
    for (uint32_t n = 0; n < plan->nodes_count; n++)
        relations->of_node[n] = table_below(relations, plan, plan->nodes[n].inputs[0]);
}

uint32_t mr_errors_table_of(const mr_errors_relations *relations, mr_origin origin)
{
    return origin.kind == MR_ORIGIN_SINK_ERRORS ? relations->of_sink[origin.index] : origin.index;
}

/* --- the queue ------------------------------------------------------------------------- */

void mr_errors_relations_put(mr_errors_relations *relations, uint32_t table,
                             const mr_dead_rows *dead)
{
    for (const mr_errors_path *at = relations->path; at != NULL; at = at->before)
        if (at->table == table)
            return;
    mr_errors_batch *batch = mr_arena_zalloc(dead->arena, 1, sizeof *batch);
    *batch = (mr_errors_batch){.path = {.table = table, .before = relations->path},
                               .rows = mr_errors_rows(dead)};
    if (relations->last != NULL)
        relations->last->next = batch;
    else
        relations->first = batch;
    relations->last = batch;
}

const mr_errors_batch *mr_errors_relations_take(mr_errors_relations *relations)
{
    mr_errors_batch *batch = relations->first;
    if (batch == NULL)
        return NULL;
    relations->first = batch->next;
    if (relations->first == NULL)
        relations->last = NULL;
    relations->path = &batch->path;
    return batch;
}

void mr_errors_relations_done(mr_errors_relations *relations)
{
    relations->path = NULL;
}

void mr_errors_relations_clear(mr_errors_relations *relations)
{
    relations->first = relations->last = NULL;
    relations->path = NULL;
}

mr_status mr_errors_relations_check(const mr_errors_relations *relations, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t t = 0; status == MR_OK && t < relations->tables_count; t++)
        status = mr_errors_meter_check(&relations->tables[t].meter, relations->tables[t].name, err);
    return status;
}

/* --- rows ------------------------------------------------------------------------------ */

static void put_text(mr_vector *column, uint32_t row, uint32_t rows, const char *text,
                     mr_arena *arena)
{
    if (text == NULL)
        mr_vector_set_null(column, row, rows, arena);
    else
        column->strings[row] = mr_string_of(text, (uint32_t)strlen(text));
}

static void put_bytes(mr_vector *column, uint32_t row, uint32_t rows, const char *bytes,
                      uint32_t length, mr_arena *arena)
{
    if (bytes == NULL)
        mr_vector_set_null(column, row, rows, arena);
    else
        column->strings[row] = mr_string_of(bytes, length);
}

/* A made row has no record: its value is the row itself. */
static void put_made(mr_batch *batch, uint32_t i, const mr_dead_rows *dead, uint32_t row)
{
    for (int c = TOPIC; c <= KEY; c++)
        mr_vector_set_null(&batch->columns[c], i, batch->rows, dead->arena);
    mr_buffer text = {0};
    if (dead->batch != NULL)
        mr_row_text(dead->batch, row, dead->names, &text);
    const char *copy = text.length > 0 ? mr_arena_copy(dead->arena, text.data, text.length) : NULL;
    put_bytes(&batch->columns[VALUE], i, batch->rows, copy, (uint32_t)text.length, dead->arena);
    mr_buffer_release(&text);
}

static void put_record(mr_batch *batch, uint32_t i, const mr_dead_rows *dead, uint32_t row)
{
    mr_arena *arena = dead->arena;
    uint32_t count = batch->rows;
    mr_vector *columns = batch->columns;
    const mr_record *record = mr_dead_rows_record(dead, row);
    if (record == NULL) {
        put_made(batch, i, dead, row);
        return;
    }
    put_text(&columns[TOPIC], i, count, dead->records->topic, arena);
    columns[PARTITION].i32[i] = dead->records->partition;
    columns[OFFSET].i64[i] = record->offset;
    if (record->timestamp_ms == MR_TIME_NONE)
        mr_vector_set_null(&columns[TIMESTAMP], i, count, arena);
    else
        columns[TIMESTAMP].i64[i] = record->timestamp_ms * US_PER_MS;
    put_bytes(&columns[KEY], i, count, record->key, record->key_length, arena);
    put_bytes(&columns[VALUE], i, count, record->value, record->value_length, arena);
}

mr_batch mr_errors_rows(const mr_dead_rows *dead)
{
    mr_arena *arena = dead->arena;
    uint32_t count = dead->errors->count;
    mr_batch batch = mr_batch_new(MR_ERROR_COLUMNS, count, arena);
    for (int c = 0; c < MR_ERROR_COLUMNS; c++)
        batch.columns[c] = mr_vector_new(mr_error_columns[c].type, count, arena);
    batch.records = dead->records;
    batch.record = dead->records != NULL ? mr_arena_alloc(arena, count * sizeof(uint32_t)) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const mr_row_error *error = &dead->errors->error[i];
        put_text(&batch.columns[CODE], i, count, mr_arena_printf(arena, "MR%d", error->code),
                 arena);
        put_text(&batch.columns[MESSAGE], i, count, error->message, arena);
        put_text(&batch.columns[STAGE], i, count, mr_dead_rows_stage(dead, error), arena);
        put_text(&batch.columns[OPERATOR], i, count, dead->operator, arena);
        put_text(&batch.columns[EXPRESSION], i, count, error->expression, arena);
        put_record(&batch, i, dead, error->row);
        if (batch.record != NULL)
            batch.record[i] = dead->record != NULL ? dead->record[error->row] : error->row;
    }
    return batch;
}
