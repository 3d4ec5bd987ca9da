/*
 * Goal: the receiver's watermark is the minimum of what its live upstreams have said, waits for all
 * of them and never goes back; rows are judged by what held before them; nothing is taken twice,
 * out of order, or of another plan; the vector comes back as it was saved.
 * Method: by hand for each rule; then random upstreams, idle at times, whose frames interleave at
 * random, against a receiver that recomputes everything from the list of what was heard.
 */
#include "engine/base/assert.h"
#include "tests/unit/engine/exchange/lanes.h"
#include "tests/unit/engine/exchange/wires.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS_MAX 64

typedef struct seen {
    uint32_t rows;
    int64_t value[ROWS_MAX], judged[ROWS_MAX];
} seen;

static mr_status see(void *context, uint32_t relation, const mr_batch *batch, mr_error *err)
{
    (void)err;
    seen *at = context;
    cr_assert(relation == 0 && batch->selected == batch->rows && batch->watermark != NULL);
    for (uint32_t r = 0; r < batch->rows; r++) {
        cr_assert_lt(at->rows, ROWS_MAX);
        at->value[at->rows] = batch->columns[1].i64[r];
        at->judged[at->rows++] = batch->watermark[r];
    }
    return MR_OK;
}

/* One receiver, and senders that are asked for one frame at a time. */
typedef struct play {
    mr_arena arena;
    mr_exchange exchange;
    mr_receiver *receiver;
    mr_buffer frame;
    seen seen;
    mr_error err;
} play;

static void begin(play *p, uint32_t upstreams)
{
    *p = (play){.exchange = mr_wires_exchange(upstreams, 1)};
    p->receiver = mr_receiver_new(&p->exchange, 0);
}

static void end(play *p)
{
    mr_receiver_free(p->receiver);
    mr_buffer_release(&p->frame);
    mr_arena_release(&p->arena);
}

/* A frame with the rows whose watermarks are listed (values 0, 1, ..). */
static void make(play *p, mr_frame_header header, const int64_t *watermarks, uint32_t rows)
{
    mr_buffer body = {0};
    int64_t keys[ROWS_MAX] = {0};
    if (rows > 0) {
        mr_batch batch = mr_wires_rows(keys, rows, 0, &p->arena);
        batch.watermark = mr_arena_copy(&p->arena, watermarks, rows * sizeof *watermarks);
        mr_frame_put_section(&body, 0, &batch, NULL, rows);
    }
    header.plan_version = header.plan_version != 0 ? header.plan_version : 99;
    header.upstreams_count =
        header.upstreams_count != 0 ? header.upstreams_count : p->exchange.upstreams_count;
    mr_buffer_clear(&p->frame);
    mr_frame_seal(&header, &body, NULL, &p->frame);
    mr_buffer_release(&body);
}

static mr_status take(play *p)
{
    p->seen.rows = 0;
    mr_receiver_out out = {.take = see, .context = &p->seen};
    return mr_receiver_take(p->receiver, p->frame.data, p->frame.length, &p->arena, &out, &p->err);
}

/* News of an upstream without rows. */
static int64_t hears(play *p, uint32_t upstream, uint64_t epoch, int64_t watermark, bool is_idle)
{
    make(p,
         (mr_frame_header){
             .upstream = upstream, .epoch = epoch, .watermark_ms = watermark, .is_idle = is_idle},
         NULL, 0);
    cr_assert_eq(take(p), MR_OK, "%s", p->err.message);
    return mr_receiver_watermark(p->receiver);
}

Test(receiver, waits_for_all_upstreams_and_never_goes_back)
{
    play p;
    begin(&p, 3);
    cr_assert_eq(hears(&p, 0, 1, 50, false), MR_TIME_NONE);
    cr_assert_eq(hears(&p, 1, 1, 40, false), MR_TIME_NONE, "one has not been heard");
    cr_assert_eq(hears(&p, 2, 1, 60, false), 40);
    cr_assert_eq(hears(&p, 1, 2, 55, false), 50);
    cr_assert_eq(hears(&p, 1, 3, MR_TIME_NONE, false), 50, "no news change nothing");
    end(&p);
}

Test(receiver, does_not_wait_for_idle_upstreams_and_holds_when_all_are)
{
    play p;
    begin(&p, 2);
    cr_assert_eq(hears(&p, 0, 1, 50, false), MR_TIME_NONE);
    cr_assert_eq(hears(&p, 1, 1, MR_TIME_NONE, true), 50, "idle before it knew anything");
    cr_assert_not(mr_receiver_is_idle(p.receiver));
    cr_assert_eq(hears(&p, 0, 2, 70, true), 50, "all idle: hold");
    cr_assert(mr_receiver_is_idle(p.receiver));
    cr_assert_eq(hears(&p, 1, 2, 20, false), 50, "back, and behind: nothing goes back");
    cr_assert_eq(hears(&p, 0, 3, 90, false), 50, "it is waited for again");
    cr_assert_eq(hears(&p, 1, 3, 80, false), 80);
    end(&p);
}

Test(receiver, has_ended_when_all_upstreams_have_and_not_while_one_is_idle)
{
    play p;
    begin(&p, 2);
    hears(&p, 0, 1, 50, true);
    cr_assert_eq(hears(&p, 1, 1, MR_TIME_MAX, false), MR_TIME_NONE);
    cr_assert(mr_receiver_is_idle(p.receiver));
    cr_assert_eq(hears(&p, 0, 2, 60, false), 60);
    cr_assert_eq(hears(&p, 0, 3, MR_TIME_MAX, false), MR_TIME_MAX);
    cr_assert_not(mr_receiver_is_idle(p.receiver));
    end(&p);
}

Test(receiver, judges_rows_of_one_upstream_by_the_rows_before_them)
{
    play p;
    begin(&p, 1);
    make(&p, (mr_frame_header){.epoch = 1, .watermark_ms = 30},
         (int64_t[]){MR_TIME_NONE, 10, 10, 25}, 4);
    cr_assert_eq(take(&p), MR_OK);
    const int64_t expected[] = {MR_TIME_NONE, 10, 10, 25};
    for (uint32_t r = 0; r < 4; r++)
        cr_assert(p.seen.value[r] == r && p.seen.judged[r] == expected[r]);
    cr_assert_eq(mr_receiver_watermark(p.receiver), 30);
    end(&p);
}

Test(receiver, judges_rows_by_the_other_upstreams_and_never_below_its_own)
{
    play p;
    begin(&p, 2);
    hears(&p, 0, 1, 20, false);
    hears(&p, 1, 1, 15, false);
    make(&p, (mr_frame_header){.upstream = 1, .epoch = 2, .watermark_ms = 40},
         (int64_t[]){10, 17, 35}, 3);
    cr_assert_eq(take(&p), MR_OK);
    cr_assert_eq(p.seen.judged[0], 15, "the receiver's own");
    cr_assert_eq(p.seen.judged[1], 17);
    cr_assert_eq(p.seen.judged[2], 20, "the other upstream's");
    end(&p);
}

static void refused(play *p, mr_frame_header header, mr_status code)
{
    mr_buffer before = {0}, after = {0};
    mr_receiver_save(p->receiver, &before);
    make(p, header, (int64_t[]){1}, 1);
    cr_assert_eq(take(p), code, "%s", p->err.message);
    cr_assert(p->seen.rows == 0 && p->err.message[0] != '\0');
    mr_receiver_save(p->receiver, &after);
    cr_assert(before.length == after.length && memcmp(before.data, after.data, after.length) == 0);
    mr_buffer_release(&before);
    mr_buffer_release(&after);
}

Test(receiver, refuses_what_is_repeated_lost_overtaken_or_of_another_plan)
{
    play p;
    begin(&p, 2);
    refused(&p, (mr_frame_header){.epoch = 4, .number = 1}, MR_E_FRAME_ORDER);
    hears(&p, 0, 4, 20, false);
    refused(&p, (mr_frame_header){.epoch = 4, .number = 0, .watermark_ms = 30}, MR_E_FRAME_ORDER);
    refused(&p, (mr_frame_header){.epoch = 4, .number = 2, .watermark_ms = 30}, MR_E_FRAME_ORDER);
    refused(&p, (mr_frame_header){.epoch = 3, .number = 0, .watermark_ms = 30}, MR_E_FRAME_ORDER);
    refused(&p, (mr_frame_header){.epoch = 5, .number = 1, .watermark_ms = 30}, MR_E_FRAME_ORDER);
    refused(&p, (mr_frame_header){.epoch = 4, .number = 1, .watermark_ms = 19}, MR_E_FRAME_ORDER);
    refused(&p, (mr_frame_header){.epoch = 5, .plan_version = 98}, MR_E_FRAME_PLAN);
    refused(&p, (mr_frame_header){.epoch = 5, .upstreams_count = 3}, MR_E_FRAME_PLAN);
    refused(&p, (mr_frame_header){.epoch = 5, .upstream = 2}, MR_E_FRAME_PLAN);
    refused(&p, (mr_frame_header){.epoch = 5, .downstream = 1}, MR_E_FRAME_PLAN);
    uint64_t epoch, number;
    cr_assert(mr_receiver_heard(p.receiver, 0, &epoch, &number) && epoch == 4 && number == 0);
    cr_assert_not(mr_receiver_heard(p.receiver, 1, &epoch, &number));
    end(&p);
}

Test(receiver, refuses_a_vector_that_is_not_its_own)
{
    play p, q;
    begin(&p, 2);
    begin(&q, 3);
    mr_buffer bytes = {0};
    mr_error err = {0};
    hears(&p, 0, 1, 5, true);
    mr_receiver_save(p.receiver, &bytes);
    cr_assert_eq(mr_receiver_load(q.receiver, bytes.data, bytes.length, &err), MR_E_STATE);
    mr_receiver_free(q.receiver);
    q.receiver = mr_receiver_new(&p.exchange, 0);
    for (size_t length = 0; length < bytes.length; length++)
        cr_assert_eq(mr_receiver_load(q.receiver, bytes.data, length, &err), MR_E_STATE);
    mr_buffer_put_u8(&bytes, 0);
    cr_assert_eq(mr_receiver_load(q.receiver, bytes.data, bytes.length, &err), MR_E_STATE);
    mr_buffer_release(&bytes);
    end(&p);
    end(&q);
}

/* ---- random upstreams against the definition ---- */

enum { UPSTREAMS_MAX = 5 };

/* Everything an upstream has said. */
typedef struct model {
    uint32_t upstreams;
    int64_t said[UPSTREAMS_MAX];
    bool is_idle[UPSTREAMS_MAX];
    int64_t own;
} model;

static int64_t lowest(const model *m, uint32_t but)
{
    int64_t low = MR_TIME_MAX;
    for (uint32_t u = 0; u < m->upstreams; u++)
        if (u != but && !m->is_idle[u] && m->said[u] < low)
            low = m->said[u];
    return low;
}

static void settle(model *m)
{
    uint32_t live = 0, idle = 0;
    for (uint32_t u = 0; u < m->upstreams; u++) {
        idle += m->is_idle[u];
        live += !m->is_idle[u] && m->said[u] != MR_TIME_MAX;
    }
    int64_t low = lowest(m, UPSTREAMS_MAX);
    if ((live > 0 || idle == 0) && low > m->own)
        m->own = low;
}

typedef struct source {
    int64_t watermark_ms;
    uint64_t epoch, number;
    bool was_idle;
} source;

/* One frame of an upstream: some rows whose watermarks rise, at times the end of its epoch. */
static void step(play *p, model *m, source *from, uint32_t upstream, uint64_t *random)
{
    int64_t watermarks[8];
    uint32_t rows = (uint32_t)(mr_lanes_random(random) % 5);
    bool is_last = mr_lanes_random(random) % 2 == 0;
    bool is_idle = is_last && mr_lanes_random(random) % 6 == 0;
    int64_t judged[8];
    m->is_idle[upstream] = false;
    int64_t others = lowest(m, upstream);
    for (uint32_t r = 0; r < rows; r++) {
        watermarks[r] = from->watermark_ms;
        judged[r] = watermarks[r] < others ? watermarks[r] : others;
        judged[r] = judged[r] > m->own ? judged[r] : m->own;
        int64_t up = (int64_t)(mr_lanes_random(random) % 20);
        from->watermark_ms = from->watermark_ms == MR_TIME_NONE ? up : from->watermark_ms + up;
    }
    make(p,
         (mr_frame_header){.upstream = upstream,
                           .epoch = from->epoch,
                           .number = from->number++,
                           .watermark_ms = is_last ? from->watermark_ms : MR_TIME_NONE,
                           .is_idle = is_idle},
         watermarks, rows);
    cr_assert_eq(take(p), MR_OK, "%s", p->err.message);
    cr_assert_eq(p->seen.rows, rows);
    for (uint32_t r = 0; r < rows; r++) {
        cr_assert_eq(p->seen.judged[r], judged[r]);
        /* What was on time at its upstream is on time here. */
        cr_assert(from->was_idle || judged[r] <= watermarks[r]);
    }
    if (is_last) {
        m->said[upstream] = from->watermark_ms;
        from->epoch += 1 + mr_lanes_random(random) % 3;
        from->number = 0;
    }
    m->is_idle[upstream] = is_idle;
    from->was_idle = from->was_idle || is_idle;
    settle(m);
}

/* A receiver anew, from what the old one would have committed. */
static void restart(play *p)
{
    mr_buffer bytes = {0};
    mr_error err = {0};
    mr_receiver_save(p->receiver, &bytes);
    mr_receiver_free(p->receiver);
    p->receiver = mr_receiver_new(&p->exchange, 0);
    cr_assert_eq(mr_receiver_load(p->receiver, bytes.data, bytes.length, &err), MR_OK);
    mr_buffer_release(&bytes);
}

Test(receiver, of_random_upstreams_is_what_the_definition_says_over_restarts)
{
    uint32_t rises = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        uint32_t upstreams = 1 + (uint32_t)(mr_lanes_random(&random) % UPSTREAMS_MAX);
        play p;
        begin(&p, upstreams);
        model m = {.upstreams = upstreams, .own = MR_TIME_NONE};
        source from[UPSTREAMS_MAX] = {{0}};
        for (uint32_t u = 0; u < upstreams; u++) {
            m.said[u] = from[u].watermark_ms = MR_TIME_NONE;
            from[u].epoch = 1;
        }
        for (uint32_t i = 0; i < 60; i++) {
            int64_t before = mr_receiver_watermark(p.receiver);
            uint32_t upstream = (uint32_t)(mr_lanes_random(&random) % upstreams);
            step(&p, &m, &from[upstream], upstream, &random);
            cr_assert_eq(mr_receiver_watermark(p.receiver), m.own);
            cr_assert_geq(m.own, before);
            rises += m.own > before;
            if (mr_lanes_random(&random) % 8 == 0)
                restart(&p);
            mr_arena_reset(&p.arena);
        }
        end(&p);
    }
    cr_assert_gt(rises, 10000);
}
