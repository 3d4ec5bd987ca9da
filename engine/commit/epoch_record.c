#include "engine/commit/epoch_record.h"

#include "engine/commit/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FLAG_FINISHED 1
#define FLAG_BASE 2
#define FLAG_CHECKPOINT 4
#define FLAG_BASE_PART 8
#define FLAG_BASE_CONTINUED 16
#define FLAG_MOVED 32
#define FLAG_EXCHANGES 64
#define FLAG_IDLE 1
#define FLAG_ENDED 2
#define FLAG_PLACE 4
#define COUNT_MAX ((uint64_t)1 << 24) /* no list in a record is longer: a bound against garbage */

void mr_epoch_record_identify(mr_epoch_record *record, const char *const *topics,
                              const mr_topic_id *ids, uint32_t count, mr_arena *arena)
{
    mr_epoch_exchange *known = mr_arena_alloc(arena, (count + 1) * sizeof *known);
    record->exchanges = known;
    record->exchanges_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (ids[i].high != 0 || ids[i].low != 0)
            known[record->exchanges_count++] = (mr_epoch_exchange){topics[i], ids[i]};
}

const mr_epoch_exchange *mr_epoch_record_exchange(const mr_epoch_record *record, const char *topic)
{
    for (uint32_t i = 0; i < record->exchanges_count; i++)
        if (strcmp(record->exchanges[i].topic, topic) == 0)
            return &record->exchanges[i];
    return NULL;
}

static void put_text(mr_buffer *to, const char *text)
{
    mr_buffer_put_bytes(to, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void put_input(mr_buffer *to, const mr_epoch_input *input)
{
    put_text(to, input->source);
    put_text(to, input->topic);
    mr_buffer_put_varint(to, (uint64_t)(uint32_t)input->partition);
    mr_buffer_put_zigzag(to, input->offset_next);
    mr_buffer_put_zigzag(to, input->watermark.value_ms);
    mr_buffer_put_u8(to, (uint8_t)((input->watermark.is_idle ? FLAG_IDLE : 0) |
                                   (input->is_ended ? FLAG_ENDED : 0) |
                                   (input->place_length > 0 ? FLAG_PLACE : 0)));
    if (input->place_length > 0)
        mr_buffer_put_bytes(to, input->place, input->place_length);
}

static void put_exchanges(mr_buffer *to, const mr_epoch_record *record)
{
    mr_buffer_put_varint(to, record->exchanges_count);
    for (uint32_t i = 0; i < record->exchanges_count; i++) {
        put_text(to, record->exchanges[i].topic);
        mr_buffer_put_u64(to, record->exchanges[i].id.high);
        mr_buffer_put_u64(to, record->exchanges[i].id.low);
    }
}

void mr_epoch_record_encode(const mr_epoch_record *record, mr_buffer *to)
{
    bool names_checkpoint = record->checkpoint != NULL && record->checkpoint[0] != '\0';
    put_text(to, record->job);
    mr_buffer_put_u64(to, record->plan_version);
    mr_buffer_put_varint(to, record->task);
    mr_buffer_put_varint(to, record->epoch);
    mr_buffer_put_zigzag(to, record->previous_offset);
    mr_buffer_put_u32(to, record->previous_checksum);
    put_text(to, record->transactional_id);
    mr_buffer_put_u8(to, (uint8_t)((record->is_finished ? FLAG_FINISHED : 0) |
                                   (record->has_base ? FLAG_BASE : 0) |
                                   (names_checkpoint ? FLAG_CHECKPOINT : 0) |
                                   (record->has_base_part ? FLAG_BASE_PART : 0) |
                                   (record->is_base_continued ? FLAG_BASE_CONTINUED : 0) |
                                   (record->is_moved ? FLAG_MOVED : 0) |
                                   (record->exchanges_count > 0 ? FLAG_EXCHANGES : 0)));
    mr_buffer_put_varint(to, record->delta_chunks);
    mr_buffer_put_varint(to, record->base_chunks);
    mr_buffer_put_varint(to, record->base_bytes);
    mr_buffer_put_varint(to, record->bytes_since_base);
    mr_buffer_put_varint(to, record->inputs_count);
    for (uint32_t i = 0; i < record->inputs_count; i++)
        put_input(to, &record->inputs[i]);
    mr_buffer_put_varint(to, record->sources_count);
    for (uint32_t i = 0; i < record->sources_count; i++)
        mr_buffer_put_zigzag(to, record->source_watermarks_ms[i]);
    mr_buffer_put_bytes(to, record->journal, record->journal_length);
    mr_buffer_put_varint(to, record->counters_count);
    for (uint32_t i = 0; i < record->counters_count; i++)
        mr_buffer_put_varint(to, record->counters[i]);
    if (names_checkpoint)
        put_text(to, record->checkpoint);
    if (record->exchanges_count > 0)
        put_exchanges(to, record);
}

static const char *get_text(mr_reader *from, mr_arena *arena)
{
    size_t length;
    const char *bytes = mr_reader_bytes(from, &length);
    return mr_arena_string(arena, bytes, bytes != NULL ? length : 0);
}

static uint32_t get_count(mr_reader *from)
{
    uint64_t count = mr_reader_varint(from);
    if (count > COUNT_MAX || count > mr_reader_left(from)) {
        from->is_bad = true;
        return 0;
    }
    return (uint32_t)count;
}

static void get_inputs(mr_reader *from, mr_arena *arena, mr_epoch_record *record)
{
    record->inputs_count = get_count(from);
    record->inputs = mr_arena_zalloc(arena, record->inputs_count, sizeof *record->inputs);
    for (uint32_t i = 0; i < record->inputs_count && !from->is_bad; i++) {
        mr_epoch_input *input = &record->inputs[i];
        input->source = get_text(from, arena);
        input->topic = get_text(from, arena);
        input->partition = (int32_t)mr_reader_varint(from);
        input->offset_next = mr_reader_zigzag(from);
        input->watermark.value_ms = mr_reader_zigzag(from);
        uint8_t flags = mr_reader_u8(from);
        input->watermark.is_idle = (flags & FLAG_IDLE) != 0;
        input->is_ended = (flags & FLAG_ENDED) != 0;
        if ((flags & FLAG_PLACE) != 0) {
            const char *place = mr_reader_bytes(from, &input->place_length);
            input->place = mr_arena_copy(arena, place, input->place_length);
        }
    }
}

static void get_exchanges(mr_reader *from, mr_arena *arena, mr_epoch_record *record)
{
    record->exchanges_count = get_count(from);
    mr_epoch_exchange *exchanges =
        mr_arena_zalloc(arena, record->exchanges_count, sizeof *exchanges);
    for (uint32_t i = 0; i < record->exchanges_count && !from->is_bad; i++) {
        exchanges[i].topic = get_text(from, arena);
        exchanges[i].id.high = mr_reader_u64(from);
        exchanges[i].id.low = mr_reader_u64(from);
    }
    record->exchanges = exchanges;
}

uint32_t mr_epoch_record_seal(const mr_epoch_record *record, bool is_claim, uint32_t content,
                              mr_buffer *to)
{
    size_t start = to->length;
    mr_delta_header header = {.kind = is_claim ? MR_DELTA_CLAIM : MR_DELTA_EPOCH,
                              .task = record->task,
                              .epoch = record->epoch,
                              .chunk = content};
    mr_delta_begin(to, &header);
    mr_epoch_record_encode(record, to);
    return mr_delta_seal(to, start);
}

mr_status mr_epoch_record_decode(const char *bytes, size_t length, mr_arena *arena,
                                 mr_epoch_record *record, mr_error *err)
{
    mr_reader from = mr_reader_of(bytes, length);
    *record = (mr_epoch_record){.job = get_text(&from, arena)};
    record->plan_version = mr_reader_u64(&from);
    record->task = (uint32_t)mr_reader_varint(&from);
    record->epoch = mr_reader_varint(&from);
    record->previous_offset = mr_reader_zigzag(&from);
    record->previous_checksum = mr_reader_u32(&from);
    record->transactional_id = get_text(&from, arena);
    uint8_t flags = mr_reader_u8(&from);
    record->is_finished = (flags & FLAG_FINISHED) != 0;
    record->has_base = (flags & FLAG_BASE) != 0;
    record->has_base_part = (flags & FLAG_BASE_PART) != 0;
    record->is_base_continued = (flags & FLAG_BASE_CONTINUED) != 0;
    record->is_moved = (flags & FLAG_MOVED) != 0;
    record->delta_chunks = (uint32_t)mr_reader_varint(&from);
    record->base_chunks = (uint32_t)mr_reader_varint(&from);
    record->base_bytes = mr_reader_varint(&from);
    record->bytes_since_base = mr_reader_varint(&from);
    get_inputs(&from, arena, record);
    record->sources_count = get_count(&from);
    record->source_watermarks_ms =
        mr_arena_zalloc(arena, record->sources_count, sizeof *record->source_watermarks_ms);
    for (uint32_t i = 0; i < record->sources_count; i++)
        record->source_watermarks_ms[i] = mr_reader_zigzag(&from);
    const char *journal = mr_reader_bytes(&from, &record->journal_length);
    record->journal = mr_arena_copy(arena, journal, record->journal_length);
    record->counters_count = get_count(&from);
    record->counters = mr_arena_zalloc(arena, record->counters_count, sizeof *record->counters);
    for (uint32_t i = 0; i < record->counters_count; i++)
        record->counters[i] = mr_reader_varint(&from);
    if ((flags & FLAG_CHECKPOINT) != 0)
        record->checkpoint = get_text(&from, arena);
    if ((flags & FLAG_EXCHANGES) != 0)
        get_exchanges(&from, arena, record);
    if (from.is_bad || mr_reader_left(&from) != 0)
        return mr_error_set(err, MR_E_STATE_FORMAT, "malformed epoch record of %zu bytes", length);
    return MR_OK;
}

void mr_epoch_metadata_print(char to[MR_EPOCH_METADATA_MAX], uint64_t epoch, int64_t offset,
                             uint32_t checksum)
{
    snprintf(to, MR_EPOCH_METADATA_MAX, "v1|%" PRIu64 "|%" PRId64 "|%08" PRIx32, epoch, offset,
             checksum);
}

bool mr_epoch_metadata_parse(const char *text, uint64_t *epoch, int64_t *offset, uint32_t *checksum)
{
    int end = 0;
    return text != NULL &&
           sscanf(text, "v1|%" SCNu64 "|%" SCNd64 "|%" SCNx32 "%n", epoch, offset, checksum,
                  &end) == 3 &&
           text[end] == '\0';
}
