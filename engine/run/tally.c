#include "engine/run/tally.h"

#include <string.h>

static mr_tally_dead *place_of(mr_tally *tally, const char *stage, int code)
{
    for (uint32_t i = 0; i < tally->dead_count; i++)
        if (tally->dead[i].code == code && strcmp(tally->dead[i].stage, stage) == 0)
            return &tally->dead[i];
    if (tally->dead_count == MR_TALLY_DEAD_MAX)
        return &tally->dead[MR_TALLY_DEAD_MAX - 1];
    tally->dead[tally->dead_count] = (mr_tally_dead){.stage = stage, .code = code};
    return &tally->dead[tally->dead_count++];
}

void mr_tally_letter(mr_tally *tally, const char *stage, int code, bool is_cut)
{
    if (tally == NULL)
        return;
    mr_tally_dead *at = place_of(tally, stage, code);
    at->letters++;
    at->cut += is_cut;
}

void mr_tally_late(mr_tally *tally, uint32_t node, int64_t by_ms)
{
    if (tally->lateness != NULL)
        mr_histogram_record(&tally->lateness[node], by_ms);
}

void mr_tally_oldest(mr_tally *tally, int64_t timestamp_ms)
{
    if (timestamp_ms > 0 && (tally->oldest_ms == 0 || timestamp_ms < tally->oldest_ms))
        tally->oldest_ms = timestamp_ms;
}

void mr_tally_move(mr_tally *to, mr_tally *from)
{
    for (uint32_t i = 0; i < from->dead_count; i++) {
        mr_tally_dead *at = place_of(to, from->dead[i].stage, from->dead[i].code);
        at->letters += from->dead[i].letters;
        at->cut += from->dead[i].cut;
    }
    for (uint32_t s = 0; s < from->sinks_count; s++)
        to->bytes_out[s] += from->bytes_out[s];
    for (uint32_t n = 0; n < from->nodes_count; n++)
        mr_histogram_move(&to->lateness[n], &from->lateness[n]);
    mr_tally_oldest(to, from->oldest_ms);
    mr_tally_clear(from);
}

void mr_tally_clear(mr_tally *tally)
{
    tally->dead_count = 0;
    tally->oldest_ms = 0;
    for (uint32_t s = 0; s < tally->sinks_count; s++)
        tally->bytes_out[s] = 0;
    for (uint32_t n = 0; n < tally->nodes_count; n++)
        if (atomic_load_explicit(&tally->lateness[n].count, memory_order_relaxed) > 0)
            tally->lateness[n] = (mr_histogram){0};
}
