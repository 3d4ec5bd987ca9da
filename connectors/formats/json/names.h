/*
 * The names a decoder looks for, as a tree: a node per JSON object on the way to a column.
 *
 * Records of a topic repeat their members in the same order, so a node remembers the order of the last
 * object it saw: member i is first compared with what stood at place i (two vector compares, no scan
 * for the closing quote), and only when that fails is the name scanned and looked up.
 *
 * Thread: one at a time (the memory of the order changes). Memory: an arena that outlives the tree.
 */
#ifndef MR_CONNECTORS_FORMATS_JSON_NAMES_H
#define MR_CONNECTORS_FORMATS_JSON_NAMES_H

#include "connectors/formats/column.h"
#include "connectors/formats/json/scan.h"

#define MR_JSON_COLUMN_NONE UINT32_MAX
#define MR_JSON_PLACES 64
#define MR_JSON_PLACE_BYTES 32

typedef struct mr_json_node mr_json_node;

/* A name some column wants: a column, or an object that leads to columns. */
typedef struct mr_json_name {
    mr_string text;
    uint32_t column; /* MR_JSON_COLUMN_NONE: `child` */
    mr_json_node *child;
    const mr_json_node *node; /* where the name stands */
} mr_json_name;

/* A remembered member: the name with both quotes, zero-padded. length 0: nothing remembered. */
typedef struct mr_json_place {
    char bytes[MR_JSON_PLACE_BYTES];
    const mr_json_name *name; /* NULL: nobody wants it */
    uint32_t length;
} mr_json_place;

struct mr_json_node {
    mr_json_name *names;
    uint32_t names_count;
    const mr_json_name *parent; /* the name that leads here; NULL: the top */
    uint64_t *below;            /* bit c: column c lies below this node */
    mr_json_place places[MR_JSON_PLACES];
};

/* The tree over all columns. MR_E_SETTING for an empty path, a path that occurs twice, or one that
 * leads through another. */
mr_status mr_json_names_build(const mr_codec_column *columns, uint32_t columns_count,
                              mr_arena *arena, mr_json_node **top, mr_error *err) MR_MUST_USE;

/* At the opening quote of the name of member number `member`: reads to behind the closing quote and
 * says which wanted name it is (NULL: none). `scratch` is for names with escapes. */
bool mr_json_names_match(mr_json_node *node, uint32_t member, mr_json_scan *scan, mr_arena *scratch,
                         const mr_json_name **name);

/* "$.a.b", cut at `size`. Returns `to`. */
char *mr_json_names_path(const mr_json_name *name, char *to, size_t size);

#endif
