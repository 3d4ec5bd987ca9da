#include "tests/unit/engine/exchange/wires.h"

#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"

#include <stdlib.h>

static const mr_field numbers[] = {{"key", {.kind = MR_TYPE_BIGINT}},
                                   {"value", {.kind = MR_TYPE_BIGINT}}};
static const mr_field texts[] = {
    {"key", {.kind = MR_TYPE_BIGINT}},
    {"text", {.kind = MR_TYPE_VARCHAR, .length = MR_LENGTH_UNBOUNDED, .is_nullable = true}}};
static const uint32_t keys_of_both[] = {0};
static const mr_exchange_relation relations[] = {{{2, numbers}, 1, keys_of_both},
                                                 {{2, texts}, 1, keys_of_both}};

mr_exchange mr_wires_exchange(uint32_t upstreams, uint32_t downstreams)
{
    return (mr_exchange){.plan_version = 99,
                         .upstreams_count = upstreams,
                         .downstreams_count = downstreams,
                         .relations_count = 2,
                         .relations = relations,
                         .compressor = &mr_lz4};
}

static mr_status keep(void *context, uint32_t downstream, const char *frame, size_t length,
                      mr_error *err)
{
    (void)err;
    mr_wires *wires = context;
    if (wires->count == wires->room) {
        wires->room = wires->room * 2 + 16;
        wires->frames = realloc(wires->frames, wires->room * sizeof *wires->frames);
        MR_ASSERT(wires->frames != NULL);
    }
    char *bytes = malloc(length);
    MR_ASSERT(bytes != NULL);
    memcpy(bytes, frame, length);
    wires->frames[wires->count++] = (mr_wire_frame){wires->upstream, downstream, bytes, length};
    return MR_OK;
}

mr_sender_out mr_wires_out(mr_wires *wires, uint32_t upstream)
{
    wires->upstream = upstream;
    return (mr_sender_out){.send = keep, .context = wires};
}

void mr_wires_release(mr_wires *wires)
{
    for (uint32_t i = 0; i < wires->count; i++)
        free(wires->frames[i].bytes);
    free(wires->frames);
    *wires = (mr_wires){0};
}

mr_batch mr_wires_rows(const int64_t *keys, uint32_t count, int64_t value, mr_arena *arena)
{
    mr_batch batch = mr_batch_new(2, count, arena);
    for (uint32_t c = 0; c < 2; c++)
        batch.columns[c] = mr_vector_new(numbers[c].type, count, arena);
    for (uint32_t r = 0; r < count; r++) {
        batch.columns[0].i64[r] = keys[r];
        batch.columns[1].i64[r] = value + r;
    }
    return batch;
}
