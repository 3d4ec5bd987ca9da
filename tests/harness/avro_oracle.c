#include "tests/harness/avro_oracle.h"

#include "connectors/formats/avro/decode/decoder.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 40
#define PATH_MAX_LENGTH 4

struct mr_avro_oracle {
    uint64_t random;
    mr_buffer text;
    uint32_t names; /* of types and fields so far */
    mr_codec_column columns[COLUMNS_MAX];
    const char *paths[COLUMNS_MAX][PATH_MAX_LENGTH];
    uint32_t count;
    mr_arena arena;
    mr_decoder *decoder[2]; /* with AVX2 and without */
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
    char wrong[400];
};

static uint32_t roll(mr_avro_oracle *o, uint32_t below)
{
    o->random ^= o->random << 13;
    o->random ^= o->random >> 7;
    o->random ^= o->random << 17;
    return (uint32_t)((o->random >> 20) % below);
}

/* --- schemas ---------------------------------------------------------------------------- */

typedef struct place {
    const char *path[PATH_MAX_LENGTH];
    uint32_t length;
    bool is_column; /* false: within a list, or nobody wants it */
} place;

static void put_type(mr_avro_oracle *o, place at, unsigned depth, bool may_union);

static void want(mr_avro_oracle *o, const place *at, mr_type type)
{
    if (!at->is_column || o->count == COLUMNS_MAX || roll(o, 10) < 3)
        return;
    memcpy(o->paths[o->count], at->path, sizeof at->path);
    o->columns[o->count] =
        (mr_codec_column){.path = o->paths[o->count], .path_length = at->length, .type = type};
    o->count++;
}

static void put_fields(mr_avro_oracle *o, place at, unsigned depth)
{
    uint32_t count = roll(o, 6) + 1; /* Avro C does not read lists of records without fields */
    mr_buffer_printf(&o->text, "{\"type\":\"record\",\"name\":\"r%u\",\"fields\":[", o->names++);
    for (uint32_t i = 0; i < count; i++) {
        place inner = at;
        const char *name = mr_arena_printf(&o->arena, "f%u", o->names++);
        inner.is_column &= at.length < PATH_MAX_LENGTH;
        if (inner.is_column)
            inner.path[inner.length++] = name;
        mr_buffer_printf(&o->text, "%s{\"name\":\"%s\",\"type\":", i > 0 ? "," : "", name);
        put_type(o, inner, depth + 1, true);
        mr_buffer_printf(&o->text, "}");
    }
    mr_buffer_printf(&o->text, "]}");
}

static void put_primitive(mr_avro_oracle *o, const place *at)
{
    static const struct {
        const char *name;
        mr_type_kind kind;
    } kinds[] = {
        {"boolean", MR_TYPE_BOOLEAN}, {"int", MR_TYPE_INT},       {"long", MR_TYPE_BIGINT},
        {"float", MR_TYPE_FLOAT},     {"double", MR_TYPE_DOUBLE}, {"string", MR_TYPE_VARCHAR},
        {"bytes", MR_TYPE_VARBINARY}, {"int", MR_TYPE_BIGINT},    {"int", MR_TYPE_DOUBLE},
        {"float", MR_TYPE_DOUBLE},    {"long", MR_TYPE_DOUBLE}};
    uint32_t which = roll(o, sizeof kinds / sizeof *kinds);
    mr_buffer_printf(&o->text, "\"%s\"", kinds[which].name);
    want(o, at,
         kinds[which].kind == MR_TYPE_VARCHAR ? mr_type_string() : mr_type_of(kinds[which].kind));
}

static void put_type(mr_avro_oracle *o, place at, unsigned depth, bool may_union)
{
    uint32_t which = roll(o, depth < 4 ? 18 : 12);
    place no_column = at;
    no_column.is_column = false;
    switch (which) {
    case 10:
        mr_buffer_printf(
            &o->text, "{\"type\":\"enum\",\"name\":\"e%u\",\"symbols\":[\"A\",\"BBBBBB\",\"C\"]}",
            o->names++);
        want(o, &at, mr_type_string());
        break;
    case 11:
        mr_buffer_printf(&o->text, "{\"type\":\"fixed\",\"name\":\"x%u\",\"size\":%u}", o->names++,
                         roll(o, 9) + 1);
        want(o, &at, mr_type_of(MR_TYPE_VARBINARY));
        break;
    case 12: put_fields(o, at, depth); break;
    case 13:
        mr_buffer_printf(&o->text, "{\"type\":\"array\",\"items\":");
        put_type(o, no_column, depth + 1, true);
        mr_buffer_printf(&o->text, "}");
        break;
    case 14:
        mr_buffer_printf(&o->text, "{\"type\":\"map\",\"values\":");
        put_type(o, no_column, depth + 1, true);
        mr_buffer_printf(&o->text, "}");
        break;
    case 15:
    case 16:
    case 17:
        if (may_union) {
            bool is_first = roll(o, 2) == 0;
            mr_buffer_printf(&o->text, "[%s", is_first ? "\"null\"," : "");
            put_type(o, at, depth + 1, false);
            mr_buffer_printf(&o->text, "%s]", is_first ? "" : ",\"null\"");
            break;
        }
        put_primitive(o, &at);
        break;
    default: put_primitive(o, &at); break;
    }
}

mr_avro_oracle *mr_avro_oracle_new(uint64_t seed)
{
    mr_avro_oracle *o = calloc(1, sizeof *o);
    mr_error err;
    o->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 4; i++)
        roll(o, 2);
    put_fields(o, (place){.is_column = true}, 0);
    mr_buffer_put(&o->text, "", 1);
    for (int narrow = 0; narrow < 2; narrow++) {
        mr_avro_decoder_config config = {.writer = o->text.data, .is_narrow = narrow == 1};
        if (mr_avro_decoder_new(&config, o->columns, o->count, &o->decoder[narrow], &err) !=
            MR_OK) {
            fprintf(stderr, "%s: %s\n", o->text.data, err.message);
            abort();
        }
    }
    if (avro_schema_from_json_length(o->text.data, o->text.length - 1, &o->schema) != 0)
        abort();
    o->class = avro_generic_class_from_schema(o->schema);
    avro_generic_value_new(o->class, &o->value);
    return o;
}

void mr_avro_oracle_free(mr_avro_oracle *o)
{
    for (int i = 0; i < 2; i++)
        o->decoder[i]->class->free(o->decoder[i]);
    avro_value_decref(&o->value);
    avro_value_iface_decref(o->class);
    avro_schema_decref(o->schema);
    mr_buffer_release(&o->text);
    mr_arena_release(&o->arena);
    free(o);
}

const char *mr_avro_oracle_schema(const mr_avro_oracle *o)
{
    return o->text.data;
}

/* --- values ----------------------------------------------------------------------------- */

static int64_t random_number(mr_avro_oracle *o)
{
    uint64_t bits = (uint64_t)roll(o, UINT32_MAX) << 32 | roll(o, UINT32_MAX);
    return (int64_t)(bits >> roll(o, 64)) * (roll(o, 2) == 0 ? 1 : -1);
}

static void fill(mr_avro_oracle *o, avro_value_t *value);

static void fill_text(mr_avro_oracle *o, avro_value_t *value, bool is_text)
{
    static const char *const parts[] = {"a",
                                        "xyz",
                                        "\xc3\xa4",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "0123456789abcdef0123456789abcdef",
                                        " "};
    char text[2000];
    size_t length = 0;
    for (uint32_t i = roll(o, roll(o, 10) == 0 ? 50 : 5); i > 0; i--) {
        const char *part = parts[roll(o, 7)];
        memcpy(text + length, part, strlen(part));
        length += strlen(part);
    }
    text[length] = '\0';
    if (is_text)
        avro_value_set_string_len(value, text, length + 1);
    else
        avro_value_set_bytes(value, text, length);
}

static void fill_list(mr_avro_oracle *o, avro_value_t *value, bool is_map)
{
    char key[20];
    avro_value_t item;
    for (uint32_t i = roll(o, 4); i > 0; i--) {
        snprintf(key, sizeof key, "k%u", i);
        if (is_map)
            avro_value_add(value, key, &item, NULL, NULL);
        else
            avro_value_append(value, &item, NULL);
        fill(o, &item);
    }
}

static void fill_record(mr_avro_oracle *o, avro_value_t *value)
{
    size_t count = 0;
    avro_value_t field = {0};
    avro_value_get_size(value, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_get_by_index(value, i, &field, NULL);
        fill(o, &field);
    }
}

static void fill_union(mr_avro_oracle *o, avro_value_t *value)
{
    avro_value_t inner = {0};
    avro_value_set_branch(value, (int)roll(o, 2), &inner);
    fill(o, &inner);
}

static void fill(mr_avro_oracle *o, avro_value_t *value)
{
    char fixed[16] = "fixedfixedfixed";
    size_t size;
    switch (avro_value_get_type(value)) {
    case AVRO_BOOLEAN: avro_value_set_boolean(value, (int)roll(o, 2)); break;
    case AVRO_INT32: avro_value_set_int(value, (int32_t)random_number(o)); break;
    case AVRO_INT64: avro_value_set_long(value, random_number(o)); break;
    case AVRO_FLOAT: avro_value_set_float(value, (float)random_number(o) / 8); break;
    case AVRO_DOUBLE: avro_value_set_double(value, (double)random_number(o) / 8); break;
    case AVRO_STRING: fill_text(o, value, true); break;
    case AVRO_BYTES: fill_text(o, value, false); break;
    case AVRO_FIXED:
        size = (size_t)avro_schema_fixed_size(avro_value_get_schema(value));
        avro_value_set_fixed(value, fixed, size);
        break;
    case AVRO_ENUM: avro_value_set_enum(value, (int)roll(o, 3)); break;
    case AVRO_ARRAY: fill_list(o, value, false); break;
    case AVRO_MAP: fill_list(o, value, true); break;
    case AVRO_RECORD: fill_record(o, value); break;
    case AVRO_UNION: fill_union(o, value); break;
    default: avro_value_set_null(value); break;
    }
}

void mr_avro_oracle_make(mr_avro_oracle *o, mr_buffer *bytes)
{
    size_t size;
    avro_value_reset(&o->value);
    fill(o, &o->value);
    avro_value_sizeof(&o->value, &size);
    mr_buffer_clear(bytes);
    avro_writer_t writer = avro_writer_memory(mr_buffer_reserve(bytes, size + 1), (int64_t)size);
    if (avro_value_write(writer, &o->value) != 0)
        abort();
    bytes->length = size;
    avro_writer_free(writer);
}

void mr_avro_oracle_mutate(mr_avro_oracle *o, mr_buffer *bytes)
{
    static const uint8_t telling[] = {0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    for (uint32_t i = roll(o, 3) + 1; i > 0 && bytes->length > 0; i--) {
        uint32_t at = roll(o, (uint32_t)bytes->length);
        switch (roll(o, 4)) {
        case 0: bytes->data[at] = (char)telling[roll(o, 10)]; break;
        case 1: bytes->data[at] = (char)(bytes->data[at] ^ (1 << roll(o, 8))); break;
        case 2: bytes->length = at; break;
        default: mr_buffer_put_u8(bytes, telling[roll(o, 10)]); break;
        }
    }
}

/* --- comparing -------------------------------------------------------------------------- */

static bool is_same_text(const void *bytes, size_t length, mr_string ours)
{
    return length == ours.length && memcmp(bytes, ours.bytes, length) == 0;
}

static bool is_same_double(double theirs, double ours, bool is_float)
{
    double wanted = is_float ? (double)(float)theirs : theirs;
    return memcmp(&wanted, &ours, sizeof ours) == 0 || (wanted != wanted && ours != ours);
}

static bool is_same_number(int64_t theirs, const mr_vector *column)
{
    switch (column->lane) {
    case MR_LANE_BOOL: return theirs == column->bools[0];
    case MR_LANE_I32: return theirs == column->i32[0];
    case MR_LANE_I64: return theirs == column->i64[0];
    default: return is_same_double((double)theirs, column->f64[0], false);
    }
}

static bool is_same(avro_value_t *value, const mr_vector *column)
{
    const char *text;
    const void *bytes;
    size_t length = 0;
    int small = 0;
    int32_t number = 0;
    int64_t wide = 0;
    float single = 0;
    double real = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_BOOLEAN: avro_value_get_boolean(value, &small); return is_same_number(small, column);
    case AVRO_INT32: avro_value_get_int(value, &number); return is_same_number(number, column);
    case AVRO_INT64: avro_value_get_long(value, &wide); return is_same_number(wide, column);
    case AVRO_FLOAT:
        avro_value_get_float(value, &single);
        return is_same_double((double)single, column->f64[0], true);
    case AVRO_DOUBLE:
        avro_value_get_double(value, &real);
        return is_same_double(real, column->f64[0], false);
    case AVRO_STRING:
        avro_value_get_string(value, &text, &length);
        return is_same_text(text, length - 1, column->strings[0]);
    case AVRO_BYTES:
        avro_value_get_bytes(value, &bytes, &length);
        return is_same_text(bytes, length, column->strings[0]);
    case AVRO_FIXED:
        avro_value_get_fixed(value, &bytes, &length);
        return is_same_text(bytes, length, column->strings[0]);
    case AVRO_ENUM:
        avro_value_get_enum(value, &small);
        text = avro_schema_enum_get(avro_value_get_schema(value), small);
        return is_same_text(text, strlen(text), column->strings[0]);
    default: return false;
    }
}

/* The value at a column's path; false: a NULL lies on it. */
static bool find(const mr_avro_oracle *o, const mr_codec_column *column, avro_value_t *found)
{
    *found = o->value;
    for (uint32_t p = 0; p <= column->path_length; p++) {
        while (avro_value_get_type(found) == AVRO_UNION) {
            avro_value_t inner = {0};
            avro_value_get_current_branch(found, &inner);
            *found = inner;
        }
        if (avro_value_get_type(found) == AVRO_NULL)
            return false;
        avro_value_t field = {0};
        if (p < column->path_length) {
            avro_value_get_by_name(found, column->path[p], &field, NULL);
            *found = field;
        }
    }
    return true;
}

static const char *wrong(mr_avro_oracle *o, const char *what, uint32_t column)
{
    snprintf(o->wrong, sizeof o->wrong, "%s, column %u of %.300s", what, column, o->text.data);
    return o->wrong;
}

static const char *compare(mr_avro_oracle *o, const mr_vector *columns, const char *bytes,
                           size_t length)
{
    avro_reader_t reader = avro_reader_memory(bytes, (int64_t)length);
    avro_value_reset(&o->value);
    int status = avro_value_read(reader, &o->value);
    avro_reader_free(reader);
    if (status != 0)
        return wrong(o, "ours reads what Avro C does not", 0);
    for (uint32_t c = 0; c < o->count; c++) {
        avro_value_t theirs;
        bool is_there = find(o, &o->columns[c], &theirs);
        if (is_there == mr_vector_is_null(&columns[c], 0))
            return wrong(o, "NULL in one of the two", c);
        if (is_there && !is_same(&theirs, &columns[c]))
            return wrong(o, "another value", c);
    }
    return NULL;
}

const char *mr_avro_oracle_check(mr_avro_oracle *o, const char *bytes, size_t length,
                                 bool *is_taken)
{
    /* A block of its exact size, so that ASan sees a read behind it. */
    char *exact = malloc(length > 0 ? length : 1);
    memcpy(exact, bytes, length);
    mr_record record = {.value = exact, .value_length = (uint32_t)length};
    mr_records records = {.topic = "t", .count = 1, .record = &record};
    const char *verdict = NULL;
    uint32_t taken[2] = {0, 0};
    for (int i = 0; i < 2 && verdict == NULL; i++) {
        mr_arena arena = {0};
        mr_row_errors errors = {.arena = &arena};
        mr_vector columns[COLUMNS_MAX];
        mr_error err;
        uint32_t rows[1], count = 0;
        mr_status status = o->decoder[i]->class->decode(o->decoder[i], &records, columns, rows,
                                                        &count, &errors, &arena, &err);
        if (status != MR_OK || count + errors.count != 1)
            verdict = wrong(o, "neither a row nor an error", 0);
        else if (count == 1)
            verdict = compare(o, columns, exact, length);
        taken[i] = count;
        mr_arena_release(&arena);
    }
    *is_taken = taken[0] == 1;
    if (verdict == NULL && taken[0] != taken[1])
        verdict = wrong(o, "the two copies differ", 0);
    free(exact);
    return verdict;
}
