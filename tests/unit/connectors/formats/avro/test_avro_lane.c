/*
 * Goal: the fast lane takes what the machine takes, and makes the same of it. Method: random
 * schemas of plain fields, and the same with an empty array behind them, which makes a program that
 * is not straight: the machine alone decodes it. Records whole, cut short and with bytes changed;
 * each in memory of its exact size.
 */
#include "connectors/formats/avro/decode/decoder.h"
#include "engine/base/assert.h"
#include "tests/unit/connectors/formats/avro/avro_fixture.h"
#include "tests/unit/connectors/formats/decode_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMAS 1500
#define RECORDS 24
#define FIELDS_MAX 9
#define RECORD_MAX 4096

/* An array of these has no item in records that are shorter. */
#define TAIL                                                   \
    ",{\"name\":\"z\",\"type\":{\"type\":\"array\",\"items\":" \
    "{\"type\":\"fixed\",\"name\":\"f\",\"size\":5000}}}"

static const struct kind {
    const char *type, *column; /* NULL: skipped only */
} kinds[] = {{"\"long\"", "BIGINT"},
             {"\"string\"", "STRING"},
             {"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "TIMESTAMP(3)"},
             {"\"int\"", "INT"},
             {"\"double\"", "DOUBLE"},
             {"\"boolean\"", "BOOLEAN"},
             {"\"bytes\"", NULL},
             {"{\"type\":\"fixed\",\"name\":\"g%u\",\"size\":3}", NULL}};

typedef struct field {
    unsigned kind;
    unsigned null_branch; /* 2: no union */
} field;

typedef struct schema {
    field fields[FIELDS_MAX];
    unsigned count;
    char writer[2][4096]; /* straight, and not */
    char columns[1024];
} schema;

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (*seed >> 11) % below;
}

static schema make_schema(uint64_t *seed)
{
    schema s = {.count = 1 + (unsigned)draw(seed, FIELDS_MAX)};
    size_t at = 0, column = 0;
    char *text = s.writer[0];
    size_t size = sizeof s.writer[0];
    at += (size_t)snprintf(text, size, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (unsigned i = 0; i < s.count; i++) {
        field *f = &s.fields[i];
        /* Half of them are longs and strings, as in life. */
        f->kind = (unsigned)(draw(seed, 2) ? draw(seed, 2) : draw(seed, MR_LENGTH(kinds)));
        f->null_branch = (unsigned)draw(seed, 4);
        char type[200];
        snprintf(type, sizeof type, kinds[f->kind].type, i);
        const char *shape = f->null_branch == 0   ? "%s{\"name\":\"f%u\",\"type\":[\"null\",%s]}"
                            : f->null_branch == 1 ? "%s{\"name\":\"f%u\",\"type\":[%s,\"null\"]}"
                                                  : "%s{\"name\":\"f%u\",\"type\":%s}";
        at += (size_t)snprintf(text + at, size - at, shape, i > 0 ? "," : "", i, type);
        if (kinds[f->kind].column != NULL && draw(seed, 4) > 0)
            column += (size_t)snprintf(s.columns + column, sizeof s.columns - column, "%sf%u %s",
                                       column > 0 ? ", " : "", i, kinds[f->kind].column);
    }
    if (column == 0)
        snprintf(s.columns, sizeof s.columns, "missing STRING");
    snprintf(s.writer[1], size, "%s" TAIL "]}", text);
    snprintf(text + at, size - at, "]}");
    return s;
}

static size_t put_long(char *to, int64_t value)
{
    uint64_t raw = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    size_t length = 0;
    for (; raw >= 0x80; raw >>= 7)
        to[length++] = (char)(raw | 0x80);
    to[length++] = (char)raw;
    return length;
}

/* Of every number of bytes that a varint may have. */
static int64_t number(uint64_t *seed)
{
    int64_t value = (int64_t)(draw(seed, UINT64_MAX) << draw(seed, 12));
    return value >> draw(seed, 64);
}

static size_t put_text(char *to, uint64_t *seed)
{
    static const uint16_t ends[] = {4, 8, 33, 65, 129, 260, 300};
    size_t length = draw(seed, ends[draw(seed, MR_LENGTH(ends))]);
    size_t at = put_long(to, (int64_t)length);
    for (size_t i = 0; i < length; i++)
        to[at + i] = (char)('a' + draw(seed, 26));
    if (length > 2 && draw(seed, 6) == 0)
        memcpy(to + at + draw(seed, length - 1), draw(seed, 2) ? "\xc3\xa9" : "\xa9\xc3", 2);
    return at + length;
}

static size_t put_value(char *to, unsigned kind, uint64_t *seed)
{
    switch (kind) {
    case 0:
    case 2: return put_long(to, number(seed));
    case 3: return put_long(to, draw(seed, 20) ? (int32_t)number(seed) : number(seed));
    case 4: memcpy(to, &(double){(double)number(seed)}, 8); return 8;
    case 5: *to = (char)(draw(seed, 30) ? draw(seed, 2) : 2); return 1;
    case 7: memcpy(to, "xyz", 3); return 3;
    default: return put_text(to, seed);
    }
}

static size_t make_record(const schema *s, char *to, uint64_t *seed)
{
    size_t at = 0;
    for (unsigned i = 0; i < s->count; i++) {
        const field *f = &s->fields[i];
        if (f->null_branch < 2) {
            unsigned branch = (unsigned)draw(seed, 2);
            at += put_long(to + at, branch);
            if (branch == f->null_branch)
                continue;
        }
        at += put_value(to + at, f->kind, seed);
    }
    if (draw(seed, 5) == 0)
        at = draw(seed, at + 1);
    else if (draw(seed, 5) == 0 && at > 0)
        to[draw(seed, at)] = (char)draw(seed, 256);
    else if (draw(seed, 20) == 0)
        to[at++] = 2;
    return at;
}

static bool is_same(const mr_vector *a, const mr_vector *b, uint32_t row)
{
    if (mr_vector_is_null(a, row) || mr_vector_is_null(b, row))
        return mr_vector_is_null(a, row) && mr_vector_is_null(b, row);
    if (a->lane == MR_LANE_STRING)
        return memcmp(a->strings[row].prefix, b->strings[row].prefix, 4) == 0 &&
               mr_string_equals(a->strings[row], b->strings[row]);
    size_t size = mr_lane_size(a->lane);
    return memcmp((char *)a->values + size * row, (char *)b->values + size * row, size) == 0;
}

typedef struct tally {
    uint32_t rows, dead;
} tally;

static tally compare(const schema *s, uint64_t seed, bool is_narrow)
{
    static char bytes[RECORDS][RECORD_MAX];
    static decoded out[2];
    const char *texts[RECORDS];
    size_t lengths[RECORDS];
    avro_columns wanted = avro_columns_of(s->columns);
    for (uint32_t i = 0; i < RECORDS; i++) {
        lengths[i] = make_record(s, bytes[i], &seed);
        texts[i] = draw(&seed, 30) ? bytes[i] : NULL;
    }
    for (int side = 0; side < 2; side++) {
        mr_avro_decoder_config config = {.writer = s->writer[side], .is_narrow = is_narrow};
        mr_decoder *decoder;
        mr_error err;
        cr_assert_eq(mr_avro_decoder_new(&config, wanted.column, wanted.count, &decoder, &err),
                     MR_OK, "%s", err.message);
        for (uint32_t i = 0; side == 1 && i < RECORDS; i++)
            bytes[i][lengths[i]++] = 0; /* the array */
        fixture_decode(decoder, wanted.count, texts, lengths, RECORDS, &out[side]);
        decoder->class->free(decoder);
    }
    cr_assert_eq(out[0].rows_count, out[1].rows_count, "%s", s->writer[0]);
    for (uint32_t r = 0; r < out[0].rows_count; r++) {
        cr_assert_eq(out[0].rows[r], out[1].rows[r], "%s", s->writer[0]);
        for (uint32_t c = 0; c < wanted.count; c++)
            cr_assert(is_same(&out[0].columns[c], &out[1].columns[c], r), "row %u, column %u of %s",
                      r, c, s->writer[0]);
    }
    tally seen = {.rows = out[0].rows_count, .dead = out[0].errors.count};
    fixture_release(&out[0]);
    fixture_release(&out[1]);
    mr_arena_release(&wanted.arena);
    return seen;
}

Test(avro_lane, makes_what_the_machine_makes_of_straight_records)
{
    tally all = {0};
    for (uint64_t n = 1; n <= SCHEMAS; n++) {
        uint64_t seed = n * UINT64_C(0x9e3779b97f4a7c15);
        for (int i = 0; i < 4; i++)
            draw(&seed, 2);
        schema s = make_schema(&seed);
        tally wide = compare(&s, seed, false), narrow = compare(&s, seed, true);
        cr_assert_eq(wide.rows, narrow.rows);
        all.rows += wide.rows;
        all.dead += wide.dead;
    }
    /* Both happen, and often. */
    cr_expect(all.rows > SCHEMAS * RECORDS / 3 && all.dead > SCHEMAS * RECORDS / 10,
              "%u rows, %u dead", all.rows, all.dead);
}
