/*
 * Goal: every row reaches the task of its key, once and in order, in frames of bounded size; news
 * of the watermark reach every task once.
 * Method: batches in, frames out, opened again by frame.h.
 */
#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"
#include "engine/exchange/destination.h"
#include "engine/exchange/frame.h"
#include "engine/state/key.h"
#include "tests/unit/engine/exchange/wires.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static mr_frame_header open_frame(const mr_wire_frame *frame, mr_arena *arena, mr_reader *body)
{
    mr_frame_header header;
    mr_error err = {0};
    cr_assert_eq(mr_frame_open(frame->bytes, frame->length, &mr_lz4, arena, &header, body, &err),
                 MR_OK, "%s", err.message);
    cr_assert(header.plan_version == 99 && header.downstream == frame->downstream &&
              header.upstream == frame->upstream);
    return header;
}

static bool next(const mr_exchange *exchange, mr_reader *body, mr_arena *arena, mr_batch *batch)
{
    const mr_schema schemas[] = {exchange->relations[0].schema, exchange->relations[1].schema};
    uint32_t relation;
    bool is_end;
    mr_error err = {0};
    cr_assert_eq(mr_frame_next_section(body, schemas, 2, arena, &relation, batch, &is_end, &err),
                 MR_OK);
    return !is_end;
}

static uint32_t task_of(int64_t key, uint32_t tasks, mr_arena *arena)
{
    mr_vector column = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 1, arena);
    column.i64[0] = key;
    mr_string bytes;
    uint64_t hash;
    mr_key_encode((const mr_vector *[]){&column}, 1, NULL, 1, arena, &bytes, &hash);
    return mr_destination_of(hash, tasks);
}

Test(sender, brings_every_row_to_the_task_of_its_key_in_order)
{
    enum { TASKS = 5, ROWS = 1000 };
    mr_arena arena = {0};
    mr_exchange exchange = mr_wires_exchange(2, TASKS);
    mr_sender *sender = mr_sender_new(&exchange, 1, NULL);
    mr_wires wires = {0};
    mr_sender_out out = mr_wires_out(&wires, 1);
    mr_error err = {0};
    int64_t keys[ROWS];
    uint32_t chosen[ROWS / 2];
    for (uint32_t r = 0; r < ROWS; r++)
        keys[r] = r % 37;
    for (uint32_t i = 0; i < ROWS / 2; i++)
        chosen[i] = 2 * i;
    mr_sender_begin(sender, 8);
    mr_batch batch = mr_wires_rows(keys, ROWS, 0, &arena);
    cr_assert_eq(mr_sender_put(sender, 0, &batch, &arena, &out, &err), MR_OK);
    mr_batch half = mr_batch_select(&batch, chosen, ROWS / 2);
    cr_assert_eq(mr_sender_put(sender, 0, &half, &arena, &out, &err), MR_OK);
    cr_assert_eq(wires.count, 0, "rows wait for the flush");
    cr_assert_eq(mr_sender_flush(sender, 77, false, &out, &err), MR_OK);
    cr_assert_eq(wires.count, TASKS);
    uint32_t seen = 0, sections = 0;
    for (uint32_t f = 0; f < wires.count; f++) {
        mr_reader body;
        mr_frame_header header = open_frame(&wires.frames[f], &arena, &body);
        cr_assert(header.epoch == 8 && header.number == 0 && header.watermark_ms == 77);
        mr_batch got;
        while (next(&exchange, &body, &arena, &got)) {
            sections++;
            for (uint32_t r = 0; r < got.rows; r++, seen++) {
                int64_t key = got.columns[0].i64[r], value = got.columns[1].i64[r];
                cr_assert_eq(key, value % 37);
                cr_assert_eq(task_of(key, TASKS, &arena), header.downstream);
                cr_assert(r == 0 || value > got.columns[1].i64[r - 1], "order is kept");
            }
        }
    }
    cr_assert(seen == ROWS + ROWS / 2 && sections == 2 * TASKS);
    mr_wires_release(&wires);
    mr_sender_free(sender);
    mr_arena_release(&arena);
}

static uint32_t flushed(mr_sender *sender, mr_wires *wires, int64_t watermark, bool is_idle)
{
    mr_error err = {0};
    uint32_t before = wires->count;
    mr_sender_out out = mr_wires_out(wires, 0);
    cr_assert_eq(mr_sender_flush(sender, watermark, is_idle, &out, &err), MR_OK);
    return wires->count - before;
}

Test(sender, tells_every_task_what_is_new_and_nothing_twice)
{
    mr_arena arena = {0};
    mr_exchange exchange = mr_wires_exchange(1, 3);
    mr_sender *sender = mr_sender_new(&exchange, 0, NULL);
    mr_wires wires = {0};
    mr_error err = {0};
    mr_sender_begin(sender, 1);
    cr_assert_eq(flushed(sender, &wires, MR_TIME_NONE, false), 0, "nothing is known yet");
    cr_assert_eq(flushed(sender, &wires, 10, false), 3);
    cr_assert_eq(flushed(sender, &wires, 10, false), 0);
    cr_assert_eq(flushed(sender, &wires, 10, true), 3, "idle is news");
    mr_sender_begin(sender, 2);
    cr_assert_eq(flushed(sender, &wires, 10, true), 0);
    mr_batch batch = mr_wires_rows((int64_t[]){4}, 1, 0, &arena);
    mr_sender_out out = mr_wires_out(&wires, 0);
    cr_assert_eq(mr_sender_put(sender, 0, &batch, &arena, &out, &err), MR_OK);
    cr_assert_eq(flushed(sender, &wires, 10, false), 3, "no longer idle is news");
    cr_assert_eq(mr_sender_put(sender, 0, &batch, &arena, &out, &err), MR_OK);
    cr_assert_eq(flushed(sender, &wires, 10, false), 1, "rows for one task");
    mr_reader body;
    mr_frame_header header = open_frame(&wires.frames[wires.count - 1], &arena, &body);
    cr_assert(header.epoch == 2 && header.number == 1);
    mr_wires_release(&wires);
    mr_sender_free(sender);
    mr_arena_release(&arena);
}

static mr_batch make_texts(uint32_t rows, uint32_t length, mr_arena *arena)
{
    mr_exchange exchange = mr_wires_exchange(1, 1);
    const mr_schema *schema = &exchange.relations[1].schema;
    mr_batch batch = mr_batch_new(2, rows, arena);
    for (uint32_t c = 0; c < 2; c++)
        batch.columns[c] = mr_vector_new(schema->columns[c].type, rows, arena);
    uint64_t noise = 1;
    for (uint32_t r = 0; r < rows; r++) {
        char *bytes = mr_arena_alloc(arena, length);
        for (uint32_t i = 0; i < length; i++) {
            noise = noise * UINT64_C(6364136223846793005) + 1;
            bytes[i] = (char)(noise >> 56);
        }
        batch.columns[0].i64[r] = r;
        batch.columns[1].strings[r] = mr_string_of(bytes, length);
    }
    return batch;
}

Test(sender, what_waits_is_counted_in_the_budget_and_given_back_by_a_flush)
{
    enum { TASKS = 3, ROWS = 400 };
    mr_arena arena = {0};
    mr_exchange exchange = mr_wires_exchange(1, TASKS);
    mr_budget budget = {0};
    mr_sender *sender = mr_sender_new(&exchange, 0, &budget);
    mr_wires wires = {0};
    mr_sender_out out = mr_wires_out(&wires, 0);
    mr_error err = {0};
    int64_t most = 0;
    mr_sender_begin(sender, 1);
    mr_batch batch = make_texts(ROWS, 300, &arena);
    for (int i = 0; i < 60; i++) {
        int64_t before = mr_budget_used(&budget);
        cr_assert_eq(mr_sender_put(sender, 1, &batch, &arena, &out, &err), MR_OK);
        if (i == 0)
            cr_expect_geq(mr_budget_used(&budget) - before, ROWS * 300);
        most = mr_budget_used(&budget) > most ? mr_budget_used(&budget) : most;
    }
    cr_expect_gt(wires.count, TASKS, "some were full");
    /* Buffers double; one more is the frame under way. */
    cr_expect_leq(most, (TASKS + 1) * 2 * (int64_t)(MR_FRAME_BODY_MAX + 4096));
    cr_expect_eq(atomic_load(&budget.used[MR_BUDGET_EXCHANGE]), mr_budget_used(&budget));
    cr_assert_eq(mr_sender_flush(sender, 10, false, &out, &err), MR_OK);
    cr_expect_lt(mr_budget_used(&budget), (TASKS + 1) * 16 * 1024 + 1);
    mr_sender_begin(sender, 2);
    cr_assert_eq(mr_sender_put(sender, 1, &batch, &arena, &out, &err), MR_OK);
    mr_sender_free(sender);
    cr_expect_eq(mr_budget_used(&budget), 0);
    mr_wires_release(&wires);
    mr_arena_release(&arena);
}

Test(sender, cuts_frames_that_are_full_and_says_nothing_of_the_watermark_in_them)
{
    mr_arena arena = {0};
    mr_exchange exchange = mr_wires_exchange(1, 2);
    mr_sender *sender = mr_sender_new(&exchange, 0, NULL);
    mr_wires wires = {0};
    mr_error err = {0};
    mr_sender_begin(sender, 3);
    mr_batch batch = make_texts(3000, 1000, &arena);
    mr_sender_out out = mr_wires_out(&wires, 0);
    cr_assert_eq(mr_sender_put(sender, 1, &batch, &arena, &out, &err), MR_OK);
    uint32_t early = wires.count;
    cr_assert_gt(early, 2);
    cr_assert_eq(flushed(sender, &wires, 5, false), 2);
    uint64_t numbers[2] = {0};
    uint32_t rows = 0;
    for (uint32_t f = 0; f < wires.count; f++) {
        cr_assert_leq(wires.frames[f].length, MR_FRAME_BODY_MAX + 1000);
        mr_reader body;
        mr_frame_header header = open_frame(&wires.frames[f], &arena, &body);
        cr_assert_eq(header.number, numbers[header.downstream]++);
        cr_assert_eq(header.watermark_ms, f < early ? MR_TIME_NONE : 5);
        mr_batch got;
        while (next(&exchange, &body, &arena, &got))
            rows += got.rows;
    }
    cr_assert_eq(rows, 3000);
    mr_wires_release(&wires);
    mr_sender_free(sender);
    mr_arena_release(&arena);
}

static mr_status refuse(void *context, uint32_t downstream, const char *frame, size_t length,
                        mr_error *err)
{
    (void)frame;
    (void)length;
    ++*(uint32_t *)context;
    return downstream == 1 ? mr_error_set(err, MR_E_KAFKA, "refused") : MR_OK;
}

Test(sender, passes_on_what_the_way_out_refuses)
{
    mr_exchange exchange = mr_wires_exchange(1, 3);
    mr_sender *sender = mr_sender_new(&exchange, 0, NULL);
    uint32_t calls = 0;
    mr_sender_out out = {.send = refuse, .context = &calls};
    mr_error err = {0};
    mr_sender_begin(sender, 1);
    cr_assert_eq(mr_sender_flush(sender, 1, false, &out, &err), MR_E_KAFKA);
    cr_assert_eq(calls, 2);
    mr_sender_free(sender);
}
