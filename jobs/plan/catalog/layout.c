#include "jobs/plan/catalog/layout.h"

#include <string.h>

/* A ROW with its fields, else the scalar. */
static mr_type type_of(const mr_ast_type *shape, mr_arena *arena)
{
    if (shape->form != MR_AST_TYPE_ROW)
        return shape->scalar;
    mr_field *fields = mr_arena_zalloc(arena, shape->fields_count, sizeof *fields);
    struct mr_row_type *row = mr_arena_zalloc(arena, 1, sizeof *row);
    for (uint32_t i = 0; i < shape->fields_count; i++)
        fields[i] = (mr_field){.name = shape->fields[i].name.text,
                               .type = type_of(shape->fields[i].type, arena)};
    *row = (struct mr_row_type){.fields_count = shape->fields_count, .fields = fields};
    return (mr_type){.kind = MR_TYPE_ROW, .is_nullable = !shape->is_not_null, .row = row};
}

static const char *name_in_key(const mr_table *table, const char *name)
{
    const char *prefix = mr_options_text(&table->options, "key.fields-prefix", "");
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 ? name + length : name;
}

static const struct mr_row_type *layout_of(const mr_table *table, bool is_key, mr_arena *arena)
{
    bool leaves_keys_out = table->key_format.format != NULL &&
                           mr_options_number(&table->options, "value.fields-include", 0) == 1;
    mr_field *fields = mr_arena_zalloc(arena, table->columns_count, sizeof *fields);
    struct mr_row_type *row = mr_arena_zalloc(arena, 1, sizeof *row);
    row->fields = fields;
    for (uint32_t i = 0; i < table->columns_count; i++) {
        const mr_table_column *column = &table->columns[i];
        bool is_held = is_key ? column->is_key : !(column->is_key && leaves_keys_out);
        if (column->kind != MR_AST_COLUMN_PHYSICAL || column->shape == NULL || !is_held)
            continue;
        mr_type type =
            column->shape->form == MR_AST_TYPE_ROW ? type_of(column->shape, arena) : column->type;
        uint32_t place = is_key ? column->key_place : row->fields_count;
        fields[place] = (mr_field){.name = is_key ? name_in_key(table, column->name) : column->name,
                                   .type = type};
        row->fields_count++;
    }
    return row;
}

static void fill(const mr_table *table, bool is_key, mr_format_use *use, mr_arena *arena)
{
    if (use->format == NULL)
        return;
    use->is_file = table->connector->kind == MR_CONNECTOR_FILESYSTEM;
    use->layout = layout_of(table, is_key, arena);
    if (table->topics_count > 0)
        use->subject = mr_arena_printf(arena, "%s-%s", table->topics[0], is_key ? "key" : "value");
}

void mr_layout_read(mr_table *table, mr_arena *arena)
{
    fill(table, false, &table->value_format, arena);
    fill(table, true, &table->key_format, arena);
}
