#include "connectors/formats/pair.h"

#include "engine/base/assert.h"

#include <stdlib.h>

typedef struct half {
    mr_decoder *decoder;
    uint32_t *places;
    uint32_t count;
} half;

typedef struct pair_decoder {
    mr_decoder base;
    half key;
    half value;
} pair_decoder;

/* What one half made of the records; arrays in the batch's arena. */
typedef struct half_rows {
    mr_vector *columns;
    uint32_t *record; /* of each row */
    uint32_t *kept;   /* rows whose record is in both halves */
    uint32_t count;
} half_rows;

static mr_status decode_half(const half *h, const mr_records *records, mr_row_errors *errors,
                             mr_arena *arena, half_rows *rows, mr_error *err)
{
    rows->columns = mr_arena_zalloc(arena, h->count, sizeof *rows->columns);
    rows->record = mr_arena_zalloc(arena, records->count, sizeof *rows->record);
    rows->kept = mr_arena_zalloc(arena, records->count, sizeof *rows->kept);
    return h->decoder->class->decode(h->decoder, records, rows->columns, rows->record, &rows->count,
                                     errors, arena, err);
}

/* Both lists rise. Returns how many records have a row in both. */
static uint32_t intersect(half_rows *a, half_rows *b)
{
    uint32_t both = 0;
    for (uint32_t i = 0, k = 0; i < a->count && k < b->count;) {
        if (a->record[i] == b->record[k]) {
            a->kept[both] = i++;
            b->kept[both++] = k++;
        } else if (a->record[i] < b->record[k]) {
            i++;
        } else {
            k++;
        }
    }
    return both;
}

static void place_columns(const half *h, const half_rows *rows, uint32_t both, mr_vector *columns,
                          mr_arena *arena)
{
    for (uint32_t c = 0; c < h->count; c++)
        columns[h->places[c]] = both == rows->count
                                    ? rows->columns[c]
                                    : mr_vector_gather(&rows->columns[c], rows->kept, both, arena);
}

static mr_status pair_decode(mr_decoder *decoder, const mr_records *records, mr_vector *columns,
                             uint32_t *rows, uint32_t *rows_count, mr_row_errors *errors,
                             mr_arena *arena, mr_error *err)
{
    pair_decoder *d = (pair_decoder *)decoder;
    half_rows key, value;
    uint32_t before = errors->count;
    mr_status status = decode_half(&d->key, records, errors, arena, &key, err);
    for (uint32_t i = before; i < errors->count; i++)
        errors->error[i].message =
            mr_arena_printf(errors->arena, "key: %s", errors->error[i].message);
    if (status == MR_OK)
        status = decode_half(&d->value, records, errors, arena, &value, err);
    if (status != MR_OK)
        return status;
    uint32_t both = intersect(&key, &value);
    place_columns(&d->key, &key, both, columns, arena);
    place_columns(&d->value, &value, both, columns, arena);
    for (uint32_t i = 0; i < both; i++)
        rows[i] = key.record[key.kept[i]];
    *rows_count = both;
    /* A record that is bad in both parts is one dead letter. */
    mr_row_errors_settle(errors);
    return MR_OK;
}

static void release_half(half *h)
{
    h->decoder->class->free(h->decoder);
    free(h->places);
}

static void pair_decoder_free(mr_decoder *decoder)
{
    pair_decoder *d = (pair_decoder *)decoder;
    release_half(&d->key);
    release_half(&d->value);
    free(d);
}

static const mr_decoder_class PAIR_DECODER = {.decode = pair_decode, .free = pair_decoder_free};

static half half_of(mr_decoder *decoder, const uint32_t *places, uint32_t count)
{
    half h = {.decoder = decoder, .count = count};
    h.places = calloc((size_t)count + 1, sizeof *h.places);
    MR_ASSERT(h.places != NULL);
    for (uint32_t i = 0; i < count; i++)
        h.places[i] = places[i];
    return h;
}

mr_decoder *mr_pair_decoder_new(mr_decoder *key, const uint32_t *key_places, uint32_t key_count,
                                mr_decoder *value, const uint32_t *value_places,
                                uint32_t value_count)
{
    pair_decoder *d = calloc(1, sizeof *d);
    MR_ASSERT(d != NULL);
    d->base.class = &PAIR_DECODER;
    d->key = half_of(key, key_places, key_count);
    d->value = half_of(value, value_places, value_count);
    return &d->base;
}

typedef struct pair_encoder {
    mr_encoder base;
    mr_row_writer *key;
    mr_row_writer *value;
} pair_encoder;

static bool write_part(mr_row_writer *writer, const mr_batch *batch, uint32_t row, mr_buffer *bytes,
                       mr_row_errors *errors, uint32_t *start, uint32_t *length)
{
    size_t before = bytes->length;
    *start = (uint32_t)before;
    *length = UINT32_MAX;
    if (writer == NULL)
        return true;
    switch (writer->class->write(writer, batch, row, bytes, errors)) {
    case MR_WRITTEN_BYTES: *length = (uint32_t)(bytes->length - before); return true;
    case MR_WRITTEN_NULL: return true;
    default: bytes->length = before; return false;
    }
}

static mr_status prepare_part(mr_row_writer *writer, mr_error *err)
{
    if (writer == NULL || writer->class->prepare == NULL)
        return MR_OK;
    return writer->class->prepare(writer, err);
}

static mr_status pair_encode(mr_encoder *encoder, const mr_batch *batch, mr_encoded *out,
                             mr_row_errors *errors, mr_error *err)
{
    pair_encoder *e = (pair_encoder *)encoder;
    mr_status status = prepare_part(e->key, err);
    if (status == MR_OK)
        status = prepare_part(e->value, err);
    if (status != MR_OK)
        return status;
    size_t size = (size_t)batch->selected * sizeof(uint32_t);
    out->key_start = mr_arena_alloc(batch->arena, size);
    out->key_length = mr_arena_alloc(batch->arena, size);
    out->value_start = mr_arena_alloc(batch->arena, size);
    out->value_length = mr_arena_alloc(batch->arena, size);
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        size_t before = out->bytes.length;
        out->value_start[i] = (uint32_t)before;
        out->value_length[i] = UINT32_MAX;
        if (!write_part(e->key, batch, row, &out->bytes, errors, &out->key_start[i],
                        &out->key_length[i]))
            continue;
        if (!write_part(e->value, batch, row, &out->bytes, errors, &out->value_start[i],
                        &out->value_length[i])) {
            out->bytes.length = before;
            out->key_length[i] = UINT32_MAX;
        }
    }
    return MR_OK;
}

static void pair_encoder_free(mr_encoder *encoder)
{
    pair_encoder *e = (pair_encoder *)encoder;
    if (e->key != NULL)
        e->key->class->free(e->key);
    e->value->class->free(e->value);
    free(e);
}

static const mr_encoder_class PAIR_ENCODER = {.encode = pair_encode, .free = pair_encoder_free};

mr_encoder *mr_pair_encoder_new(mr_row_writer *key, mr_row_writer *value)
{
    pair_encoder *e = calloc(1, sizeof *e);
    MR_ASSERT(e != NULL);
    *e = (pair_encoder){.base.class = &PAIR_ENCODER, .key = key, .value = value};
    return &e->base;
}
