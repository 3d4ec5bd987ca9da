#include "jobs/plan/catalog/table.h"
#include "jobs/plan/catalog/generated.h"

#include "engine/base/buffer.h"
#include "jobs/plan/catalog/columns.h"
#include "jobs/plan/catalog/layout.h"
#include "jobs/plan/catalog/policies.h"
#include "jobs/plan/options/read.h"
#include "jobs/sql/suggest.h"

#include <string.h>

#define LISTS_MAX 6
#define FORMAT_OPTIONS_MAX 128

uint32_t mr_path_default(const mr_ast_path *path)
{
    static const char *const names[] = {"default_catalog", "default_database"};
    for (uint32_t first = 0; first < 2; first++) {
        uint32_t count = 0;
        while (count < 2 - first && count + 1 < path->count &&
               strcmp(path->parts[count].text, names[first + count]) == 0)
            count++;
        if (count == 2 - first)
            return count;
    }
    return 0;
}

const char *mr_path_text(const mr_ast_path *path, mr_arena *arena)
{
    uint32_t first = mr_path_default(path);
    if (first + 1 == path->count)
        return path->parts[first].text;
    mr_buffer text = {0};
    for (uint32_t i = first; i < path->count; i++)
        mr_buffer_printf(&text, "%s%s", i > first ? "." : "", path->parts[i].text);
    const char *result = mr_arena_string(arena, text.data, text.length);
    mr_buffer_release(&text);
    return result;
}

uint32_t mr_table_column_find(const mr_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->columns_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    return UINT32_MAX;
}

static bool is_in_value(const mr_table *table, const mr_table_column *column)
{
    bool has_keys = table->key_format.format == NULL ||
                    mr_options_number(&table->options, "value.fields-include", 0) == 0;
    return column->kind == MR_AST_COLUMN_PHYSICAL && (has_keys || !column->is_key);
}

bool mr_table_column_is_written(const mr_table_column *column)
{
    return column->kind == MR_AST_COLUMN_PHYSICAL ||
           (column->kind == MR_AST_COLUMN_METADATA && !column->is_virtual);
}

bool mr_metadata_is_writable(mr_metadata which)
{
    return which == MR_METADATA_TIMESTAMP || which == MR_METADATA_HEADERS;
}

uint32_t mr_table_value_place(const mr_table *table, uint32_t column)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < column; i++)
        place += is_in_value(table, &table->columns[i]);
    return place;
}

/* How many columns the halves of a record have, for formats that go by place. */
static void count_widths(mr_table *table)
{
    for (uint32_t i = 0; i < table->columns_count; i++)
        table->key_format.width += table->columns[i].is_key;
    table->value_format.width = mr_table_value_place(table, table->columns_count);
}

static const mr_ast_option *given(const mr_ast_create_table *ast, const char *key)
{
    for (uint32_t i = 0; i < ast->options_count; i++)
        if (strcmp(ast->options[i].key.text, key) == 0)
            return &ast->options[i];
    return NULL;
}

static const mr_connector *read_connector(const mr_ast_create_table *ast,
                                          mr_diagnostics *diagnostics)
{
    const mr_ast_option *option = given(ast, "connector");
    if (option == NULL) {
        mr_span span = ast->options_count > 0 ? ast->options_span : ast->name.span;
        const char *wanted = "connector";
        const mr_ast_option *misspelt = NULL;
        for (uint32_t i = 0; misspelt == NULL && i < ast->options_count; i++)
            if (mr_suggest(ast->options[i].key.text, &wanted, 1) != NULL)
                misspelt = &ast->options[i];
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION,
                              misspelt != NULL ? misspelt->key.span : span,
                              "a table needs the option 'connector'");
        if (misspelt != NULL)
            mr_diagnostics_label(diagnostics, "did you mean `connector`?");
        mr_diagnostics_hint(diagnostics, "WITH ('connector' = '..'): %s", mr_connector_names());
        return NULL;
    }
    const mr_connector *connector = mr_connector_find(option->value.text);
    if (connector != NULL)
        return connector;
    mr_diagnostics_report(diagnostics, MR_E_UNKNOWN_CONNECTOR, option->value.span,
                          "unknown connector `%s`", option->value.text);
    const char *nearest = mr_connector_nearest(option->value.text);
    const char *refusal = mr_connector_refusal(option->value.text);
    if (refusal == NULL && nearest != NULL)
        mr_diagnostics_label(diagnostics, "did you mean `%s`?", nearest);
    if (refusal != NULL)
        mr_diagnostics_hint(diagnostics, "%s", refusal);
    else
        mr_diagnostics_hint(diagnostics, "there are %s", mr_connector_names());
    return NULL;
}

/* The specs of a format's options under `prefix`. */
static mr_option_specs format_specs(const mr_format *format, const char *prefix, mr_arena *arena)
{
    mr_option_spec *specs = mr_arena_zalloc(arena, format->options_count, sizeof *specs);
    for (uint32_t i = 0; i < format->options_count; i++)
        specs[i] = (mr_option_spec){.name = mr_arena_printf(arena, "%s%s.%s", prefix, format->name,
                                                            format->options[i].name),
                                    .kind = MR_SETTING_STRING,
                                    .description = format->options[i].help};
    return (mr_option_specs){.items = specs, .count = format->options_count};
}

/* A format named by one of two options; NULL with *is_bad: reported. */
static const mr_format *read_format(const mr_ast_create_table *ast, const char *key,
                                    const char *other, mr_diagnostics *diagnostics, bool *is_bad)
{
    const mr_ast_option *option = given(ast, key);
    if (option == NULL && other != NULL)
        option = given(ast, other);
    if (option == NULL)
        return NULL;
    const mr_format *format = mr_format_find(option->value.text);
    if (format != NULL)
        return format;
    *is_bad = true;
    uint32_t count;
    const mr_format *const *all = mr_format_all(&count);
    const char *names[16];
    mr_buffer list = {0};
    for (uint32_t i = 0; i < count && i < 16; i++) {
        names[i] = all[i]->name;
        mr_buffer_printf(&list, "%s%s", i > 0 ? ", " : "", all[i]->name);
    }
    mr_diagnostics_report(diagnostics, MR_E_UNKNOWN_FORMAT, option->value.span,
                          "unknown format `%s`", option->value.text);
    const char *nearest = mr_suggest(option->value.text, names, count < 16 ? count : 16);
    if (nearest != NULL)
        mr_diagnostics_label(diagnostics, "did you mean `%s`?", nearest);
    mr_diagnostics_hint(diagnostics, "there are %.*s", (int)list.length, list.data);
    mr_buffer_release(&list);
    return NULL;
}

/* Options of the format that the table sets, each under one of its names. */
static bool read_format_use(const mr_table *table, const mr_format *format, const char *prefix,
                            mr_format_use *use, mr_arena *arena, mr_diagnostics *diagnostics)
{
    if (format == NULL)
        return true;
    mr_format_setting *settings =
        mr_arena_zalloc(arena, format->options_count * 2U, sizeof *settings);
    *use = (mr_format_use){.format = format, .settings = settings};
    bool is_good = true;
    for (uint32_t i = 0; i < format->options_count * 2U; i++) {
        const mr_format_option *known = &format->options[i / 2];
        const char *key =
            mr_arena_printf(arena, "%s%s.%s", i % 2 == 0 ? "" : prefix, format->name, known->name);
        const mr_option *option = mr_options_find(&table->options, key);
        if (option == NULL)
            continue;
        mr_error err;
        if (mr_format_check_value(known, option->text, &err) != MR_OK) {
            mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span, "%s",
                                  err.message);
            is_good = false;
        }
        settings[use->settings_count++] =
            (mr_format_setting){.name = known->name, .value = option->text};
    }
    if (format->needs != NULL && mr_format_value(use, format->needs) == NULL) {
        /* As the table itself spells its format's options. */
        bool is_key = strcmp(prefix, "key.") == 0;
        const char *key = mr_arena_printf(
            arena, "%s%s.%s", is_key || given(table->ast, "format") == NULL ? prefix : "",
            format->name, format->needs);
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                              "format `%s` needs the option '%s'", format->name, key);
        mr_diagnostics_hint(diagnostics, "add '%s' = '%s'", key, format->needs_example);
        is_good = false;
    }
    return is_good;
}

/* Reads all options of the table with its connector's and formats' lists. */
static bool read_options(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    const mr_ast_create_table *ast = table->ast;
    bool is_bad = false;
    const mr_format *value = NULL, *key = NULL;
    if (table->connector->has_format) {
        value = read_format(ast, "value.format", "format", diagnostics, &is_bad);
        key = read_format(ast, "key.format", NULL, diagnostics, &is_bad);
    }
    mr_option_specs lists[LISTS_MAX] = {table->connector->specs, mr_connector_common_specs()};
    size_t count = 2;
    if (table->connector->is_source)
        lists[count++] = mr_connector_source_specs();
    if (table->connector->has_format)
        lists[count++] = mr_connector_format_specs();
    mr_option_spec *formats = mr_arena_zalloc(arena, FORMAT_OPTIONS_MAX, sizeof *formats);
    mr_option_specs of_formats = {.items = formats, .count = 0};
    const struct {
        const mr_format *format;
        const char *prefix;
    } uses[] = {{value, ""}, {value, "value."}, {key, ""}, {key, "key."}};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; uses[i].format != NULL && j < uses[i].format->options_count &&
                           of_formats.count < FORMAT_OPTIONS_MAX;
             j++)
            formats[of_formats.count++] =
                format_specs(uses[i].format, uses[i].prefix, arena).items[j];
    lists[count++] = of_formats;
    mr_option_reading reading = {
        .arena = arena,
        .diagnostics = diagnostics,
        .lists = lists,
        .lists_count = count,
        .owner = mr_arena_printf(arena, "connector `%s`", table->connector->name),
        .unknown = MR_E_UNKNOWN_OPTION};
    table->options = mr_options_read(&reading, ast->options, ast->options_count);
    is_bad |= !read_format_use(table, value, "value.", &table->value_format, arena, diagnostics);
    is_bad |= !read_format_use(table, key, "key.", &table->key_format, arena, diagnostics);
    return !is_bad && table->options.count == ast->options_count;
}

static void make_not_null(mr_table *table, const mr_ast_name *name, mr_diagnostics *diagnostics)
{
    uint32_t column = mr_table_column_find(table, name->text);
    if (column == UINT32_MAX || table->columns[column].kind != MR_AST_COLUMN_PHYSICAL) {
        mr_diagnostics_report(diagnostics, MR_E_PRIMARY_KEY, name->span,
                              "the primary key names `%s`, which is no physical column",
                              name->text);
        return;
    }
    table->columns[column].type.is_nullable = false;
}

static void read_primary_key(mr_table *table, mr_diagnostics *diagnostics)
{
    const mr_ast_primary_key *key = &table->ast->primary_key;
    for (uint32_t i = 0; i < key->columns.count; i++)
        make_not_null(table, &key->columns.items[i], diagnostics);
    if (key->columns.count > 0 && table->connector->kind == MR_CONNECTOR_KAFKA) {
        mr_diagnostics_report(diagnostics, MR_E_PRIMARY_KEY, key->span,
                              "a `kafka` table is append-only and takes no primary key");
        mr_diagnostics_hint(diagnostics, "the record key is 'key.fields' = 'a;b' together with "
                                         "'key.format'");
    }
}

mr_table *mr_table_read(const mr_ast_create_table *ast, mr_arena *arena,
                        mr_diagnostics *diagnostics)
{
    const mr_connector *connector = read_connector(ast, diagnostics);
    if (connector == NULL)
        return NULL;
    mr_table *table = mr_arena_zalloc(arena, 1, sizeof *table);
    *table =
        (mr_table){.name = mr_path_text(&ast->name, arena), .ast = ast, .connector = connector};
    bool is_good = mr_columns_read(table, arena, diagnostics);
    bool options_are_good = read_options(table, arena, diagnostics);
    if (connector->kind == MR_CONNECTOR_DATAGEN)
        options_are_good &= mr_generated_check(table, diagnostics);
    read_primary_key(table, diagnostics);
    mr_policies_read(table, arena, diagnostics);
    count_widths(table);
    mr_layout_read(table, arena);
    if (ast->partitioned_by.count > 0) {
        mr_diagnostics_report(diagnostics, MR_E_UNSUPPORTED_QUERY,
                              ast->partitioned_by.items[0].span,
                              "PARTITIONED BY folders are not supported yet");
        is_good = false;
    }
    if (!options_are_good)
        table->is_source_checked = table->is_sink_checked = true; /* enough was said */
    table->is_source_good = table->is_sink_good = true;
    return is_good ? table : NULL;
}
