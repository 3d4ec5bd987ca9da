#include "tests/sim/exchange/exchange_plan.h"

#include "connectors/exchange/lz4.h"
#include "engine/base/assert.h"
#include "operators/window/partials.h"
#include "operators/window/window_partial.h"

static const uint32_t raw_keys[] = {MR_SIM_COLUMN_KEY};
static const uint32_t partial_keys[] = {0};

/* The aggregates without the DISTINCT ones. */
static void narrow(mr_exchange_plan *p, mr_window_config *window)
{
    uint32_t count = 0;
    for (uint32_t a = 0; a < window->aggregates_count; a++)
        if (!window->aggregates[a].is_distinct)
            p->aggregates[count++] = window->aggregates[a];
    window->aggregates = p->aggregates;
    window->aggregates_count = count;
}

void mr_exchange_plan_narrow(const mr_oracle_job *job, char *line)
{
    enum { FIRST = 3 };
    char *to = line;
    uint32_t field = 0;
    for (const char *from = line; *from != '\0'; from++) {
        field += *from == '|';
        if (field < FIRST || !job->aggregates[field - FIRST].is_distinct)
            *to++ = *from;
    }
    *to = '\0';
}

static void make_exchange(mr_exchange_plan *p, const mr_exchange_case *c)
{
    for (uint32_t f = 0; f < MR_SIM_COLUMNS; f++)
        p->fields[f] = p->first.columns[f].field;
    p->relations[0] = (mr_exchange_relation){{MR_SIM_COLUMNS, p->fields}, 1, raw_keys};
    if (c->has_partials)
        p->relations[1] = (mr_exchange_relation){
            mr_window_partials_schema(&p->first.window, &p->arena), 1, partial_keys};
    p->exchange = (mr_exchange){.plan_version = 7,
                                .upstreams_count = c->upstreams,
                                .downstreams_count = c->downstreams,
                                .relations_count = c->has_partials ? 2 : 1,
                                .relations = p->relations,
                                .compressor = &mr_lz4};
}

static void make_first(mr_exchange_plan *p, const mr_exchange_case *c)
{
    p->partial = p->first.node;
    p->partial.class = &mr_window_partial_class;
    p->partial.config = &p->first.window;
    p->sinks[0] = (mr_plan_sink){
        .table = "raw",
        .input = {.kind = c->has_partials ? MR_ORIGIN_NODE_RAW : MR_ORIGIN_SOURCE_ROWS},
        .errors = {.mode = MR_ERRORS_FAIL}};
    p->sinks[1] = (mr_plan_sink){.table = "partials",
                                 .input = {.kind = MR_ORIGIN_NODE_ROWS},
                                 .errors = {.mode = MR_ERRORS_FAIL}};
    for (uint32_t r = 0; r < 2; r++) {
        p->sinks[r].exchange = &p->exchange;
        p->sinks[r].relation = r;
    }
    p->first.plan.nodes = &p->partial;
    p->first.plan.nodes_count = c->has_partials ? 1 : 0;
    p->first.plan.sinks = p->sinks;
    p->first.plan.sinks_count = c->has_partials ? 2 : 1;
}

static void make_second(mr_exchange_plan *p, const mr_exchange_case *c)
{
    p->behind = p->second.source;
    p->behind.exchange = &p->exchange;
    p->inputs[0] = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS};
    p->inputs[1] = (mr_origin){.kind = MR_ORIGIN_SOURCE_PARTIALS};
    p->second.node.inputs = p->inputs;
    p->second.node.inputs_count = c->has_partials ? 2 : 1;
    p->second.plan.sources = &p->behind;
    p->second.plan.first_task = c->upstreams;
}

void mr_exchange_plan_init(mr_exchange_plan *p, const mr_exchange_case *c)
{
    *p = (mr_exchange_plan){0};
    mr_window_plan_init(&p->first, &c->job);
    mr_window_plan_init(&p->second, &c->job);
    if (c->has_partials) {
        narrow(p, &p->first.window);
        p->second.window.aggregates = p->aggregates;
        p->second.window.aggregates_count = p->first.window.aggregates_count;
    }
    make_exchange(p, c);
    make_first(p, c);
    make_second(p, c);
}

void mr_exchange_plan_release(mr_exchange_plan *p)
{
    mr_arena_release(&p->arena);
}
