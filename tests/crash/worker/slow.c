#include "tests/crash/worker/slow.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

static const mr_crash_slow *of_slow(const mr_log_reader *reader)
{
    return (const mr_crash_slow *)((uintptr_t)reader->class - offsetof(mr_crash_slow, slow_class));
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    const mr_crash_slow *slow = of_slow(reader);
    (void)rows_max;
    struct timespec pause = {.tv_sec = slow->pause_ms / 1000,
                             .tv_nsec = (long)(slow->pause_ms % 1000) * 1000000};
    mr_status status = MR_OK;
    bool is_held = atomic_load(slow->is_held);
    *records = (mr_records){0};
    if (!is_held)
        status = slow->reader_inner->fetch(reader, 1, timeout_ms, records, err);
    if (is_held || (status == MR_OK && records->count > 0))
        nanosleep(&pause, NULL);
    return status;
}

/* What it reads tells a reader of the state log from others. */
static mr_status add(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    const mr_crash_slow *slow =
        (const mr_crash_slow *)((uintptr_t)reader->class - offsetof(mr_crash_slow, open_class));
    size_t length = strlen(topic);
    if (length > 6 && strcmp(topic + length - 6, ".state") == 0)
        reader->class = &slow->slow_class;
    return slow->reader_inner->add(reader, input, topic, partition, offset, err);
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    mr_crash_slow *slow =
        (mr_crash_slow *)((uintptr_t)log->class - offsetof(mr_crash_slow, log_class));
    mr_status status = slow->log_inner->open_reader(log, reader, err);
    if (status != MR_OK || slow->pause_ms == 0)
        return status;
    slow->reader_inner = (*reader)->class;
    slow->open_class = slow->slow_class = *slow->reader_inner;
    slow->open_class.add = add;
    slow->slow_class.fetch = fetch;
    (*reader)->class = &slow->open_class;
    return MR_OK;
}

void mr_crash_slow_open(mr_crash_slow *slow, uint32_t pause_ms, const atomic_bool *is_held,
                        mr_log *log)
{
    *slow = (mr_crash_slow){.log_class = *log->class,
                            .log_inner = log->class,
                            .is_held = is_held,
                            .pause_ms = pause_ms};
    slow->log_class.open_reader = open_reader;
    log->class = &slow->log_class;
}
