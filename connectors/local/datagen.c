#include "connectors/local/datagen.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/expr/decimal.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define STRING_LENGTH 100u
#define US_PER_MS INT64_C(1000)
#define US_PER_DAY INT64_C(86400000000)

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t mr_datagen_rows(const mr_datagen_config *config)
{
    int64_t rows = config->rows_max >= 0 ? config->rows_max : INT64_MAX;
    for (uint32_t f = 0; f < config->fields_count; f++) {
        const mr_datagen_field *field = &config->fields[f];
        mr_i128 length = (mr_i128)field->end - field->start + 1;
        if (field->kind == MR_DATAGEN_SEQUENCE && length < rows)
            rows = (int64_t)length;
    }
    return rows;
}

/* --- reader ---------------------------------------------------------------------------- */

typedef struct datagen_reader {
    mr_log_reader base;
    const mr_datagen_config *config;
    bool is_open, is_paused;
    uint32_t input;
    int64_t position, rows;
    int64_t began_ms, began_at; /* pace: row `began_at` was due at `began_ms` */
    mr_record *records;
    uint32_t records_max;
} datagen_reader;

mr_status mr_datagen_splits(const void *config, uint32_t tasks_count, mr_arena *arena,
                            const char ***names, uint32_t *count, mr_error *err)
{
    (void)config;
    (void)tasks_count;
    (void)err;
    *names = mr_arena_alloc(arena, sizeof **names);
    (*names)[0] = "datagen";
    *count = 1;
    return MR_OK;
}

static mr_status add(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    (void)topic;
    (void)partition;
    (void)err;
    datagen_reader *self = (datagen_reader *)reader;
    self->is_open = true;
    self->input = input;
    self->position = offset > 0 ? offset : 0;
    self->began_at = self->position;
    self->began_ms = now_ms();
    return MR_OK;
}

static mr_status remove_input(mr_log_reader *reader, uint32_t input, mr_error *err)
{
    (void)input;
    (void)err;
    ((datagen_reader *)reader)->is_open = false;
    return MR_OK;
}

/* How many rows are due now. */
static int64_t rows_due(const datagen_reader *self)
{
    int64_t left = self->rows - self->position;
    if (self->config->rows_per_second <= 0)
        return left;
    int64_t due = self->began_at +
                  (now_ms() - self->began_ms) * self->config->rows_per_second / 1000 -
                  self->position;
    return due < left ? due : left;
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    (void)err;
    datagen_reader *self = (datagen_reader *)reader;
    *records = (mr_records){0};
    if (!self->is_open || self->is_paused)
        return MR_OK;
    int64_t due = rows_due(self);
    if (due <= 0 && timeout_ms > 0 && self->position < self->rows) {
        struct timespec wait = {.tv_nsec = (long)(timeout_ms < 10 ? timeout_ms : 10) * 1000000};
        nanosleep(&wait, NULL);
        due = rows_due(self);
    }
    if (due <= 0)
        return MR_OK;
    uint32_t count = due < rows_max ? (uint32_t)due : rows_max;
    if (count > self->records_max) {
        self->records = realloc(self->records, count * sizeof *self->records);
        MR_ASSERT(self->records != NULL);
        self->records_max = count;
    }
    for (uint32_t i = 0; i < count; i++)
        self->records[i] = (mr_record){.offset = self->position + i, .timestamp_ms = MR_TIME_NONE};
    *records = (mr_records){.input = self->input,
                            .topic = "datagen",
                            .count = count,
                            .record = self->records,
                            .owner = self};
    self->position += count;
    return MR_OK;
}

static mr_status pause_input(mr_log_reader *reader, uint32_t input, bool is_paused, mr_error *err)
{
    (void)input;
    (void)err;
    ((datagen_reader *)reader)->is_paused = is_paused;
    return MR_OK;
}

static mr_status ends(mr_log_reader *reader, uint32_t input, int32_t timeout_ms,
                      mr_input_ends *result, mr_error *err)
{
    (void)input;
    (void)timeout_ms;
    (void)err;
    const datagen_reader *self = (const datagen_reader *)reader;
    *result = (mr_input_ends){.position = self->position,
                              .stable_end = self->rows,
                              .high_end = self->rows,
                              .is_paused = self->is_paused};
    return MR_OK;
}

static void close_reader(mr_log_reader *reader)
{
    datagen_reader *self = (datagen_reader *)reader;
    free(self->records);
    free(self);
}

static const mr_reader_class datagen_reader_class = {
    .add = add,
    .remove = remove_input,
    .fetch = fetch,
    .pause = pause_input,
    .ends = ends,
    .close = close_reader,
};

mr_status mr_datagen_open(const void *config, uint32_t tasks_count, mr_log_reader **reader,
                          mr_error *err)
{
    (void)tasks_count;
    (void)err;
    datagen_reader *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &datagen_reader_class;
    self->config = config;
    self->rows = mr_datagen_rows(config);
    *reader = &self->base;
    return MR_OK;
}

/* --- decoder --------------------------------------------------------------------------- */

typedef struct datagen_decoder {
    mr_decoder base;
    const mr_datagen_config *config;
} datagen_decoder;

static uint64_t draw(const mr_datagen_config *config, uint32_t field, int64_t offset, uint32_t more)
{
    uint64_t words[4] = {config->seed, field, (uint64_t)offset, more};
    return mr_hash(words, sizeof words);
}

/* Uniform in [0, 1). */
static double fraction(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

static mr_string make_string(const mr_datagen_config *config, uint32_t f, int64_t offset,
                             mr_arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t length = config->fields[f].length != 0 ? config->fields[f].length : STRING_LENGTH;
    char *text = mr_arena_alloc(arena, length);
    uint64_t bits = 0;
    for (uint32_t i = 0; i < length; i++, bits >>= 4) {
        if (i % 16 == 0)
            bits = draw(config, f, offset, i / 16);
        text[i] = digits[bits & 15];
    }
    return mr_string_of(text, length);
}

static int64_t moment_us(const mr_datagen_config *config, uint32_t f, int64_t offset)
{
    int64_t rate = config->rows_per_second > 0 ? config->rows_per_second : 10000;
    int64_t ms = config->start_ms + offset / rate * 1000 + offset % rate * 1000 / rate;
    int64_t past = config->fields[f].max_past_ms;
    if (past > 0)
        ms -= (int64_t)(fraction(draw(config, f, offset, 0)) * (double)past);
    return ms * US_PER_MS;
}

static double number(const mr_datagen_config *config, uint32_t f, int64_t offset)
{
    const mr_datagen_field *field = &config->fields[f];
    if (field->kind == MR_DATAGEN_SEQUENCE)
        return (double)(field->start + offset);
    return field->min + fraction(draw(config, f, offset, 0)) * (field->max - field->min);
}

static int64_t whole_number(const mr_datagen_config *config, uint32_t f, int64_t offset)
{
    const mr_datagen_field *field = &config->fields[f];
    if (field->kind == MR_DATAGEN_SEQUENCE)
        return field->start + offset;
    double value =
        floor(field->min + fraction(draw(config, f, offset, 0)) * (field->max - field->min + 1));
    if (value >= 0x1p63)
        return INT64_MAX;
    return value < -0x1p63 ? INT64_MIN : (int64_t)value;
}

/* An integer of the field's type; bounds beyond it are its own. */
static int32_t small_number(const mr_datagen_config *config, uint32_t f, int64_t offset)
{
    mr_type_kind kind = config->fields[f].type.kind;
    int64_t low = INT32_MIN, high = INT32_MAX, value = whole_number(config, f, offset);
    if (kind == MR_TYPE_TINYINT)
        low = INT8_MIN, high = INT8_MAX;
    else if (kind == MR_TYPE_SMALLINT)
        low = INT16_MIN, high = INT16_MAX;
    return (int32_t)(value < low ? low : value > high ? high : value);
}

static mr_i128 decimal_number(const mr_datagen_config *config, uint32_t f, int64_t offset)
{
    mr_type type = config->fields[f].type;
    mr_i128 result, limit = mr_decimal_power(type.precision) - 1;
    double value = number(config, f, offset);
    if (mr_decimal_of_double(value, type, &result))
        return result;
    return value < 0 ? -limit : limit;
}

static void put(const mr_datagen_config *config, uint32_t f, int64_t offset, mr_vector *to,
                uint32_t row, mr_arena *arena)
{
    mr_type type = config->fields[f].type;
    switch (to->lane) {
    case MR_LANE_BOOL: to->bools[row] = draw(config, f, offset, 0) & 1; break;
    case MR_LANE_I32: to->i32[row] = small_number(config, f, offset); break;
    case MR_LANE_I64:
        to->i64[row] = mr_type_is_timestamp(type) ? moment_us(config, f, offset)
                                                  : whole_number(config, f, offset);
        if (type.kind == MR_TYPE_TIME)
            to->i64[row] = moment_us(config, f, offset) % US_PER_DAY;
        break;
    case MR_LANE_I128: to->i128[row] = decimal_number(config, f, offset); break;
    case MR_LANE_F64:
        to->f64[row] = type.kind == MR_TYPE_FLOAT ? (double)(float)number(config, f, offset)
                                                  : number(config, f, offset);
        break;
    case MR_LANE_STRING: to->strings[row] = make_string(config, f, offset, arena); break;
    case MR_LANE_NONE: break;
    }
}

static mr_status decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                        uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                        mr_arena *arena, mr_error *err)
{
    (void)errors;
    (void)err;
    const mr_datagen_config *config = ((datagen_decoder *)decoder)->config;
    for (uint32_t f = 0; f < config->fields_count; f++) {
        columns[f] = mr_vector_new(config->fields[f].type, records->count, arena);
        for (uint32_t r = 0; r < records->count; r++)
            put(config, f, records->record[r].offset, &columns[f], r, arena);
    }
    for (uint32_t r = 0; r < records->count; r++)
        rows[r] = r;
    *rows_count = records->count;
    return MR_OK;
}

static void free_decoder(mr_decoder *decoder)
{
    free(decoder);
}

static const mr_decoder_class datagen_decoder_class = {.decode = decode, .free = free_decoder};

mr_status mr_datagen_decoder(const void *config, mr_decoder **decoder, mr_error *err)
{
    (void)err;
    datagen_decoder *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &datagen_decoder_class;
    self->config = config;
    *decoder = &self->base;
    return MR_OK;
}
