/*
 * Nanoseconds per row of keyed state: encoding the key, upserting it, adding to its value; and per
 * dirty key of a sorted delta.
 *
 *   bench_state [bigint|string [keys [batches]]]     default: bigint 100000 1000
 *
 * CPU time of the thread, so a busy machine disturbs by its caches only. One batch is 4,096 rows of
 * random keys in one slice; every figure is the mean over all batches but those that first fill it.
 * With few batches the same binary suits callgrind (`--toggle-collect=mr_slice_upsert`).
 */
#include "engine/base/assert.h"
#include "engine/state/key.h"
#include "engine/state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS MR_BATCH_ROWS_MAX

typedef struct bench {
    mr_state *state;
    mr_slice *slice;
    mr_vector column;
    mr_arena arena; /* reset for each batch */
    mr_string keys[ROWS];
    uint64_t hashes[ROWS];
    void *values[ROWS];
    uint64_t seed;
    uint64_t keys_count;
    double encode_ns, upsert_ns, add_ns;
} bench;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next_key(bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return (b->seed >> 11) % b->keys_count;
}

static void fill_column(bench *b, char (*texts)[32])
{
    for (uint32_t row = 0; row < ROWS; row++) {
        uint64_t key = next_key(b);
        if (b->column.lane == MR_LANE_I64) {
            b->column.i64[row] = (int64_t)key;
        } else {
            int length =
                snprintf(texts[row], sizeof texts[row], "merchant-%09llu", (unsigned long long)key);
            b->column.strings[row] = mr_string_of(texts[row], (uint32_t)length);
        }
    }
}

static void run_batch(bench *b)
{
    const mr_vector *columns[] = {&b->column};
    mr_arena_reset(&b->arena);
    double start = now_ns();
    mr_key_encode(columns, 1, NULL, ROWS, &b->arena, b->keys, b->hashes);
    double encoded = now_ns();
    mr_slice_upsert(b->slice, b->keys, b->hashes, ROWS, b->values);
    double upserted = now_ns();
    for (uint32_t row = 0; row < ROWS; row++)
        ++*(int64_t *)b->values[row];
    b->encode_ns += encoded - start;
    b->upsert_ns += upserted - encoded;
    b->add_ns += now_ns() - upserted;
}

static mr_status count_change(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    *(uint64_t *)context += change->operation == MR_STORE_PUT;
    return MR_OK;
}

int main(int argc, char **argv)
{
    static bench b;
    static char texts[ROWS][32];
    bool is_string = argc > 1 && strcmp(argv[1], "string") == 0;
    b.keys_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    uint64_t batches = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000;
    if (b.keys_count == 0 || batches == 0) {
        fprintf(stderr, "usage: bench_state [bigint|string [keys [batches]]]\n");
        return 2;
    }
    b.seed = 4711;
    b.state = mr_state_new(NULL);
    mr_table *table =
        mr_state_table(b.state, &(mr_table_layout){.name = "bench", .value_size = 16});
    b.slice = mr_table_make(table, 0);
    mr_arena column_arena = {0};
    b.column = mr_vector_new(is_string ? mr_type_string() : mr_type_of(MR_TYPE_BIGINT), ROWS,
                             &column_arena);
    for (uint64_t filled = 0; filled < 4 * b.keys_count; filled += ROWS) {
        fill_column(&b, texts);
        run_batch(&b);
    }
    b.encode_ns = b.upsert_ns = b.add_ns = 0;
    mr_state_mark_clean(b.state);
    for (uint64_t i = 0; i < batches; i++) {
        fill_column(&b, texts);
        run_batch(&b);
    }
    uint64_t changes = 0;
    mr_error err;
    double start = now_ns();
    if (mr_state_changes(b.state, count_change, &changes, &err) != MR_OK || changes == 0)
        return 1;
    double delta_ns = (now_ns() - start) / (double)changes;
    double rows = (double)batches * ROWS;
    printf("%s keys=%u: encode+hash %.1f ns, upsert %.1f ns, add %.1f ns a row; delta %.0f ns a "
           "dirty key (%llu); %.0f bytes a key\n",
           is_string ? "string" : "bigint", mr_slice_count(b.slice), b.encode_ns / rows,
           b.upsert_ns / rows, b.add_ns / rows, delta_ns, (unsigned long long)changes,
           (double)mr_state_bytes(b.state) / mr_slice_count(b.slice));
    mr_arena_release(&b.arena);
    mr_arena_release(&column_arena);
    mr_state_free(b.state);
    return 0;
}
