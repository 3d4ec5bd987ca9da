#include "tests/harness/file_records.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static mr_status make_splitter(const void *use, mr_splitter **splitter, mr_error *err)
{
    return mr_format_splitter_new(use, splitter, err);
}

static void keep(const mr_records *from, int64_t offset, mr_file_records *to)
{
    for (uint32_t i = 0; i < from->count && to->count < MR_FILE_RECORDS_MAX; i++) {
        const mr_record *record = &from->record[i];
        int64_t last = to->count > 0 ? to->seen[to->count - 1].offset : offset - 1;
        MR_ASSERT(record->offset > last);
        to->seen[to->count++] = (mr_file_seen){
            .offset = record->offset,
            .hash = from->flaw != NULL ? 0 : mr_hash(record->value, record->value_length),
            .is_flaw = from->flaw != NULL};
        to->flaws += from->flaw != NULL;
    }
}

static int file_of(const char *bytes, size_t length, char path[64])
{
    int file = memfd_create("millrace-test", MFD_CLOEXEC);
    MR_ASSERT(file >= 0);
    for (size_t done = 0; done < length;) {
        ssize_t n = write(file, bytes + done, length - done);
        MR_ASSERT(n > 0);
        done += (size_t)n;
    }
    snprintf(path, 64, "/proc/self/fd/%d", file);
    return file;
}

void mr_file_records_read(mr_format_use use, const char *bytes, size_t length, int64_t offset,
                          uint32_t rows_max, mr_file_records *to)
{
    to->count = to->flaws = 0;
    char path[64];
    int file = file_of(bytes, length, path);
    mr_file_reader_config config = {
        .path = path, .make_splitter = make_splitter, .splitter_config = &use};
    mr_log_reader *reader;
    mr_input_ends ends;
    mr_error err;
    mr_status status = mr_file_reader_open(&config, 1, &reader, &err);
    MR_ASSERT(status == MR_OK);
    status = reader->class->add(reader, 0, path, 0, offset, &err);
    MR_ASSERT(status == MR_OK);
    do {
        mr_records records;
        status = reader->class->fetch(reader, rows_max, 0, &records, &err);
        MR_ASSERT(status == MR_OK);
        keep(&records, offset, to);
        status = reader->class->ends(reader, 0, 0, &ends, &err);
        MR_ASSERT(status == MR_OK);
        to->is_whole = ends.position >= ends.stable_end;
        MR_ASSERT(records.count > 0 || to->is_whole);
    } while (!to->is_whole && to->count < MR_FILE_RECORDS_MAX);
    reader->class->close(reader);
    close(file);
}
