#include "engine/exchange/receiver.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

#define FLAG_IDLE 1
#define FLAG_HEARD 2

typedef struct upstream {
    uint64_t epoch, number; /* of the last frame */
    bool is_heard;
} upstream;

struct mr_receiver {
    const mr_exchange *exchange;
    uint32_t downstream;
    mr_watermark *marks; /* [upstreams_count]: dense, the minimum is one loop */
    upstream *upstreams; /* [upstreams_count] */
    int64_t watermark_ms;
    uint32_t last;      /* upstream of the frame that was taken last */
    mr_schema *schemas; /* of the relations */
};

mr_receiver *mr_receiver_new(const mr_exchange *exchange, uint32_t downstream)
{
    mr_receiver *receiver = calloc(1, sizeof *receiver);
    MR_ASSERT(receiver != NULL && downstream < exchange->downstreams_count);
    receiver->exchange = exchange;
    receiver->downstream = downstream;
    receiver->watermark_ms = MR_TIME_NONE;
    receiver->marks = calloc(exchange->upstreams_count, sizeof *receiver->marks);
    receiver->upstreams = calloc(exchange->upstreams_count, sizeof *receiver->upstreams);
    receiver->schemas = calloc(exchange->relations_count, sizeof *receiver->schemas);
    MR_ASSERT(receiver->marks != NULL && receiver->upstreams != NULL && receiver->schemas != NULL);
    for (uint32_t u = 0; u < exchange->upstreams_count; u++)
        receiver->marks[u].value_ms = MR_TIME_NONE;
    for (uint32_t r = 0; r < exchange->relations_count; r++)
        receiver->schemas[r] = exchange->relations[r].schema;
    return receiver;
}

void mr_receiver_free(mr_receiver *receiver)
{
    if (receiver == NULL)
        return;
    free(receiver->marks);
    free(receiver->upstreams);
    free(receiver->schemas);
    free(receiver);
}

static mr_status check_plan(const mr_receiver *receiver, const mr_frame_header *header,
                            mr_error *err)
{
    const mr_exchange *exchange = receiver->exchange;
    if (header->plan_version != exchange->plan_version)
        return mr_error_set(err, MR_E_FRAME_PLAN,
                            "the frame was written by plan %016" PRIx64 ", this one is %016" PRIx64,
                            header->plan_version, exchange->plan_version);
    if (header->upstreams_count != exchange->upstreams_count ||
        header->upstream >= exchange->upstreams_count)
        return mr_error_set(err, MR_E_FRAME_PLAN,
                            "the frame is of upstream %" PRIu32 " of %" PRIu32
                            ", the plan has %" PRIu32,
                            header->upstream, header->upstreams_count, exchange->upstreams_count);
    if (header->downstream != receiver->downstream)
        return mr_error_set(err, MR_E_FRAME_PLAN,
                            "the frame is for task %" PRIu32 ", this is task %" PRIu32,
                            header->downstream, receiver->downstream);
    return MR_OK;
}

static mr_status check_order(const mr_receiver *receiver, const mr_frame_header *header,
                             mr_error *err)
{
    const upstream *from = &receiver->upstreams[header->upstream];
    bool follows = from->is_heard && header->epoch == from->epoch
                       ? header->number == from->number + 1
                       : header->number == 0 && (!from->is_heard || header->epoch > from->epoch);
    if (!follows)
        return mr_error_set(err, MR_E_FRAME_ORDER,
                            "frame %" PRIu64 " of epoch %" PRIu64 " of upstream %" PRIu32
                            " follows frame %" PRId64 " of epoch %" PRIu64,
                            header->number, header->epoch, header->upstream,
                            from->is_heard ? (int64_t)from->number : -1, from->epoch);
    if (header->watermark_ms != MR_TIME_NONE &&
        header->watermark_ms < receiver->marks[header->upstream].value_ms)
        return mr_error_set(err, MR_E_FRAME_ORDER,
                            "the watermark of upstream %" PRIu32 " went back to %" PRId64,
                            header->upstream, header->watermark_ms);
    return MR_OK;
}

/* Minimum over the other upstreams that are not idle; MR_TIME_MAX: none holds this one back. */
static int64_t others_of(const mr_receiver *receiver, uint32_t from)
{
    int64_t minimum = MR_TIME_MAX;
    for (uint32_t u = 0; u < receiver->exchange->upstreams_count; u++)
        if (u != from && !receiver->marks[u].is_idle && receiver->marks[u].value_ms < minimum)
            minimum = receiver->marks[u].value_ms;
    return minimum;
}

/* What each row is judged by. Rows without a watermark of their own: by the receiver's. */
static void judge(const mr_receiver *receiver, int64_t others_ms, mr_batch *batch, mr_arena *arena)
{
    int64_t own = receiver->watermark_ms;
    bool has_own = batch->watermark != NULL;
    if (!has_own)
        batch->watermark = mr_arena_alloc(arena, batch->rows * sizeof *batch->watermark);
    for (uint32_t r = 0; r < batch->rows; r++) {
        int64_t wm = has_own ? batch->watermark[r] : own;
        wm = wm < others_ms ? wm : others_ms;
        batch->watermark[r] = wm > own ? wm : own;
    }
}

static mr_status hand_out(const mr_receiver *receiver, uint32_t from, mr_reader *body,
                          mr_arena *arena, const mr_receiver_out *out, mr_error *err)
{
    int64_t others = others_of(receiver, from);
    for (;;) {
        uint32_t relation;
        mr_batch batch;
        bool is_end;
        mr_status status =
            mr_frame_next_section(body, receiver->schemas, receiver->exchange->relations_count,
                                  arena, &relation, &batch, &is_end, err);
        if (status != MR_OK || is_end)
            return status;
        judge(receiver, others, &batch, arena);
        status = out->take(out->context, relation, &batch, err);
        if (status != MR_OK)
            return status;
    }
}

mr_status mr_receiver_take(mr_receiver *receiver, const char *frame, size_t length, mr_arena *arena,
                           const mr_receiver_out *out, mr_error *err)
{
    mr_frame_header header;
    mr_reader body;
    mr_status status =
        mr_frame_open(frame, length, receiver->exchange->compressor, arena, &header, &body, err);
    if (status == MR_OK)
        status = check_plan(receiver, &header, err);
    if (status == MR_OK)
        status = check_order(receiver, &header, err);
    if (status != MR_OK)
        return status;
    mr_watermark *mark = &receiver->marks[header.upstream];
    mark->is_idle = false;
    status = hand_out(receiver, header.upstream, &body, arena, out, err);
    if (status != MR_OK)
        return status;
    if (header.watermark_ms > mark->value_ms)
        mark->value_ms = header.watermark_ms;
    mark->is_idle = header.is_idle;
    receiver->upstreams[header.upstream] =
        (upstream){.epoch = header.epoch, .number = header.number, .is_heard = true};
    receiver->last = header.upstream;
    receiver->watermark_ms = mr_watermark_minimum(
        receiver->marks, receiver->exchange->upstreams_count, UINT32_MAX, receiver->watermark_ms);
    return MR_OK;
}

int64_t mr_receiver_watermark(const mr_receiver *receiver)
{
    return receiver->watermark_ms;
}

bool mr_receiver_is_idle(const mr_receiver *receiver)
{
    bool has_idle = false;
    for (uint32_t u = 0; u < receiver->exchange->upstreams_count; u++) {
        if (!receiver->marks[u].is_idle && receiver->marks[u].value_ms != MR_TIME_MAX)
            return false;
        has_idle = has_idle || receiver->marks[u].is_idle;
    }
    return has_idle;
}

bool mr_receiver_heard(const mr_receiver *receiver, uint32_t from, uint64_t *epoch,
                       uint64_t *number)
{
    MR_ASSERT(from < receiver->exchange->upstreams_count);
    const upstream *at = &receiver->upstreams[from];
    *epoch = at->epoch;
    *number = at->number;
    return at->is_heard;
}

void mr_receiver_hear_all(mr_receiver *receiver, uint32_t from, uint64_t epoch)
{
    MR_ASSERT(from < receiver->exchange->upstreams_count);
    receiver->upstreams[from] =
        (upstream){.epoch = epoch, .number = MR_FRAMES_ALL, .is_heard = true};
}

void mr_receiver_begin_at(mr_receiver *receiver, int64_t watermark_ms)
{
    receiver->watermark_ms = watermark_ms;
}

void mr_receiver_last(const mr_receiver *receiver, uint32_t *from, uint64_t *number)
{
    *from = receiver->last;
    *number = receiver->upstreams[receiver->last].number;
}

mr_watermark mr_receiver_mark(const mr_receiver *receiver, uint32_t from)
{
    MR_ASSERT(from < receiver->exchange->upstreams_count);
    return receiver->marks[from];
}

void mr_receiver_save(const mr_receiver *receiver, mr_buffer *to)
{
    uint32_t count = receiver->exchange->upstreams_count;
    mr_buffer_put_varint(to, count);
    mr_buffer_put_zigzag(to, receiver->watermark_ms);
    for (uint32_t u = 0; u < count; u++) {
        const upstream *at = &receiver->upstreams[u];
        mr_buffer_put_zigzag(to, receiver->marks[u].value_ms);
        mr_buffer_put_u8(to, (uint8_t)((receiver->marks[u].is_idle ? FLAG_IDLE : 0) |
                                       (at->is_heard ? FLAG_HEARD : 0)));
        mr_buffer_put_varint(to, at->epoch);
        mr_buffer_put_varint(to, at->number);
    }
}

mr_status mr_receiver_load(mr_receiver *receiver, const char *bytes, size_t length, mr_error *err)
{
    mr_reader from = mr_reader_of(bytes, length);
    uint64_t count = mr_reader_varint(&from);
    bool is_good = count == receiver->exchange->upstreams_count;
    receiver->watermark_ms = mr_reader_zigzag(&from);
    for (uint32_t u = 0; is_good && u < count; u++) {
        receiver->marks[u].value_ms = mr_reader_zigzag(&from);
        uint8_t flags = mr_reader_u8(&from);
        receiver->marks[u].is_idle = (flags & FLAG_IDLE) != 0;
        receiver->upstreams[u].is_heard = (flags & FLAG_HEARD) != 0;
        receiver->upstreams[u].epoch = mr_reader_varint(&from);
        receiver->upstreams[u].number = mr_reader_varint(&from);
        is_good = flags <= (FLAG_IDLE | FLAG_HEARD);
    }
    if (!is_good || from.is_bad || mr_reader_left(&from) != 0)
        return mr_error_set(err, MR_E_STATE,
                            "malformed vector of %zu bytes of an exchange with %" PRIu32
                            " upstreams",
                            length, receiver->exchange->upstreams_count);
    return MR_OK;
}
