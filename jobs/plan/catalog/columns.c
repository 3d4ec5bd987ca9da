#include "jobs/plan/catalog/columns.h"

#include "jobs/sql/suggest.h"

#include <string.h>

typedef struct metadata_row {
    const char *key;
    mr_metadata which;
    mr_type_kind kind, other; /* the types it may have */
    const char *type_name;
} metadata_row;

static const metadata_row metadata_rows[] = {
    {"topic", MR_METADATA_TOPIC, MR_TYPE_VARCHAR, MR_TYPE_VARCHAR, "STRING"},
    {"partition", MR_METADATA_PARTITION, MR_TYPE_INT, MR_TYPE_BIGINT, "INT or BIGINT"},
    {"offset", MR_METADATA_OFFSET, MR_TYPE_BIGINT, MR_TYPE_BIGINT, "BIGINT"},
    {"timestamp", MR_METADATA_TIMESTAMP, MR_TYPE_TIMESTAMP_LTZ, MR_TYPE_TIMESTAMP,
     "TIMESTAMP_LTZ(3) or TIMESTAMP(3)"},
    {"timestamp-type", MR_METADATA_TIMESTAMP_TYPE, MR_TYPE_VARCHAR, MR_TYPE_VARCHAR, "STRING"},
    {"key", MR_METADATA_KEY, MR_TYPE_VARBINARY, MR_TYPE_VARBINARY, "BYTES"},
    {"headers", MR_METADATA_HEADERS, MR_TYPE_VARCHAR, MR_TYPE_VARCHAR, "STRING"},
};
#define METADATA_ROWS (sizeof metadata_rows / sizeof *metadata_rows)

/* A type that a column can have; ROW fields likewise. */
static bool check_type(const mr_ast_type *type, mr_diagnostics *diagnostics)
{
    if (type->form == MR_AST_TYPE_ROW) {
        bool is_good = true;
        for (uint32_t i = 0; i < type->fields_count; i++)
            is_good &= check_type(type->fields[i].type, diagnostics);
        return is_good;
    }
    if (type->form != MR_AST_TYPE_SCALAR) {
        mr_diagnostics_report(diagnostics, MR_E_UNSUPPORTED_TYPE, type->span,
                              "ARRAY, MAP and MULTISET columns are not supported yet");
        mr_diagnostics_label(diagnostics, "leave the column out: what nobody reads is skipped");
        return false;
    }
    mr_type scalar = type->scalar;
    if (scalar.kind == MR_TYPE_INTERVAL_MONTH || scalar.kind == MR_TYPE_INTERVAL_SECOND) {
        mr_diagnostics_report(diagnostics, MR_E_UNSUPPORTED_TYPE, type->span,
                              "a column cannot be an INTERVAL");
        return false;
    }
    if (mr_type_is_timestamp(scalar) && scalar.precision > 6) {
        mr_diagnostics_report(diagnostics, MR_E_UNSUPPORTED_TYPE, type->span,
                              "timestamps have at most 6 fractional digits");
        mr_diagnostics_label(diagnostics, "write 6 or less");
        return false;
    }
    return true;
}

static mr_type type_of(const mr_ast_type *type)
{
    if (type->form == MR_AST_TYPE_ROW)
        return (mr_type){.kind = MR_TYPE_ROW, .is_nullable = !type->is_not_null};
    return type->scalar;
}

static const char *metadata_nearest(const char *key)
{
    const char *names[METADATA_ROWS];
    for (size_t i = 0; i < METADATA_ROWS; i++)
        names[i] = metadata_rows[i].key;
    return mr_suggest(key, names, METADATA_ROWS);
}

static bool read_metadata(const mr_table *table, const mr_ast_column *ast, mr_table_column *column,
                          mr_diagnostics *diagnostics)
{
    bool has_key = ast->metadata_key.text != NULL;
    const char *key = has_key ? ast->metadata_key.text : ast->name.text;
    mr_span span = has_key ? ast->metadata_key.span : ast->name.span;
    column->is_virtual = ast->is_virtual;
    if (table->connector->kind != MR_CONNECTOR_KAFKA) {
        mr_diagnostics_report(diagnostics, MR_E_METADATA_COLUMN, ast->span,
                              "connector `%s` has no metadata", table->connector->name);
        return false;
    }
    for (size_t i = 0; i < METADATA_ROWS; i++) {
        const metadata_row *row = &metadata_rows[i];
        if (strcmp(row->key, key) != 0)
            continue;
        column->metadata = row->which;
        if (column->type.kind == row->kind || column->type.kind == row->other)
            return true;
        char name[MR_TYPE_NAME_MAX];
        mr_diagnostics_report(diagnostics, MR_E_METADATA_COLUMN, ast->type->span,
                              "metadata `%s` is no %s", key,
                              mr_type_name(column->type, name, sizeof name));
        mr_diagnostics_label(diagnostics, "it is %s", row->type_name);
        return false;
    }
    mr_diagnostics_report(diagnostics, MR_E_METADATA_COLUMN, span,
                          "connector `%s` has no metadata `%s`", table->connector->name, key);
    const char *nearest = metadata_nearest(key);
    if (nearest != NULL)
        mr_diagnostics_label(diagnostics, "did you mean `%s`?", nearest);
    mr_diagnostics_hint(diagnostics, "there are topic, partition, offset, timestamp, "
                                     "timestamp-type, key, headers");
    return false;
}

/* Flink's type of the headers. */
static bool is_map_of_headers(const mr_ast_column *ast)
{
    const char *key = ast->metadata_key.text != NULL ? ast->metadata_key.text : ast->name.text;
    return ast->kind == MR_AST_COLUMN_METADATA && ast->type->form == MR_AST_TYPE_MAP &&
           strcmp(key, "headers") == 0;
}

static bool read_column(const mr_table *table, const mr_ast_column *ast, mr_table_column *column,
                        mr_diagnostics *diagnostics)
{
    *column = (mr_table_column){.name = ast->name.text,
                                .span = ast->name.span,
                                .kind = ast->kind,
                                .shape = ast->type,
                                .expr = ast->expr};
    if (ast->kind == MR_AST_COLUMN_COMPUTED)
        return true;
    column->type = type_of(ast->type);
    if (is_map_of_headers(ast)) {
        mr_diagnostics_report(diagnostics, MR_E_UNSUPPORTED_TYPE, ast->type->span,
                              "metadata `headers` is no MAP yet");
        mr_diagnostics_label(diagnostics, "write STRING: a JSON object of them");
        return false;
    }
    if (!check_type(ast->type, diagnostics))
        return false;
    return ast->kind != MR_AST_COLUMN_METADATA || read_metadata(table, ast, column, diagnostics);
}

bool mr_columns_read(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    const mr_ast_create_table *ast = table->ast;
    bool is_good = true;
    table->columns = mr_arena_zalloc(arena, ast->columns_count, sizeof *table->columns);
    for (uint32_t i = 0; i < ast->columns_count; i++) {
        mr_table_column *column = &table->columns[i];
        if (mr_table_column_find(table, ast->columns[i].name.text) != UINT32_MAX) {
            mr_diagnostics_report(diagnostics, MR_E_DUPLICATE_COLUMN, ast->columns[i].name.span,
                                  "column `%s` is defined twice", ast->columns[i].name.text);
            is_good = false;
        }
        is_good &= read_column(table, &ast->columns[i], column, diagnostics);
        table->columns_count = i + 1;
    }
    return is_good;
}
