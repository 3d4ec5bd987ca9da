#include "connectors/local/files/content.h"

#include "connectors/local/files/codes.h"
#include "connectors/local/files/unpacker.h"
#include "engine/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKED_ROOM ((size_t)64 << 10)
#define MAGIC_BYTES 4

struct mr_content {
    char *path;
    int file;
    mr_unpacker *unpacker; /* NULL: a plain file */
    char *packed;          /* [PACKED_ROOM] */
    size_t packed_at, packed_length;
    int64_t position;    /* of the file: bytes read from it */
    bool is_file_end;    /* of an archive */
    bool is_archive_end; /* nothing is left in the unpacker either */
    mr_error damage;     /* found behind what was given out last */
};

static mr_status fail(const char *what, const char *path, mr_error *err)
{
    mr_status code = errno == ENOENT ? MR_E_FILE_GONE : MR_E_ENVIRONMENT;
    return mr_error_set(err, code, "cannot %s `%s`: %s", what, path, strerror(errno));
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static mr_status read_file(mr_content *content, char *to, size_t room, size_t *length,
                           mr_error *err)
{
    ssize_t n;
    do
        n = pread(content->file, to, room, content->position);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail("read", content->path, err);
    content->position += n;
    *length = (size_t)n;
    return MR_OK;
}

static mr_status find_unpacker(mr_content *content, const unsigned char *magic, size_t length,
                               mr_error *err)
{
    bool is_gzip = length >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    uint32_t word = 0;
    for (size_t i = 0; i < length && i < MAGIC_BYTES; i++)
        word |= (uint32_t)magic[i] << (8 * i);
    /* A frame, or one that is to be skipped. */
    bool is_zstd = word == 0xfd2fb528u || (word & 0xfffffff0u) == 0x184d2a50u;
    is_gzip = is_gzip || (!is_zstd && length > 0 &&
                          (ends_with(content->path, ".gz") || ends_with(content->path, ".gzip")));
    is_zstd = is_zstd || (!is_gzip && length > 0 &&
                          (ends_with(content->path, ".zst") || ends_with(content->path, ".zstd")));
    if (!is_gzip && !is_zstd)
        return MR_OK;
    content->packed = malloc(PACKED_ROOM);
    MR_ASSERT(content->packed != NULL);
    return is_gzip ? mr_gzip_unpacker_new(&content->unpacker, err)
                   : mr_zstd_unpacker_new(&content->unpacker, err);
}

mr_status mr_content_open(const char *path, mr_content **result, mr_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fail("open", path, err);
    mr_content *content = calloc(1, sizeof *content);
    MR_ASSERT(content != NULL);
    content->file = file;
    content->path = strdup(path);
    unsigned char magic[MAGIC_BYTES];
    size_t length = 0;
    mr_status status = read_file(content, (char *)magic, sizeof magic, &length, err);
    content->position = 0;
    if (status == MR_OK)
        status = find_unpacker(content, magic, length, err);
    if (status != MR_OK) {
        mr_content_close(content);
        return status;
    }
    *result = content;
    return MR_OK;
}

void mr_content_close(mr_content *content)
{
    if (content == NULL)
        return;
    if (content->unpacker != NULL)
        content->unpacker->class->free(content->unpacker);
    close(content->file);
    free(content->packed);
    free(content->path);
    free(content);
}

static mr_status refill(mr_content *content, mr_error *err)
{
    content->packed_at = content->packed_length = 0;
    mr_status status =
        read_file(content, content->packed, PACKED_ROOM, &content->packed_length, err);
    content->is_file_end = status == MR_OK && content->packed_length == 0;
    return status;
}

/* Where an archive is damaged: bytes of it that the unpacker has taken. */
static void say_where(const mr_content *content, const char *what, mr_error *err)
{
    int64_t taken = content->position - (int64_t)(content->packed_length - content->packed_at);
    (void)!mr_error_set(err, MR_E_FILE_DAMAGED, "%s at byte %" PRId64 " of the archive: %s",
                        content->unpacker->class->name, taken, what);
}

static mr_status unpack(mr_content *content, char *to, size_t room, size_t *length, mr_error *err)
{
    for (*length = 0; *length == 0 && !content->is_archive_end;) {
        mr_status status = content->damage.status;
        *err = content->damage;
        if (status == MR_OK && content->packed_at == content->packed_length &&
            !content->is_file_end)
            status = refill(content, err);
        if (status != MR_OK)
            return status;
        bool is_drained = content->packed_at == content->packed_length;
        if (is_drained && content->unpacker->is_complete) {
            content->is_archive_end = true;
            return MR_OK;
        }
        mr_error why;
        mr_unpack_step step = {.in = content->packed + content->packed_at,
                               .in_length = content->packed_length - content->packed_at,
                               .out = to,
                               .out_room = room};
        status = content->unpacker->class->step(content->unpacker, &step, &why);
        content->packed_at += step.used;
        *length = step.made;
        /* What was unpacked before the damage is good: the error comes with the next call. */
        if (status != MR_OK)
            say_where(content, why.message, &content->damage);
        else if (is_drained && step.made == 0)
            say_where(content, "the file is cut short", &content->damage);
    }
    return MR_OK;
}

mr_status mr_content_read(mr_content *content, char *to, size_t room, size_t *length, mr_error *err)
{
    return content->unpacker != NULL ? unpack(content, to, room, length, err)
                                     : read_file(content, to, room, length, err);
}

mr_status mr_content_skip(mr_content *content, int64_t bytes, mr_error *err)
{
    if (content->unpacker == NULL) {
        content->position += bytes;
        return MR_OK;
    }
    char *waste = malloc(PACKED_ROOM);
    MR_ASSERT(waste != NULL);
    mr_status status = MR_OK;
    for (size_t length = 1; status == MR_OK && bytes > 0 && length > 0;) {
        size_t room = bytes < (int64_t)PACKED_ROOM ? (size_t)bytes : PACKED_ROOM;
        status = unpack(content, waste, room, &length, err);
        bytes -= (int64_t)length;
    }
    free(waste);
    return status;
}

int64_t mr_content_left(const mr_content *content)
{
    struct stat facts;
    int64_t size = fstat(content->file, &facts) == 0 ? (int64_t)facts.st_size : 0;
    int64_t left = size - content->position;
    if (content->unpacker == NULL)
        return left > 0 ? left : 0;
    left += (int64_t)(content->packed_length - content->packed_at);
    return content->is_archive_end ? 0 : left > 0 ? left : 1;
}

bool mr_content_is_packed(const mr_content *content)
{
    return content->unpacker != NULL;
}
