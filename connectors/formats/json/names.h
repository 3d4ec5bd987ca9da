/*
 * The names a decoder looks for, as a tree: a node per JSON object on the way to a column.
 *
 * Records of a topic repeat their members in the same order and spacing, so a node remembers
 * what led from one value to the next in the last object it saw, from the comma to the colon:
 *
 *   {"auction":1000 ,"price" : 7}      place 0: `"auction":`   place 1: ` ,"price" : `
 *
 * Member i is first compared with what stood at place i (two vector compares). Equal bytes were
 * validated when they were remembered. Only when they differ is the name scanned and looked up.
 *
 * Thread: one at a time (the memory of the order changes). Memory: an arena that outlives the
 * tree.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_NAMES_H
#define MR_CONNECTORS_FORMATS_JSON_NAMES_H

#include "connectors/formats/column.h"
#include "connectors/formats/json/scan.h"
#include "engine/batch/vector.h"

#define MR_JSON_COLUMN_NONE UINT32_MAX
#define MR_JSON_PLACES 64
#define MR_JSON_PLACE_BYTES 32

typedef struct mr_json_node mr_json_node;

/* Which reader a column starts with; the general one knows every type. */
typedef enum mr_json_reader {
    MR_JSON_READ_ANY = 0,
    MR_JSON_READ_OBJECT,
    MR_JSON_READ_BIGINT,
    MR_JSON_READ_TEXT,
    MR_JSON_READ_TIMESTAMP,     /* of 3 or more digits */
    MR_JSON_READ_TIMESTAMP_LTZ, /* likewise */
} mr_json_reader;

/* A name some column wants: a column, or an object that leads to columns. */
typedef struct mr_json_name {
    mr_string text;
    mr_json_reader reader;
    uint32_t column; /* MR_JSON_COLUMN_NONE: `child` */
    mr_json_node *child;
    const mr_json_node *node; /* where the name stands */
    /* Of a column, for whoever reads it a million times a second: its bit in a set of columns, and
     * where it lies in the batch at hand (mr_json_names_aim). */
    uint32_t word;
    uint64_t bit;
    mr_vector *to;
    void *values;
} mr_json_name;

/* What led to a value, zero-padded. Nothing remembered: length 0, and all 32 bytes wanted, so
 * only NULs match; no value starts with one, so such a text is refused all the same. */
typedef struct mr_json_place {
    char bytes[MR_JSON_PLACE_BYTES];
    const mr_json_name *name;   /* NULL: nobody wants it */
    struct mr_json_place *next; /* of the last one: itself */
    uint32_t length;
    uint32_t wanted; /* bit i: byte i must be equal */
} mr_json_place;

struct mr_json_node {
    mr_json_name *names;
    uint32_t names_count;
    const mr_json_name *parent;               /* the name that leads here; NULL: the top */
    uint64_t *below;                          /* bit c: column c lies below this node */
    mr_json_place places[MR_JSON_PLACES + 1]; /* the last one stays without memory */
};

/* The tree over all columns. MR_E_SETTING for an empty path, a path that occurs twice, or one that
 * leads through another. */
mr_status mr_json_names_build(const mr_codec_column *columns, uint32_t columns_count,
                              mr_arena *arena, mr_json_node **top, mr_error *err) MR_MUST_USE;

/* Tells the names of columns where these lie in this batch. */
void mr_json_names_aim(mr_json_node *top, mr_vector *columns);

/* Behind an opening brace (`member` 0) or behind a value: reads to the value of member number
 * `member` and says which wanted name it has (NULL: none). At the closing brace: reads to behind
 * it and sets `is_end`. `scratch` is for names with escapes. */
bool mr_json_names_next(mr_json_node *node, uint32_t member, mr_json_scan *scan, mr_arena *scratch,
                        const mr_json_name **name, bool *is_end);

/* The remembered way to a value stands at `at`. */
static inline bool mr_json_place_is_at(const mr_json_place *place, const char *at, const char *end)
{
#if defined(__SSE2__)
    if (end - at >= MR_JSON_PLACE_BYTES) {
        const __m128i *a = (const __m128i *)(const void *)place->bytes;
        const __m128i *b = (const __m128i *)(const void *)at;
        __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b));
        __m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1));
        uint32_t equal = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
        return (~equal & place->wanted) == 0;
    }
#endif
    return place->length != 0 && (size_t)(end - at) >= place->length &&
           memcmp(place->bytes, at, place->length) == 0;
}

/* "$.a.b", cut at `size`. Returns `to`. */
char *mr_json_names_path(const mr_json_name *name, char *to, size_t size);

#endif
