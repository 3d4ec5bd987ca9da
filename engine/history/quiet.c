#include "engine/history/quiet.h"

#include "engine/base/assert.h"
#include "engine/commit/hanging.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POLL_TIMEOUT_MS 100
#define QUIET_LIMIT_US INT64_C(60000000)
#define PATIENCE_MIN_US INT64_C(1000000) /* what a knock, and the cure behind it, may take */
#define KNOCKS_MAX 20u

static mr_status note_writer(void *context, const mr_history_record *found, bool *is_enough,
                             mr_error *err)
{
    (void)is_enough;
    (void)err;
    char **writer = context;
    free(*writer);
    *writer =
        strdup(found->record->transactional_id != NULL ? found->record->transactional_id : "");
    MR_ASSERT(*writer != NULL);
    return MR_OK;
}

/* First what ends a live one; then, for one whose end the partition was not told, its cure. */
static mr_status knock(const mr_history *history, const char *job, const mr_logger *logger,
                       const char *owner, mr_log_ends *place, bool is_first, mr_error *err)
{
    mr_log *log = history->log;
    if (is_first)
        return log->class->knock(log, owner, err);
    mr_log_writer *writer = NULL;
    mr_writer_options options = {.transactional_id = owner, .knock_first = true};
    mr_status status = log->class->open_writer(log, &options, &writer, err);
    if (status != MR_OK)
        return status;
    mr_hanging_request request = {.log = log, .writer = writer, .logger = logger, .job = job};
    mr_hanging_found found; /* what is left is seen by the next look */
    status = mr_hanging_end(&request, place, 1, &found, err);
    writer->class->close(writer);
    return status;
}

/* Between two questions. */
typedef struct pause {
    mr_log_member *member;
    mr_log_reader *reader; /* where there is no member: of what is waited for */
} pause;

static mr_status open_pause(pause *p, const mr_history *history, int64_t stable, mr_error *err)
{
    mr_log *log = history->log;
    int32_t partition = (int32_t)history->task;
    mr_status status = log->class->open_reader(log, &p->reader, err);
    return status == MR_OK
               ? p->reader->class->add(p->reader, 0, history->topic, partition, stable, err)
               : status;
}

static mr_status pause_for(pause *p, const mr_history *history, int64_t stable, mr_error *err)
{
    mr_member_event event;
    mr_records records;
    if (p->member != NULL)
        return p->member->class->poll(p->member, POLL_TIMEOUT_MS, &event, err);
    mr_status status = p->reader == NULL ? open_pause(p, history, stable, err) : MR_OK;
    return status == MR_OK ? p->reader->class->fetch(p->reader, 1, POLL_TIMEOUT_MS, &records, err)
                           : status;
}

static mr_status await_end(const mr_history *history, const char *job, const mr_logger *logger,
                           pause *p, const char *owner, int64_t limit_us, mr_error *err)
{
    mr_log *log = history->log;
    int64_t began_us = history->clock->monotonic_us(history->clock);
    mr_log_ends place = {.topic = history->topic, .partition = (int32_t)history->task};
    for (uint32_t knocks = 0;;) {
        mr_status status = log->class->ends(log, &place, 1, err);
        if (status == MR_OK && place.stable >= place.high)
            return MR_OK;
        if (status == MR_OK && owner[0] != '\0' && knocks < KNOCKS_MAX)
            status = knock(history, job, logger, owner, &place, knocks++ == 0, err);
        if (status == MR_OK)
            status = pause_for(p, history, place.stable, err);
        if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
            return status;
        if (history->clock->monotonic_us(history->clock) - began_us > limit_us)
            return mr_error_set(err, MR_E_TRANSPLANT,
                                "a transaction is open in %s[%" PRIu32 "]@%" PRId64
                                " and does not end: stop the job's workers",
                                history->topic, history->task, place.stable);
    }
}

mr_status mr_quiet_log_within(const mr_history *history, const char *job, const mr_logger *logger,
                              mr_log_member *member, int64_t *patience_us, mr_error *err)
{
    mr_log_ends place = {.topic = history->topic, .partition = (int32_t)history->task};
    mr_status status = history->log->class->ends(history->log, &place, 1, err);
    if (status == MR_OK && place.stable >= place.high)
        return MR_OK;
    if (status != MR_OK && err->recovery != MR_RECOVERY_RETRY)
        return status;
    char *owner = NULL;
    status = mr_history_read(history, MR_OFFSET_EARLIEST, -1, note_writer, &owner, err);
    int64_t began_us = history->clock->monotonic_us(history->clock);
    int64_t limit_us = *patience_us > PATIENCE_MIN_US ? *patience_us : PATIENCE_MIN_US;
    pause p = {.member = member};
    if (status == MR_OK)
        status = await_end(history, job, logger, &p, owner != NULL ? owner : "", limit_us, err);
    if (p.reader != NULL)
        p.reader->class->close(p.reader);
    *patience_us -= history->clock->monotonic_us(history->clock) - began_us;
    free(owner);
    return status;
}

mr_status mr_quiet_log(const mr_history *history, const char *job, const mr_logger *logger,
                       mr_log_member *member, mr_error *err)
{
    int64_t patience_us = QUIET_LIMIT_US;
    return mr_quiet_log_within(history, job, logger, member, &patience_us, err);
}
