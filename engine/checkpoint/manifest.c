#include "engine/checkpoint/manifest.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/commit/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 2
#define FORMAT_WITHOUT_RECORD 1
#define CHECKSUM_SIZE 4u
#define DIGEST_BYTES 32u
#define ARENA_BLOCK ((size_t)4096)

static const char MAGIC[3] = {'M', 'R', 'C'};

void mr_manifest_init(mr_manifest *manifest, const char *job, uint32_t task,
                      const mr_store_image *image, int64_t taken_ms)
{
    *manifest = (mr_manifest){.task = task,
                              .marker = image->marker,
                              .taken_ms = taken_ms,
                              .files_count = image->files_count};
    mr_arena_init(&manifest->arena, ARENA_BLOCK, NULL, 0);
    manifest->job = mr_arena_string(&manifest->arena, job, strlen(job));
    manifest->files =
        mr_arena_zalloc(&manifest->arena, image->files_count, sizeof *manifest->files);
    for (uint32_t i = 0; i < image->files_count; i++) {
        const mr_store_file *file = &image->files[i];
        manifest->files[i].name = mr_arena_string(&manifest->arena, file->name, strlen(file->name));
        manifest->files[i].size = file->size;
    }
}

void mr_manifest_set_record(mr_manifest *manifest, const char *bytes, size_t length)
{
    mr_delta_header header;
    mr_reader payload;
    mr_error ignored;
    uint32_t checksum;
    if (mr_delta_open(bytes, length, &header, &payload, &checksum, &ignored) != MR_OK ||
        header.kind != MR_DELTA_EPOCH || header.epoch != manifest->marker.epoch ||
        checksum != manifest->marker.checksum)
        return;
    manifest->record = mr_arena_copy(&manifest->arena, bytes, length);
    manifest->record_length = length;
}

void mr_manifest_release(mr_manifest *manifest)
{
    mr_arena_release(&manifest->arena);
    *manifest = (mr_manifest){0};
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put_digest(mr_buffer *to, const char *digest)
{
    MR_ASSERT(strlen(digest) == 2 * DIGEST_BYTES);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        mr_buffer_put_u8(to, (uint8_t)(digit(digest[2 * i]) * 16 + digit(digest[2 * i + 1])));
}

static void get_digest(mr_reader *from, char digest[MR_BLOB_DIGEST_SIZE])
{
    const unsigned char *bytes = mr_reader_get(from, DIGEST_BYTES);
    for (size_t i = 0; bytes != NULL && i < DIGEST_BYTES; i++)
        snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
}

void mr_manifest_encode(const mr_manifest *manifest, mr_buffer *to)
{
    size_t start = to->length;
    mr_buffer_put(to, MAGIC, sizeof MAGIC);
    mr_buffer_put_u8(to, FORMAT_VERSION);
    mr_buffer_put_bytes(to, manifest->job, strlen(manifest->job));
    mr_buffer_put_u64(to, manifest->marker.plan_version);
    mr_buffer_put_varint(to, manifest->task);
    mr_buffer_put_varint(to, manifest->marker.epoch);
    mr_buffer_put_zigzag(to, manifest->marker.log_offset);
    mr_buffer_put_u32(to, manifest->marker.checksum);
    mr_buffer_put_zigzag(to, manifest->taken_ms);
    mr_buffer_put_varint(to, manifest->files_count);
    for (uint32_t i = 0; i < manifest->files_count; i++) {
        const mr_manifest_file *file = &manifest->files[i];
        mr_buffer_put_bytes(to, file->name, strlen(file->name));
        mr_buffer_put_varint(to, file->size);
        put_digest(to, file->digest);
    }
    mr_buffer_put_bytes(to, manifest->record, manifest->record_length);
    mr_buffer_put_u32(to, mr_checksum(to->data + start, to->length - start));
}

/* A name that stays in the folder it is put into. */
static bool is_file_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 200 || name[0] == '.')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
              *c == '-' || *c == '.' || *c == '_'))
            return false;
    return true;
}

static const char *get_text(mr_reader *from, mr_arena *arena)
{
    size_t length;
    const char *bytes = mr_reader_bytes(from, &length);
    return mr_arena_string(arena, bytes, bytes != NULL ? length : 0);
}

static void get_files(mr_reader *from, mr_manifest *manifest)
{
    uint64_t count = mr_reader_varint(from);
    if (count > mr_reader_left(from) / (DIGEST_BYTES + 2)) {
        from->is_bad = true;
        return;
    }
    manifest->files_count = (uint32_t)count;
    manifest->files = mr_arena_zalloc(&manifest->arena, count, sizeof *manifest->files);
    for (uint32_t i = 0; i < count && !from->is_bad; i++) {
        mr_manifest_file *file = &manifest->files[i];
        file->name = get_text(from, &manifest->arena);
        file->size = mr_reader_varint(from);
        get_digest(from, file->digest);
        from->is_bad = from->is_bad || !is_file_name(file->name);
    }
}

static mr_status refused(const char *why, mr_error *err)
{
    return mr_error_set(err, MR_E_CHECKPOINT, "bad manifest of a checkpoint: %s", why);
}

static mr_status decode(const char *bytes, size_t length, mr_manifest *manifest, mr_error *err)
{
    if (bytes == NULL || length < sizeof MAGIC + 1 + CHECKSUM_SIZE ||
        memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return refused("it is none of Millrace's", err);
    if (bytes[3] != FORMAT_VERSION && bytes[3] != FORMAT_WITHOUT_RECORD)
        return mr_error_set(
            err, MR_E_CHECKPOINT,
            "manifest of a checkpoint has format version %d; this program reads %d and %d",
            bytes[3], FORMAT_WITHOUT_RECORD, FORMAT_VERSION);
    mr_reader tail = mr_reader_of(bytes + length - CHECKSUM_SIZE, CHECKSUM_SIZE);
    if (mr_reader_u32(&tail) != mr_checksum(bytes, length - CHECKSUM_SIZE))
        return refused("its checksum is wrong", err);
    mr_reader from = mr_reader_of(bytes + 4, length - 4 - CHECKSUM_SIZE);
    manifest->job = get_text(&from, &manifest->arena);
    manifest->marker.is_present = true;
    manifest->marker.plan_version = mr_reader_u64(&from);
    manifest->task = (uint32_t)mr_reader_varint(&from);
    manifest->marker.epoch = mr_reader_varint(&from);
    manifest->marker.log_offset = mr_reader_zigzag(&from);
    manifest->marker.checksum = mr_reader_u32(&from);
    manifest->taken_ms = mr_reader_zigzag(&from);
    get_files(&from, manifest);
    if (bytes[3] != FORMAT_WITHOUT_RECORD && !from.is_bad) {
        const char *record = mr_reader_bytes(&from, &manifest->record_length);
        manifest->record = mr_arena_copy(&manifest->arena, record != NULL ? record : "",
                                         record != NULL ? manifest->record_length : 0);
    }
    return from.is_bad || mr_reader_left(&from) != 0 ? refused("it is malformed", err) : MR_OK;
}

mr_status mr_manifest_decode(const char *bytes, size_t length, mr_manifest *manifest, mr_error *err)
{
    *manifest = (mr_manifest){0};
    mr_arena_init(&manifest->arena, ARENA_BLOCK, NULL, 0);
    mr_status status = decode(bytes, length, manifest, err);
    if (status != MR_OK)
        mr_manifest_release(manifest);
    return status;
}

uint64_t mr_manifest_bytes(const mr_manifest *manifest)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < manifest->files_count; i++)
        bytes += manifest->files[i].size;
    return bytes;
}

bool mr_manifest_has(const mr_manifest *manifest, const char *digest)
{
    for (uint32_t i = 0; i < manifest->files_count; i++)
        if (strcmp(manifest->files[i].digest, digest) == 0)
            return true;
    return false;
}

/* As in the state directory: plain letters stay, others become %XX. Cut, with a hash of all of it,
 * where a name would be too long. */
static void put_job(mr_buffer *to, const char *job)
{
    size_t start = to->length;
    for (const char *c = job; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' ||
                        (*c == '.' && c != job);
        if (is_plain)
            mr_buffer_put_u8(to, (uint8_t)*c);
        else
            mr_buffer_printf(to, "%%%02X", (unsigned)(unsigned char)*c);
    }
    if (to->length - start > 400) {
        to->length = start + 380;
        mr_buffer_printf(to, "=%016" PRIx64, mr_hash(job, strlen(job)));
    }
}

void mr_manifest_name(const char *job, uint32_t task, mr_blob_kind kind, const char *id,
                      char to[MR_BLOB_NAME_MAX + 1])
{
    static const char *const folders[] = {"files", "manifests", "retired"};
    mr_buffer name = {0};
    put_job(&name, job);
    mr_buffer_printf(&name, "/task-%" PRIu32 "/%s/%s", task, folders[kind], id);
    MR_ASSERT(name.length <= MR_BLOB_NAME_MAX);
    memcpy(to, name.data, name.length);
    to[name.length] = '\0';
    mr_buffer_release(&name);
}

void mr_manifest_id(const mr_store_marker *marker, const char *digest, char to[MR_MANIFEST_ID_SIZE])
{
    snprintf(to, MR_MANIFEST_ID_SIZE, "%020" PRIu64 "-%020" PRIu64 "-%.16s", marker->epoch,
             (uint64_t)marker->log_offset, digest);
}

bool mr_manifest_id_read(const char *id, uint64_t *epoch, int64_t *log_offset)
{
    if (strlen(id) != MR_MANIFEST_ID_SIZE - 1 || id[20] != '-' || id[41] != '-' ||
        strspn(id, "0123456789") != 20 || strspn(id + 21, "0123456789") != 20 ||
        strspn(id + 42, "0123456789abcdef") != 16)
        return false;
    *epoch = strtoull(id, NULL, 10);
    *log_offset = (int64_t)strtoull(id + 21, NULL, 10);
    return *log_offset >= 0;
}
