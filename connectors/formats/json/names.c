#include "connectors/formats/json/names.h"

#include "engine/base/assert.h"

#include <stdio.h>

static const mr_json_name *find_name(const mr_json_node *node, mr_string text)
{
    for (uint32_t i = 0; i < node->names_count; i++)
        if (mr_string_equals(node->names[i].text, text))
            return &node->names[i];
    return NULL;
}

static void remember(mr_json_place *place, const char *from, size_t length,
                     const mr_json_name *name)
{
    memset(place->bytes, 0, sizeof place->bytes);
    memcpy(place->bytes, from, length);
    place->length = (uint32_t)length;
    place->wanted = (uint32_t)((UINT64_C(1) << length) - 1);
    place->name = name;
}

bool mr_json_names_next(mr_json_node *node, uint32_t member, mr_json_scan *scan, mr_arena *scratch,
                        const mr_json_name **name, bool *is_end)
{
    const char *from = scan->at;
    mr_json_skip_blanks(scan);
    *is_end = scan->at < scan->end && *scan->at == '}';
    if (*is_end) {
        scan->at++;
        return true;
    }
    mr_json_text text;
    if ((member > 0 && !mr_json_expect(scan, ',', "expected ',' or '}'")) ||
        !mr_json_expect(scan, '"', "expected a name in quotes") || !mr_json_string(scan, &text) ||
        !mr_json_expect(scan, ':', "expected ':'"))
        return false;
    mr_json_skip_blanks(scan);
    *name = find_name(node, mr_json_unescape(&text, scratch));
    size_t length = (size_t)(scan->at - from);
    /* An escaped name is found each time anew: its bytes are not its spelling. */
    if (member < MR_JSON_PLACES && !text.has_escapes && length <= MR_JSON_PLACE_BYTES)
        remember(&node->places[member], from, length, *name);
    return true;
}

static mr_json_node *new_node(const mr_json_name *parent, uint32_t columns_count, mr_arena *arena)
{
    mr_json_node *node = mr_arena_zalloc(arena, 1, sizeof *node);
    node->names = mr_arena_zalloc(arena, columns_count, sizeof *node->names);
    node->below = mr_arena_zalloc(arena, ((size_t)columns_count + 63) / 64, sizeof(uint64_t));
    node->parent = parent;
    for (size_t i = 0; i < MR_LENGTH(node->places); i++) {
        node->places[i].wanted = UINT32_MAX;
        node->places[i].next = &node->places[i < MR_JSON_PLACES ? i + 1 : i];
    }
    return node;
}

static mr_json_name *add_name(mr_json_node *node, const char *text, mr_arena *arena)
{
    size_t length = strlen(text);
    mr_json_name *name = &node->names[node->names_count++];
    *name = (mr_json_name){
        .text = mr_string_of(mr_arena_string(arena, text, length), (uint32_t)length),
        .column = MR_JSON_COLUMN_NONE,
        .node = node,
    };
    return name;
}

static mr_json_reader reader_of(mr_type type)
{
    switch (type.kind) {
    case MR_TYPE_BIGINT: return MR_JSON_READ_BIGINT;
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: return MR_JSON_READ_TEXT;
    case MR_TYPE_TIMESTAMP: return type.precision >= 3 ? MR_JSON_READ_TIMESTAMP : MR_JSON_READ_ANY;
    case MR_TYPE_TIMESTAMP_LTZ:
        return type.precision >= 3 ? MR_JSON_READ_TIMESTAMP_LTZ : MR_JSON_READ_ANY;
    default: return MR_JSON_READ_ANY;
    }
}

static mr_status add_path(mr_json_node *node, const mr_codec_column *column, uint32_t number,
                          uint32_t columns_count, mr_arena *arena, mr_error *err)
{
    for (uint32_t i = 0; i < column->path_length; i++) {
        node->below[number / 64] |= UINT64_C(1) << (number % 64);
        const char *text = column->path[i];
        bool is_last = i + 1 == column->path_length;
        mr_json_name *name =
            (mr_json_name *)find_name(node, mr_string_of(text, (uint32_t)strlen(text)));
        bool is_new = name == NULL;
        if (is_new)
            name = add_name(node, text, arena);
        if (!is_new && (is_last || name->column != MR_JSON_COLUMN_NONE))
            return mr_error_set(err, MR_E_SETTING, "two columns read the JSON field `%s`", text);
        if (is_last) {
            name->column = number;
            name->word = number / 64;
            name->bit = UINT64_C(1) << (number % 64);
            name->reader = reader_of(column->type);
            return MR_OK;
        }
        name->reader = MR_JSON_READ_OBJECT;
        if (name->child == NULL)
            name->child = new_node(name, columns_count, arena);
        node = name->child;
    }
    return mr_error_set(err, MR_E_SETTING, "a JSON column needs a name");
}

mr_status mr_json_names_build(const mr_codec_column *columns, uint32_t columns_count,
                              mr_arena *arena, mr_json_node **top, mr_error *err)
{
    *top = new_node(NULL, columns_count, arena);
    for (uint32_t i = 0; i < columns_count; i++) {
        mr_status status = add_path(*top, &columns[i], i, columns_count, arena, err);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}

void mr_json_names_aim(mr_json_node *top, mr_vector *columns)
{
    for (uint32_t i = 0; i < top->names_count; i++) {
        mr_json_name *name = &top->names[i];
        if (name->child != NULL) {
            mr_json_names_aim(name->child, columns);
            continue;
        }
        name->to = &columns[name->column];
        name->values = name->to->values;
    }
}

char *mr_json_names_path(const mr_json_name *name, char *to, size_t size)
{
    if (name == NULL) {
        snprintf(to, size, "$");
        return to;
    }
    mr_json_names_path(name->node->parent, to, size);
    size_t length = strlen(to);
    snprintf(to + length, size - length, ".%.*s", (int)name->text.length, name->text.bytes);
    return to;
}
