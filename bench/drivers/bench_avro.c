/*
 * Nanoseconds the Avro decoder takes for a record and the encoder for a row of the same columns:
 * Nexmark bids of about 200 bytes, 7 fields, as bench_json's.
 *
 *   bench_avro [fields [rounds [option]]]   fields 0..7 are read (default 7), the rest is skipped;
 *                                           `option`: every field is a union with null
 *
 * Prints the best and the median round. One round is 64 batches of 1,024 records, so the same
 * binary with 1 round suits callgrind (`--toggle-collect=avro_decode`).
 */
#include "connectors/formats/format.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORDS 1024
#define BATCHES 64
#define ROUNDS_MAX 1000
#define FIELDS 7

static const char *const NAMES[FIELDS] = {"auction", "bidder",   "price", "channel",
                                          "url",     "dateTime", "extra"};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static mr_type type_of(uint32_t field, bool is_option)
{
    mr_type type = field == 5  ? mr_type_time(MR_TYPE_TIMESTAMP, 3)
                   : field < 3 ? mr_type_of(MR_TYPE_BIGINT)
                               : mr_type_string();
    return mr_type_nullable(type, is_option);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mr_string make_text(uint64_t *seed, mr_arena *arena, uint32_t field)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple", "channel-4711"};
    char text[200];
    size_t length = 0;
    if (field == 3)
        length = (size_t)snprintf(text, sizeof text, "%s",
                                  channels[next_random(seed) % MR_LENGTH(channels)]);
    else if (field == 4)
        length = (size_t)snprintf(text, sizeof text,
                                  "https://www.nexmark.com/abc/defg/item.htm?query=1&channel_id=%u",
                                  (unsigned)(next_random(seed) % 1000000000));
    else
        for (length = 0; length < 95 + next_random(seed) % 40; length++)
            text[length] = (char)('a' + next_random(seed) % 26);
    return mr_string_of(mr_arena_copy(arena, text, length), (uint32_t)length);
}

static int64_t make_number(uint64_t *seed, uint32_t field)
{
    switch (field) {
    case 0: return (int64_t)(1000 + next_random(seed) % 100000);
    case 1: return (int64_t)(1000 + next_random(seed) % 1000000);
    case 2: return (int64_t)(next_random(seed) % 100000000);
    default: return INT64_C(1715944920000000) + (int64_t)(next_random(seed) % 60000) * 1000;
    }
}

static mr_batch make_rows(mr_arena *arena, bool is_option)
{
    uint64_t seed = 88172645463325252u;
    mr_batch batch = mr_batch_new(FIELDS, RECORDS, arena);
    for (uint32_t c = 0; c < FIELDS; c++) {
        batch.columns[c] = mr_vector_new(type_of(c, is_option), RECORDS, arena);
        for (uint32_t r = 0; r < RECORDS; r++) {
            if (batch.columns[c].lane == MR_LANE_STRING)
                batch.columns[c].strings[r] = make_text(&seed, arena, c);
            else
                batch.columns[c].i64[r] = make_number(&seed, c);
        }
    }
    return batch;
}

static mr_encoder *make_encoder(const mr_format_use *avro, bool is_option)
{
    mr_codec_field fields[FIELDS];
    mr_encoder *encoder = NULL;
    mr_error err;
    for (uint32_t c = 0; c < FIELDS; c++)
        fields[c] = (mr_codec_field){.column = c, .name = NAMES[c], .type = type_of(c, is_option)};
    MR_ASSERT(mr_format_encoder_new(NULL, avro, fields, FIELDS, &encoder, &err) == MR_OK);
    return encoder;
}

static double encode_round(mr_encoder *encoder, mr_batch *batch, mr_encoded *out)
{
    double start = now_ns();
    for (int b = 0; b < BATCHES; b++) {
        mr_row_errors errors = {.arena = batch->arena};
        mr_error err;
        out->bytes.length = 0;
        mr_arena_reset(batch->arena);
        mr_status status = encoder->class->encode(encoder, batch, out, &errors, &err);
        MR_ASSERT(status == MR_OK && errors.count == 0);
    }
    return (now_ns() - start) / (BATCHES * RECORDS);
}

static double decode_round(mr_decoder *decoder, const mr_records *records, mr_arena *arena)
{
    mr_vector columns[FIELDS];
    uint32_t rows[RECORDS], rows_count;
    double start = now_ns();
    for (int b = 0; b < BATCHES; b++) {
        mr_row_errors errors = {.arena = arena};
        mr_error err;
        mr_arena_reset(arena);
        mr_status status = decoder->class->decode(decoder, records, columns, rows, &rows_count,
                                                  &errors, arena, &err);
        MR_ASSERT(status == MR_OK && rows_count == RECORDS);
    }
    return (now_ns() - start) / (BATCHES * RECORDS);
}

static void print(const char *what, uint32_t fields, double bytes, double *took, int rounds)
{
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("avro: %u of 7 fields %s, %.0f B: best %.1f, median %.1f ns\n", fields, what, bytes,
           took[0], took[rounds / 2]);
}

int main(int argc, char **argv)
{
    uint32_t fields = argc > 1 ? (uint32_t)atoi(argv[1]) : FIELDS;
    int rounds = argc > 2 ? atoi(argv[2]) : 200;
    bool is_option = argc > 3 && strcmp(argv[3], "option") == 0;
    MR_ASSERT(fields <= FIELDS && rounds > 0 && rounds <= ROUNDS_MAX);
    static double took[ROUNDS_MAX];
    mr_arena arena = {0}, scratch = {0};
    mr_error err;
    mr_field layout[FIELDS];
    mr_codec_column columns[FIELDS];
    for (uint32_t c = 0; c < FIELDS; c++) {
        layout[c] = (mr_field){.name = NAMES[c], .type = type_of(c, is_option)};
        columns[c] =
            (mr_codec_column){.path = &NAMES[c], .path_length = 1, .type = type_of(c, is_option)};
    }
    struct mr_row_type row = {.fields_count = FIELDS, .fields = layout};
    mr_format_use avro = {.format = mr_format_find("avro"), .layout = &row};
    mr_batch batch = make_rows(&arena, is_option);
    mr_encoder *encoder = make_encoder(&avro, is_option);
    mr_encoded out = {0};
    batch.arena = &scratch;
    for (int r = 0; r < rounds; r++)
        took[r] = encode_round(encoder, &batch, &out);
    print("written", FIELDS, (double)out.bytes.length / RECORDS, took, rounds);

    mr_record *record = mr_arena_zalloc(&arena, RECORDS, sizeof *record);
    for (uint32_t i = 0; i < RECORDS; i++)
        record[i] = (mr_record){.offset = i,
                                .value = out.bytes.data + out.value_start[i],
                                .value_length = out.value_length[i]};
    mr_records records = {.topic = "bids", .count = RECORDS, .record = record};
    mr_decoder *decoder = NULL;
    MR_ASSERT(mr_format_decoder_new(NULL, &avro, columns, fields, &decoder, &err) == MR_OK);
    mr_arena rows = {0};
    for (int r = 0; r < rounds; r++)
        took[r] = decode_round(decoder, &records, &rows);
    print("read", fields, (double)out.bytes.length / RECORDS, took, rounds);
    encoder->class->free(encoder);
    decoder->class->free(decoder);
    mr_buffer_release(&out.bytes);
    mr_arena_release(&rows);
    mr_arena_release(&scratch);
    mr_arena_release(&arena);
    return 0;
}
