/*
 * Nanoseconds a row takes through an exchange in memory: sender (hash, columns, checksum, LZ4) and
 * receiver (checksum, LZ4, columns), without a log between them.
 *
 *   bench_exchange [rows a frame [rounds]]     default 200
 *
 * Two relations: counts by auction as a window's first half sends them (key, slice, count), and
 * raw bids (three numbers, a time, a text of 20 bytes; event time and watermark). Prints best and
 * median of the rounds; one round is 4,096 frames, so the same binary with 1 round suits callgrind
 * (`--toggle-collect=mr_sender_put --toggle-collect=mr_sender_flush
 * --toggle-collect=mr_receiver_take`).
 */
#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"
#include "engine/exchange/receiver.h"
#include "engine/exchange/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FRAMES 4096
#define ROUNDS_MAX 1000

static const mr_field counts[] = {{"auction", {.kind = MR_TYPE_BIGINT}},
                                  {"slice", {.kind = MR_TYPE_BIGINT}},
                                  {"count", {.kind = MR_TYPE_BIGINT}}};
static const mr_field bids[] = {
    {"auction", {.kind = MR_TYPE_BIGINT}},
    {"bidder", {.kind = MR_TYPE_BIGINT}},
    {"price", {.kind = MR_TYPE_BIGINT}},
    {"time", {.kind = MR_TYPE_TIMESTAMP, .precision = 3}},
    {"channel", {.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED}}};
static const uint32_t keys[] = {0};
static const mr_exchange_relation relations[] = {{{3, counts}, 1, keys}, {{5, bids}, 1, keys}};
static const mr_exchange exchange = {.plan_version = 1,
                                     .upstreams_count = 1,
                                     .downstreams_count = 1,
                                     .relations_count = 2,
                                     .relations = relations,
                                     .compressor = &mr_lz4};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static mr_batch make_rows(uint32_t relation, uint32_t rows, mr_arena *arena)
{
    static const char channels[] = "channel-0123456789ab";
    uint64_t seed = 7;
    mr_schema schema = relations[relation].schema;
    mr_batch batch = mr_batch_new(schema.columns_count, rows, arena);
    for (uint32_t c = 0; c < schema.columns_count; c++)
        batch.columns[c] = mr_vector_new(schema.columns[c].type, rows, arena);
    if (relation == 1) {
        batch.event_time = mr_arena_alloc(arena, rows * sizeof(int64_t));
        batch.watermark = mr_arena_alloc(arena, rows * sizeof(int64_t));
    }
    for (uint32_t r = 0; r < rows; r++) {
        int64_t time = INT64_C(1700000000000) + r / 3;
        batch.columns[0].i64[r] = (int64_t)(1000 + next_random(&seed) % 100000);
        batch.columns[1].i64[r] =
            relation == 0 ? 170000000 : (int64_t)(next_random(&seed) % 1000000);
        batch.columns[2].i64[r] =
            (int64_t)(1 + next_random(&seed) % (relation == 0 ? 30 : 100000000));
        if (relation == 0)
            continue;
        batch.columns[3].i64[r] = time * 1000;
        batch.columns[4].strings[r] = mr_string_of(channels, 20);
        batch.event_time[r] = time;
        batch.watermark[r] = time - 4000;
    }
    return batch;
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

/* Where the frames lie between the two ends. */
typedef struct wire {
    mr_buffer frame;
    uint64_t rows;
} wire;

static mr_status keep(void *context, uint32_t downstream, const char *frame, size_t length,
                      mr_error *err)
{
    (void)downstream;
    (void)err;
    wire *to = context;
    mr_buffer_clear(&to->frame);
    mr_buffer_put(&to->frame, frame, length);
    return MR_OK;
}

static mr_status count(void *context, uint32_t relation, const mr_batch *batch, mr_error *err)
{
    (void)relation;
    (void)err;
    ((wire *)context)->rows += batch->rows;
    return MR_OK;
}

/* One round; what each end took for a row. */
static void play(uint32_t relation, const mr_batch *batch, double *sent, double *taken,
                 size_t *length)
{
    wire between = {0};
    mr_arena out_arena = {0}, in_arena = {0};
    mr_sender *sender = mr_sender_new(&exchange, 0, NULL);
    mr_receiver *receiver = mr_receiver_new(&exchange, 0);
    mr_sender_out out = {.send = keep, .context = &between};
    mr_receiver_out in = {.take = count, .context = &between};
    mr_error err;
    double out_ns = 0, in_ns = 0;
    for (uint32_t f = 0; f < FRAMES; f++) {
        double start = now_ns();
        mr_sender_begin(sender, f + 1);
        if (mr_sender_put(sender, relation, batch, &out_arena, &out, &err) != MR_OK ||
            mr_sender_flush(sender, f + 1, false, &out, &err) != MR_OK)
            abort();
        double middle = now_ns();
        if (mr_receiver_take(receiver, between.frame.data, between.frame.length, &in_arena, &in,
                             &err) != MR_OK)
            abort();
        in_ns += now_ns() - middle;
        out_ns += middle - start;
        mr_arena_reset(&out_arena);
        mr_arena_reset(&in_arena);
    }
    if (between.rows != (uint64_t)batch->rows * FRAMES)
        abort();
    *sent = out_ns / FRAMES / batch->rows;
    *taken = in_ns / FRAMES / batch->rows;
    *length = between.frame.length;
    mr_sender_free(sender);
    mr_receiver_free(receiver);
    mr_buffer_release(&between.frame);
    mr_arena_release(&out_arena);
    mr_arena_release(&in_arena);
}

int main(int argc, char **argv)
{
    static double sent[ROUNDS_MAX], taken[ROUNDS_MAX];
    uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200;
    uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 20;
    if (rows == 0 || rows > MR_BATCH_ROWS_MAX || rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_exchange [rows 1..4096 [rounds 1..1000]]\n");
        return 2;
    }
    for (uint32_t relation = 0; relation < 2; relation++) {
        mr_arena arena = {0};
        mr_batch batch = make_rows(relation, rows, &arena);
        size_t length = 0;
        for (uint32_t i = 0; i < rounds; i++)
            play(relation, &batch, &sent[i], &taken[i], &length);
        qsort(sent, rounds, sizeof *sent, by_value);
        qsort(taken, rounds, sizeof *taken, by_value);
        printf("%s, %u rows a frame, %.1f bytes a row: sender best %.1f median %.1f ns, receiver "
               "best %.1f median %.1f ns a row\n",
               relation == 0 ? "counts" : "bids", rows, (double)length / rows, sent[0],
               sent[rounds / 2], taken[0], taken[rounds / 2]);
        mr_arena_release(&arena);
    }
    return 0;
}
