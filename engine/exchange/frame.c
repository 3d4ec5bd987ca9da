#include "engine/exchange/frame.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/exchange/column.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAGIC "MRX"
#define VERSION 1
#define FLAG_IDLE 1
#define FLAG_COMPRESSED 2
#define FIXED_HEAD 13 /* magic, version, flags, plan version */
#define CHECKSUM_SIZE 4
#define TIMES 1
#define WATERMARKS 2
#define KINDS 4

/* ---- writing ---- */

void mr_frame_put_section(mr_buffer *body, uint32_t relation, const mr_batch *batch,
                          const uint32_t *rows, uint32_t count)
{
    MR_ASSERT(count > 0 && count <= MR_BATCH_ROWS_MAX);
    mr_buffer_put_varint(body, relation);
    mr_buffer_put_varint(body, count);
    mr_buffer_put_u8(body, (uint8_t)((batch->event_time != NULL ? TIMES : 0) |
                                     (batch->watermark != NULL ? WATERMARKS : 0) |
                                     (batch->kind != NULL ? KINDS : 0)));
    if (batch->event_time != NULL)
        mr_column_encode_times(batch->event_time, rows, count, body);
    if (batch->watermark != NULL)
        mr_column_encode_times(batch->watermark, rows, count, body);
    if (batch->kind != NULL)
        mr_column_encode_octets(batch->kind, rows, count, body);
    for (uint32_t c = 0; c < batch->columns_count; c++)
        mr_column_encode(&batch->columns[c], rows, count, body);
}

/* The body as it travels: compressed where that makes it smaller. `smaller` is the caller's to
 * free; NULL: as it is. */
static char *compress(const mr_buffer *body, const mr_compressor *compressor, size_t *length)
{
    *length = body->length;
    if (compressor == NULL || body->length < MR_FRAME_COMPRESS_MIN)
        return NULL;
    char *smaller = malloc(body->length - 1);
    MR_ASSERT(smaller != NULL);
    size_t packed = compressor->compress(body->data, body->length, smaller, body->length - 1);
    if (packed == 0) {
        free(smaller);
        return NULL;
    }
    *length = packed;
    return smaller;
}

void mr_frame_seal(const mr_frame_header *header, const mr_buffer *body,
                   const mr_compressor *compressor, mr_buffer *to)
{
    size_t start = to->length, length;
    MR_ASSERT(body->length <= MR_FRAME_RAW_MAX);
    char *smaller = compress(body, compressor, &length);
    mr_buffer_reserve(to, length + 128);
    mr_buffer_put(to, MAGIC, 3);
    mr_buffer_put_u8(to, VERSION);
    mr_buffer_put_u8(
        to, (uint8_t)((header->is_idle ? FLAG_IDLE : 0) | (smaller != NULL ? FLAG_COMPRESSED : 0)));
    mr_buffer_put_u64(to, header->plan_version);
    mr_buffer_put_varint(to, header->upstream);
    mr_buffer_put_varint(to, header->upstreams_count);
    mr_buffer_put_varint(to, header->downstream);
    mr_buffer_put_varint(to, header->epoch);
    mr_buffer_put_varint(to, header->number);
    mr_buffer_put_zigzag(to, header->watermark_ms);
    mr_buffer_put_varint(to, body->length);
    mr_buffer_put(to, smaller != NULL ? smaller : body->data, length);
    mr_buffer_put_u32(to, mr_checksum(to->data + start, to->length - start));
    free(smaller);
}

/* ---- reading ---- */

static uint32_t get_number(mr_reader *from)
{
    uint64_t value = mr_reader_varint(from);
    from->is_bad = from->is_bad || value > UINT32_MAX;
    return (uint32_t)value;
}

static mr_status check_outside(const char *bytes, size_t length, mr_error *err)
{
    if (length < FIXED_HEAD + CHECKSUM_SIZE || memcmp(bytes, MAGIC, 3) != 0)
        return mr_error_set(err, MR_E_FRAME_FORMAT, "%zu bytes that are no frame", length);
    if (bytes[3] != VERSION)
        return mr_error_set(err, MR_E_FRAME_FORMAT,
                            "a frame of format version %d, this program knows version %d", bytes[3],
                            VERSION);
    mr_reader tail = mr_reader_of(bytes + length - CHECKSUM_SIZE, CHECKSUM_SIZE);
    uint32_t stored = mr_reader_u32(&tail), found = mr_checksum(bytes, length - CHECKSUM_SIZE);
    if (stored != found)
        return mr_error_set(err, MR_E_FRAME_FORMAT,
                            "checksum of the frame is %08" PRIx32 ", bytes give %08" PRIx32, stored,
                            found);
    return MR_OK;
}

static mr_status malformed(mr_error *err, const char *what)
{
    return mr_error_set(err, MR_E_FRAME_FORMAT, "malformed frame: %s", what);
}

static mr_status open_body(mr_reader *from, bool is_compressed, uint64_t raw,
                           const mr_compressor *compressor, mr_arena *arena, mr_reader *body,
                           mr_error *err)
{
    size_t length = mr_reader_left(from);
    if (raw > MR_FRAME_RAW_MAX)
        return malformed(err, "its body is too large");
    if (!is_compressed) {
        *body = *from;
        return raw == length ? MR_OK : malformed(err, "length of its body");
    }
    if (compressor == NULL)
        return malformed(err, "it is compressed and nothing here can undo that");
    char *plain = mr_arena_alloc(arena, (size_t)raw);
    if (raw == 0 || !compressor->decompress(from->next, length, plain, (size_t)raw))
        return malformed(err, "its body cannot be decompressed");
    *body = mr_reader_of(plain, (size_t)raw);
    return MR_OK;
}

/* `from` goes on with the body. */
static mr_status read_head(const char *bytes, size_t length, mr_reader *from, uint8_t *flags,
                           uint64_t *raw, mr_frame_header *header, mr_error *err)
{
    mr_status status = check_outside(bytes, length, err);
    if (status != MR_OK)
        return status;
    *from = mr_reader_of(bytes + 4, length - 4 - CHECKSUM_SIZE);
    *flags = mr_reader_u8(from);
    *header = (mr_frame_header){.is_idle = (*flags & FLAG_IDLE) != 0};
    header->plan_version = mr_reader_u64(from);
    header->upstream = get_number(from);
    header->upstreams_count = get_number(from);
    header->downstream = get_number(from);
    header->epoch = mr_reader_varint(from);
    header->number = mr_reader_varint(from);
    header->watermark_ms = mr_reader_zigzag(from);
    *raw = mr_reader_varint(from);
    return from->is_bad || (*flags & ~(FLAG_IDLE | FLAG_COMPRESSED)) != 0
               ? malformed(err, "its header")
               : MR_OK;
}

mr_status mr_frame_head(const char *bytes, size_t length, mr_frame_header *header, mr_error *err)
{
    mr_reader from;
    uint8_t flags;
    uint64_t raw;
    return read_head(bytes, length, &from, &flags, &raw, header, err);
}

mr_status mr_frame_open(const char *bytes, size_t length, const mr_compressor *compressor,
                        mr_arena *arena, mr_frame_header *header, mr_reader *body, mr_error *err)
{
    mr_reader from;
    uint8_t flags;
    uint64_t raw;
    mr_status status = read_head(bytes, length, &from, &flags, &raw, header, err);
    return status == MR_OK
               ? open_body(&from, (flags & FLAG_COMPRESSED) != 0, raw, compressor, arena, body, err)
               : status;
}

static bool get_hidden(mr_reader *body, uint8_t hidden, mr_arena *arena, mr_batch *batch)
{
    if ((hidden & TIMES) != 0 &&
        !mr_column_decode_times(body, batch->rows, arena, &batch->event_time))
        return false;
    if ((hidden & WATERMARKS) != 0 &&
        !mr_column_decode_times(body, batch->rows, arena, &batch->watermark))
        return false;
    if ((hidden & KINDS) == 0)
        return true;
    const char *kinds = mr_reader_get(body, batch->rows);
    if (kinds == NULL)
        return false;
    batch->kind = mr_arena_copy(arena, kinds, batch->rows);
    for (uint32_t r = 0; r < batch->rows; r++)
        if (batch->kind[r] > MR_ROW_DELETE)
            return false;
    return true;
}

mr_status mr_frame_next_section(mr_reader *body, const mr_schema *relations,
                                uint32_t relations_count, mr_arena *arena, uint32_t *relation,
                                mr_batch *batch, bool *is_end, mr_error *err)
{
    *is_end = mr_reader_left(body) == 0;
    if (*is_end)
        return MR_OK;
    uint64_t number = mr_reader_varint(body), rows = mr_reader_varint(body);
    uint8_t hidden = mr_reader_u8(body);
    if (body->is_bad || number >= relations_count || rows == 0 || rows > MR_BATCH_ROWS_MAX ||
        hidden > (TIMES | WATERMARKS | KINDS))
        return malformed(err, "head of a section");
    const mr_schema *schema = &relations[number];
    *relation = (uint32_t)number;
    *batch = mr_batch_new(schema->columns_count, (uint32_t)rows, arena);
    if (!get_hidden(body, hidden, arena, batch))
        return malformed(err, "hidden columns of a section");
    for (uint32_t c = 0; c < schema->columns_count; c++)
        if (!mr_column_decode(body, schema->columns[c].type, batch->rows, arena,
                              &batch->columns[c]))
            return mr_error_set(err, MR_E_FRAME_FORMAT, "malformed frame: column `%s` of a section",
                                schema->columns[c].name);
    return MR_OK;
}
