#include "connectors/local/files/reader.h"

#include "connectors/local/files/input.h"
#include "engine/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define WAIT_MS_MAX 20

typedef struct file_reader {
    mr_log_reader base;
    const mr_file_reader_config *config;
    uint32_t shares_count;
    mr_file_input **inputs;
    uint32_t count;
    uint32_t next;
    mr_record *records;
    uint32_t records_max;
} file_reader;

mr_status mr_file_reader_splits(const void *config, uint32_t tasks_count, mr_arena *arena,
                                const char ***names, uint32_t *count, mr_error *err)
{
    const mr_file_reader_config *own = config;
    struct stat facts;
    if (stat(own->path, &facts) != 0)
        return mr_error_set(err, MR_E_ENVIRONMENT, "cannot find `%s`: %s", own->path,
                            strerror(errno));
    *count = S_ISDIR(facts.st_mode) ? tasks_count : 1;
    *names = mr_arena_alloc(arena, *count * sizeof **names);
    for (uint32_t i = 0; i < *count; i++)
        (*names)[i] = own->path;
    return MR_OK;
}

static mr_file_input *find(file_reader *self, uint32_t number)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (self->inputs[i]->number == number)
            return self->inputs[i];
    return NULL;
}

static mr_status add(mr_log_reader *reader, uint32_t number, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    file_reader *self = (file_reader *)reader;
    mr_file_input *input;
    mr_status status = mr_file_input_open(self->config, number, topic, partition,
                                          self->shares_count, offset, &input, err);
    if (status != MR_OK)
        return status;
    self->inputs = realloc(self->inputs, (self->count + 1) * sizeof(mr_file_input *));
    MR_ASSERT(self->inputs != NULL);
    self->inputs[self->count++] = input;
    return MR_OK;
}

static mr_status resume(mr_log_reader *reader, uint32_t number, const char *place, size_t length,
                        mr_error *err)
{
    mr_file_input *input = find((file_reader *)reader, number);
    MR_ASSERT(input != NULL);
    return mr_file_input_resume(input, place, length, err);
}

static mr_status remove_input(mr_log_reader *reader, uint32_t number, mr_error *err)
{
    (void)err;
    file_reader *self = (file_reader *)reader;
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->inputs[i]->number != number)
            continue;
        mr_file_input_close(self->inputs[i]);
        self->inputs[i] = self->inputs[--self->count];
        break;
    }
    return MR_OK;
}

static mr_status fetch_any(file_reader *self, uint32_t rows_max, mr_records *records, mr_error *err)
{
    for (uint32_t i = 0; i < self->count; i++) {
        mr_file_input *input = self->inputs[self->next++ % self->count];
        if (input->is_paused)
            continue;
        mr_status status = mr_file_input_fetch(input, self->records, rows_max, records, err);
        if (status != MR_OK || records->count > 0)
            return status;
    }
    return MR_OK;
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    file_reader *self = (file_reader *)reader;
    *records = (mr_records){0};
    if (rows_max > self->records_max) {
        self->records = realloc(self->records, rows_max * sizeof *self->records);
        MR_ASSERT(self->records != NULL);
        self->records_max = rows_max;
    }
    mr_status status = fetch_any(self, rows_max, records, err);
    /* Only a folder that is looked into again can give something later. */
    if (status == MR_OK && records->count == 0 && timeout_ms > 0 && self->config->monitor_ms > 0) {
        struct timespec wait = {
            .tv_nsec = (long)(timeout_ms < WAIT_MS_MAX ? timeout_ms : WAIT_MS_MAX) * 1000000};
        nanosleep(&wait, NULL);
    }
    return status;
}

static mr_status pause_input(mr_log_reader *reader, uint32_t number, bool is_paused, mr_error *err)
{
    (void)err;
    mr_file_input *input = find((file_reader *)reader, number);
    if (input != NULL)
        input->is_paused = is_paused;
    return MR_OK;
}

static mr_status ends(mr_log_reader *reader, uint32_t number, int32_t timeout_ms,
                      mr_input_ends *result, mr_error *err)
{
    (void)timeout_ms;
    mr_file_input *input = find((file_reader *)reader, number);
    return input != NULL ? mr_file_input_ends(input, result, err)
                         : mr_error_set(err, MR_E_INTERNAL, "no such input");
}

static void close_reader(mr_log_reader *reader)
{
    file_reader *self = (file_reader *)reader;
    for (uint32_t i = 0; i < self->count; i++)
        mr_file_input_close(self->inputs[i]);
    free(self->inputs);
    free(self->records);
    free(self);
}

static const mr_reader_class file_reader_class = {
    .add = add,
    .remove = remove_input,
    .fetch = fetch,
    .pause = pause_input,
    .ends = ends,
    .resume = resume,
    .close = close_reader,
};

mr_status mr_file_reader_open(const void *config, uint32_t tasks_count, mr_log_reader **reader,
                              mr_error *err)
{
    (void)err;
    file_reader *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &file_reader_class;
    self->config = config;
    self->shares_count = tasks_count;
    *reader = &self->base;
    return MR_OK;
}
