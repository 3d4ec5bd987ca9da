#include "connectors/local/files/input.h"

#include "connectors/local/files/codes.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define READ_SIZE ((size_t)1 << 20)
#define CUT_MAX (MR_FILE_RECORD_MAX + 2) /* the longest record with its line end */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static mr_status open_file(mr_file_input *input, mr_error *err)
{
    mr_status status = mr_content_open(input->path, &input->content, err);
    if (status != MR_OK)
        return status;
    input->is_content_end = input->is_resyncing = false;
    input->splitter->class->begin(input->splitter);
    /* The record before `done_below` begins one byte in front of it: it is cut again and dropped,
     * so that nobody has to find a record's begin from its middle. */
    if (input->done_below > 0 && input->splitter->class->is_seekable) {
        input->offset = input->done_below - 1;
        status = mr_content_skip(input->content, input->offset, err);
    }
    return status;
}

mr_status mr_file_input_open(const mr_file_reader_config *config, uint32_t number,
                             const char *topic, int32_t share, uint32_t shares_count,
                             int64_t offset, mr_file_input **result, mr_error *err)
{
    mr_file_input *input = calloc(1, sizeof *input);
    MR_ASSERT(input != NULL);
    *input = (mr_file_input){.config = config,
                             .number = number,
                             .partition = share,
                             .offset_last = -1,
                             .done_below = offset > 0 ? offset : 0};
    struct stat facts;
    input->is_folder = strcmp(topic, config->path) != 0 ||
                       (stat(config->path, &facts) == 0 && S_ISDIR(facts.st_mode));
    mr_status status = MR_OK;
    if (config->make_splitter != NULL)
        status = config->make_splitter(config->splitter_config, &input->splitter, err);
    else
        input->splitter = mr_lines_new();
    if (input->is_folder)
        mr_folder_init(&input->folder, config->path, (uint32_t)share, shares_count,
                       config->monitor_ms > 0);
    bool is_in_file = !input->is_folder || strcmp(topic, config->path) != 0;
    if (is_in_file)
        input->path = strdup(topic);
    if (status == MR_OK && !input->is_folder) {
        status = open_file(input, err);
        if (status == MR_E_FILE_GONE)
            status = err->status = MR_E_ENVIRONMENT;
    }
    if (status != MR_OK) {
        mr_file_input_close(input);
        return status;
    }
    *result = input;
    return MR_OK;
}

static void close_content(mr_file_input *input)
{
    mr_content_close(input->content);
    input->content = NULL;
}

void mr_file_input_close(mr_file_input *input)
{
    close_content(input);
    if (input->splitter != NULL)
        input->splitter->class->free(input->splitter);
    if (input->is_folder)
        mr_folder_release(&input->folder);
    mr_buffer_release(&input->bytes);
    mr_buffer_release(&input->place);
    mr_buffer_release(&input->flaw_bytes);
    free(input->path);
    free(input);
}

mr_status mr_file_input_resume(mr_file_input *input, const char *place, size_t length,
                               mr_error *err)
{
    if (!input->is_folder || !input->folder.is_monitored)
        return MR_OK;
    return mr_folder_set_place(&input->folder, place, length, err);
}

/* Where the engine may believe that we stand: never behind what it was given. */
static int64_t position_of(const mr_file_input *input)
{
    int64_t position = input->offset;
    if (position < input->offset_last + 1)
        position = input->offset_last + 1;
    return position > input->done_below ? position : input->done_below;
}

/* The file is through, with or without an error: the next one begins. */
static void leave_file(mr_file_input *input)
{
    input->passed += position_of(input);
    input->offset = 0;
    input->offset_last = -1;
    input->done_below = 0;
    close_content(input);
    mr_buffer_clear(&input->bytes);
    if (input->bytes.capacity > 2 * READ_SIZE)
        mr_buffer_release(&input->bytes);
    input->at = 0;
    input->is_path_read = true;
}

/* One flawed record at `offset`: what the dead letter will say. `bytes` is what is known of it. A
 * flaw that a former life met is met again when the file is gone into anew: it is not told twice.
 * */
static void give_flaw(mr_file_input *input, const mr_error *err, int64_t offset, const char *bytes,
                      size_t length, mr_record *record, mr_records *records)
{
    if (offset <= input->offset_last)
        offset = input->offset_last + 1;
    input->offset_last = offset;
    if (offset < input->done_below)
        return;
    mr_buffer_clear(&input->flaw_bytes);
    mr_buffer_reserve(&input->flaw_bytes, 1);
    mr_buffer_put(&input->flaw_bytes, bytes,
                  length < MR_FILE_FLAW_BYTES_MAX ? length : MR_FILE_FLAW_BYTES_MAX);
    snprintf(input->flaw_message, sizeof input->flaw_message, "%s", err->message);
    input->flaw = (mr_record_flaw){.code = err->status, .message = input->flaw_message};
    record[0] = mr_split_record(input->flaw_bytes.data, input->flaw_bytes.length, offset);
    records->count = 1;
    records->flaw = &input->flaw;
}

static mr_status look(mr_file_input *input, mr_error *err)
{
    input->is_looked = true;
    input->looked_ms = now_ms();
    const char *current = input->path;
    if (input->is_path_read && input->folder.is_monitored)
        current = NULL;
    return mr_folder_look(&input->folder, current, err);
}

/* Steps to the next file of the folder; false: there is none now. */
static bool step(mr_file_input *input)
{
    char *path = mr_folder_take(&input->folder);
    if (path == NULL)
        return false;
    free(input->path);
    input->path = path;
    input->is_path_read = false;
    if (input->folder.is_monitored) {
        mr_buffer_clear(&input->place);
        mr_folder_put_place(&input->folder, &input->place);
        input->is_place_new = true;
    }
    return true;
}

static mr_status find_file(mr_file_input *input, bool *has_file, mr_error *err)
{
    mr_status status = MR_OK;
    bool is_due = !input->is_looked || (input->folder.is_monitored &&
                                        now_ms() - input->looked_ms >= input->config->monitor_ms);
    if (input->path != NULL && input->is_path_read)
        mr_folder_finish(&input->folder, input->path);
    if (is_due)
        status = look(input, err);
    *has_file = status == MR_OK && ((input->path != NULL && !input->is_path_read) || step(input));
    return status;
}

/* Opens what is to be read. *is_open false: there is nothing now, or a flaw. */
static mr_status advance(mr_file_input *input, mr_record *record, mr_records *records,
                         bool *is_open, mr_error *err)
{
    bool has_file = true;
    *is_open = input->content != NULL;
    if (*is_open || !input->is_folder)
        return MR_OK;
    mr_status status = find_file(input, &has_file, err);
    if (status != MR_OK || !has_file)
        return status;
    bool is_known = input->done_below > 0;
    status = open_file(input, err);
    *is_open = status == MR_OK;
    if (status == MR_E_FILE_DAMAGED || (status == MR_E_FILE_GONE && !is_known))
        give_flaw(input, err, 0, "", 0, record, records);
    /* Of one that was read in a former life nobody can tell whether it was read to its end: who
     * removed it is believed. */
    if (status == MR_E_FILE_DAMAGED || status == MR_E_FILE_GONE) {
        leave_file(input);
        *is_open = records->count == 0;
        return MR_OK;
    }
    return status;
}

static mr_status read_more(mr_file_input *input, mr_error *err)
{
    mr_buffer *bytes = &input->bytes;
    size_t left = bytes->length - input->at;
    if (left > 0 && input->at > 0)
        memmove(bytes->data, bytes->data + input->at, left);
    bytes->length = left;
    input->at = 0;
    for (size_t gained = 0, length = 1; gained < READ_SIZE && length > 0; gained += length) {
        char *to = mr_buffer_reserve(bytes, READ_SIZE - gained);
        mr_status status = mr_content_read(input->content, to, READ_SIZE - gained, &length, err);
        /* Damage is met when all in front of it has been cut. */
        if (status == MR_E_FILE_DAMAGED && gained > 0)
            return MR_OK;
        if (status != MR_OK)
            return status;
        bytes->length += length;
        input->is_content_end = length == 0;
    }
    return MR_OK;
}

static void take(mr_file_input *input, size_t bytes)
{
    input->at += bytes;
    input->offset += (int64_t)bytes;
}

/* Drops bytes of a bad record. *is_stuck: all that there are. */
static void resync(mr_file_input *input, bool *is_stuck)
{
    bool is_found = false;
    take(input, input->splitter->class->resync(input->splitter, input->bytes.data + input->at,
                                               input->bytes.length - input->at, &is_found));
    input->is_resyncing = !is_found;
    *is_stuck = !is_found;
}

/* Records that were processed in a former life go. */
static uint32_t drop_done(const mr_file_input *input, mr_record *record, uint32_t count)
{
    uint32_t done = 0;
    while (done < count && record[done].offset < input->done_below)
        done++;
    if (done > 0)
        memmove(record, record + done, (count - done) * sizeof *record);
    return count - done;
}

/* Cuts what the buffer holds. *is_stuck: more bytes are needed. */
static void cut(mr_file_input *input, mr_record *record, uint32_t rows_max, mr_records *records,
                bool *is_stuck)
{
    mr_error err;
    const char *front = input->bytes.data + input->at;
    size_t length = input->bytes.length - input->at;
    bool is_all = length <= CUT_MAX;
    length = is_all ? length : CUT_MAX;
    mr_split split = {.bytes = front,
                      .length = length,
                      .offset = input->offset,
                      .is_end = input->is_content_end && is_all,
                      .record = record,
                      .records_max = rows_max,
                      .bad_offset = input->offset};
    mr_status status = input->splitter->class->cut(input->splitter, &split, &err);
    take(input, split.taken);
    if (split.count > 0)
        input->offset_last = record[split.count - 1].offset;
    records->count = drop_done(input, record, split.count);
    *is_stuck = split.count == 0 && split.taken == 0;
    if (status == MR_OK && *is_stuck && length == CUT_MAX)
        status = mr_error_set(&err, MR_E_FILE_RECORD,
                              "a record of more than %zu bytes; its first %zu are kept",
                              MR_FILE_RECORD_MAX, MR_FILE_FLAW_BYTES_MAX);
    /* Behind good records the same error comes again, alone. */
    if (status == MR_OK || split.count > 0)
        return;
    give_flaw(input, &err, split.bad_offset, front, length, record, records);
    input->is_resyncing = true;
    *is_stuck = false;
}

/* The buffer gives nothing more. *is_end: neither does the file, and there is no next one. */
static mr_status fill(mr_file_input *input, mr_record *record, mr_records *records, bool *is_end,
                      mr_error *err)
{
    if (input->is_content_end && input->is_folder) {
        leave_file(input);
        return MR_OK;
    }
    bool was_end = input->is_content_end; /* a plain file may have grown since */
    mr_status status = read_more(input, err);
    *is_end = was_end && input->bytes.length == 0;
    if (status != MR_E_FILE_DAMAGED)
        return status;
    /* What lies cut in front of the damage is no record. */
    give_flaw(input, err, input->offset, input->bytes.data, input->bytes.length, record, records);
    leave_file(input);
    return MR_OK;
}

mr_status mr_file_input_fetch(mr_file_input *input, mr_record *record, uint32_t rows_max,
                              mr_records *records, mr_error *err)
{
    mr_status status = MR_OK;
    bool is_open = false, is_end = false;
    *records = (mr_records){.input = input->number, .partition = input->partition};
    while (status == MR_OK && records->count == 0 && !is_end) {
        bool is_stuck = true;
        status = advance(input, record, records, &is_open, err);
        if (status != MR_OK || !is_open || records->count > 0)
            break;
        if (input->content == NULL)
            continue;
        if (input->at < input->bytes.length && input->is_resyncing)
            resync(input, &is_stuck);
        else if (input->at < input->bytes.length)
            cut(input, record, rows_max, records, &is_stuck);
        if (records->count == 0 && is_stuck)
            status = fill(input, record, records, &is_end, err);
    }
    if (status != MR_OK || records->count == 0)
        return status;
    records->topic = input->path;
    records->record = record;
    records->owner = input;
    if (input->is_place_new) {
        records->place = input->place.data;
        records->place_length = input->place.length;
        input->is_place_new = false;
    }
    return MR_OK;
}

mr_status mr_file_input_ends(mr_file_input *input, mr_input_ends *ends, mr_error *err)
{
    mr_status status = MR_OK;
    int64_t left = (int64_t)(input->bytes.length - input->at);
    if (input->is_folder && !input->is_looked)
        status = look(input, err);
    if (input->content != NULL)
        left += mr_content_left(input->content);
    else if (input->path != NULL && !input->is_path_read)
        left += 1; /* it is not open yet */
    if (input->is_folder)
        left += mr_folder_bytes(&input->folder);
    int64_t position = input->passed + position_of(input);
    *ends = (mr_input_ends){.position = position,
                            .stable_end = position + left,
                            .high_end = position + left,
                            .is_paused = input->is_paused,
                            .is_growing = input->is_folder && input->folder.is_monitored};
    return status;
}
