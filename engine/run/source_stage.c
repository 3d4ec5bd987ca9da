#include "engine/run/source_stage.h"

#include "engine/base/assert.h"
#include "engine/run/metadata.h"

#include <inttypes.h>
#include <stdlib.h>

#define US_PER_MS INT64_C(1000)

struct mr_source_stage {
    const mr_plan_source *source;
    const mr_zone *zone; /* the job's; NULL: UTC */
    mr_decoder *value;
    mr_decoder *key;
    mr_program *computed; /* one output per computed column, in column order */
    uint32_t computed_count;
    mr_program *checks; /* watermark (when there is one), then the constraints */
    mr_source_counts counts;
    mr_log_site site;
    mr_log_site warn_site;
};

static mr_status compile(mr_source_stage *stage, const mr_expr_context *context, mr_error *err)
{
    const mr_plan_source *source = stage->source;
    const mr_expr **exprs =
        calloc(source->columns_count + source->constraints_count + 1, sizeof(const mr_expr *));
    MR_ASSERT(exprs != NULL);
    uint32_t count = 0;
    for (uint32_t c = 0; c < source->columns_count; c++)
        if (source->columns[c].origin == MR_COLUMN_COMPUTED)
            exprs[count++] = source->columns[c].expr;
    stage->computed_count = count;
    mr_status status = MR_OK;
    if (count > 0)
        status = mr_program_new(exprs, count, context, &stage->computed, err);
    count = 0;
    if (source->watermark != NULL)
        exprs[count++] = source->watermark;
    for (uint32_t i = 0; i < source->constraints_count; i++)
        exprs[count++] = source->constraints[i].check;
    if (status == MR_OK && count > 0)
        status = mr_program_new(exprs, count, context, &stage->checks, err);
    free(exprs);
    return status;
}

mr_status mr_source_stage_new(const mr_plan_source *source, const mr_expr_context *context,
                              mr_source_stage **result, mr_error *err)
{
    mr_source_stage *stage = calloc(1, sizeof *stage);
    MR_ASSERT(stage != NULL);
    stage->source = source;
    stage->zone = context->zone;
    mr_status status = source->make_value(source->codec_config, &stage->value, err);
    if (status == MR_OK && source->make_key != NULL)
        status = source->make_key(source->codec_config, &stage->key, err);
    if (status == MR_OK)
        status = compile(stage, context, err);
    if (status != MR_OK) {
        mr_source_stage_free(stage);
        return status;
    }
    *result = stage;
    return MR_OK;
}

void mr_source_stage_tell_rest(mr_source_stage *stage, const mr_task_io *io)
{
    if (stage != NULL)
        mr_dead_rows_tell_rest(io, stage->source->table, &stage->site);
}

void mr_source_stage_free(mr_source_stage *stage)
{
    if (stage == NULL)
        return;
    if (stage->value != NULL)
        stage->value->class->free(stage->value);
    if (stage->key != NULL)
        stage->key->class->free(stage->key);
    if (stage->computed != NULL)
        mr_program_free(stage->computed);
    if (stage->checks != NULL)
        mr_program_free(stage->checks);
    free(stage);
}

mr_source_counts *mr_source_stage_counts(mr_source_stage *stage)
{
    return &stage->counts;
}

/* One fetch on its way through. */
typedef struct passage {
    mr_source_stage *stage;
    const mr_task_io *io;
    const mr_records *records;
    mr_arena *arena;
    mr_source_result *result;
    mr_batch batch;
    uint32_t *alive; /* rows that go on so far, rising */
    uint32_t alive_count;
    uint64_t dead;
} passage;

/* Sends one list of failed rows and keeps it for t$errors. */
static mr_status bury(passage *p, const char *stage_name, const mr_errors_policy *policy,
                      const uint32_t *record, const mr_row_errors *errors, mr_error *err)
{
    if (errors->count == 0)
        return MR_OK;
    MR_ASSERT(p->result->dead_lists_count < MR_LENGTH(p->result->dead_lists));
    mr_dead_rows *dead = &p->result->dead_lists[p->result->dead_lists_count++];
    mr_row_errors *kept = mr_arena_copy(p->arena, errors, sizeof *errors);
    mr_errors_policy *kept_policy = mr_arena_copy(p->arena, policy, sizeof *policy);
    *dead = (mr_dead_rows){.policy = kept_policy,
                           .site = &p->stage->site,
                           .stage = stage_name,
                           .operator= p->stage->source->table,
                           .records = p->records,
                           .record = record,
                           .errors = kept,
                           .arena = p->arena};
    p->dead += errors->count;
    return mr_dead_letters_send(p->io, dead, err);
}

static mr_status decode_one(passage *p, mr_decoder *decoder, uint32_t columns_count,
                            mr_vector **columns, uint32_t **rows, uint32_t *rows_count,
                            mr_row_errors *errors, mr_error *err)
{
    *columns = mr_arena_zalloc(p->arena, columns_count, sizeof **columns);
    *rows = mr_arena_alloc(p->arena, p->records->count * sizeof **rows);
    return decoder->class->decode(decoder, p->records, *columns, *rows, rows_count, errors,
                                  p->arena, err);
}

/* Keeps the rows whose record is in both lists, without those whose record failed. */
static uint32_t intersect(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count,
                          uint32_t *in_a, uint32_t *in_b)
{
    uint32_t n = 0;
    for (uint32_t i = 0, j = 0; i < a_count && j < b_count;) {
        if (a[i] == b[j]) {
            in_a[n] = i++;
            in_b[n++] = j++;
        } else if (a[i] < b[j]) {
            i++;
        } else {
            j++;
        }
    }
    return n;
}

static void align(passage *p, mr_vector *columns, uint32_t columns_count, const uint32_t *rows,
                  uint32_t count)
{
    for (uint32_t c = 0; c < columns_count; c++)
        columns[c] = mr_vector_gather(&columns[c], rows, count, p->arena);
}

/* What the reader could not make records of goes where undecodable records go. */
static mr_status bury_flawed(passage *p, mr_error *err)
{
    const mr_plan_source *source = p->stage->source;
    mr_row_errors errors = {.arena = p->arena};
    for (uint32_t i = 0; i < p->records->count; i++)
        mr_row_errors_add(&errors, i, p->records->flaw->code, "%s", p->records->flaw->message);
    mr_status status = bury(p, "decode", &source->errors, NULL, &errors, err);
    p->stage->counts.records += p->records->count;
    p->stage->counts.dead += p->dead;
    p->result->dead = p->dead;
    return status;
}

/* Values and keys of the records in which both could be decoded. */
static mr_status decode(passage *p, mr_vector **values, mr_vector **keys, mr_error *err)
{
    const mr_plan_source *source = p->stage->source;
    mr_row_errors errors = {.arena = p->arena};
    uint32_t *rows, rows_count = 0;
    mr_status status = decode_one(p, p->stage->value, source->value_columns_count, values, &rows,
                                  &rows_count, &errors, err);
    if (status == MR_OK && p->stage->key != NULL) {
        uint32_t *key_rows, key_count = 0;
        status = decode_one(p, p->stage->key, source->key_columns_count, keys, &key_rows,
                            &key_count, &errors, err);
        uint32_t *in_value = mr_arena_alloc(p->arena, rows_count * sizeof *in_value);
        uint32_t *in_key = mr_arena_alloc(p->arena, key_count * sizeof *in_key);
        uint32_t both = intersect(rows, rows_count, key_rows, key_count, in_value, in_key);
        if (both < rows_count || both < key_count) {
            align(p, *values, source->value_columns_count, in_value, both);
            align(p, *keys, source->key_columns_count, in_key, both);
            for (uint32_t i = 0; i < both; i++)
                rows[i] = rows[in_value[i]];
            rows_count = both;
        }
    }
    if (status != MR_OK)
        return status;
    mr_row_errors_settle(&errors);
    p->batch = mr_batch_new(source->columns_count, rows_count, p->arena);
    p->batch.records = p->records;
    p->batch.record = rows;
    p->stage->counts.filtered += p->records->count - rows_count - errors.count;
    return bury(p, "decode", &source->errors, NULL, &errors, err);
}

static void fill_columns(passage *p, const mr_vector *values, const mr_vector *keys)
{
    const mr_plan_source *source = p->stage->source;
    for (uint32_t c = 0; c < source->columns_count; c++) {
        const mr_source_column *column = &source->columns[c];
        mr_vector *to = &p->batch.columns[c];
        switch (column->origin) {
        case MR_COLUMN_VALUE: *to = values[column->index]; break;
        case MR_COLUMN_KEY: *to = keys[column->index]; break;
        case MR_COLUMN_METADATA:
            *to = mr_metadata_column((mr_metadata)column->index, column->field.type, p->stage->zone,
                                     &p->batch);
            break;
        case MR_COLUMN_COMPUTED: break;
        }
    }
}

static void exclude(passage *p, const mr_row_errors *errors)
{
    p->alive_count = mr_row_errors_exclude(errors, p->alive, p->alive_count, p->alive);
}

static mr_status compute(passage *p, mr_error *err)
{
    mr_source_stage *stage = p->stage;
    if (stage->computed == NULL)
        return MR_OK;
    mr_row_errors errors = {.arena = p->arena};
    mr_vector *results = mr_arena_zalloc(p->arena, stage->computed_count, sizeof *results);
    mr_program_run(stage->computed, &p->batch, results, &errors);
    uint32_t next = 0;
    for (uint32_t c = 0; c < stage->source->columns_count; c++)
        if (stage->source->columns[c].origin == MR_COLUMN_COMPUTED)
            p->batch.columns[c] = results[next++];
    mr_row_errors_settle(&errors);
    exclude(p, &errors);
    return bury(p, "process", &stage->source->errors, p->batch.record, &errors, err);
}

static int64_t floor_ms(int64_t us)
{
    return us >= 0 ? us / US_PER_MS : -((-(us + 1)) / US_PER_MS) - 1;
}

/* A time column in ms; MR_TIME_NONE where NULL. */
static int64_t *times_of(const mr_vector *column, uint32_t rows, mr_arena *arena)
{
    int64_t *times = mr_arena_alloc(arena, rows * sizeof *times);
    if (column->valid == NULL) {
        for (uint32_t r = 0; r < rows; r++)
            times[r] = floor_ms(column->i64[r]);
        return times;
    }
    for (uint32_t r = 0; r < rows; r++)
        times[r] = mr_vector_is_null(column, r) ? MR_TIME_NONE : floor_ms(column->i64[r]);
    return times;
}

/* Whether a row could be from the future at all: the newest of them against the oldest record. */
static bool may_be_guarded(const passage *p)
{
    int64_t newest = MR_TIME_NONE, oldest = MR_TIME_MAX, limit;
    for (uint32_t r = 0; r < p->batch.rows; r++)
        if (p->batch.event_time[r] > newest)
            newest = p->batch.event_time[r];
    for (uint32_t i = 0; i < p->records->count; i++) {
        int64_t at = p->records->record[i].timestamp_ms;
        if (at < oldest && at != MR_TIME_NONE)
            oldest = at;
    }
    return !__builtin_add_overflow(oldest, p->stage->source->guard.skew_max_ms, &limit) &&
           newest > limit;
}

/* Rows that must not move the watermark: those that died, and those from the future. */
static mr_status bar(passage *p, uint8_t *is_barred, mr_error *err)
{
    const mr_plan_source *source = p->stage->source;
    uint32_t rows = p->batch.rows;
    memset(is_barred, 0, rows);
    bool is_guarded = p->batch.event_time != NULL && source->guard.skew_max_ms >= 0 &&
                      source->columns[source->time_column].origin != MR_COLUMN_METADATA &&
                      may_be_guarded(p);
    if (is_guarded) {
        int64_t *reference = mr_arena_alloc(p->arena, rows * sizeof *reference);
        for (uint32_t r = 0; r < rows; r++)
            reference[r] = p->records->record[p->batch.record[r]].timestamp_ms;
        is_guarded = mr_watermark_guard_rows(&source->guard, p->batch.event_time, reference, rows,
                                             is_barred) > 0;
    }
    mr_row_errors errors = {.arena = p->arena};
    for (uint32_t i = 0; is_guarded && i < p->alive_count; i++) {
        uint32_t row = p->alive[i];
        if (is_barred[row] == 0)
            continue;
        p->stage->counts.guarded++;
        if (source->guard_is_dead_letter)
            mr_row_errors_add(&errors, row, MR_E_ROW_FUTURE,
                              "event time %" PRId64 " ms is more than %" PRId64
                              " ms ahead of the record's timestamp",
                              p->batch.event_time[row], source->guard.skew_max_ms);
    }
    exclude(p, &errors);
    for (uint32_t r = 0, i = 0; r < rows && p->alive_count < rows; r++) {
        if (i < p->alive_count && p->alive[i] == r)
            i++;
        else
            is_barred[r] = 1;
    }
    return bury(p, "process", &source->errors, p->batch.record, &errors, err);
}

/* Evaluates the constraints and removes the rows that violate one. */
/* The row goes on. One violation a second is written down for each table, the rest is counted. */
static void warn(passage *p, const mr_constraint *constraint, uint32_t row)
{
    p->stage->counts.warned++;
    uint64_t suppressed;
    if (!mr_log_allowed(&p->stage->warn_site, p->io->clock->wall_ms(p->io->clock), 1, &suppressed))
        return;
    mr_logger_line(p->io->logger, MR_LOG_WARN,
                   "row kept code=MR%d at=%s[%" PRId32 "]@%" PRId64
                   " table=%s reason=\"violates constraint `%s`\" more=%" PRIu64,
                   MR_E_ROW_CONSTRAINT, p->records->topic, p->records->partition,
                   p->records->record[p->batch.record[row]].offset, p->stage->source->table,
                   constraint->name, suppressed);
}

static mr_status constrain(passage *p, const mr_vector *checks, mr_row_errors *failed,
                           mr_error *err)
{
    const mr_plan_source *source = p->stage->source;
    mr_row_errors table = *failed, dlq = {.arena = p->arena};
    mr_row_errors_settle(&table);
    exclude(p, &table);
    for (uint32_t k = 0; k < source->constraints_count; k++) {
        const mr_constraint *constraint = &source->constraints[k];
        uint32_t kept = 0;
        for (uint32_t i = 0; i < p->alive_count; i++) {
            uint32_t row = p->alive[i];
            bool holds = mr_vector_is_null(&checks[k], row) || checks[k].bools[row] != 0;
            if (holds || constraint->on_violation == MR_VIOLATION_WARN) {
                p->alive[kept++] = row;
                if (!holds)
                    warn(p, constraint, row);
            } else if (constraint->on_violation == MR_VIOLATION_DROP) {
                p->stage->counts.filtered++;
            } else if (constraint->on_violation == MR_VIOLATION_FAIL) {
                const mr_record *record = &p->records->record[p->batch.record[row]];
                return mr_error_set(err, MR_E_ROWS_FAIL,
                                    "%s[%" PRId32 "]@%" PRId64
                                    " violates constraint `%s` of `%s`, which says FAIL",
                                    p->records->topic, p->records->partition, record->offset,
                                    constraint->name, source->table);
            } else {
                mr_row_errors *list = constraint->on_violation == MR_VIOLATION_DLQ ? &dlq : &table;
                mr_row_errors_add(list, row, MR_E_ROW_CONSTRAINT, "violates constraint `%s`",
                                  constraint->name)
                    ->expression = constraint->check->text;
            }
        }
        p->alive_count = kept;
    }
    mr_row_errors_settle(&table);
    mr_row_errors_settle(&dlq);
    mr_errors_policy to_dlq = source->errors;
    if (to_dlq.dlq_topic != NULL)
        to_dlq.mode = MR_ERRORS_DLQ;
    mr_status status = bury(p, "process", &source->errors, p->batch.record, &table, err);
    return status == MR_OK ? bury(p, "process", &to_dlq, p->batch.record, &dlq, err) : status;
}

static mr_status judge(passage *p, mr_watermark *wm, int64_t others_ms, int64_t floor,
                       mr_error *err)
{
    const mr_plan_source *source = p->stage->source;
    uint32_t rows = p->batch.rows;
    if (source->time_column >= 0)
        p->batch.event_time = times_of(&p->batch.columns[source->time_column], rows, p->arena);
    uint8_t *is_barred = mr_arena_alloc(p->arena, rows);
    mr_status status = bar(p, is_barred, err);
    if (status != MR_OK)
        return status;
    uint32_t outputs = (source->watermark != NULL ? 1 : 0) + source->constraints_count;
    mr_vector *results = mr_arena_zalloc(p->arena, outputs + 1, sizeof *results);
    mr_row_errors errors = {.arena = p->arena};
    mr_batch alive = mr_batch_select(&p->batch, p->alive, p->alive_count);
    if (p->stage->checks != NULL)
        mr_program_run(p->stage->checks, &alive, results, &errors);
    if (source->watermark != NULL) {
        int64_t *candidate = times_of(&results[0], rows, p->arena);
        for (uint32_t r = 0; r < rows && p->alive_count < rows; r++)
            candidate[r] = is_barred[r] != 0 ? MR_TIME_NONE : candidate[r];
        int64_t *before = mr_arena_alloc(p->arena, rows * sizeof *before);
        mr_watermark_advance(wm, candidate, is_barred, rows, others_ms, before);
        for (uint32_t r = 0; r < rows; r++)
            before[r] = before[r] > floor ? before[r] : floor;
        p->batch.watermark = before;
    }
    return constrain(p, results + (source->watermark != NULL ? 1 : 0), &errors, err);
}

mr_status mr_source_stage_run(mr_source_stage *stage, const mr_task_io *io,
                              const mr_records *records, mr_watermark *wm, int64_t others_ms,
                              int64_t floor, mr_arena *arena, mr_source_result *result,
                              mr_error *err)
{
    result->dead_lists_count = 0;
    passage p = {.stage = stage, .io = io, .records = records, .arena = arena, .result = result};
    if (records->flaw != NULL) {
        result->batch = mr_batch_new(stage->source->columns_count, 0, arena);
        return bury_flawed(&p, err);
    }
    uint64_t filtered = stage->counts.filtered;
    mr_vector *values = NULL, *keys = NULL;
    mr_status status = decode(&p, &values, &keys, err);
    if (status != MR_OK)
        return status;
    fill_columns(&p, values, keys);
    p.alive = mr_arena_alloc(arena, p.batch.rows * sizeof *p.alive);
    for (uint32_t r = 0; r < p.batch.rows; r++)
        p.alive[r] = r;
    p.alive_count = p.batch.rows;
    status = compute(&p, err);
    if (status == MR_OK)
        status = judge(&p, wm, others_ms, floor, err);
    if (status != MR_OK)
        return status;
    result->batch =
        p.alive_count == p.batch.rows ? p.batch : mr_batch_select(&p.batch, p.alive, p.alive_count);
    stage->counts.records += records->count;
    stage->counts.rows += p.alive_count;
    stage->counts.dead += p.dead;
    for (uint32_t i = 0; i < records->count; i++)
        stage->counts.bytes += records->record[i].key_length + records->record[i].value_length;
    MR_ASSERT(records->count == p.alive_count + p.dead + (stage->counts.filtered - filtered));
    result->dead = p.dead;
    return MR_OK;
}
