#include "engine/run/exchange/inlet.h"

#include "engine/base/assert.h"
#include "engine/commit/journal.h"
#include "engine/exchange/receiver.h"

#include <inttypes.h>
#include <stdlib.h>

#define RELATION_PARTIALS 1

struct mr_inlet {
    uint32_t source;
    mr_receiver *receiver;
    mr_source_counts counts;
    mr_graph *graph; /* while frames are taken */
};

mr_inlet *mr_inlet_new(const mr_plan *plan, uint32_t source, uint32_t downstream)
{
    mr_inlet *inlet = calloc(1, sizeof *inlet);
    MR_ASSERT(inlet != NULL);
    inlet->source = source;
    inlet->receiver = mr_receiver_new(plan->sources[source].exchange, downstream);
    return inlet;
}

void mr_inlet_free(mr_inlet *inlet)
{
    if (inlet == NULL)
        return;
    mr_receiver_free(inlet->receiver);
    free(inlet);
}

mr_status mr_inlet_load(mr_inlet *inlet, const mr_buffer *place, mr_error *err)
{
    return place->length > 0 ? mr_receiver_load(inlet->receiver, place->data, place->length, err)
                             : MR_OK;
}

void mr_inlet_save(const mr_inlet *inlet, mr_buffer *place)
{
    mr_buffer_clear(place);
    mr_receiver_save(inlet->receiver, place);
}

static mr_status take_rows(void *context, uint32_t relation, const mr_batch *batch, mr_error *err)
{
    mr_inlet *inlet = context;
    inlet->counts.records += batch->rows;
    inlet->counts.rows += batch->rows;
    if (relation == RELATION_PARTIALS)
        return mr_graph_push_partials(inlet->graph, inlet->source, batch, err);
    mr_source_result result = {.batch = *batch};
    return mr_graph_push(inlet->graph, inlet->source, &result, batch->rows, err);
}

static void note(const mr_inlet *inlet, uint32_t input, mr_buffer *journal)
{
    uint32_t upstream;
    mr_journal_event event = {.kind = MR_JOURNAL_FRAME, .input = input};
    mr_receiver_last(inlet->receiver, &upstream, &event.number);
    event.offset = upstream;
    mr_journal_append(journal, event);
}

mr_status mr_inlet_take(mr_inlet *inlet, mr_graph *graph, const mr_records *frames,
                        mr_buffer *journal, mr_error *err)
{
    mr_receiver_out out = {.take = take_rows, .context = inlet};
    mr_status status = MR_OK;
    inlet->graph = graph;
    for (uint32_t i = 0; i < frames->count && status == MR_OK; i++) {
        const mr_record *record = &frames->record[i];
        if (record->value == NULL) /* ended a transaction that hung (engine/commit/hanging.h) */
            continue;
        inlet->counts.bytes += record->value_length;
        status = mr_receiver_take(inlet->receiver, record->value, record->value_length,
                                  mr_graph_arena(graph), &out, err);
        if (status == MR_OK)
            note(inlet, frames->input, journal);
        else
            mr_error_prefix(err, "%s[%" PRId32 "]@%" PRId64, frames->topic, frames->partition,
                            record->offset);
    }
    inlet->graph = NULL;
    return status;
}

mr_watermark mr_inlet_watermark(const mr_inlet *inlet)
{
    return (mr_watermark){.value_ms = mr_receiver_watermark(inlet->receiver),
                          .is_idle = mr_receiver_is_idle(inlet->receiver)};
}

mr_source_counts *mr_inlet_counts(mr_inlet *inlet)
{
    return &inlet->counts;
}
