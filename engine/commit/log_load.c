#include "engine/commit/log_load.h"

#include "engine/commit/delta.h"

#define PENDING_BYTES_MAX ((size_t)4 << 20)
#define PARTS_BYTES_MAX ((size_t)256 << 20) /* in few pieces: what they share is merged later */

static mr_status load_changes(mr_log_scan *s, const mr_buffer *payload, mr_error *err)
{
    mr_reader reader = mr_reader_of(payload->data, payload->length);
    mr_store_change change;
    while (mr_delta_next_change(&reader, &change)) {
        mr_status status = s->leaves_out ? mr_state_load_left(s->request->state, &change, err)
                                         : mr_state_load(s->request->state, &change, err);
        if (status != MR_OK)
            return status;
        if (s->request->stores != NULL)
            mr_pending_add(s->request->pending, &change, err);
    }
    if (reader.is_bad)
        return mr_error_set(err, MR_E_STATE_FORMAT, "malformed entry in a delta");
    return MR_OK;
}

/* Of a store that is about to be given up nothing can come back. */
static bool has_store(const mr_log_scan *s)
{
    return s->request->state_bytes_max != 0 && s->recovered->store != NULL && !s->is_store_stale;
}

static bool leaves_out(const mr_log_scan *s)
{
    uint64_t most = s->request->load_entries_max;
    return has_store(s) && most != 0 &&
           (s->leaves_out || mr_state_entries_count(s->request->state) >= most);
}

/* The base of one epoch holds its delta. One in parts does not: each part is as its entries were in
 * its epoch, so all changes since the first part are applied, in order, and with the last part the
 * state is whole. Epoch 1 changes what was empty: its delta alone is whole. */
mr_status mr_log_load_epoch(mr_log_scan *s, const mr_epoch_record *record, mr_error *err)
{
    bool has_part = record->has_base || record->has_base_part;
    bool is_whole = record->has_base && !record->is_base_continued;
    bool is_first = record->epoch == 1 && record->previous_offset == -1;
    mr_status status = MR_OK;
    s->leaves_out = leaves_out(s);
    if (s->is_loaded || !is_whole)
        status = load_changes(s, &s->delta.payloads, err);
    if (status == MR_OK && !s->is_loaded && has_part)
        status = load_changes(s, &s->base.payloads, err);
    s->is_loaded = s->is_loaded || is_first || record->has_base;
    s->is_partial = !s->is_loaded;
    return status;
}

static mr_status apply(mr_log_scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    mr_status status = mr_pending_apply(r->pending, s->recovered->store, err);
    if (status == MR_OK)
        mr_state_settle(r->state, r->state_bytes_max);
    s->has_relieved = true;
    return status;
}

mr_status mr_log_load_relieve(mr_log_scan *s, mr_error *err)
{
    const mr_recovery_request *r = s->request;
    size_t max = r->state_bytes_max;
    size_t most = s->is_loaded && !s->leaves_out ? PENDING_BYTES_MAX : PARTS_BYTES_MAX;
    size_t pending_max = max / 4 < most ? max / 4 : most;
    if (!has_store(s) ||
        (mr_pending_bytes(r->pending) <= pending_max && mr_state_leaving_bytes(r->state) <= max))
        return MR_OK;
    return apply(s, err);
}

mr_status mr_log_load_end(mr_log_scan *s, mr_error *err)
{
    return s->leaves_out && has_store(s) ? apply(s, err) : MR_OK;
}
