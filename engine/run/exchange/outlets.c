#include "engine/run/exchange/outlets.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/exchange/sender.h"

#include <stdlib.h>

/* One exchange, and which sources its rows come from. */
typedef struct outlet {
    const mr_exchange *exchange;
    mr_sender *sender;
    bool *sources; /* [sources_count] */
    bool has_told; /* in this life */
    const mr_outlets *owner;
} outlet;

typedef struct outlet_sink {
    mr_sink base;
    outlet *to; /* NULL: the sink is the worker's */
    uint32_t relation;
    mr_arena arena;
} outlet_sink;

struct mr_outlets {
    const mr_plan *plan;
    const mr_task_io *io;
    mr_budget *budget;
    uint32_t upstream;
    outlet *list; /* [count] */
    uint32_t count;
    outlet_sink *own; /* [sinks_count] */
    mr_sink **sinks;  /* [sinks_count] */
    mr_table *floors; /* one entry: i64 */
};

/* ---- frames and rows ---- */

static mr_status send_frame(void *context, uint32_t downstream, const char *frame, size_t length,
                            mr_error *err)
{
    const outlet *from = context;
    const mr_frames_out *out = from->owner->io->frames;
    MR_ASSERT(out != NULL);
    return out->send(out->context, from->exchange, from->owner->upstream, downstream, frame, length,
                     err);
}

static mr_status write_rows(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                            mr_row_errors *errors, mr_error *err)
{
    (void)context;
    (void)errors;
    outlet_sink *self = (outlet_sink *)sink;
    mr_sender_out out = {.send = send_frame, .context = self->to};
    mr_arena_reset(&self->arena);
    return mr_sender_put(self->to->sender, self->relation, batch, &self->arena, &out, err);
}

static const mr_sink_class outlet_class = {.write = write_rows};

/* ---- life ---- */

/* Marks the sources that rows of an origin come from. */
static void mark_sources(const mr_plan *plan, mr_origin origin, bool *sources)
{
    if (origin.kind == MR_ORIGIN_SOURCE_ROWS || origin.kind == MR_ORIGIN_SOURCE_PARTIALS ||
        origin.kind == MR_ORIGIN_SOURCE_ERRORS)
        sources[origin.index] = true;
    else if (origin.kind != MR_ORIGIN_SINK_ERRORS)
        for (uint32_t i = 0; i < plan->nodes[origin.index].inputs_count; i++)
            mark_sources(plan, plan->nodes[origin.index].inputs[i], sources);
}

static outlet *outlet_of(mr_outlets *outlets, const mr_exchange *exchange)
{
    for (uint32_t i = 0; i < outlets->count; i++)
        if (outlets->list[i].exchange == exchange)
            return &outlets->list[i];
    outlet *made = &outlets->list[outlets->count++];
    *made = (outlet){.exchange = exchange,
                     .sender = mr_sender_new(exchange, outlets->upstream, outlets->budget),
                     .sources = calloc(outlets->plan->sources_count, sizeof(bool)),
                     .owner = outlets};
    MR_ASSERT(made->sources != NULL);
    return made;
}

mr_outlets *mr_outlets_new(const mr_plan *plan, uint32_t upstream, mr_state *state,
                           mr_budget *budget, const mr_task_io *io)
{
    uint32_t exchanged = 0;
    for (uint32_t s = 0; s < plan->sinks_count; s++)
        exchanged += plan->sinks[s].exchange != NULL;
    if (exchanged == 0)
        return NULL;
    mr_outlets *outlets = calloc(1, sizeof *outlets);
    MR_ASSERT(outlets != NULL);
    *outlets = (mr_outlets){.plan = plan,
                            .io = io,
                            .budget = budget,
                            .upstream = upstream,
                            .list = calloc(exchanged, sizeof *outlets->list),
                            .own = calloc(plan->sinks_count, sizeof *outlets->own),
                            .sinks = calloc(plan->sinks_count, sizeof *outlets->sinks)};
    MR_ASSERT(outlets->list != NULL && outlets->own != NULL && outlets->sinks != NULL);
    for (uint32_t s = 0; s < plan->sinks_count; s++) {
        if (plan->sinks[s].exchange == NULL)
            continue;
        outlet *to = outlet_of(outlets, plan->sinks[s].exchange);
        mark_sources(plan, plan->sinks[s].input, to->sources);
        outlets->own[s] = (outlet_sink){
            .base = {.class = &outlet_class}, .to = to, .relation = plan->sinks[s].relation};
    }
    mr_table_layout floors = {.name = "exchange/floor", .value_size = sizeof(int64_t)};
    outlets->floors = mr_state_table(state, &floors);
    return outlets;
}

void mr_outlets_free(mr_outlets *outlets)
{
    if (outlets == NULL)
        return;
    for (uint32_t i = 0; i < outlets->count; i++) {
        mr_sender_free(outlets->list[i].sender);
        free(outlets->list[i].sources);
    }
    for (uint32_t s = 0; s < outlets->plan->sinks_count; s++)
        mr_arena_release(&outlets->own[s].arena);
    free(outlets->list);
    free(outlets->own);
    free(outlets->sinks);
    free(outlets);
}

mr_sink **mr_outlets_sinks(mr_outlets *outlets, mr_sink **of_worker)
{
    for (uint32_t s = 0; s < outlets->plan->sinks_count; s++)
        outlets->sinks[s] = outlets->own[s].to != NULL ? &outlets->own[s].base : of_worker[s];
    return outlets->sinks;
}

int64_t mr_outlets_floor(const mr_outlets *outlets)
{
    mr_slice *slice = mr_table_find(outlets->floors, 0);
    const int64_t *floor =
        slice != NULL ? mr_slice_get(slice, mr_string_of("", 0), mr_hash("", 0)) : NULL;
    return floor != NULL ? *floor : MR_TIME_NONE;
}

static void raise_floor(mr_outlets *outlets)
{
    if (mr_outlets_floor(outlets) == MR_TIME_MAX)
        return;
    mr_string key = mr_string_of("", 0);
    uint64_t hash = mr_hash("", 0);
    void *at;
    mr_slice_upsert(mr_table_make(outlets->floors, 0), &key, &hash, 1, &at);
    *(int64_t *)at = MR_TIME_MAX;
}

void mr_outlets_begin(mr_outlets *outlets, uint64_t epoch)
{
    for (uint32_t i = 0; i < outlets->count; i++)
        mr_sender_begin(outlets->list[i].sender, epoch);
}

void mr_outlets_renew(mr_outlets *outlets, uint64_t epoch)
{
    for (uint32_t i = 0; i < outlets->count; i++) {
        outlet *at = &outlets->list[i];
        mr_sender_free(at->sender);
        at->sender = mr_sender_new(at->exchange, outlets->upstream, outlets->budget);
        at->has_told = false;
        mr_sender_begin(at->sender, epoch);
    }
}

/* ---- how far the task is ---- */

static int64_t watermark_at(const mr_plan_sink *sink, const mr_graph *graph,
                            const mr_outlets_source *sources)
{
    bool is_node = sink->input.kind == MR_ORIGIN_NODE_ROWS ||
                   sink->input.kind == MR_ORIGIN_NODE_LATE ||
                   sink->input.kind == MR_ORIGIN_NODE_RAW;
    return is_node ? mr_graph_node_watermark(graph, sink->input.index)
                   : sources[sink->input.index].watermark_ms;
}

static bool is_idle(const mr_outlets *outlets, const outlet *at, const mr_outlets_source *sources)
{
    bool has_idle = false;
    for (uint32_t s = 0; s < outlets->plan->sources_count; s++) {
        if (!at->sources[s])
            continue;
        if (!sources[s].is_idle && !sources[s].has_ended)
            return false;
        has_idle = has_idle || sources[s].is_idle;
    }
    return has_idle;
}

mr_status mr_outlets_wake(mr_outlets *outlets, const mr_outlets_source *sources, mr_error *err)
{
    mr_status status = MR_OK;
    bool was_idle = mr_outlets_floor(outlets) == MR_TIME_MAX; /* ever */
    for (uint32_t i = 0; i < outlets->count && status == MR_OK && was_idle; i++) {
        outlet *at = &outlets->list[i];
        mr_sender_out out = {.send = send_frame, .context = at};
        status =
            mr_sender_wake(at->sender, !at->has_told, !is_idle(outlets, at, sources), &out, err);
    }
    return status;
}

mr_status mr_outlets_flush(mr_outlets *outlets, const mr_graph *graph,
                           const mr_outlets_source *sources, mr_error *err)
{
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < outlets->count && status == MR_OK; i++) {
        outlet *at = &outlets->list[i];
        int64_t watermark = MR_TIME_MAX;
        for (uint32_t s = 0; s < outlets->plan->sinks_count; s++) {
            if (outlets->own[s].to != at)
                continue;
            int64_t own = watermark_at(&outlets->plan->sinks[s], graph, sources);
            watermark = own < watermark ? own : watermark;
        }
        bool idle = is_idle(outlets, at, sources);
        if (idle)
            raise_floor(outlets);
        at->has_told = true;
        mr_sender_out out = {.send = send_frame, .context = at};
        status = mr_sender_flush(at->sender, watermark, idle, &out, err);
    }
    return status;
}
