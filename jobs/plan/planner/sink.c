/* Bound INSERTs and SELECTs to the plan's sinks. */
#include "connectors/local/blackhole_sink.h"
#include "connectors/local/file_sink.h"
#include "connectors/local/log_sink.h"
#include "connectors/local/print_sink.h"
#include "jobs/plan/planner/codec.h"
#include "jobs/plan/planner/planner.h"

#include <stdlib.h>
#include <string.h>

/* Fields of the key, in the order of 'key.fields'. */
static void put_key_fields(const mr_table *table, mr_schema schema, mr_encoder_config *config,
                           mr_codec_field *fields)
{
    const char *prefix = mr_options_text(&table->options, "key.fields-prefix", "");
    if (table->key_format.format == NULL)
        return;
    for (uint32_t i = 0; i < schema.columns_count; i++) {
        const mr_field *field = &schema.columns[i];
        const mr_table_column *column = &table->columns[mr_table_column_find(table, field->name)];
        if (!column->is_key)
            continue;
        bool has_prefix = strncmp(field->name, prefix, strlen(prefix)) == 0;
        config->key = &table->key_format;
        config->fields_count++;
        fields[column->key_place] =
            (mr_codec_field){.part = MR_PART_KEY,
                             .column = i,
                             .name = field->name + (has_prefix ? strlen(prefix) : 0),
                             .type = column->type};
    }
}

/* Fields of key and value; those of the value in the order of the columns. Types are the table's: a
 * query's columns may be NOT NULL where the table's are not, and a schema made of them must not
 * hang on the query. */
static mr_encoder_config *encoder_of(mr_planner *planner, const mr_table *table, mr_schema schema)
{
    mr_encoder_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    mr_codec_field *fields =
        mr_arena_zalloc(planner->arena, schema.columns_count * 2U, sizeof *fields);
    bool leaves_keys_out = mr_options_number(&table->options, "value.fields-include", 0) == 1;
    *config = (mr_encoder_config){.value = &table->value_format, .fields = fields};
    put_key_fields(table, schema, config, fields);
    for (uint32_t i = 0; i < schema.columns_count; i++) {
        const mr_field *field = &schema.columns[i];
        const mr_table_column *column = &table->columns[mr_table_column_find(table, field->name)];
        if (column->kind == MR_AST_COLUMN_METADATA ||
            (config->key != NULL && column->is_key && leaves_keys_out))
            continue;
        fields[config->fields_count++] = (mr_codec_field){
            .part = MR_PART_VALUE, .column = i, .name = field->name, .type = column->type};
    }
    mr_encoder *encoder;
    mr_error err;
    if (mr_make_encoder(config, &encoder, &err) != MR_OK)
        mr_diagnostics_report(planner->diagnostics, MR_E_OPTION_VALUE, table->ast->options_span,
                              "table `%s`: %s", table->name, err.message);
    else
        encoder->class->free(encoder);
    return config;
}

static mr_own_columns own_of(const mr_table *table, mr_schema schema)
{
    mr_own_columns own = {0};
    for (uint32_t i = 0; i < schema.columns_count; i++) {
        const mr_table_column *column =
            &table->columns[mr_table_column_find(table, schema.columns[i].name)];
        if (column->kind != MR_AST_COLUMN_METADATA)
            continue;
        if (column->metadata == MR_METADATA_TIMESTAMP) {
            own.has_timestamp = true;
            own.timestamp = i;
        } else {
            own.has_headers = true;
            own.headers = i;
        }
    }
    return own;
}

static void set_log(mr_planner *planner, const mr_table *table, mr_plan_sink *sink)
{
    mr_log_sink_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    *config = (mr_log_sink_config){.topic = table->topics[0],
                                   .make_encoder = mr_make_encoder,
                                   .encoder_config = encoder_of(planner, table, sink->schema),
                                   .partition = MR_PARTITION_BY_KEY,
                                   .schema = sink->schema,
                                   .own = own_of(table, sink->schema)};
    sink->topic = table->topics[0];
    sink->open = mr_log_sink_open;
    sink->config = config;
    sink->is_transactional = true;
    planner->uses_log = true;
}

static void set_file(mr_planner *planner, const mr_table *table, mr_plan_sink *sink)
{
    mr_file_sink_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    *config = (mr_file_sink_config){.path = mr_options_text(&table->options, "path", ""),
                                    .make_encoder = mr_make_encoder,
                                    .encoder_config = encoder_of(planner, table, sink->schema),
                                    .schema = sink->schema};
    sink->open = mr_file_sink_open;
    sink->config = config;
}

static void set_print(mr_planner *planner, const mr_table *table, mr_plan_sink *sink)
{
    mr_print_sink_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    config->schema = sink->schema;
    if (table != NULL) {
        config->identifier = mr_options_text(&table->options, "print-identifier", NULL);
        config->is_error = mr_options_number(&table->options, "standard-error", 0) == 1;
    }
    sink->open = mr_print_sink_open;
    sink->config = config;
}

/* Where an input is not the table's own type but for NOT NULL, the sink checks each row. */
static mr_schema schema_of(mr_planner *planner, const mr_relation *input)
{
    mr_field *fields = mr_arena_zalloc(planner->arena, input->columns_count, sizeof *fields);
    for (uint32_t i = 0; i < input->columns_count; i++)
        fields[i] = (mr_field){.name = input->columns[i].name, .type = input->columns[i].type};
    return (mr_schema){.columns_count = input->columns_count, .columns = fields};
}

void mr_plan_emit_sink(mr_planner *planner, const mr_bound_sink *bound)
{
    const mr_relation *input = bound->input;
    const mr_table *table = bound->table;
    uint32_t *columns = mr_arena_zalloc(planner->arena, input->columns_count, sizeof *columns);
    for (uint32_t i = 0; i < input->columns_count; i++)
        columns[i] = i;
    mr_schema aligned;
    mr_plan_sink sink = {
        .table = table != NULL ? table->name : bound->id,
        .input = mr_plan_align(
            planner, input, columns, input->columns_count,
            table != NULL ? bound->id : mr_arena_printf(planner->arena, "%s/columns", bound->id),
            &aligned),
        .schema = schema_of(planner, input),
        .errors = table != NULL ? table->errors : input->errors};
    switch (table != NULL ? table->connector->kind : MR_CONNECTOR_PRINT) {
    case MR_CONNECTOR_KAFKA: set_log(planner, table, &sink); break;
    case MR_CONNECTOR_FILESYSTEM: set_file(planner, table, &sink); break;
    case MR_CONNECTOR_PRINT: set_print(planner, table, &sink); break;
    default: sink.open = mr_blackhole_sink_open; break;
    }
    planner->uses_log |= sink.errors.mode == MR_ERRORS_DLQ;
    if (planner->sinks_count == planner->sinks_capacity) {
        planner->sinks_capacity = planner->sinks_capacity == 0 ? 8 : planner->sinks_capacity * 2;
        planner->sinks = realloc(planner->sinks, planner->sinks_capacity * sizeof *planner->sinks);
        if (planner->sinks == NULL)
            abort();
    }
    planner->sinks[planner->sinks_count++] = sink;
}
