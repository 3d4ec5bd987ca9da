/* What must hold when a table is read or written; checked on first use. */
#include "jobs/plan/catalog/table.h"

static bool missing(const mr_table *table, const char *key, const char *example,
                    mr_diagnostics *diagnostics)
{
    mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                          "table `%s` needs the option '%s'", table->name, key);
    mr_diagnostics_hint(diagnostics, "add '%s' = '%s'", key, example);
    return false;
}

/* What reading and writing have in common. */
static bool check_common(const mr_table *table, mr_diagnostics *diagnostics)
{
    bool is_good = true;
    if (table->connector->has_format && table->value_format.format == NULL)
        is_good = missing(table, "format", "json", diagnostics);
    if (table->connector->kind == MR_CONNECTOR_FILESYSTEM &&
        mr_options_find(&table->options, "path") == NULL)
        is_good = missing(table, "path", "rows.jsonl", diagnostics);
    if (table->connector->kind != MR_CONNECTOR_KAFKA)
        return is_good;
    if (table->topics_count == 0)
        is_good = missing(table, "topic", "a-topic", diagnostics);
    if (mr_options_find(&table->options, "properties.bootstrap.servers") == NULL)
        is_good = missing(table, "properties.bootstrap.servers", "localhost:9092", diagnostics);
    return is_good;
}

static bool refuse(const mr_table *table, mr_code code, mr_span span, const char *what,
                   mr_diagnostics *diagnostics)
{
    mr_diagnostics_report(diagnostics, code, span, "table `%s` (connector `%s`) cannot be %s",
                          table->name, table->connector->name, what);
    return false;
}

static bool check_source(const mr_table *table, mr_span span, mr_diagnostics *diagnostics)
{
    if (!table->connector->is_source)
        return refuse(table, MR_E_NOT_A_SOURCE, span, "read", diagnostics);
    bool is_good = check_common(table, diagnostics);
    if (table->connector->kind == MR_CONNECTOR_KAFKA &&
        table->start.mode == MR_START_GROUP_OFFSETS && table->start.group == NULL) {
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                              "table `%s` starts from a group's offsets, and names no group",
                              table->name);
        mr_diagnostics_hint(diagnostics, "add 'scan.startup.mode' = 'earliest-offset', or "
                                         "'properties.group.id' = '..'");
        is_good = false;
    }
    return is_good;
}

/* One row of a sink is one value per column: a ROW cannot be written, nor what the broker or the
 * key decides about a record. */
static bool check_sink_columns(const mr_table *table, mr_diagnostics *diagnostics)
{
    bool is_good = true;
    for (uint32_t i = 0; i < table->columns_count; i++) {
        const mr_table_column *column = &table->columns[i];
        if (column->type.kind == MR_TYPE_ROW) {
            mr_diagnostics_report(diagnostics, MR_E_WHOLE_ROW, column->span,
                                  "column `%s` is a ROW, which cannot be written yet",
                                  column->name);
            is_good = false;
        }
        if (column->kind == MR_AST_COLUMN_METADATA && !column->is_virtual &&
            !mr_metadata_is_writable(column->metadata)) {
            mr_diagnostics_report(diagnostics, MR_E_METADATA_COLUMN, column->span,
                                  "metadata `%s` cannot be written", column->name);
            mr_diagnostics_label(diagnostics, "add VIRTUAL to leave it out of what is written");
            mr_diagnostics_hint(diagnostics, "timestamp and headers can be written");
            is_good = false;
        }
    }
    return is_good;
}

static bool check_sink(const mr_table *table, mr_span span, mr_diagnostics *diagnostics)
{
    if (!table->connector->is_sink)
        return refuse(table, MR_E_NOT_A_SINK, span, "written", diagnostics);
    bool is_good = check_common(table, diagnostics) && check_sink_columns(table, diagnostics);
    const mr_option *partitioner = mr_options_find(&table->options, "sink.partitioner");
    if (partitioner != NULL && partitioner->number != 0) {
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, partitioner->value_span,
                              "partitioner `%s` is not supported yet", partitioner->text);
        mr_diagnostics_hint(diagnostics, "`default` goes by the key, and spreads rows without one");
        is_good = false;
    }
    if (table->topics_count > 1) {
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE,
                              mr_options_find(&table->options, "topic")->value_span,
                              "a table that is written to has one topic");
        is_good = false;
    }
    return is_good;
}

bool mr_table_check_source(mr_table *table, mr_span span, mr_diagnostics *diagnostics)
{
    if (!table->is_source_checked)
        table->is_source_good = check_source(table, span, diagnostics);
    table->is_source_checked = true;
    return table->is_source_good;
}

bool mr_table_check_sink(mr_table *table, mr_span span, mr_diagnostics *diagnostics)
{
    if (!table->is_sink_checked)
        table->is_sink_good = check_sink(table, span, diagnostics);
    table->is_sink_checked = true;
    return table->is_sink_good;
}
