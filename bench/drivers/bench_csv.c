/*
 * Nanoseconds the CSV decoder takes for a record, the encoder for a row of the same columns, and
 * the splitter for a row of a file: Nexmark bids of about 230 bytes, 7 fields, the last but one in
 * quotes.
 *
 *   bench_csv [fields [rounds]]     fields 0..7 are read (default 4), the rest is stepped over
 *
 * Prints the best and the median round. One round is 64 batches of 1,024 records, so the same
 * binary with 1 round suits callgrind (`--toggle-collect=csv_decode`).
 */
#include "connectors/formats/format.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORDS 1024
#define BATCHES 64
#define ROUNDS_MAX 1000
#define FIELDS 7

static const char *const NAMES[FIELDS] = {"auction", "dateTime", "bidder", "price",
                                          "channel", "url",      "extra"};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static size_t make_bid(uint64_t *seed, char *to, size_t size)
{
    static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple", "channel-4711"};
    char extra[160];
    size_t extra_length = 95 + next_random(seed) % 40;
    for (size_t i = 0; i < extra_length; i++)
        extra[i] = (char)('a' + next_random(seed) % 26);
    extra[extra_length] = '\0';
    return (size_t)snprintf(
        to, size,
        "%llu,2024-05-17 11:22:%02u.%03u,%llu,%llu,%s,\"https://www.nexmark.com/%c/item.htm"
        "?query=1&channel_id=%llu\",%s\n",
        (unsigned long long)(1000 + next_random(seed) % 100000), (unsigned)(next_random(seed) % 60),
        (unsigned)(next_random(seed) % 1000),
        (unsigned long long)(1000 + next_random(seed) % 1000000),
        (unsigned long long)(next_random(seed) % 100000000),
        channels[next_random(seed) % MR_LENGTH(channels)], 'a' + (char)(next_random(seed) % 26),
        (unsigned long long)(next_random(seed) % 1000000000), extra);
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

static mr_type type_of(uint32_t field)
{
    if (field == 1)
        return mr_type_time(MR_TYPE_TIMESTAMP, 3);
    return field < 4 ? mr_type_of(MR_TYPE_BIGINT) : mr_type_string();
}

static const mr_format_use *csv(void)
{
    static mr_format_use use = {.width = FIELDS};
    use.format = mr_format_find("csv");
    return &use;
}

static double split_round(mr_splitter *splitter, const char *text, size_t length, mr_record *record)
{
    double start = now_ns();
    for (int b = 0; b < BATCHES; b++) {
        mr_split split = {.bytes = text,
                          .length = length,
                          .is_end = true,
                          .record = record,
                          .records_max = RECORDS};
        mr_error err;
        mr_status status = splitter->class->cut(splitter, &split, &err);
        MR_ASSERT(status == MR_OK && split.count == RECORDS);
    }
    return (now_ns() - start) / (BATCHES * RECORDS);
}

static double decode_round(mr_decoder *decoder, const mr_records *records, mr_arena *arena)
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

static void report(const char *what, uint32_t fields, double *took, int rounds)
{
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("csv: %s, %u of 7 fields: best %.1f, median %.1f ns\n", what, fields, took[0],
           took[rounds / 2]);
}

static mr_decoder *make_decoder(uint32_t fields)
{
    mr_codec_column columns[FIELDS];
    for (uint32_t c = 0; c < fields; c++)
        columns[c] =
            (mr_codec_column){.path = &NAMES[c], .path_length = 1, .type = type_of(c), .place = c};
    mr_decoder *decoder = NULL;
    mr_error err;
    mr_status status = mr_format_decoder_new(NULL, csv(), columns, fields, &decoder, &err);
    MR_ASSERT(status == MR_OK);
    return decoder;
}

/* Rows as the decoder made them, written again. */
static void measure_encoder(mr_decoder *decoder, const mr_records *records, uint32_t fields,
                            int rounds, double *took)
{
    mr_arena arena = {0}, scratch = {0};
    mr_batch batch = mr_batch_new(fields, RECORDS, &arena);
    mr_row_errors errors = {.arena = &arena};
    mr_codec_field columns[FIELDS];
    mr_encoder *encoder = NULL;
    mr_encoded out = {0};
    mr_error err;
    static uint32_t rows[RECORDS];
    uint32_t rows_count;
    for (uint32_t c = 0; c < fields; c++)
        columns[c] = (mr_codec_field){.column = c, .name = NAMES[c], .type = type_of(c)};
    mr_status status = decoder->class->decode(decoder, records, batch.columns, rows, &rows_count,
                                              &errors, &arena, &err);
    if (status == MR_OK)
        status = mr_format_encoder_new(NULL, csv(), columns, fields, &encoder, &err);
    MR_ASSERT(status == MR_OK);
    batch.arena = &scratch;
    for (int r = 0; r < rounds; r++)
        took[r] = encode_round(encoder, &batch, &out);
    report("a row written", fields, took, rounds);
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
    static double took[ROUNDS_MAX];
    uint64_t seed = 88172645463325252u;
    char *text = malloc((size_t)RECORDS * 512);
    MR_ASSERT(text != NULL);
    size_t length = 0;
    for (uint32_t i = 0; i < RECORDS; i++)
        length += make_bid(&seed, text + length, 512);
    mr_splitter *splitter;
    mr_error err;
    mr_status status = mr_format_splitter_new(csv(), &splitter, &err);
    MR_ASSERT(status == MR_OK);
    for (int r = 0; r < rounds; r++)
        took[r] = split_round(splitter, text, length, record);
    report("a row cut from a file", fields, took, rounds);
    mr_records records = {.topic = "bids", .count = RECORDS, .record = record};
    mr_decoder *decoder = make_decoder(fields);
    mr_arena arena = {0};
    for (int r = 0; r < rounds; r++)
        took[r] = decode_round(decoder, &records, &arena);
    report("a record read", fields, took, rounds);
    if (fields > 0)
        measure_encoder(decoder, &records, fields, rounds, took);
    decoder->class->free(decoder);
    splitter->class->free(splitter);
    mr_arena_release(&arena);
    free(text);
    return 0;
}
