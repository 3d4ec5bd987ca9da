/*
 * An Avro schema as a tree: what decoders and writers are compiled from.
 *
 * Read from its JSON text with everything resolution needs: logical types, defaults and aliases.
 * A named type is one node however often it is referred to, so a recursive schema is a graph;
 * whoever walks it bounds the walk. Of what the text may hold beyond the specification nothing is
 * refused; an unknown logical type counts as none, as the specification wants it.
 *
 * Memory: one arena per schema. Thread: immutable once read.
 * Errors: MR_E_AVRO_SCHEMA, with what is wrong and where.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_SCHEMA_SCHEMA_H
#define MR_CONNECTORS_FORMATS_AVRO_SCHEMA_SCHEMA_H

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/batch/string.h"

#define MR_AVRO_SCHEMA_BYTES_MAX ((size_t)1 << 20) /* of a text, references included */
#define MR_AVRO_SCHEMA_DEPTH_MAX 64                /* types within types, written out */
#define MR_AVRO_DEFAULT_BYTES_MAX ((size_t)64 << 10)

typedef enum mr_avro_kind {
    MR_AVRO_NULL = 0,
    MR_AVRO_BOOLEAN,
    MR_AVRO_INT,
    MR_AVRO_LONG,
    MR_AVRO_FLOAT,
    MR_AVRO_DOUBLE,
    MR_AVRO_BYTES,
    MR_AVRO_STRING,
    MR_AVRO_FIXED,
    MR_AVRO_ENUM,
    MR_AVRO_RECORD,
    MR_AVRO_ARRAY,
    MR_AVRO_MAP,
    MR_AVRO_UNION,
} mr_avro_kind;

typedef enum mr_avro_logical {
    MR_AVRO_PLAIN = 0,
    MR_AVRO_DECIMAL, /* bytes, fixed */
    MR_AVRO_DATE,    /* int: days */
    MR_AVRO_TIME_MS, /* int */
    MR_AVRO_TIME_US, /* long */
    MR_AVRO_TIMESTAMP_MS,
    MR_AVRO_TIMESTAMP_US,
    MR_AVRO_TIMESTAMP_NS,
    MR_AVRO_LOCAL_MS, /* local-timestamp-*: without a zone */
    MR_AVRO_LOCAL_US,
    MR_AVRO_LOCAL_NS,
} mr_avro_logical;

typedef struct mr_avro_type mr_avro_type;

typedef struct mr_avro_field {
    const char *name;
    const mr_avro_type *type;
    uint32_t aliases_count;
    const char *const *aliases;
    bool has_default;          /* one that is a value of the type */
    const char *default_bytes; /* in Avro's binary form */
    size_t default_length;
} mr_avro_field;

struct mr_avro_type {
    mr_avro_kind kind;
    mr_avro_logical logical;
    uint32_t precision, scale; /* decimal */
    uint32_t size;             /* fixed: bytes */
    uint32_t number;           /* of a named type, from 0, in the order of the text */
    const char *name;          /* record, enum, fixed: full name; NULL else */
    uint32_t count;            /* fields, branches or symbols */
    const mr_avro_field *fields;
    const mr_avro_type *const *branches;
    const mr_string *symbols;
    int32_t symbol_default;    /* enum; -1: none */
    const mr_avro_type *items; /* array, map: of the values */
};

typedef struct mr_avro_schema {
    mr_arena arena;
    const mr_avro_type *type;
    uint32_t named_count;
} mr_avro_schema;

/* Texts of schemas that `text` refers to by name, in an order in which each only refers to those
 * before it. */
typedef struct mr_avro_texts {
    const char *const *texts;
    uint32_t count;
} mr_avro_texts;

/* Reads a schema into *schema, which the caller releases also after an error. `references` may be
 * NULL. */
mr_status mr_avro_schema_parse(const char *text, size_t length, const mr_avro_texts *references,
                               mr_avro_schema *schema, mr_error *err) MR_MUST_USE;

/* An all-zero schema may be released. */
void mr_avro_schema_release(mr_avro_schema *schema);

/* "long (timestamp-millis)", "record a.b.Click": for messages; cut at `size`. Returns `to`. */
char *mr_avro_type_text(const mr_avro_type *type, char *to, size_t size);

/* The name of a primitive or kind as schemas spell it. */
const char *mr_avro_kind_name(mr_avro_kind kind);

/* Whether a name is one Avro allows: letters, digits and _, no digit first. */
bool mr_avro_is_name(const char *name, size_t length);

#endif
