#include "connectors/formats/avro/decode/want.h"

#include "connectors/formats/avro/decode/resolve.h"

static mr_avro_want *find_child(mr_avro_want *want, const char *name)
{
    for (uint32_t i = 0; i < want->children_count; i++)
        if (strcmp(want->children[i].name, name) == 0)
            return &want->children[i];
    return NULL;
}

/* The record in what leads to columns: itself, or the one branch of a union. */
static const mr_avro_type *record_of(const mr_avro_type *type)
{
    if (type == NULL || type->kind == MR_AVRO_RECORD)
        return type;
    for (uint32_t i = 0; type->kind == MR_AVRO_UNION && i < type->count; i++)
        if (type->branches[i]->kind == MR_AVRO_RECORD)
            return type->branches[i];
    return NULL;
}

static mr_status add_child(mr_avro_want *want, const char *name, uint32_t room, mr_arena *arena,
                           mr_avro_want **child, mr_error *err)
{
    if (want->children == NULL)
        want->children = mr_arena_zalloc(arena, room, sizeof *want->children);
    *child = &want->children[want->children_count++];
    **child = (mr_avro_want){.name = mr_arena_string(arena, name, strlen(name)),
                             .column = MR_AVRO_COLUMN_NONE};
    if (want->reader == NULL)
        return MR_OK;
    const mr_avro_type *record = record_of(want->reader);
    for (uint32_t i = 0; record != NULL && i < record->count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            (*child)->reader_field = &record->fields[i];
    if ((*child)->reader_field == NULL)
        return mr_error_set(err, MR_E_SETTING, "the schema given has no field `%s`", name);
    (*child)->reader = (*child)->reader_field->type;
    return MR_OK;
}

/* How many columns lie below: an upper bound of the children of one node. */
static mr_status add_column(const mr_codec_column *column, uint32_t index, uint32_t room,
                            mr_arena *arena, mr_avro_want *top, mr_error *err)
{
    mr_avro_want *at = top;
    if (column->path_length == 0)
        return mr_error_set(err, MR_E_SETTING, "avro: a column without a name");
    for (uint32_t p = 0; p < column->path_length; p++) {
        bool is_last = p + 1 == column->path_length;
        mr_avro_want *child = find_child(at, column->path[p]);
        if (child != NULL && (is_last || child->column != MR_AVRO_COLUMN_NONE))
            return mr_error_set(err, MR_E_SETTING, "avro: field `%s` is wanted twice",
                                column->path[p]);
        if (child == NULL) {
            mr_status status = add_child(at, column->path[p], room, arena, &child, err);
            if (status != MR_OK)
                return status;
        }
        at = child;
    }
    at->column = index;
    at->type = column->type;
    return MR_OK;
}

/* The type a writer would have for a column, to see whether there is one at all. */
static mr_avro_kind kind_for(mr_type type)
{
    switch (type.kind) {
    case MR_TYPE_BOOLEAN: return MR_AVRO_BOOLEAN;
    case MR_TYPE_BIGINT:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMP_LTZ: return MR_AVRO_LONG;
    case MR_TYPE_TINYINT:
    case MR_TYPE_SMALLINT:
    case MR_TYPE_INT:
    case MR_TYPE_DATE:
    case MR_TYPE_TIME: return MR_AVRO_INT;
    case MR_TYPE_FLOAT: return MR_AVRO_FLOAT;
    case MR_TYPE_DOUBLE: return MR_AVRO_DOUBLE;
    case MR_TYPE_CHAR:
    case MR_TYPE_VARCHAR: return MR_AVRO_STRING;
    case MR_TYPE_DECIMAL:
    case MR_TYPE_BINARY:
    case MR_TYPE_VARBINARY: return MR_AVRO_BYTES;
    default: return MR_AVRO_UNION;
    }
}

static bool fits_reader(const mr_avro_want *want, mr_arena *arena)
{
    const mr_avro_type *reader = want->reader;
    mr_avro_op op;
    if (reader->kind != MR_AVRO_UNION)
        return mr_avro_resolve(reader, want, arena, &op);
    for (uint32_t i = 0; i < reader->count; i++)
        if (mr_avro_resolve(reader->branches[i], want, arena, &op))
            return true;
    return false;
}

static mr_status check_leaf(const mr_avro_want *want, mr_arena *arena, mr_error *err)
{
    char type[MR_TYPE_NAME_MAX];
    char found[256];
    if (kind_for(want->type) == MR_AVRO_UNION)
        return mr_error_set(err, MR_E_SETTING, "avro cannot hold column `%s` of type %s",
                            want->name, mr_type_name(want->type, type, sizeof type));
    if (want->reader == NULL || fits_reader(want, arena))
        return MR_OK;
    return mr_error_set(err, MR_E_SETTING, "the schema given has `%s` as %s, which is not %s",
                        want->name, mr_avro_type_text(want->reader, found, sizeof found),
                        mr_type_name(want->type, type, sizeof type));
}

static mr_status check(const mr_avro_want *want, mr_arena *arena, mr_error *err)
{
    if (want->column != MR_AVRO_COLUMN_NONE)
        return check_leaf(want, arena, err);
    mr_status status = MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < want->children_count; i++)
        status = check(&want->children[i], arena, err);
    return status;
}

mr_status mr_avro_wants_build(const mr_codec_column *columns, uint32_t columns_count,
                              const mr_avro_type *reader, mr_arena *arena, mr_avro_want *top,
                              mr_error *err)
{
    *top = (mr_avro_want){.name = "", .column = MR_AVRO_COLUMN_NONE, .reader = reader};
    if (reader != NULL && reader->kind != MR_AVRO_RECORD)
        return mr_error_set(err, MR_E_SETTING, "the schema given is no record");
    mr_status status = MR_OK;
    for (uint32_t c = 0; status == MR_OK && c < columns_count; c++)
        status = add_column(&columns[c], c, columns_count, arena, top, err);
    return status == MR_OK ? check(top, arena, err) : status;
}
