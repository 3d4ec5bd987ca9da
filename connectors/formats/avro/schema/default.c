#include "connectors/formats/avro/schema/default.h"

#include <jansson.h>

#define DEPTH_MAX 64

static bool encode(const mr_avro_type *type, const json_t *json, unsigned depth, mr_buffer *out);

static void put_bits(mr_buffer *out, uint64_t bits, size_t size)
{
    for (size_t i = 0; i < size; i++)
        mr_buffer_put_u8(out, (uint8_t)(bits >> (8 * i)));
}

static bool put_real(const mr_avro_type *type, const json_t *json, mr_buffer *out)
{
    if (!json_is_number(json))
        return false;
    double value = json_number_value(json);
    uint64_t bits = 0;
    if (type->kind == MR_AVRO_DOUBLE) {
        memcpy(&bits, &value, sizeof value);
        put_bits(out, bits, sizeof value);
        return true;
    }
    float single = (float)value;
    memcpy(&bits, &single, sizeof single);
    put_bits(out, bits, sizeof single);
    return true;
}

static bool put_integer(const mr_avro_type *type, const json_t *json, mr_buffer *out)
{
    if (!json_is_integer(json))
        return false;
    json_int_t value = json_integer_value(json);
    if (type->kind == MR_AVRO_INT && (value > INT32_MAX || value < INT32_MIN))
        return false;
    mr_buffer_put_zigzag(out, value);
    return true;
}

/* Bytes are written as text whose code points 0..255 are the bytes. */
static bool put_latin(const mr_avro_type *type, const json_t *json, mr_buffer *out)
{
    if (!json_is_string(json))
        return false;
    const unsigned char *text = (const unsigned char *)json_string_value(json);
    size_t length = json_string_length(json);
    mr_buffer bytes = {0};
    bool is_good = true;
    for (size_t i = 0; i < length && is_good; i++) {
        if (text[i] < 0x80) {
            mr_buffer_put_u8(&bytes, text[i]);
        } else {
            is_good = text[i] < 0xc4 && i + 1 < length;
            if (is_good)
                mr_buffer_put_u8(&bytes, (uint8_t)((text[i] & 3) << 6 | (text[i + 1] & 0x3f)));
            i++;
        }
    }
    if (type->kind == MR_AVRO_FIXED)
        is_good &= bytes.length == type->size;
    else if (is_good)
        mr_buffer_put_zigzag(out, (int64_t)bytes.length);
    if (is_good && bytes.length > 0)
        mr_buffer_put(out, bytes.data, bytes.length);
    mr_buffer_release(&bytes);
    return is_good;
}

static bool put_text(const json_t *json, mr_buffer *out)
{
    if (!json_is_string(json))
        return false;
    mr_buffer_put_zigzag(out, (int64_t)json_string_length(json));
    mr_buffer_put(out, json_string_value(json), json_string_length(json));
    return true;
}

static bool put_symbol(const mr_avro_type *type, const json_t *json, mr_buffer *out)
{
    if (!json_is_string(json))
        return false;
    mr_string wanted = mr_string_of(json_string_value(json), (uint32_t)json_string_length(json));
    for (uint32_t i = 0; i < type->count; i++) {
        if (!mr_string_equals(type->symbols[i], wanted))
            continue;
        mr_buffer_put_zigzag(out, i);
        return true;
    }
    return false;
}

static bool put_record(const mr_avro_type *type, const json_t *json, unsigned depth, mr_buffer *out)
{
    if (!json_is_object(json))
        return false;
    for (uint32_t i = 0; i < type->count; i++) {
        const mr_avro_field *field = &type->fields[i];
        const json_t *member = json_object_get(json, field->name);
        if (member == NULL && field->has_default)
            mr_buffer_put(out, field->default_bytes, field->default_length);
        else if (member == NULL || !encode(field->type, member, depth + 1, out))
            return false;
    }
    return true;
}

static bool put_items(const mr_avro_type *type, const json_t *json, unsigned depth, mr_buffer *out)
{
    if (!json_is_array(json))
        return false;
    size_t count = json_array_size(json);
    if (count > 0)
        mr_buffer_put_zigzag(out, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        if (!encode(type->items, json_array_get(json, i), depth + 1, out))
            return false;
    mr_buffer_put_zigzag(out, 0);
    return true;
}

static bool put_entries(const mr_avro_type *type, json_t *json, unsigned depth, mr_buffer *out)
{
    if (!json_is_object(json))
        return false;
    const char *key;
    json_t *value;
    if (json_object_size(json) > 0)
        mr_buffer_put_zigzag(out, (int64_t)json_object_size(json));
    json_object_foreach(json, key, value)
    {
        mr_buffer_put_zigzag(out, (int64_t)strlen(key));
        mr_buffer_put(out, key, strlen(key));
        if (!encode(type->items, value, depth + 1, out))
            return false;
    }
    mr_buffer_put_zigzag(out, 0);
    return true;
}

/* The first branch that takes it: the specification used to allow the first one alone. */
static bool put_union(const mr_avro_type *type, const json_t *json, unsigned depth, mr_buffer *out)
{
    size_t before = out->length;
    for (uint32_t i = 0; i < type->count; i++) {
        mr_buffer_put_zigzag(out, i);
        if (encode(type->branches[i], json, depth + 1, out))
            return true;
        out->length = before;
    }
    return false;
}

static bool encode(const mr_avro_type *type, const json_t *json, unsigned depth, mr_buffer *out)
{
    if (depth > DEPTH_MAX || out->length > MR_AVRO_DEFAULT_BYTES_MAX)
        return false;
    switch (type->kind) {
    case MR_AVRO_NULL: return json_is_null(json);
    case MR_AVRO_BOOLEAN:
        if (json_is_boolean(json))
            mr_buffer_put_u8(out, json_is_true(json));
        return json_is_boolean(json);
    case MR_AVRO_INT:
    case MR_AVRO_LONG: return put_integer(type, json, out);
    case MR_AVRO_FLOAT:
    case MR_AVRO_DOUBLE: return put_real(type, json, out);
    case MR_AVRO_BYTES:
    case MR_AVRO_FIXED: return put_latin(type, json, out);
    case MR_AVRO_STRING: return put_text(json, out);
    case MR_AVRO_ENUM: return put_symbol(type, json, out);
    case MR_AVRO_RECORD: return put_record(type, json, depth, out);
    case MR_AVRO_ARRAY: return put_items(type, json, depth, out);
    case MR_AVRO_MAP: return put_entries(type, (json_t *)(uintptr_t)json, depth, out);
    case MR_AVRO_UNION: return put_union(type, json, depth, out);
    }
    return false;
}

bool mr_avro_default_encode(const mr_avro_type *type, const void *json, mr_buffer *out)
{
    size_t before = out->length;
    if (encode(type, json, 0, out) && out->length - before <= MR_AVRO_DEFAULT_BYTES_MAX)
        return true;
    out->length = before;
    return false;
}
