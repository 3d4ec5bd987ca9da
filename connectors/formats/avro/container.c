#include "connectors/formats/avro/container.h"

#include "connectors/formats/avro/decode/bytes.h"
#include "connectors/formats/avro/decode/compile.h"
#include "connectors/formats/avro/decode/machine.h"
#include "connectors/formats/avro/unpack.h"
#include "connectors/formats/codes.h"
#include "engine/base/assert.h"

#include <stdlib.h>

#define SYNC_BYTES 16
#define ENTRIES_MAX 1000

typedef struct container {
    mr_splitter base;
    bool has_header;
    char sync[SYNC_BYTES];
    mr_avro_codec codec;
    mr_buffer schema; /* its text */
    mr_avro_program program;
    mr_avro_machine machine;
    int64_t offset_next;
    /* the block that is being cut */
    bool has_block;
    mr_buffer block;
    const char *at; /* in `block` */
    int64_t items_left;
    size_t block_bytes; /* in the file */
} container;

/* What was found at the front of some bytes. */
typedef enum found {
    FOUND_IT = 0,
    FOUND_TOO_LITTLE, /* more bytes may tell */
    FOUND_DAMAGE,
} found;

static void forget(container *c)
{
    mr_avro_program_release(&c->program);
    mr_buffer_clear(&c->schema);
    c->has_header = c->has_block = false;
    c->offset_next = 0;
}

static void begin(mr_splitter *splitter)
{
    forget((container *)splitter);
}

static found read_number(const char **at, const char *end, int64_t *value)
{
    uint64_t raw;
    const char *behind = mr_avro_varint(*at, end, &raw);
    if (behind == NULL)
        return end - *at < 10 ? FOUND_TOO_LITTLE : FOUND_DAMAGE;
    *value = mr_avro_unzigzag(raw);
    *at = behind;
    return FOUND_IT;
}

static found read_bytes(const char **at, const char *end, const char **bytes, size_t *length)
{
    int64_t size;
    found f = read_number(at, end, &size);
    if (f != FOUND_IT)
        return f;
    if (size < 0 || size > (int64_t)MR_AVRO_SCHEMA_BYTES_MAX)
        return FOUND_DAMAGE;
    if (size > end - *at)
        return FOUND_TOO_LITTLE;
    *bytes = *at;
    *length = (size_t)size;
    *at += size;
    return FOUND_IT;
}

static bool is_named(const char *name, size_t length, const char *what)
{
    return strlen(what) == length && memcmp(name, what, length) == 0;
}

static found read_entry(container *c, const char **at, const char *end)
{
    const char *name, *value;
    size_t name_length, length;
    found f = read_bytes(at, end, &name, &name_length);
    if (f == FOUND_IT)
        f = read_bytes(at, end, &value, &length);
    if (f != FOUND_IT)
        return f;
    if (is_named(name, name_length, "avro.schema")) {
        mr_buffer_clear(&c->schema);
        mr_buffer_put(&c->schema, value, length);
    } else if (is_named(name, name_length, "avro.codec")) {
        c->codec = mr_avro_codec_of(value, length);
    }
    return FOUND_IT;
}

/* Blocks of entries, up to one of none. */
static found read_metadata(container *c, const char **at, const char *end)
{
    int64_t count = 0, size, entries = 0;
    for (;;) {
        found f = read_number(at, end, &count);
        if (f == FOUND_IT && count < 0 && count != INT64_MIN) {
            count = -count;
            f = read_number(at, end, &size);
        }
        if (f != FOUND_IT || count == 0)
            return f;
        if (count < 0 || count > ENTRIES_MAX || (entries += count) > ENTRIES_MAX)
            return FOUND_DAMAGE;
        for (; count > 0 && f == FOUND_IT; count--)
            f = read_entry(c, at, end);
        if (f != FOUND_IT)
            return f;
    }
}

static mr_status damage(mr_error *err, const char *what)
{
    return mr_error_set(err, MR_E_AVRO_CONTAINER, "avro file: %s", what);
}

/* What the header says must be something that can be read. */
static mr_status use_header(container *c, mr_error *err)
{
    mr_avro_schema schema;
    mr_avro_want nothing = {.name = "", .column = MR_AVRO_COLUMN_NONE};
    if (c->codec == MR_AVRO_CODEC_UNKNOWN)
        return damage(err, "its codec is none of null, deflate, snappy, zstandard");
    if (c->schema.length == 0)
        return damage(err, "no avro.schema in its header");
    mr_status status = mr_avro_schema_parse(c->schema.data, c->schema.length, NULL, &schema, err);
    if (status == MR_OK)
        status = mr_avro_compile(&schema, &nothing, &c->program, err);
    mr_avro_schema_release(&schema);
    if (status != MR_OK) {
        err->status = MR_E_AVRO_CONTAINER;
        return mr_error_prefix(err, "avro file");
    }
    c->has_header = true;
    return MR_OK;
}

static mr_status cut_header(container *c, mr_split *split, mr_error *err)
{
    const char *at = split->bytes, *end = at + split->length;
    size_t compared = split->length < 4 ? split->length : 4;
    c->codec = MR_AVRO_CODEC_NULL;
    if (memcmp(at, "Obj\x01", compared) != 0)
        return damage(err, "it does not begin as an object container file does");
    found f = compared < 4 ? FOUND_TOO_LITTLE : FOUND_IT;
    at += compared;
    if (f == FOUND_IT)
        f = read_metadata(c, &at, end);
    if (f == FOUND_IT && end - at < SYNC_BYTES)
        f = FOUND_TOO_LITTLE;
    if (f == FOUND_TOO_LITTLE && split->is_end)
        return damage(err, "it ends within its header");
    if (f == FOUND_DAMAGE)
        return damage(err, "its header is damaged");
    if (f != FOUND_IT)
        return MR_OK;
    memcpy(c->sync, at, SYNC_BYTES);
    split->taken = (size_t)(at + SYNC_BYTES - split->bytes);
    return use_header(c, err);
}

/* The front is a block: unpacks it. */
static mr_status open_block(container *c, mr_split *split, mr_error *err)
{
    const char *at = split->bytes + split->taken, *const from = at;
    const char *end = split->bytes + split->length;
    int64_t count = 0, size = 0;
    if (at == end)
        return MR_OK;
    found f = read_number(&at, end, &count);
    if (f == FOUND_IT)
        f = read_number(&at, end, &size);
    /* Items may have no bytes, so it takes a bound of its own that a block ends. */
    if (f == FOUND_IT && (count < 0 || count > (int64_t)MR_AVRO_BLOCK_MAX || size < 0 ||
                          size > (int64_t)MR_AVRO_BLOCK_MAX))
        f = FOUND_DAMAGE;
    if (f == FOUND_IT && size + SYNC_BYTES > end - at)
        f = FOUND_TOO_LITTLE;
    if (f == FOUND_TOO_LITTLE && !split->is_end)
        return MR_OK;
    if (f == FOUND_TOO_LITTLE)
        return damage(err, "it ends within a block");
    if (f == FOUND_DAMAGE)
        return damage(err, "the head of a block is damaged");
    if (memcmp(at + size, c->sync, SYNC_BYTES) != 0)
        return damage(err, "a block does not end in the file's sync marker");
    if (!mr_avro_unpack(c->codec, at, (size_t)size, MR_AVRO_BLOCK_MAX, &c->block))
        return damage(err, "a block cannot be unpacked");
    mr_buffer_reserve(&c->block, 1); /* items without bytes stand somewhere, too */
    c->has_block = true;
    c->items_left = count;
    c->at = c->block.data;
    c->block_bytes = (size_t)(at - from) + (size_t)size + SYNC_BYTES;
    int64_t offset = split->offset + (int64_t)split->taken;
    c->offset_next = offset > c->offset_next ? offset : c->offset_next;
    return MR_OK;
}

/* One item of the block, or what is left of it when the item cannot be stepped over. */
static void cut_item(container *c, mr_split *split)
{
    const char *end = c->block.data + c->block.length;
    const char *behind = mr_avro_machine_run(&c->machine, &c->program, 0, c->at, end);
    c->items_left = behind == NULL ? 0 : c->items_left - 1;
    if (c->items_left == 0)
        behind = end;
    mr_record *record = &split->record[split->count++];
    *record = mr_split_record(c->at, (size_t)(behind - c->at), c->offset_next++);
    record->key = c->schema.data;
    record->key_length = (uint32_t)c->schema.length;
    c->at = behind;
}

static mr_status cut(mr_splitter *splitter, mr_split *split, mr_error *err)
{
    container *c = (container *)splitter;
    mr_status status = c->has_header ? MR_OK : cut_header(c, split, err);
    /* One block a call: values point into it. */
    if (status == MR_OK && c->has_header && !c->has_block)
        status = open_block(c, split, err);
    if (status != MR_OK || !c->has_block) {
        split->bad_offset = c->offset_next > split->offset ? c->offset_next : split->offset;
        return status;
    }
    while (c->items_left > 0 && split->count < split->records_max)
        cut_item(c, split);
    if (c->items_left == 0) {
        c->has_block = false;
        split->taken += c->block_bytes;
    }
    return MR_OK;
}

/* Behind the next marker a block begins, if there is a header. The marker may lie across what is
 * read next, so its bytes but one are kept. */
static size_t resync(mr_splitter *splitter, const char *bytes, size_t length, bool *is_found)
{
    container *c = (container *)splitter;
    const char *sync = c->has_header ? memmem(bytes, length, c->sync, SYNC_BYTES) : NULL;
    *is_found = sync != NULL;
    c->offset_next++; /* the flaw has one */
    if (sync != NULL)
        return (size_t)(sync - bytes) + SYNC_BYTES;
    return c->has_header && length >= SYNC_BYTES ? length - (SYNC_BYTES - 1) : length;
}

static void free_container(mr_splitter *splitter)
{
    container *c = (container *)splitter;
    forget(c);
    mr_buffer_release(&c->schema);
    mr_buffer_release(&c->block);
    free(c);
}

static const mr_splitter_class CONTAINER = {
    .begin = begin, .cut = cut, .resync = resync, .free = free_container};

mr_splitter *mr_avro_container_new(void)
{
    container *c = calloc(1, sizeof *c);
    MR_ASSERT(c != NULL);
    c->base.class = &CONTAINER;
    c->machine.is_narrow = !mr_avro_has_wide();
    c->machine.batch = 1; /* there are no columns to aim at */
    return &c->base;
}
