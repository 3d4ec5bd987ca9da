#include "engine/commit/delta.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/commit/epoch_record.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 1
#define CHECKSUM_SIZE 4

static const char MAGIC[3] = {'M', 'R', 'S'};

void mr_delta_begin(mr_buffer *to, const mr_delta_header *header)
{
    mr_buffer_put(to, MAGIC, sizeof MAGIC);
    mr_buffer_put_u8(to, FORMAT_VERSION);
    mr_buffer_put_u8(to, (uint8_t)header->kind);
    mr_buffer_put_varint(to, header->task);
    mr_buffer_put_varint(to, header->epoch);
    mr_buffer_put_varint(to, header->chunk);
}

uint32_t mr_delta_seal(mr_buffer *to, size_t start)
{
    uint32_t checksum = mr_checksum(to->data + start, to->length - start);
    mr_buffer_put_u32(to, checksum);
    return checksum;
}

uint32_t mr_delta_mix(uint32_t so_far, uint32_t checksum)
{
    /* Never 0, which stands for none. */
    return (uint32_t)mr_hash_u64((uint64_t)so_far << 32 | checksum) | 1;
}

uint32_t mr_delta_content(uint32_t deltas, uint32_t bases)
{
    return deltas == 0 && bases == 0 ? 0 : mr_delta_mix(deltas, bases);
}

mr_status mr_delta_open(const char *bytes, size_t length, mr_delta_header *header,
                        mr_reader *payload, uint32_t *checksum, mr_error *err)
{
    if (bytes == NULL || length < 8 + CHECKSUM_SIZE || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return mr_error_set(err, MR_E_STATE_FORMAT, "not a record of Millrace's state log");
    if (bytes[3] != FORMAT_VERSION)
        return mr_error_set(err, MR_E_STATE_FORMAT,
                            "format version %d; this program reads version %d", bytes[3],
                            FORMAT_VERSION);
    mr_reader tail = mr_reader_of(bytes + length - CHECKSUM_SIZE, CHECKSUM_SIZE);
    uint32_t written = mr_reader_u32(&tail);
    uint32_t computed = mr_checksum(bytes, length - CHECKSUM_SIZE);
    if (written != computed)
        return mr_error_set(err, MR_E_STATE_FORMAT, "checksum is %08x, bytes give %08x", written,
                            computed);
    if (checksum != NULL)
        *checksum = written;
    *payload = mr_reader_of(bytes + 4, length - 4 - CHECKSUM_SIZE);
    header->kind = (mr_delta_kind)mr_reader_u8(payload);
    header->task = (uint32_t)mr_reader_varint(payload);
    header->epoch = mr_reader_varint(payload);
    header->chunk = (uint32_t)mr_reader_varint(payload);
    if (payload->is_bad || header->kind < MR_DELTA_CHUNK || header->kind > MR_DELTA_CLAIM)
        return mr_error_set(err, MR_E_STATE_FORMAT, "unknown record kind %d", (int)header->kind);
    return MR_OK;
}

void mr_delta_put_change(mr_buffer *to, const mr_store_change *change)
{
    mr_buffer_put_u8(to, (uint8_t)change->operation);
    mr_buffer_put_varint(to, change->table);
    mr_buffer_put_zigzag(to, change->slice);
    if (change->operation != MR_STORE_DROP_SLICE)
        mr_buffer_put_bytes(to, change->key, change->key_length);
    if (change->operation == MR_STORE_PUT)
        mr_buffer_put_bytes(to, change->value, change->value_length);
}

bool mr_delta_next_change(mr_reader *payload, mr_store_change *change)
{
    if (payload->is_bad || mr_reader_left(payload) == 0)
        return false;
    *change = (mr_store_change){.operation = (mr_store_operation)mr_reader_u8(payload)};
    uint64_t table = mr_reader_varint(payload);
    payload->is_bad = payload->is_bad || table > UINT16_MAX;
    change->table = (uint16_t)table;
    change->slice = mr_reader_zigzag(payload);
    size_t length = 0;
    if (change->operation == MR_STORE_PUT || change->operation == MR_STORE_DELETE) {
        change->key = mr_reader_bytes(payload, &length);
        change->key_length = (uint32_t)length;
    } else if (change->operation != MR_STORE_DROP_SLICE) {
        payload->is_bad = true;
    }
    if (change->operation == MR_STORE_PUT) {
        change->value = mr_reader_bytes(payload, &length);
        change->value_length = (uint32_t)length;
    }
    return !payload->is_bad;
}

static void seal_chunk(mr_chunk_writer *writer)
{
    writer->check = mr_delta_mix(writer->check, mr_delta_seal(&writer->bytes, writer->start));
    if (writer->chunks_count == writer->chunks_capacity) {
        writer->chunks_capacity = writer->chunks_capacity != 0 ? writer->chunks_capacity * 2 : 8;
        writer->ends = realloc(writer->ends, writer->chunks_capacity * sizeof *writer->ends);
        MR_ASSERT(writer->ends != NULL);
    }
    writer->ends[writer->chunks_count++] = writer->bytes.length;
    writer->header.chunk++;
    writer->is_open = false;
}

mr_status mr_chunk_writer_add(void *context, const mr_store_change *change, mr_error *err)
{
    (void)err;
    mr_chunk_writer *writer = context;
    size_t room = (size_t)change->key_length + change->value_length + 32;
    if (writer->is_open && writer->bytes.length - writer->start + room > MR_CHUNK_MAX)
        seal_chunk(writer);
    if (!writer->is_open) {
        writer->start = writer->bytes.length;
        mr_delta_begin(&writer->bytes, &writer->header);
        writer->is_open = true;
    }
    mr_delta_put_change(&writer->bytes, change);
    return MR_OK;
}

void mr_chunk_writer_finish(mr_chunk_writer *writer)
{
    if (writer->is_open)
        seal_chunk(writer);
}

void mr_chunk_writer_release(mr_chunk_writer *writer)
{
    mr_buffer_release(&writer->bytes);
    free(writer->ends);
    *writer = (mr_chunk_writer){0};
}
