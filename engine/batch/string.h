/*
 * String views: 16 bytes, length + the first four bytes + pointer.
 *
 *   0        4        8                16
 *   | length | prefix | pointer to all |
 *
 * A view points into the fetched Kafka buffer or into the batch's arena; whoever keeps a string
 * copies its bytes. The prefix is zero-padded; it decides most comparisons without touching the
 * bytes. Order is by unsigned byte, which for UTF-8 is code point order.
 */
#ifndef MR_ENGINE_BATCH_STRING_H
#define MR_ENGINE_BATCH_STRING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct mr_string {
    uint32_t length;
    char prefix[4];
    const char *bytes;
} mr_string;

_Static_assert(sizeof(mr_string) == 16, "views are 16 bytes");

/* A view on `length` bytes, borrowed. */
static inline mr_string mr_string_of(const char *bytes, uint32_t length)
{
    mr_string s = {.length = length, .prefix = {0, 0, 0, 0}, .bytes = bytes};
    memcpy(s.prefix, bytes != NULL ? bytes : "", length < 4 ? length : 4);
    return s;
}

static inline bool mr_string_equals(mr_string a, mr_string b)
{
    uint64_t head_a, head_b;
    memcpy(&head_a, &a, sizeof head_a);
    memcpy(&head_b, &b, sizeof head_b);
    if (head_a != head_b)
        return false;
    return a.length <= 4 || memcmp(a.bytes + 4, b.bytes + 4, a.length - 4) == 0;
}

/* < 0, 0, > 0 by bytes, the shorter first among equals. */
static inline int mr_string_compare(mr_string a, mr_string b)
{
    int order = memcmp(a.prefix, b.prefix, 4);
    if (order != 0)
        return order;
    uint32_t shared = a.length < b.length ? a.length : b.length;
    if (shared > 4)
        order = memcmp(a.bytes + 4, b.bytes + 4, shared - 4);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

#endif
