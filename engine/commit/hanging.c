#include "engine/commit/hanging.h"

#include "engine/base/arena.h"

#include <inttypes.h>
#include <string.h>

#define FLUSH_TIMEOUT_MS 60000
#define RETRIES_MAX 1000

static mr_status touch(const mr_hanging_request *r, const mr_log_ends *place, mr_error *err)
{
    mr_logger_line(r->logger, MR_LOG_WARN,
                   "a transaction is open where ours is not; if it hangs, it ends now job=%s "
                   "topic=%s partition=%" PRId32 " stable=%" PRId64 " high=%" PRId64,
                   r->job, place->topic, place->partition, place->stable, place->high);
    /* Compacted topics want a key, and some topics take only small records. */
    mr_log_record record = {.key = "", .timestamp_ms = MR_TIME_NONE};
    return r->writer->class->produce(r->writer, place->topic, place->partition, &record, 1, err);
}

static mr_status tell_group(const mr_hanging_request *r, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    if (r->member == NULL)
        return MR_OK;
    do
        status = r->writer->class->send_offsets(r->writer, r->member, r->offset, 1, err);
    while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    return status;
}

/* A partition is part of the transaction once its record was sent; one that refuses it will hear of
 * the end all the same. */
static mr_status deliver(const mr_hanging_request *r, mr_error *err)
{
    mr_status status;
    uint32_t tries = 0;
    do
        status = r->writer->class->flush(r->writer, FLUSH_TIMEOUT_MS, err);
    while (status != MR_OK && err->recovery == MR_RECOVERY_RETRY && ++tries < RETRIES_MAX);
    return status != MR_OK && err->recovery == MR_RECOVERY_RECORD ? MR_OK : status;
}

/* Those in which something is open come first in `places` then. */
static uint32_t sort_open(mr_log_ends *places, uint32_t count)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (places[i].stable >= places[i].high)
            continue;
        mr_log_ends place = places[i];
        places[i] = places[open];
        places[open++] = place;
    }
    return open;
}

/* A transaction with a record in each of them, and an offset, that is aborted. */
static mr_status cure(const mr_hanging_request *r, const mr_log_ends *places, uint32_t open,
                      mr_error *err)
{
    mr_status status = r->writer->class->begin(r->writer, err);
    for (uint32_t i = 0; status == MR_OK && i < open; i++)
        status = touch(r, &places[i], err);
    if (status == MR_OK)
        status = tell_group(r, err);
    if (status == MR_OK)
        status = deliver(r, err);
    return status == MR_OK ? r->writer->class->abort(r->writer, err) : status;
}

/* In how many of them a transaction is still open in front of our record. */
static mr_status count_left(const mr_hanging_request *r, mr_log_ends *places, uint32_t count,
                            uint32_t *left, mr_error *err)
{
    for (uint32_t i = 0; i < count; i++) { /* what was refused has no offset: any progress counts */
        int64_t ours =
            r->writer->class->last_offset(r->writer, places[i].topic, places[i].partition);
        places[i].high = ours > places[i].stable ? ours : places[i].stable;
    }
    mr_arena scratch = {0};
    mr_log_ends *now = mr_arena_alloc(&scratch, count * sizeof *now);
    memcpy(now, places, count * sizeof *now);
    mr_status status = r->log->class->ends(r->log, now, count, err);
    for (uint32_t i = 0; status == MR_OK && i < count; i++)
        *left += now[i].stable <= places[i].high;
    mr_arena_release(&scratch);
    return status;
}

mr_status mr_hanging_end(const mr_hanging_request *request, mr_log_ends *places, uint32_t count,
                         mr_hanging_found *found, mr_error *err)
{
    *found = (mr_hanging_found){0};
    mr_status status = request->log->class->ends(request->log, places, count, err);
    if (status != MR_OK)
        return status;
    found->open = sort_open(places, count);
    if (found->open == 0 && !request->is_group_held)
        return MR_OK;
    status = cure(request, places, found->open, err);
    return status == MR_OK && found->open > 0
               ? count_left(request, places, found->open, &found->left, err)
               : status;
}
