#include "engine/history/past.h"

#include "engine/base/assert.h"

#include <stdlib.h>

typedef struct past_reader {
    mr_log_reader base;
    mr_log_reader *present;
    int64_t end;
} past_reader;

static mr_status reader_add(mr_log_reader *base, uint32_t input, const char *topic,
                            int32_t partition, int64_t offset, mr_error *err)
{
    past_reader *self = (past_reader *)base;
    if (offset == MR_OFFSET_LATEST)
        offset = self->end;
    return self->present->class->add(self->present, input, topic, partition, offset, err);
}

static mr_status reader_remove(mr_log_reader *base, uint32_t input, mr_error *err)
{
    past_reader *self = (past_reader *)base;
    return self->present->class->remove(self->present, input, err);
}

static mr_status reader_fetch(mr_log_reader *base, uint32_t rows_max, int32_t timeout_ms,
                              mr_records *records, mr_error *err)
{
    past_reader *self = (past_reader *)base;
    mr_status status =
        self->present->class->fetch(self->present, rows_max, timeout_ms, records, err);
    while (status == MR_OK && records->count > 0 &&
           records->record[records->count - 1].offset >= self->end)
        records->count--;
    return status;
}

static mr_status reader_ends(mr_log_reader *base, uint32_t input, int32_t timeout_ms,
                             mr_input_ends *ends, mr_error *err)
{
    past_reader *self = (past_reader *)base;
    mr_status status = self->present->class->ends(self->present, input, timeout_ms, ends, err);
    if (status != MR_OK)
        return status;
    ends->stable_end = ends->high_end = self->end;
    if (ends->position >= self->end) {
        ends->position = self->end;
        ends->is_buffered = false;
    }
    return MR_OK;
}

static void reader_close(mr_log_reader *base)
{
    past_reader *self = (past_reader *)base;
    self->present->class->close(self->present);
    free(self);
}

static const mr_reader_class past_reader_class = {.add = reader_add,
                                                  .remove = reader_remove,
                                                  .fetch = reader_fetch,
                                                  .ends = reader_ends,
                                                  .close = reader_close};

static mr_past *past_of(mr_log *log)
{
    return (mr_past *)log;
}

static mr_status describe(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err)
{
    mr_log *present = past_of(log)->present;
    return present->class->describe(present, topic, facts, err);
}

static mr_status offset(mr_log *log, const char *topic, int32_t partition, int64_t which,
                        int64_t *result, mr_error *err)
{
    mr_past *past = past_of(log);
    if (which == MR_OFFSET_LATEST) {
        *result = past->end;
        return MR_OK;
    }
    return past->present->class->offset(past->present, topic, partition, which, result, err);
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    mr_past *past = past_of(log);
    past_reader *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    *self = (past_reader){.base = {.class = &past_reader_class}, .end = past->end};
    mr_status status = past->present->class->open_reader(past->present, &self->present, err);
    if (status != MR_OK) {
        free(self);
        return status;
    }
    *reader = &self->base;
    return MR_OK;
}

static const mr_log_class past_class = {
    .describe = describe, .offset = offset, .open_reader = open_reader};

void mr_past_init(mr_past *past, mr_log *present, int64_t end)
{
    *past = (mr_past){.log = {.class = &past_class}, .present = present, .end = end};
}
