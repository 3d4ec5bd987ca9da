/* Snappy's raw format: elements of every kind drawn at random, whose meaning is worked out beside
 * them byte by byte; blocks of another library's making; and bytes that mean nothing. */
#include "connectors/formats/avro/snappy.h"
#include "engine/base/buffer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 2000
#define ELEMENTS_MAX 40
#define ROOM ((size_t)1 << 17)

static uint32_t pick(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 16) % below);
}

/* A number of `size` bytes, the lowest first. */
static void put_number(mr_buffer *to, uint32_t value, int size)
{
    for (int i = 0; i < size; i++)
        mr_buffer_put_u8(to, (uint8_t)(value >> (8 * i)));
}

static void add_literal(uint64_t *state, mr_buffer *packed, mr_buffer *plain)
{
    static const uint32_t lengths[] = {1, 5, 60, 61, 256, 257, 700};
    uint32_t length = lengths[pick(state, 7)];
    int least = length <= 60 ? 0 : length <= 256 ? 1 : 2; /* bytes its length needs */
    int size = least == 0 ? 0 : least + (int)pick(state, (uint32_t)(5 - least));
    mr_buffer_put_u8(packed, (uint8_t)((size == 0 ? length - 1 : 59 + (uint32_t)size) << 2));
    put_number(packed, length - 1, size);
    for (uint32_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)pick(state, 256);
        mr_buffer_put_u8(packed, byte);
        mr_buffer_put_u8(plain, byte);
    }
}

static void add_copy(uint64_t *state, mr_buffer *packed, mr_buffer *plain)
{
    uint32_t kind = 1 + pick(state, 3), most = kind == 1 ? 2047 : kind == 2 ? 65535 : UINT32_MAX;
    uint32_t there = (uint32_t)plain->length;
    uint32_t distance = 1 + pick(state, there < most ? there : most);
    uint32_t length = kind == 1 ? 4 + pick(state, 8) : 1 + pick(state, 64);
    if (kind == 1)
        mr_buffer_put_u8(packed, (uint8_t)((distance >> 8) << 5 | (length - 4) << 2 | 1));
    else
        mr_buffer_put_u8(packed, (uint8_t)((length - 1) << 2 | kind));
    put_number(packed, distance, kind == 3 ? 4 : (int)kind);
    for (uint32_t i = 0; i < length; i++)
        mr_buffer_put_u8(plain, (uint8_t)plain->data[plain->length - distance]);
}

/* The block of exactly these bytes, in memory of its size. */
static bool unpack(const mr_buffer *head, const mr_buffer *packed, size_t length, size_t bytes_max,
                   mr_buffer *out)
{
    char *exact = malloc(head->length + length + 1);
    memcpy(exact, head->data, head->length);
    memcpy(exact + head->length, packed->data, length);
    mr_buffer_clear(out);
    bool is_good = mr_snappy_unpack(exact, head->length + length, bytes_max, out);
    free(exact);
    return is_good;
}

Test(avro_snappy, elements_of_every_kind_give_their_bytes_and_not_one_less)
{
    uint64_t state = 88172645463325252u;
    mr_buffer head = {0}, packed = {0}, plain = {0}, out = {0};
    for (int b = 0; b < BLOCKS; b++) {
        mr_buffer_clear(&head);
        mr_buffer_clear(&packed);
        mr_buffer_clear(&plain);
        for (uint32_t e = 1 + pick(&state, ELEMENTS_MAX); e > 0; e--)
            if (plain.length == 0 || pick(&state, 3) == 0)
                add_literal(&state, &packed, &plain);
            else
                add_copy(&state, &packed, &plain);
        mr_buffer_put_varint(&head, plain.length);
        cr_assert(unpack(&head, &packed, packed.length, ROOM, &out), "block %d", b);
        cr_assert_eq(out.length, plain.length);
        cr_assert_arr_eq(out.data, plain.data, plain.length);
        cr_expect_not(unpack(&head, &packed, packed.length, plain.length - 1, &out));
        /* the last element is gone, or cut */
        cr_expect_not(unpack(&head, &packed, packed.length - 1, ROOM, &out));
        cr_expect_not(unpack(&head, &packed, pick(&state, (uint32_t)packed.length), ROOM, &out));
    }
    mr_buffer_release(&head);
    mr_buffer_release(&packed);
    mr_buffer_release(&plain);
    mr_buffer_release(&out);
}

#define EXPECT(bytes, expected) expect(bytes, sizeof(bytes) - 1, expected)

/* NULL: nothing but a refusal. */
static void expect(const char *bytes, size_t length, const char *expected)
{
    mr_buffer out = {0};
    char *exact = malloc(length + 1);
    memcpy(exact, bytes, length);
    bool is_good = mr_snappy_unpack(exact, length, ROOM, &out);
    cr_expect_eq(is_good, expected != NULL, "%zu bytes", length);
    if (is_good && expected != NULL) {
        cr_expect_eq(out.length, strlen(expected));
        cr_expect(out.length == 0 || memcmp(out.data, expected, out.length) == 0);
    }
    free(exact);
    mr_buffer_release(&out);
}

Test(avro_snappy, reads_another_librarys_blocks_and_refuses_what_is_none)
{
    EXPECT("\x00", "");
    EXPECT("\x1b\x1c\x61\x62\x63\x64\x65\x66\x67\x68\x3e\x08\x00\x08xyz",
           "abcdefghabcdefghabcdefghxyz");
    EXPECT("", NULL);
    EXPECT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", NULL); /* larger than all bounds */
    EXPECT("\x01\x00", NULL);                                     /* a literal without its byte */
    EXPECT("\x01\x04xy", NULL);                                   /* more than was said */
    EXPECT("\x02\x00x", NULL);                                    /* less */
    EXPECT("\x05\x00x\x01\x00", NULL); /* a copy of what is at no distance */
    EXPECT("\x05\x00x\x01\x02", NULL); /* of what lies before the first byte */
    EXPECT("\x04\x00x\x01\x01", NULL); /* of more than there is room for */
    EXPECT("\x05\x00x\x01\x01", "xxxxx");
    EXPECT("\x05\x00x\x0e\x01", NULL);        /* a distance that is cut */
    EXPECT("\x01\xfc\xff\xff\xff\xff", NULL); /* a literal of 4 GB */
}
