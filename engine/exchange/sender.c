#include "engine/exchange/sender.h"

#include "engine/base/assert.h"
#include "engine/exchange/destination.h"
#include "engine/exchange/frame.h"
#include "engine/state/key.h"

#include <stdlib.h>

#define BODY_KEPT_MAX ((size_t)16 * 1024) /* of a downstream, from one epoch to the next */

/* What a downstream was sent, and what waits for it. */
typedef struct outlet {
    mr_buffer body;
    uint64_t number; /* of the next frame in this epoch */
    int64_t watermark_ms;
    bool is_idle;
} outlet;

struct mr_sender {
    const mr_exchange *exchange;
    uint32_t upstream;
    uint64_t epoch;
    outlet *outlets; /* [downstreams_count] */
    mr_buffer frame; /* the one being sealed */
    mr_budget *budget;
    size_t counted; /* bytes of the buffers that it knows of */
};

mr_sender *mr_sender_new(const mr_exchange *exchange, uint32_t upstream, mr_budget *budget)
{
    mr_sender *sender = calloc(1, sizeof *sender);
    MR_ASSERT(sender != NULL && upstream < exchange->upstreams_count);
    sender->exchange = exchange;
    sender->upstream = upstream;
    sender->budget = budget;
    sender->outlets = calloc(exchange->downstreams_count, sizeof *sender->outlets);
    MR_ASSERT(sender->outlets != NULL);
    for (uint32_t d = 0; d < exchange->downstreams_count; d++)
        sender->outlets[d].watermark_ms = MR_TIME_NONE;
    return sender;
}

/* A buffer that had `before` bytes of room has grown, or is gone. */
static void recount(mr_sender *sender, size_t before, size_t now)
{
    sender->counted += now - before;
    mr_budget_add(sender->budget, MR_BUDGET_EXCHANGE, (int64_t)now - (int64_t)before);
}

static void release(mr_sender *sender, mr_buffer *buffer)
{
    recount(sender, buffer->capacity, 0);
    mr_buffer_release(buffer);
}

void mr_sender_free(mr_sender *sender)
{
    if (sender == NULL)
        return;
    for (uint32_t d = 0; d < sender->exchange->downstreams_count; d++)
        release(sender, &sender->outlets[d].body);
    release(sender, &sender->frame);
    MR_ASSERT(sender->counted == 0);
    free(sender->outlets);
    free(sender);
}

void mr_sender_begin(mr_sender *sender, uint64_t epoch)
{
    sender->epoch = epoch;
    for (uint32_t d = 0; d < sender->exchange->downstreams_count; d++) {
        MR_ASSERT(sender->outlets[d].body.length == 0);
        sender->outlets[d].number = 0;
    }
}

static mr_status seal(mr_sender *sender, uint32_t downstream, int64_t watermark_ms, bool is_idle,
                      const mr_sender_out *out, mr_error *err)
{
    outlet *to = &sender->outlets[downstream];
    mr_frame_header header = {.plan_version = sender->exchange->plan_version,
                              .upstream = sender->upstream,
                              .upstreams_count = sender->exchange->upstreams_count,
                              .downstream = downstream,
                              .epoch = sender->epoch,
                              .number = to->number++,
                              .watermark_ms = watermark_ms,
                              .is_idle = is_idle};
    mr_buffer_clear(&sender->frame);
    size_t room = sender->frame.capacity, body_room = to->body.capacity;
    mr_frame_seal(&header, &to->body, sender->exchange->compressor, &sender->frame);
    recount(sender, room, sender->frame.capacity);
    recount(sender, body_room, to->body.capacity);
    mr_buffer_clear(&to->body);
    to->is_idle = is_idle;
    return out->send(out->context, downstream, sender->frame.data, sender->frame.length, err);
}

/* An upper bound of what the rows come to, but for a few bytes a column. */
static size_t size_of(const mr_batch *batch, const uint32_t *rows, uint32_t count)
{
    size_t size = (size_t)count * 17;
    for (uint32_t c = 0; c < batch->columns_count; c++) {
        const mr_vector *column = &batch->columns[c];
        size += (size_t)count * (mr_lane_size(column->lane) + 1);
        for (uint32_t i = 0; column->lane == MR_LANE_STRING && i < count; i++)
            size += column->strings[rows[i]].length;
    }
    return size;
}

/* Rows for one downstream. More of them than a frame should hold are halved. */
static mr_status put_rows(mr_sender *sender, uint32_t downstream, uint32_t relation,
                          const mr_batch *batch, const uint32_t *rows, uint32_t count,
                          const mr_sender_out *out, mr_error *err)
{
    outlet *to = &sender->outlets[downstream];
    size_t size = size_of(batch, rows, count);
    if (size > MR_FRAME_BODY_MAX && count > 1) {
        mr_status status = put_rows(sender, downstream, relation, batch, rows, count / 2, out, err);
        return status != MR_OK ? status
                               : put_rows(sender, downstream, relation, batch, rows + count / 2,
                                          count - count / 2, out, err);
    }
    if (to->body.length > 0 && to->body.length + size > MR_FRAME_BODY_MAX) {
        mr_status status = seal(sender, downstream, MR_TIME_NONE, false, out, err);
        if (status != MR_OK)
            return status;
    }
    size_t room = to->body.capacity;
    mr_frame_put_section(&to->body, relation, batch, rows, count);
    recount(sender, room, to->body.capacity);
    return MR_OK;
}

/* Rows by destination: *ends[d] is where those of d end in what comes back. */
static uint32_t *sort_by_destination(const mr_sender *sender, const mr_exchange_relation *relation,
                                     const mr_batch *batch, mr_arena *arena, uint32_t **ends)
{
    uint32_t count = batch->selected, tasks = sender->exchange->downstreams_count;
    uint32_t *rows = mr_arena_alloc(arena, count * sizeof *rows);
    uint32_t *sorted = mr_arena_alloc(arena, count * sizeof *sorted);
    uint32_t *to = mr_arena_alloc(arena, count * sizeof *to);
    mr_string *keys = mr_arena_alloc(arena, count * sizeof *keys);
    uint64_t *hashes = mr_arena_alloc(arena, count * sizeof *hashes);
    const mr_vector **columns = mr_arena_alloc(arena, (relation->keys_count + 1) * sizeof *columns);
    for (uint32_t k = 0; k < relation->keys_count; k++)
        columns[k] = &batch->columns[relation->keys[k]];
    for (uint32_t i = 0; i < count; i++)
        rows[i] = mr_batch_row(batch, i);
    mr_key_encode(columns, relation->keys_count, rows, count, arena, keys, hashes);
    *ends = mr_arena_zalloc(arena, tasks, sizeof **ends);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = mr_destination_of(hashes[i], tasks);
        (*ends)[to[i]]++;
    }
    for (uint32_t d = 0, before = 0; d < tasks; d++) {
        uint32_t here = (*ends)[d];
        (*ends)[d] = before;
        before += here;
    }
    for (uint32_t i = 0; i < count; i++)
        sorted[(*ends)[to[i]]++] = rows[i];
    return sorted;
}

mr_status mr_sender_put(mr_sender *sender, uint32_t relation, const mr_batch *batch,
                        mr_arena *arena, const mr_sender_out *out, mr_error *err)
{
    MR_ASSERT(relation < sender->exchange->relations_count);
    const mr_exchange_relation *of = &sender->exchange->relations[relation];
    MR_ASSERT(of->schema.columns_count == batch->columns_count);
    if (batch->selected == 0)
        return MR_OK;
    uint32_t *ends;
    const uint32_t *rows = sort_by_destination(sender, of, batch, arena, &ends);
    for (uint32_t d = 0, start = 0; d < sender->exchange->downstreams_count; start = ends[d++]) {
        if (ends[d] == start)
            continue;
        mr_status status =
            put_rows(sender, d, relation, batch, rows + start, ends[d] - start, out, err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

mr_status mr_sender_wake(mr_sender *sender, bool may_have_told, bool is_awake,
                         const mr_sender_out *out, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t d = 0; status == MR_OK && d < sender->exchange->downstreams_count; d++) {
        const outlet *to = &sender->outlets[d];
        bool is_taken_for_idle = to->is_idle || (may_have_told && to->number == 0);
        if (is_taken_for_idle && (is_awake || to->body.length > 0))
            status = seal(sender, d, MR_TIME_NONE, false, out, err);
    }
    return status;
}

mr_status mr_sender_flush(mr_sender *sender, int64_t watermark_ms, bool is_idle,
                          const mr_sender_out *out, mr_error *err)
{
    for (uint32_t d = 0; d < sender->exchange->downstreams_count; d++) {
        outlet *to = &sender->outlets[d];
        MR_ASSERT(watermark_ms >= to->watermark_ms);
        if (to->body.length == 0 && to->watermark_ms == watermark_ms && to->is_idle == is_idle)
            continue;
        mr_status status = seal(sender, d, watermark_ms, is_idle, out, err);
        if (status != MR_OK)
            return status;
        to->watermark_ms = watermark_ms;
        if (to->body.capacity > BODY_KEPT_MAX)
            release(sender, &to->body);
    }
    if (sender->frame.capacity > BODY_KEPT_MAX)
        release(sender, &sender->frame);
    return MR_OK;
}
