#include "connectors/formats/avro/decode/decoder.h"

#include "connectors/formats/avro/decode/bytes.h"
#include "connectors/formats/avro/decode/compile.h"
#include "connectors/formats/avro/decode/lane.h"
#include "connectors/formats/codes.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PREFIX_BYTES 5
#define ASK_AGAIN_MS 10000

/* What is known of one writer's schema. */
typedef struct known {
    uint32_t id;      /* REGISTRY */
    uint64_t hash;    /* CONTAINER: of its text */
    mr_status code;   /* 0: `program`; else why its records are errors */
    int64_t until_ms; /* INT64_MAX: for good */
    uint64_t used;    /* the batch that used it last */
    char *problem;
    mr_avro_program program;
} known;

typedef struct avro_decoder {
    mr_decoder base;
    mr_arena memory;
    mr_record_part part;
    mr_avro_framing framing;
    mr_registry *registry;
    int32_t ask_again_ms;
    mr_avro_schema reader;
    mr_avro_want top;
    uint32_t columns_count;
    mr_type *types;
    known **known;
    uint32_t known_count, known_capacity;
    mr_avro_machine machine;
} avro_decoder;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- schemas ---------------------------------------------------------------------------- */

static void forget(known *k)
{
    mr_avro_program_release(&k->program);
    free(k->problem);
    free(k);
}

static known *add_known(avro_decoder *d)
{
    if (d->known_count == d->known_capacity) {
        d->known_capacity = d->known_capacity == 0 ? 8 : d->known_capacity * 2;
        d->known = realloc((void *)d->known, d->known_capacity * sizeof(*d->known));
        MR_ASSERT(d->known != NULL);
    }
    known *k = calloc(1, sizeof *k);
    MR_ASSERT(k != NULL);
    k->until_ms = INT64_MAX;
    return d->known[d->known_count++] = k;
}

/* The least recently used go, between batches: the last one's symbols may still be looked at. */
static void trim(avro_decoder *d)
{
    while (d->known_count > MR_AVRO_PROGRAMS_MAX) {
        uint32_t oldest = 0;
        for (uint32_t i = 1; i < d->known_count; i++)
            if (d->known[i]->used < d->known[oldest]->used)
                oldest = i;
        forget(d->known[oldest]);
        d->known[oldest] = d->known[--d->known_count];
    }
}

static void set_problem(known *k, mr_status code, const char *text, int64_t until_ms)
{
    k->code = code;
    k->until_ms = until_ms;
    k->problem = strdup(text);
    MR_ASSERT(k->problem != NULL);
}

static void compile_known(avro_decoder *d, known *k, const char *text, size_t length,
                          const mr_avro_texts *references)
{
    mr_avro_schema writer;
    mr_error err;
    mr_status status = mr_avro_schema_parse(text, length, references, &writer, &err);
    if (status == MR_OK)
        status = mr_avro_compile(&writer, &d->top, &k->program, &err);
    if (status != MR_OK)
        set_problem(k, status, err.message, INT64_MAX);
    mr_avro_schema_release(&writer);
}

/* A schema that no record had before, or one to ask for again. */
static mr_status ask(avro_decoder *d, uint32_t id, known **found, mr_error *err)
{
    const mr_registry_schema *schema;
    mr_status status = mr_registry_schema_of(d->registry, id, &schema, err);
    if (status != MR_OK && status != MR_E_AVRO_UNKNOWN_ID && status != MR_E_AVRO_SCHEMA)
        return status;
    known *k = add_known(d);
    k->id = id;
    *found = k;
    if (status == MR_OK) {
        mr_avro_texts references = {.texts = schema->references, .count = schema->references_count};
        compile_known(d, k, schema->text, strlen(schema->text), &references);
    } else {
        set_problem(k, status, err->message, now_ms() + d->ask_again_ms);
    }
    return MR_OK;
}

static mr_status known_by_id(avro_decoder *d, uint32_t id, known **found, mr_error *err)
{
    for (uint32_t i = 0; i < d->known_count; i++) {
        if (d->known[i]->id != id)
            continue;
        *found = d->known[i];
        if (d->known[i]->until_ms == INT64_MAX || now_ms() < d->known[i]->until_ms)
            return MR_OK;
        forget(d->known[i]);
        d->known[i] = d->known[--d->known_count];
        break;
    }
    return ask(d, id, found, err);
}

/* `text` is the key of a container's record. */
static known *known_by_text(avro_decoder *d, const char *text, size_t length)
{
    uint64_t hash = mr_hash(text, length);
    for (uint32_t i = 0; i < d->known_count; i++)
        if (d->known[i]->hash == hash)
            return d->known[i];
    known *k = add_known(d);
    k->hash = hash;
    compile_known(d, k, text, length, NULL);
    return k;
}

/* --- records ---------------------------------------------------------------------------- */

typedef struct passage {
    const mr_records *records;
    mr_row_errors *errors;
    known *last;
    const char *last_key; /* CONTAINER: its text */
    uint32_t last_key_length;
    uint32_t same_keys; /* up to here, from where the lane looked last */
} passage;

static void report_machine(avro_decoder *d, uint32_t record, const char *start,
                           mr_row_errors *errors)
{
    const mr_avro_machine *m = &d->machine;
    const mr_avro_note *note = &m->program->notes[m->bad_pc];
    bool has_path = note->path[0] != '\0';
    char type[MR_TYPE_NAME_MAX + 4] = "";
    if (note->column != MR_AVRO_COLUMN_NONE) {
        char name[MR_TYPE_NAME_MAX];
        snprintf(type, sizeof type, " (%s)",
                 mr_type_name(d->types[note->column], name, sizeof name));
    }
    mr_row_errors_add(errors, record, m->code, "avro: %s at %s%s%s%s, byte %zu", m->reason,
                      has_path ? "`" : "the record's end", note->path, has_path ? "`" : "", type,
                      (size_t)(m->bad_at - start));
}

/* The part of the record that holds the value, by the writer's schema; NULL: an error was added. */
static const char *unframe(avro_decoder *d, passage *p, uint32_t i, const char *bytes,
                           uint32_t length, mr_status *status, mr_error *err)
{
    if (d->framing == MR_AVRO_BARE)
        return bytes;
    const mr_record *record = &p->records->record[i];
    if (d->framing == MR_AVRO_CONTAINER) {
        if (p->last == NULL || p->last_key != record->key ||
            p->last_key_length != record->key_length) {
            p->last = known_by_text(d, record->key != NULL ? record->key : "", record->key_length);
            p->last_key = record->key;
            p->last_key_length = record->key_length;
        }
        return bytes;
    }
    if (length < PREFIX_BYTES || bytes[0] != 0) {
        mr_row_errors_add(p->errors, i, MR_E_AVRO_WIRE,
                          "avro: %s, byte 0: expected 0x00 and four bytes of schema id",
                          length < PREFIX_BYTES ? "too short for a schema id" : "no magic byte");
        return NULL;
    }
    uint32_t id;
    memcpy(&id, bytes + 1, sizeof id);
    id = __builtin_bswap32(id);
    if (p->last == NULL || p->last->id != id) {
        *status = known_by_id(d, id, &p->last, err);
        if (*status != MR_OK)
            return NULL;
    }
    return bytes + PREFIX_BYTES;
}

static void report_schema(const passage *p, uint32_t i, mr_avro_framing framing)
{
    const known *k = p->last;
    if (framing == MR_AVRO_REGISTRY)
        mr_row_errors_add(p->errors, i, k->code, "avro: schema %u: %s", k->id, k->problem);
    else
        mr_row_errors_add(p->errors, i, k->code, "avro: %s", k->problem);
}

/* One record; true: it is a row. */
static inline bool decode_one(avro_decoder *d, passage *p, uint32_t i, uint32_t row,
                              const char *bytes, uint32_t length, mr_status *status, mr_error *err)
{
    const char *at = unframe(d, p, i, bytes, length, status, err);
    if (at == NULL)
        return false;
    known *k = p->last;
    if (__builtin_expect(k->code != MR_OK, 0)) {
        report_schema(p, i, d->framing);
        return false;
    }
    const char *end = bytes + length;
    const char *behind = mr_avro_machine_run(&d->machine, &k->program, row, at, end);
    if (__builtin_expect(behind == end, 1))
        return true;
    mr_avro_machine_clean(&d->machine, row);
    if (behind != NULL)
        mr_row_errors_add(p->errors, i, MR_E_AVRO_BEHIND,
                          "avro: bytes behind the record, byte %zu of %u", (size_t)(behind - bytes),
                          length);
    else
        report_machine(d, i, bytes, p->errors);
    return false;
}

/* A NULL key is NULL in all its columns. */
static bool decode_null(avro_decoder *d, passage *p, uint32_t i, uint32_t row)
{
    mr_avro_machine *m = &d->machine;
    for (uint32_t c = 0; c < d->columns_count; c++) {
        if (!d->types[c].is_nullable) {
            mr_row_errors_add(p->errors, i, MR_E_FIELD_NULL, "avro: NULL key for NOT NULL columns");
            mr_avro_machine_clean(m, row);
            return false;
        }
        mr_vector_set_null(&m->columns[c], row, m->rows_max, m->arena);
    }
    return true;
}

static void begin(avro_decoder *d, const mr_records *records, mr_vector *columns, mr_arena *arena)
{
    mr_avro_machine *m = &d->machine;
    trim(d);
    m->columns = columns;
    m->columns_count = d->columns_count;
    m->rows_max = records->count;
    m->arena = arena;
    m->batch++;
    for (uint32_t c = 0; c < d->columns_count; c++)
        columns[c] = mr_vector_new(d->types[c], records->count, arena);
}

/* How far the records reach that have the last one's key. */
static uint32_t same_keys(passage *p, uint32_t from)
{
    const mr_record *record = p->records->record;
    if (p->same_keys < from)
        p->same_keys = from;
    while (p->same_keys < p->records->count && record[p->same_keys].key == p->last_key &&
           record[p->same_keys].key_length == p->last_key_length)
        p->same_keys++;
    return p->same_keys;
}

/* As many records from `from` on as the lane takes: those of the schema that the last one had. */
static uint32_t decode_lane(avro_decoder *d, passage *p, uint32_t from, uint32_t *rows,
                            uint32_t *row)
{
    const mr_records *records = p->records;
    known *k = p->last;
    mr_avro_prefix prefix = {0};
    uint32_t count = records->count;
    if (k == NULL || k->code != MR_OK || d->part == MR_PART_KEY)
        return from;
    if (d->framing == MR_AVRO_REGISTRY) {
        uint64_t id = __builtin_bswap32(k->id);
        prefix = (mr_avro_prefix){.bytes = id << 8, .length = PREFIX_BYTES};
    } else if (d->framing == MR_AVRO_CONTAINER) {
        count = same_keys(p, from);
    }
    k->used = d->machine.batch;
    return mr_avro_lane_run(&d->machine, &k->program, &prefix, records->record, from, count, rows,
                            row);
}

static mr_status avro_decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                             uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                             mr_arena *arena, mr_error *err)
{
    avro_decoder *d = (avro_decoder *)decoder;
    passage p = {.records = records, .errors = errors};
    uint32_t row = 0;
    mr_status status = MR_OK;
    begin(d, records, columns, arena);
    p.last = d->framing == MR_AVRO_BARE ? d->known[0] : NULL;
    for (uint32_t i = decode_lane(d, &p, 0, rows, &row); i < records->count;
         i = decode_lane(d, &p, i + 1, rows, &row)) {
        const mr_record *record = &records->record[i];
        bool is_key = d->part == MR_PART_KEY;
        const char *bytes = is_key ? record->key : record->value;
        uint32_t length = is_key ? record->key_length : record->value_length;
        if (bytes == NULL && !is_key)
            continue;
        bool is_row = bytes != NULL ? decode_one(d, &p, i, row, bytes, length, &status, err)
                                    : decode_null(d, &p, i, row);
        if (status != MR_OK)
            return status;
        if (is_row)
            rows[row++] = i;
        if (p.last != NULL)
            p.last->used = d->machine.batch;
    }
    *rows_count = row;
    return MR_OK;
}

static void avro_free(mr_decoder *decoder)
{
    avro_decoder *d = (avro_decoder *)decoder;
    for (uint32_t i = 0; i < d->known_count; i++)
        forget(d->known[i]);
    free((void *)d->known);
    mr_registry_free(d->registry);
    mr_avro_schema_release(&d->reader);
    mr_arena_release(&d->memory);
    free(d);
}

static const mr_decoder_class AVRO_DECODER = {.decode = avro_decode, .free = avro_free};

static mr_status prepare(avro_decoder *d, const mr_avro_decoder_config *config,
                         const mr_codec_column *columns, mr_error *err)
{
    if (config->reader != NULL) {
        mr_status status =
            mr_avro_schema_parse(config->reader, strlen(config->reader), NULL, &d->reader, err);
        if (status != MR_OK) {
            err->status = MR_E_SETTING;
            return mr_error_prefix(err, "the schema given is none");
        }
    }
    mr_status status =
        mr_avro_wants_build(columns, d->columns_count, d->reader.type, &d->memory, &d->top, err);
    if (status != MR_OK || config->framing != MR_AVRO_BARE)
        return status;
    known *k = add_known(d);
    compile_known(d, k, config->writer, strlen(config->writer), NULL);
    return k->code == MR_OK ? MR_OK : mr_error_set(err, MR_E_SETTING, "avro: %s", k->problem);
}

mr_status mr_avro_decoder_new(const mr_avro_decoder_config *config, const mr_codec_column *columns,
                              uint32_t columns_count, mr_decoder **decoder, mr_error *err)
{
    avro_decoder *d = calloc(1, sizeof *d);
    MR_ASSERT(d != NULL);
    d->base.class = &AVRO_DECODER;
    d->part = config->part;
    d->framing = config->framing;
    d->registry = config->registry;
    d->ask_again_ms = config->ask_again_ms > 0 ? config->ask_again_ms : ASK_AGAIN_MS;
    d->columns_count = columns_count;
    d->machine.is_narrow = config->is_narrow || !mr_avro_has_wide();
    d->types = mr_arena_zalloc(&d->memory, columns_count, sizeof *d->types);
    for (uint32_t c = 0; c < columns_count; c++)
        d->types[c] = columns[c].type;
    mr_status status = prepare(d, config, columns, err);
    if (status != MR_OK) {
        avro_free(&d->base);
        return status;
    }
    *decoder = &d->base;
    return MR_OK;
}
