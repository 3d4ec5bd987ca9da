#include "engine/commit/hanging.h"

#include <inttypes.h>

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

mr_status mr_hanging_end(const mr_hanging_request *request, mr_log_ends *places, uint32_t count,
                         uint32_t *ended, mr_error *err)
{
    *ended = 0;
    mr_status status = request->log->class->ends(request->log, places, count, err);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        if (places[i].stable >= places[i].high)
            continue;
        if ((*ended)++ == 0)
            status = request->writer->class->begin(request->writer, err);
        if (status == MR_OK)
            status = touch(request, &places[i], err);
    }
    if (status != MR_OK || *ended == 0)
        return status;
    status = tell_group(request, err);
    if (status == MR_OK)
        status = deliver(request, err);
    if (status == MR_OK)
        status = request->writer->class->abort(request->writer, err);
    return status;
}
