#include "connectors/local/file_reader.h"

#include "engine/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)

typedef struct file_input {
    bool is_open;
    bool is_paused;
    int file;
    uint32_t input;
    char *path;
    int64_t position; /* of the first byte not returned */
    bool is_aligned;  /* position is the start of a line */
} file_input;

typedef struct file_reader {
    mr_log_reader base;
    file_input *inputs;
    uint32_t count;
    uint32_t next;
    mr_buffer bytes;
    mr_record *records;
    uint32_t records_max;
} file_reader;

static mr_status fail(const char *what, const char *path, mr_error *err)
{
    return mr_error_set(err, MR_E_ENVIRONMENT, "cannot %s `%s`: %s", what, path, strerror(errno));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static mr_status list_folder(const char *path, mr_arena *arena, const char ***names,
                             uint32_t *count, mr_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return fail("read the folder", path, err);
    uint32_t capacity = 16, n = 0;
    const char **list = mr_arena_alloc(arena, capacity * sizeof *list);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        const char *name = mr_arena_printf(arena, "%s/%s", path, entry->d_name);
        struct stat facts;
        if (stat(name, &facts) != 0 || !S_ISREG(facts.st_mode))
            continue;
        if (n == capacity) {
            const char **grown = mr_arena_alloc(arena, capacity * 2 * sizeof *grown);
            memcpy(grown, list, capacity * sizeof *grown);
            list = grown;
            capacity *= 2;
        }
        list[n++] = name;
    }
    closedir(folder);
    qsort(list, n, sizeof *list, compare_names);
    *names = list;
    *count = n;
    return MR_OK;
}

mr_status mr_file_reader_splits(const void *config, mr_arena *arena, const char ***names,
                                uint32_t *count, mr_error *err)
{
    const char *path = ((const mr_file_reader_config *)config)->path;
    struct stat facts;
    if (stat(path, &facts) != 0)
        return fail("find", path, err);
    if (S_ISDIR(facts.st_mode))
        return list_folder(path, arena, names, count, err);
    *names = mr_arena_alloc(arena, sizeof **names);
    (*names)[0] = path;
    *count = 1;
    return MR_OK;
}

static file_input *find(file_reader *self, uint32_t input)
{
    for (uint32_t i = 0; i < self->count; i++)
        if (self->inputs[i].is_open && self->inputs[i].input == input)
            return &self->inputs[i];
    return NULL;
}

static mr_status add(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    (void)partition;
    file_reader *self = (file_reader *)reader;
    int file = open(topic, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fail("open", topic, err);
    self->inputs = realloc(self->inputs, (self->count + 1) * sizeof *self->inputs);
    MR_ASSERT(self->inputs != NULL);
    self->inputs[self->count++] = (file_input){.is_open = true,
                                               .file = file,
                                               .input = input,
                                               .path = strdup(topic),
                                               .position = offset > 0 ? offset : 0};
    return MR_OK;
}

static void close_input(file_input *input)
{
    if (!input->is_open)
        return;
    close(input->file);
    free(input->path);
    input->is_open = false;
    input->path = NULL;
}

static mr_status remove_input(mr_log_reader *reader, uint32_t input, mr_error *err)
{
    (void)err;
    file_reader *self = (file_reader *)reader;
    file_input *at = find(self, input);
    if (at == NULL)
        return MR_OK;
    close_input(at);
    *at = self->inputs[--self->count];
    return MR_OK;
}

/* Reads more of the file behind what the buffer holds; `is_end` when there is no more. */
static mr_status read_more(file_reader *self, const file_input *at, bool *is_end, mr_error *err)
{
    char *to = mr_buffer_reserve(&self->bytes, READ_SIZE);
    ssize_t n = pread(at->file, to, READ_SIZE, at->position + (int64_t)self->bytes.length);
    if (n < 0)
        return fail("read", at->path, err);
    self->bytes.length += (size_t)n;
    *is_end = n == 0;
    return MR_OK;
}

static void take_record(file_reader *self, const char *start, size_t length, int64_t offset,
                        uint32_t *count)
{
    if (length > 0 && start[length - 1] == '\r')
        length--;
    if (length == 0)
        return;
    self->records[(*count)++] = (mr_record){.offset = offset,
                                            .timestamp_ms = MR_TIME_NONE,
                                            .value = start,
                                            .value_length = (uint32_t)length};
}

/* Cuts lines; returns the bytes they took. */
static size_t cut_lines(file_reader *self, int64_t base, uint32_t rows_max, bool is_end,
                        uint32_t *count)
{
    const char *data = self->bytes.data;
    size_t at = 0;
    while (*count < rows_max && at < self->bytes.length) {
        const char *end = memchr(data + at, '\n', self->bytes.length - at);
        if (end == NULL && !is_end)
            break;
        size_t length = end != NULL ? (size_t)(end - data) - at : self->bytes.length - at;
        take_record(self, data + at, length, base + (int64_t)at, count);
        at += length + (end != NULL ? 1 : 0);
    }
    return at;
}

/* Goes on to the start of the next line when the position is within one. */
static mr_status align(const file_input *at, int64_t *position, mr_error *err)
{
    char bytes[4096];
    for (int64_t from = *position - 1;;) {
        ssize_t n = pread(at->file, bytes, sizeof bytes, from);
        if (n < 0)
            return fail("read", at->path, err);
        const char *end = memchr(bytes, '\n', (size_t)n);
        if (end != NULL || n == 0) {
            *position = end != NULL ? from + (end - bytes) + 1 : from;
            return MR_OK;
        }
        from += n;
    }
}

static mr_status fetch_input(file_reader *self, file_input *at, uint32_t rows_max, uint32_t *count,
                             mr_error *err)
{
    bool is_end = false;
    mr_buffer_clear(&self->bytes);
    if (!at->is_aligned && at->position > 0) {
        mr_status status = align(at, &at->position, err);
        if (status != MR_OK)
            return status;
    }
    at->is_aligned = true;
    while (*count == 0) {
        mr_status status = read_more(self, at, &is_end, err);
        if (status != MR_OK)
            return status;
        size_t taken = cut_lines(self, at->position, rows_max, is_end, count);
        if (*count > 0 || is_end) {
            at->position += (int64_t)taken;
            return MR_OK;
        }
        if (taken == self->bytes.length) { /* empty lines only */
            at->position += (int64_t)taken;
            mr_buffer_clear(&self->bytes);
        }
        if (self->bytes.length > MR_FILE_LINE_MAX)
            return mr_error_set(err, MR_E_ENVIRONMENT,
                                "the line at byte %lld of `%s` is longer than %zu bytes",
                                (long long)at->position, at->path, MR_FILE_LINE_MAX);
    }
    return MR_OK;
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    (void)timeout_ms;
    file_reader *self = (file_reader *)reader;
    *records = (mr_records){0};
    if (rows_max > self->records_max) {
        self->records = realloc(self->records, rows_max * sizeof *self->records);
        MR_ASSERT(self->records != NULL);
        self->records_max = rows_max;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        file_input *at = &self->inputs[self->next++ % self->count];
        uint32_t count = 0;
        if (at->is_paused)
            continue;
        mr_status status = fetch_input(self, at, rows_max, &count, err);
        if (status != MR_OK)
            return status;
        if (count == 0)
            continue;
        *records = (mr_records){.input = at->input,
                                .topic = at->path,
                                .count = count,
                                .record = self->records,
                                .owner = self};
        return MR_OK;
    }
    return MR_OK;
}

static mr_status pause_input(mr_log_reader *reader, uint32_t input, bool is_paused, mr_error *err)
{
    (void)err;
    file_input *at = find((file_reader *)reader, input);
    if (at != NULL)
        at->is_paused = is_paused;
    return MR_OK;
}

static mr_status ends(mr_log_reader *reader, uint32_t input, int32_t timeout_ms,
                      mr_input_ends *result, mr_error *err)
{
    (void)timeout_ms;
    file_input *at = find((file_reader *)reader, input);
    struct stat facts;
    if (at == NULL)
        return mr_error_set(err, MR_E_INTERNAL, "no such input");
    if (fstat(at->file, &facts) != 0)
        return fail("look at", at->path, err);
    *result = (mr_input_ends){.position = at->position,
                              .stable_end = facts.st_size,
                              .high_end = facts.st_size,
                              .is_paused = at->is_paused};
    return MR_OK;
}

static void close_reader(mr_log_reader *reader)
{
    file_reader *self = (file_reader *)reader;
    for (uint32_t i = 0; i < self->count; i++)
        close_input(&self->inputs[i]);
    free(self->inputs);
    free(self->records);
    mr_buffer_release(&self->bytes);
    free(self);
}

static const mr_reader_class file_reader_class = {
    .add = add,
    .remove = remove_input,
    .fetch = fetch,
    .pause = pause_input,
    .ends = ends,
    .close = close_reader,
};

mr_status mr_file_reader_open(const void *config, mr_log_reader **reader, mr_error *err)
{
    (void)config;
    (void)err;
    file_reader *self = calloc(1, sizeof *self);
    MR_ASSERT(self != NULL);
    self->base.class = &file_reader_class;
    *reader = &self->base;
    return MR_OK;
}
