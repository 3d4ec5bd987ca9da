#include "connectors/formats/avro/schema/schema.h"

#include "connectors/formats/avro/schema/default.h"
#include "connectors/formats/codes.h"
#include "engine/base/assert.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define FIXED_SIZE_MAX ((json_int_t)INT32_MAX)
/* Names are compared with each other: a hostile text must not make that long. */
#define FIELDS_MAX 4096
#define NAMED_MAX 4096

static const char *const KIND_NAMES[] = {"null",   "boolean", "int",    "long",  "float",
                                         "double", "bytes",   "string", "fixed", "enum",
                                         "record", "array",   "map",    "union"};

/* A default whose type may not have been read to its end yet. */
typedef struct pending_default {
    mr_avro_field *field;
    json_t *json;
} pending_default;

typedef struct parse {
    mr_avro_schema *schema;
    mr_error *err;
    const mr_avro_type **named; /* in the order of the text */
    uint32_t named_capacity;
    pending_default *defaults;
    uint32_t defaults_count, defaults_capacity;
} parse;

static const mr_avro_type *parse_type(parse *p, json_t *json, const char *space, unsigned depth);

static const mr_avro_type *fail(parse *p, const char *format, ...) MR_PRINTF(2, 3);

static const mr_avro_type *fail(parse *p, const char *format, ...)
{
    va_list list;
    char text[512];
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)mr_error_set(p->err, MR_E_AVRO_SCHEMA, "schema: %s", text);
    return NULL;
}

const char *mr_avro_kind_name(mr_avro_kind kind)
{
    return KIND_NAMES[kind];
}

bool mr_avro_is_name(const char *name, size_t length)
{
    if (length == 0 || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (c < '0' || c > '9'))
            return false;
    }
    return true;
}

static bool is_full_name(const char *name)
{
    const char *at = name;
    for (const char *dot = strchr(at, '.'); dot != NULL; dot = strchr(at, '.')) {
        if (!mr_avro_is_name(at, (size_t)(dot - at)))
            return false;
        at = dot + 1;
    }
    return mr_avro_is_name(at, strlen(at));
}

static mr_avro_type *new_type(parse *p, mr_avro_kind kind)
{
    mr_avro_type *type = mr_arena_zalloc(&p->schema->arena, 1, sizeof *type);
    type->kind = kind;
    type->symbol_default = -1;
    return type;
}

static bool primitive_of(const char *name, mr_avro_kind *kind)
{
    for (int k = MR_AVRO_NULL; k <= MR_AVRO_STRING; k++) {
        if (strcmp(KIND_NAMES[k], name) == 0) {
            *kind = (mr_avro_kind)k;
            return true;
        }
    }
    return false;
}

static const mr_avro_type *find_named(const parse *p, const char *full_name)
{
    for (uint32_t i = 0; i < p->schema->named_count; i++)
        if (strcmp(p->named[i]->name, full_name) == 0)
            return p->named[i];
    return NULL;
}

static const char *join(parse *p, const char *space, const char *name)
{
    if (strchr(name, '.') != NULL || space[0] == '\0')
        return mr_arena_string(&p->schema->arena, name, strlen(name));
    return mr_arena_printf(&p->schema->arena, "%s.%s", space, name);
}

static const mr_avro_type *parse_name(parse *p, const char *name, const char *space)
{
    mr_avro_kind kind;
    if (primitive_of(name, &kind))
        return new_type(p, kind);
    const mr_avro_type *found = find_named(p, join(p, space, name));
    /* A name without a namespace may also be one of no namespace. */
    if (found == NULL)
        found = find_named(p, name);
    return found != NULL ? found : fail(p, "no type `%s`", name);
}

/* The name of a named type; its namespace in *space. */
static bool read_name(parse *p, json_t *json, mr_avro_type *type, const char **space)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *own = json_string_value(json_object_get(json, "namespace"));
    if (name == NULL || !is_full_name(name))
        return fail(p, "%s without a valid name", KIND_NAMES[type->kind]) != NULL;
    type->name = join(p, own != NULL ? own : *space, name);
    if (find_named(p, type->name) != NULL)
        return fail(p, "type `%s` is defined twice", type->name) != NULL;
    if (p->schema->named_count == NAMED_MAX)
        return fail(p, "more than %d named types", NAMED_MAX) != NULL;
    const char *dot = strrchr(type->name, '.');
    *space = dot == NULL
                 ? ""
                 : mr_arena_string(&p->schema->arena, type->name, (size_t)(dot - type->name));
    if (p->schema->named_count == p->named_capacity) {
        p->named_capacity = p->named_capacity == 0 ? 16 : p->named_capacity * 2;
        p->named = realloc(p->named, p->named_capacity * sizeof(*p->named));
        MR_ASSERT(p->named != NULL);
    }
    type->number = p->schema->named_count;
    p->named[p->schema->named_count++] = type;
    return true;
}

static void keep_default(parse *p, mr_avro_field *field, json_t *json)
{
    if (json == NULL)
        return;
    if (p->defaults_count == p->defaults_capacity) {
        p->defaults_capacity = p->defaults_capacity == 0 ? 16 : p->defaults_capacity * 2;
        p->defaults = realloc(p->defaults, p->defaults_capacity * sizeof(*p->defaults));
        MR_ASSERT(p->defaults != NULL);
    }
    p->defaults[p->defaults_count++] = (pending_default){.field = field, .json = json};
}

static void read_aliases(parse *p, json_t *json, mr_avro_field *field)
{
    json_t *list = json_object_get(json, "aliases");
    const char **aliases =
        mr_arena_zalloc(&p->schema->arena, json_array_size(list) + 1, sizeof *aliases);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *alias = json_string_value(json_array_get(list, i));
        if (alias != NULL)
            aliases[field->aliases_count++] =
                mr_arena_string(&p->schema->arena, alias, strlen(alias));
    }
    field->aliases = aliases;
}

static const mr_avro_type *parse_record(parse *p, json_t *json, const char *space, unsigned depth)
{
    mr_avro_type *type = new_type(p, MR_AVRO_RECORD);
    json_t *list = json_object_get(json, "fields");
    if (!read_name(p, json, type, &space))
        return NULL;
    if (!json_is_array(list))
        return fail(p, "record `%s` without fields", type->name);
    size_t count = json_array_size(list);
    if (count > FIELDS_MAX)
        return fail(p, "record `%s` has more than %d fields", type->name, FIELDS_MAX);
    mr_avro_field *fields = mr_arena_zalloc(&p->schema->arena, count, sizeof *fields);
    type->fields = fields;
    for (size_t i = 0; i < count; i++) {
        json_t *from = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(from, "name"));
        if (name == NULL || !mr_avro_is_name(name, strlen(name)))
            return fail(p, "record `%s` has a field without a valid name", type->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(fields[j].name, name) == 0)
                return fail(p, "record `%s` has two fields `%s`", type->name, name);
        fields[i].name = mr_arena_string(&p->schema->arena, name, strlen(name));
        json_t *own = json_object_get(from, "type");
        fields[i].type = own == NULL ? fail(p, "field `%s` without a type", name)
                                     : parse_type(p, own, space, depth + 1);
        if (fields[i].type == NULL)
            return NULL;
        read_aliases(p, from, &fields[i]);
        keep_default(p, &fields[i], json_object_get(from, "default"));
    }
    type->count = (uint32_t)count;
    return type;
}

static const mr_avro_type *parse_enum(parse *p, json_t *json, const char *space)
{
    mr_avro_type *type = new_type(p, MR_AVRO_ENUM);
    json_t *list = json_object_get(json, "symbols");
    const char *standard = json_string_value(json_object_get(json, "default"));
    if (!read_name(p, json, type, &space))
        return NULL;
    size_t count = json_array_size(list);
    if (count == 0)
        return fail(p, "enum `%s` without symbols", type->name);
    mr_string *symbols = mr_arena_zalloc(&p->schema->arena, count, sizeof *symbols);
    for (size_t i = 0; i < count; i++) {
        const char *symbol = json_string_value(json_array_get(list, i));
        if (symbol == NULL || !mr_avro_is_name(symbol, strlen(symbol)))
            return fail(p, "enum `%s` has a wrong symbol", type->name);
        size_t length = strlen(symbol);
        symbols[i] =
            mr_string_of(mr_arena_string(&p->schema->arena, symbol, length), (uint32_t)length);
        if (standard != NULL && strcmp(standard, symbol) == 0)
            type->symbol_default = (int32_t)i;
    }
    type->symbols = symbols;
    type->count = (uint32_t)count;
    return type;
}

static const mr_avro_type *parse_union(parse *p, json_t *json, const char *space, unsigned depth)
{
    mr_avro_type *type = new_type(p, MR_AVRO_UNION);
    size_t count = json_array_size(json);
    if (count == 0 || count > FIELDS_MAX)
        return fail(p, "a union of %zu branches", count);
    const mr_avro_type **branches = mr_arena_zalloc(&p->schema->arena, count, sizeof *branches);
    for (size_t i = 0; i < count; i++) {
        branches[i] = parse_type(p, json_array_get(json, i), space, depth + 1);
        if (branches[i] == NULL)
            return NULL;
        if (branches[i]->kind == MR_AVRO_UNION)
            return fail(p, "a union directly within a union");
        for (size_t j = 0; j < i; j++) {
            bool is_same = branches[i]->name != NULL ? branches[i] == branches[j]
                                                     : branches[i]->kind == branches[j]->kind;
            if (is_same)
                return fail(p, "a union with two branches of %s", KIND_NAMES[branches[i]->kind]);
        }
    }
    type->branches = branches;
    type->count = (uint32_t)count;
    return type;
}

static void set_decimal(mr_avro_type *type, json_t *json)
{
    json_int_t precision = json_integer_value(json_object_get(json, "precision"));
    json_int_t scale = json_integer_value(json_object_get(json, "scale"));
    if (precision < 1 || precision > INT32_MAX || scale < 0 || scale > precision)
        return; /* as the specification wants it: then it is only bytes */
    type->logical = MR_AVRO_DECIMAL;
    type->precision = (uint32_t)precision;
    type->scale = (uint32_t)scale;
}

static void set_logical(mr_avro_type *type, json_t *json)
{
    static const struct {
        const char *name;
        mr_avro_kind kind;
        mr_avro_logical logical;
    } known[] = {
        {"date", MR_AVRO_INT, MR_AVRO_DATE},
        {"time-millis", MR_AVRO_INT, MR_AVRO_TIME_MS},
        {"time-micros", MR_AVRO_LONG, MR_AVRO_TIME_US},
        {"timestamp-millis", MR_AVRO_LONG, MR_AVRO_TIMESTAMP_MS},
        {"timestamp-micros", MR_AVRO_LONG, MR_AVRO_TIMESTAMP_US},
        {"timestamp-nanos", MR_AVRO_LONG, MR_AVRO_TIMESTAMP_NS},
        {"local-timestamp-millis", MR_AVRO_LONG, MR_AVRO_LOCAL_MS},
        {"local-timestamp-micros", MR_AVRO_LONG, MR_AVRO_LOCAL_US},
        {"local-timestamp-nanos", MR_AVRO_LONG, MR_AVRO_LOCAL_NS},
    };
    const char *name = json_string_value(json_object_get(json, "logicalType"));
    if (name == NULL)
        return;
    if (strcmp(name, "decimal") == 0 &&
        (type->kind == MR_AVRO_BYTES || type->kind == MR_AVRO_FIXED))
        set_decimal(type, json);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].kind == type->kind && strcmp(known[i].name, name) == 0)
            type->logical = known[i].logical;
}

static const mr_avro_type *parse_fixed(parse *p, json_t *json, const char *space)
{
    mr_avro_type *type = new_type(p, MR_AVRO_FIXED);
    json_t *size = json_object_get(json, "size");
    if (!read_name(p, json, type, &space))
        return NULL;
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > FIXED_SIZE_MAX)
        return fail(p, "fixed `%s` without a valid size", type->name);
    type->size = (uint32_t)json_integer_value(size);
    set_logical(type, json);
    return type;
}

static const mr_avro_type *parse_items(parse *p, json_t *json, const char *space, unsigned depth,
                                       mr_avro_kind kind)
{
    mr_avro_type *type = new_type(p, kind);
    json_t *items = json_object_get(json, kind == MR_AVRO_ARRAY ? "items" : "values");
    if (items == NULL)
        return fail(p, "%s without %s", KIND_NAMES[kind],
                    kind == MR_AVRO_ARRAY ? "items" : "values");
    type->items = parse_type(p, items, space, depth + 1);
    return type->items != NULL ? type : NULL;
}

static const mr_avro_type *parse_object(parse *p, json_t *json, const char *space, unsigned depth)
{
    json_t *of = json_object_get(json, "type");
    if (json_is_object(of) || json_is_array(of))
        return parse_type(p, of, space, depth + 1);
    const char *name = json_string_value(of);
    if (name == NULL)
        return fail(p, "an object without `type`");
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
        return parse_record(p, json, space, depth);
    if (strcmp(name, "enum") == 0)
        return parse_enum(p, json, space);
    if (strcmp(name, "fixed") == 0)
        return parse_fixed(p, json, space);
    if (strcmp(name, "array") == 0)
        return parse_items(p, json, space, depth, MR_AVRO_ARRAY);
    if (strcmp(name, "map") == 0)
        return parse_items(p, json, space, depth, MR_AVRO_MAP);
    mr_avro_kind kind;
    if (!primitive_of(name, &kind))
        return parse_name(p, name, space);
    mr_avro_type *type = new_type(p, kind);
    set_logical(type, json);
    return type;
}

static const mr_avro_type *parse_type(parse *p, json_t *json, const char *space, unsigned depth)
{
    if (depth > MR_AVRO_SCHEMA_DEPTH_MAX)
        return fail(p, "nested deeper than %d", MR_AVRO_SCHEMA_DEPTH_MAX);
    if (json_is_string(json))
        return parse_name(p, json_string_value(json), space);
    if (json_is_array(json))
        return parse_union(p, json, space, depth);
    if (json_is_object(json))
        return parse_object(p, json, space, depth);
    return fail(p, "neither a name nor an object nor a union");
}

/* In the order in which types were finished: what is nested has its defaults before what is around
 * it asks for them. One that needs its own record's is wrong. */
static void encode_defaults(parse *p)
{
    mr_buffer bytes = {0};
    for (uint32_t i = 0; i < p->defaults_count; i++) {
        pending_default *pending = &p->defaults[i];
        mr_buffer_clear(&bytes);
        if (!mr_avro_default_encode(pending->field->type, pending->json, &bytes))
            continue;
        pending->field->has_default = true;
        pending->field->default_bytes =
            mr_arena_copy(&p->schema->arena, bytes.length > 0 ? bytes.data : "", bytes.length);
        pending->field->default_length = bytes.length;
    }
    mr_buffer_release(&bytes);
}

/* One text; its type, with the types it names added to those that are known. */
static const mr_avro_type *parse_text(parse *p, const char *text, size_t length)
{
    json_error_t why;
    if (length > MR_AVRO_SCHEMA_BYTES_MAX)
        return fail(p, "larger than %zu bytes", MR_AVRO_SCHEMA_BYTES_MAX);
    json_t *json = json_loadb(text, length, JSON_DECODE_ANY, &why);
    if (json == NULL)
        return fail(p, "not JSON: %s (byte %d)", why.text, why.position);
    const mr_avro_type *type = parse_type(p, json, "", 0);
    if (type != NULL)
        encode_defaults(p);
    p->defaults_count = 0;
    json_decref(json);
    return type;
}

mr_status mr_avro_schema_parse(const char *text, size_t length, const mr_avro_texts *references,
                               mr_avro_schema *schema, mr_error *err)
{
    *schema = (mr_avro_schema){0};
    parse p = {.schema = schema, .err = err};
    bool is_good = true;
    for (uint32_t i = 0; references != NULL && i < references->count && is_good; i++)
        is_good = parse_text(&p, references->texts[i], strlen(references->texts[i])) != NULL;
    if (is_good)
        schema->type = parse_text(&p, text, length);
    free((void *)p.named);
    free(p.defaults);
    return schema->type != NULL ? MR_OK : MR_E_AVRO_SCHEMA;
}

void mr_avro_schema_release(mr_avro_schema *schema)
{
    mr_arena_release(&schema->arena);
    *schema = (mr_avro_schema){0};
}

static const char *logical_name(mr_avro_logical logical)
{
    static const char *const names[] = {"",
                                        "decimal",
                                        "date",
                                        "time-millis",
                                        "time-micros",
                                        "timestamp-millis",
                                        "timestamp-micros",
                                        "timestamp-nanos",
                                        "local-timestamp-millis",
                                        "local-timestamp-micros",
                                        "local-timestamp-nanos"};
    return names[logical];
}

char *mr_avro_type_text(const mr_avro_type *type, char *to, size_t size)
{
    if (type->logical == MR_AVRO_DECIMAL)
        snprintf(to, size, "%s (decimal(%u, %u))", KIND_NAMES[type->kind], type->precision,
                 type->scale);
    else if (type->logical != MR_AVRO_PLAIN)
        snprintf(to, size, "%s (%s)", KIND_NAMES[type->kind], logical_name(type->logical));
    else if (type->name != NULL)
        snprintf(to, size, "%s %s", KIND_NAMES[type->kind], type->name);
    else
        snprintf(to, size, "%s", KIND_NAMES[type->kind]);
    return to;
}
