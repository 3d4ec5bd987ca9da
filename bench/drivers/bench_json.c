/*
 * Nanoseconds the JSON decoder takes for a record and the encoder for a row of the same columns:
 * Nexmark bids of about 310 bytes, 7 fields.
 *
 *   bench_json [fields [rounds]]     fields 0..7 are read (default 4), the rest is skipped
 *
 * Prints the best and the median round. One round is 64 batches of 1,024 records, so the same
 * binary with 1 round suits callgrind (`--toggle-collect=json_decode`).
 */
#include "connectors/formats/format.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORDS 1024
#define BATCHES 64
#define ROUNDS_MAX 1000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static void make_bid(uint64_t *seed, char *to, size_t size)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple", "channel-4711"};
    char extra[160];
    size_t extra_length = 95 + next_random(seed) % 40;
    for (size_t i = 0; i < extra_length; i++)
        extra[i] = (char)('a' + next_random(seed) % 26);
    extra[extra_length] = '\0';
    uint64_t second = next_random(seed) % 60, ms = next_random(seed) % 1000;
    snprintf(to, size,
             "{\"auction\":%llu,\"bidder\":%llu,\"price\":%llu,\"channel\":\"%s\","
             "\"url\":\"https://www.nexmark.com/%c%c%c/%c%c%c%c/item.htm?query=1&channel_id=%llu\","
             "\"dateTime\":\"2024-05-17 11:22:%02u.%03u\",\"extra\":\"%s\"}",
             (unsigned long long)(1000 + next_random(seed) % 100000),
             (unsigned long long)(1000 + next_random(seed) % 1000000),
             (unsigned long long)(next_random(seed) % 100000000),
             channels[next_random(seed) % MR_LENGTH(channels)], 'a', 'b', 'c', 'd', 'e', 'f', 'g',
             (unsigned long long)(next_random(seed) % 1000000000), (unsigned)second, (unsigned)ms,
             extra);
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

/* All bids in one block, as in a fetched message set. */
static void make_records(mr_record *record, size_t *bytes)
{
    uint64_t seed = 88172645463325252u;
    char *block = malloc((size_t)RECORDS * 512);
    MR_ASSERT(block != NULL);
    *bytes = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        char *text = block + *bytes;
        make_bid(&seed, text, 512);
        record[i] = (mr_record){.offset = i, .value = text, .value_length = (uint32_t)strlen(text)};
        *bytes += record[i].value_length;
    }
}

#define FIELDS 7
static const char *const NAMES[FIELDS] = {"auction", "dateTime", "bidder", "price",
                                          "channel", "url",      "extra"};

static mr_type type_of(uint32_t field)
{
    if (field == 1)
        return mr_type_time(MR_TYPE_TIMESTAMP, 3);
    return field < 4 ? mr_type_of(MR_TYPE_BIGINT) : mr_type_string();
}

static mr_decoder *make_decoder(uint32_t fields)
{
    mr_codec_column columns[FIELDS];
    for (uint32_t c = 0; c < FIELDS; c++)
        columns[c] = (mr_codec_column){.path = &NAMES[c], .path_length = 1, .type = type_of(c)};
    mr_format_use json = {.format = mr_format_find("json")};
    mr_decoder *decoder = NULL;
    mr_error err;
    MR_ASSERT(mr_format_decoder_new(NULL, &json, columns, fields, &decoder, &err) == MR_OK);
    return decoder;
}

static double run_round(mr_decoder *decoder, const mr_records *records, mr_arena *arena)
{
    mr_vector columns[FIELDS];
    static uint32_t rows[RECORDS];
    double start = now_ns();
    for (int b = 0; b < BATCHES; b++) {
        mr_arena_reset(arena);
        mr_row_errors errors = {.arena = arena};
        uint32_t rows_count;
        mr_error err;
        mr_status status = decoder->class->decode(decoder, records, columns, rows, &rows_count,
                                                  &errors, arena, &err);
        MR_ASSERT(status == MR_OK && rows_count == RECORDS);
    }
    return (now_ns() - start) / (BATCHES * RECORDS);
}

static mr_encoder *make_encoder(uint32_t fields)
{
    mr_codec_field columns[FIELDS];
    for (uint32_t c = 0; c < FIELDS; c++)
        columns[c] = (mr_codec_field){.column = c, .name = NAMES[c], .type = type_of(c)};
    mr_format_use json = {.format = mr_format_find("json")};
    mr_encoder *encoder = NULL;
    mr_error err;
    MR_ASSERT(mr_format_encoder_new(NULL, &json, columns, fields, &encoder, &err) == MR_OK);
    return encoder;
}

static double encode_round(mr_encoder *encoder, mr_batch *batch, mr_encoded *out)
{
    double start = now_ns();
    for (int b = 0; b < BATCHES; b++) {
        mr_arena_reset(batch->arena);
        out->bytes.length = 0;
        mr_row_errors errors = {.arena = batch->arena};
        mr_error err;
        mr_status status = encoder->class->encode(encoder, batch, out, &errors, &err);
        MR_ASSERT(status == MR_OK && errors.count == 0);
    }
    return (now_ns() - start) / (BATCHES * RECORDS);
}

/* Rows as the decoder made them, written again. */
static void measure_encoder(mr_decoder *decoder, const mr_records *records, uint32_t fields,
                            int rounds, double *took)
{
    mr_arena arena = {0}, scratch = {0};
    mr_batch batch = mr_batch_new(fields, RECORDS, &arena);
    mr_row_errors errors = {.arena = &arena};
    mr_error err;
    static uint32_t rows[RECORDS];
    uint32_t rows_count;
    MR_ASSERT(decoder->class->decode(decoder, records, batch.columns, rows, &rows_count, &errors,
                                     &arena, &err) == MR_OK);
    batch.arena = &scratch;
    mr_encoded out = {0};
    mr_encoder *encoder = make_encoder(fields);
    for (int r = 0; r < rounds; r++)
        took[r] = encode_round(encoder, &batch, &out);
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("json: %u fields written, %.0f B: best %.1f, median %.1f ns a row\n", fields,
           (double)out.bytes.length / RECORDS, took[0], took[rounds / 2]);
    encoder->class->free(encoder);
    mr_buffer_release(&out.bytes);
    mr_arena_release(&arena);
    mr_arena_release(&scratch);
}

int main(int argc, char **argv)
{
    uint32_t fields = argc > 1 ? (uint32_t)atoi(argv[1]) : 4;
    int rounds = argc > 2 ? atoi(argv[2]) : 200;
    MR_ASSERT(fields <= FIELDS && rounds > 0 && rounds <= ROUNDS_MAX);
    static mr_record record[RECORDS];
    size_t bytes;
    make_records(record, &bytes);
    mr_records records = {.topic = "bids", .count = RECORDS, .record = record};
    mr_decoder *decoder = make_decoder(fields);
    mr_arena arena = {0};
    static double took[ROUNDS_MAX];
    for (int r = 0; r < rounds; r++)
        took[r] = run_round(decoder, &records, &arena);
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("json: %u of 7 fields of %.0f B: best %.1f, median %.1f ns a record\n", fields,
           (double)bytes / RECORDS, took[0], took[rounds / 2]);
    if (fields > 0)
        measure_encoder(decoder, &records, fields, rounds, took);
    decoder->class->free(decoder);
    mr_arena_release(&arena);
    free((void *)(uintptr_t)record[0].value);
    return 0;
}
