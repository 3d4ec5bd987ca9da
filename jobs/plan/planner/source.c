/* TABLE relations to the plan's sources. */
#include "connectors/local/datagen.h"
#include "connectors/local/files/reader.h"
#include "jobs/plan/planner/codec.h"
#include "jobs/plan/planner/planner.h"

#include <stdlib.h>
#include <string.h>

#define DRIFT_MS (60 * 1000)
#define SKEW_LTZ_MS (5 * 60 * 1000)
#define SKEW_LOCAL_MS (24 * 60 * 60 * 1000)

/* A source being laid out: decoded and metadata columns first, computed ones behind. */
typedef struct layout {
    mr_source_column *columns;
    mr_codec_column *decoded;
    uint32_t count, decoded_count;
    bool has_key_columns;
} layout;

/* The table column a leaf belongs to. */
static const mr_table_column *column_of(const mr_relation *relation, uint32_t i)
{
    return &relation->table
                ->columns[mr_table_column_find(relation->table, relation->columns[i].name)];
}

/* Read from the key where the value does not hold it too. */
static bool is_in_key(const mr_table *table, const mr_table_column *column)
{
    return column->is_key && table->key_format.format != NULL &&
           mr_options_number(&table->options, "value.fields-include", 0) == 1;
}

static const char *key_name(const mr_table *table, const char *name)
{
    const char *prefix = mr_options_text(&table->options, "key.fields-prefix", "");
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 ? name + length : name;
}

static void put_decoded(mr_planner *planner, const mr_relation *relation, uint32_t i, layout *to)
{
    const mr_relation_column *column = &relation->columns[i];
    const mr_table_column *own = column_of(relation, i);
    const char **path = mr_arena_zalloc(planner->arena, column->path_length + 1, sizeof *path);
    bool is_key = is_in_key(relation->table, own);
    uint32_t place =
        is_key ? own->key_place
               : mr_table_value_place(relation->table, (uint32_t)(own - relation->table->columns));
    path[0] = is_key ? key_name(relation->table, column->name) : column->name;
    for (uint32_t p = 0; p < column->path_length; p++)
        path[p + 1] = column->path[p];
    to->has_key_columns |= is_key;
    to->decoded[to->decoded_count] = (mr_codec_column){.part = is_key ? MR_PART_KEY : MR_PART_VALUE,
                                                       .path_length = column->path_length + 1,
                                                       .path = path,
                                                       .type = column->type,
                                                       .place = place};
    to->columns[to->count++] = (mr_source_column){
        .field = {.name = mr_relation_column_name(column, planner->arena), .type = column->type},
        .origin = MR_COLUMN_VALUE,
        .index = to->decoded_count++};
}

static layout lay_out(mr_planner *planner, const mr_relation *relation, mr_planned *planned)
{
    uint32_t all = relation->columns_count;
    layout made = {.columns = mr_arena_zalloc(planner->arena, all, sizeof *made.columns),
                   .decoded = mr_arena_zalloc(planner->arena, all, sizeof *made.decoded)};
    for (uint32_t i = 0; i < all; i++)
        planned->map[i] = -1;
    for (uint32_t i = 0; i < all; i++) {
        const mr_table_column *own = column_of(relation, i);
        if (!planned->needed[i] || own->kind == MR_AST_COLUMN_COMPUTED)
            continue;
        planned->map[i] = (int32_t)made.count;
        if (own->kind == MR_AST_COLUMN_PHYSICAL)
            put_decoded(planner, relation, i, &made);
        else
            made.columns[made.count++] = (mr_source_column){
                .field = {.name = relation->columns[i].name, .type = relation->columns[i].type},
                .origin = MR_COLUMN_METADATA,
                .index = own->metadata};
    }
    for (uint32_t i = 0; i < all; i++) {
        if (!planned->needed[i] || relation->exprs[i] == NULL)
            continue;
        mr_source_column column = {
            .field = {.name = relation->columns[i].name, .type = relation->columns[i].type},
            .origin = MR_COLUMN_COMPUTED,
            .expr = mr_plan_rewrite(planner, relation, relation->exprs[i])};
        planned->map[i] = (int32_t)made.count;
        made.columns[made.count++] = column;
    }
    return made;
}

static void report(mr_planner *planner, const mr_table *table, const mr_error *err)
{
    mr_diagnostics_report(planner->diagnostics, MR_E_OPTION_VALUE, table->ast->options_span,
                          "table `%s`: %s", table->name, err->message);
}

static void set_decoder(mr_planner *planner, const mr_table *table, const layout *columns,
                        mr_plan_source *source)
{
    mr_decoder_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    *config = (mr_decoder_config){.key = columns->has_key_columns ? &table->key_format : NULL,
                                  .value = &table->value_format,
                                  .columns = columns->decoded,
                                  .columns_count = columns->decoded_count};
    source->make_value = mr_make_decoder;
    source->codec_config = config;
    source->value_columns_count = columns->decoded_count;
    mr_decoder *decoder;
    mr_error err;
    if (mr_make_decoder(config, &decoder, &err) != MR_OK)
        report(planner, table, &err);
    else
        decoder->class->free(decoder);
}

static void set_file(mr_planner *planner, const mr_table *table, mr_plan_source *source)
{
    mr_file_reader_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    mr_reader_factory *factory = mr_arena_zalloc(planner->arena, 1, sizeof *factory);
    *config = (mr_file_reader_config){
        .path = mr_options_text(&table->options, "path", ""),
        .monitor_ms = mr_options_number(&table->options, "source.monitor-interval", 0),
        .make_splitter = mr_make_splitter,
        .splitter_config = &table->value_format};
    *factory = (mr_reader_factory){
        .splits = mr_file_reader_splits, .open = mr_file_reader_open, .config = config};
    source->reader = factory;
}

/* Options fields.NAME.* of one generated column. */
static mr_datagen_field datagen_field(const mr_planner *planner, const mr_table *table,
                                      const mr_codec_column *column)
{
    const char *name = column->path[0];
#define OPTION(what) mr_arena_printf(planner->arena, "fields.%s." what, name)
    const char *min = mr_options_text(&table->options, OPTION("min"), NULL);
    const char *max = mr_options_text(&table->options, OPTION("max"), NULL);
    mr_datagen_field field = {
        .type = column->type,
        .kind = (mr_datagen_kind)mr_options_number(&table->options, OPTION("kind"), 0),
        .min = min != NULL ? strtod(min, NULL) : 0,
        .max = max != NULL ? strtod(max, NULL) : 2147483647,
        .start = mr_options_number(&table->options, OPTION("start"), 0),
        .end = mr_options_number(&table->options, OPTION("end"), INT64_MAX),
        .length = (uint32_t)mr_options_number(&table->options, OPTION("length"), 100),
        .max_past_ms = mr_options_number(&table->options, OPTION("max-past"), 0)};
#undef OPTION
    if (max == NULL && column->type.kind == MR_TYPE_TINYINT)
        field.max = 127;
    if (max == NULL && column->type.kind == MR_TYPE_SMALLINT)
        field.max = 32767;
    return field;
}

static void set_datagen(mr_planner *planner, const mr_table *table, const layout *columns,
                        mr_plan_source *source)
{
    mr_datagen_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    mr_datagen_field *fields =
        mr_arena_zalloc(planner->arena, columns->decoded_count, sizeof *fields);
    for (uint32_t i = 0; i < columns->decoded_count; i++)
        fields[i] = datagen_field(planner, table, &columns->decoded[i]);
    *config = (mr_datagen_config){
        .rows_per_second = mr_options_number(&table->options, "rows-per-second", 10000),
        .rows_max = mr_options_number(&table->options, "number-of-rows", -1),
        .seed = 1,
        .start_ms = INT64_C(1704067200000), /* 2024-01-01: a re-run gives the same rows */
        .fields_count = columns->decoded_count,
        .fields = fields};
    mr_reader_factory *factory = mr_arena_zalloc(planner->arena, 1, sizeof *factory);
    *factory =
        (mr_reader_factory){.splits = mr_datagen_splits, .open = mr_datagen_open, .config = config};
    source->reader = factory;
    source->make_value = mr_datagen_decoder;
    source->codec_config = config;
    source->value_columns_count = columns->decoded_count;
}

static void set_time(mr_planner *planner, const mr_relation *relation, const mr_planned *planned,
                     mr_plan_source *source)
{
    const mr_options *options = &relation->table->options;
    int32_t time = mr_relation_time_column(relation);
    source->time_column = time >= 0 ? planned->map[time] : -1;
    source->guard.skew_max_ms = -1;
    source->idle_timeout_ms = mr_options_number(options, "scan.watermark.idle-timeout",
                                                planner->settings->idle_timeout_ms);
    if (time < 0)
        return;
    source->watermark = mr_plan_rewrite(planner, relation, relation->watermark);
    source->drift_max_ms =
        mr_options_number(options, "scan.watermark.alignment.max-drift", DRIFT_MS);
    source->alignment_group = mr_options_text(options, "scan.watermark.alignment.group", NULL);
    bool is_local = relation->columns[time].type.kind == MR_TYPE_TIMESTAMP_LTZ;
    int64_t skew = mr_options_number(options, "scan.watermark.max-future-skew",
                                     is_local ? SKEW_LTZ_MS : SKEW_LOCAL_MS);
    source->guard.skew_max_ms = skew > 0 ? skew : -1;
    source->guard_is_dead_letter =
        mr_options_number(options, "scan.watermark.max-future-skew.action", 0) == 1;
}

static void set_constraints(mr_planner *planner, const mr_relation *relation,
                            mr_plan_source *source)
{
    const mr_ast_create_table *ast = relation->table->ast;
    mr_constraint *constraints =
        mr_arena_zalloc(planner->arena, ast->constraints_count, sizeof *constraints);
    for (uint32_t i = 0; i < ast->constraints_count; i++) {
        const mr_ast_constraint *from = &ast->constraints[i];
        constraints[i] = (mr_constraint){
            .name = from->name.text != NULL ? from->name.text
                                            : mr_arena_printf(planner->arena, "check_%u", i + 1),
            .check = mr_plan_rewrite(planner, relation, relation->checks[i]),
            .on_violation = !from->has_action                       ? MR_VIOLATION_TABLE
                            : from->action == MR_AST_VIOLATION_DLQ  ? MR_VIOLATION_DLQ
                            : from->action == MR_AST_VIOLATION_DROP ? MR_VIOLATION_DROP
                            : from->action == MR_AST_VIOLATION_WARN ? MR_VIOLATION_WARN
                                                                    : MR_VIOLATION_FAIL};
    }
    source->constraints_count = ast->constraints_count;
    source->constraints = constraints;
}

/* The group has one position in a partition, so a topic has one table that reads it. */
static void check_topics(const mr_planner *planner, const mr_table *table)
{
    for (uint32_t s = 0; s < planner->sources_count; s++)
        for (uint32_t i = 0; i < planner->sources[s].topics_count; i++)
            for (uint32_t j = 0; j < table->topics_count; j++) {
                if (strcmp(planner->sources[s].topics[i], table->topics[j]) != 0)
                    continue;
                mr_diagnostics_report(planner->diagnostics, MR_E_OPTION_CONFLICT,
                                      mr_options_find(&table->options, "topic")->value_span,
                                      "topic `%s` is read by table `%s` already", table->topics[j],
                                      planner->sources[s].table);
                mr_diagnostics_hint(planner->diagnostics,
                                    "a job reads a topic through one table: give it all columns, "
                                    "and views over it what each query needs");
            }
}

static uint32_t add(mr_planner *planner, mr_plan_source source)
{
    if (planner->sources_count == planner->sources_capacity) {
        planner->sources_capacity =
            planner->sources_capacity == 0 ? 8 : planner->sources_capacity * 2;
        planner->sources =
            realloc(planner->sources, planner->sources_capacity * sizeof *planner->sources);
        if (planner->sources == NULL)
            abort();
    }
    planner->sources[planner->sources_count] = source;
    return planner->sources_count++;
}

void mr_plan_emit_source(mr_planner *planner, const mr_relation *relation)
{
    const mr_table *table = relation->table;
    mr_planned *planned = mr_planned_of(planner, relation);
    layout columns = lay_out(planner, relation, planned);
    mr_plan_source source = {.table = table->name,
                             .columns_count = columns.count,
                             .columns = columns.columns,
                             .start = table->start,
                             .bound = table->bound,
                             .errors = table->errors,
                             .partitioned_by =
                                 mr_options_text(&table->options, "partitioned-by", NULL)};
    switch (table->connector->kind) {
    case MR_CONNECTOR_DATAGEN: set_datagen(planner, table, &columns, &source); break;
    case MR_CONNECTOR_FILESYSTEM:
        set_file(planner, table, &source);
        set_decoder(planner, table, &columns, &source);
        break;
    default:
        check_topics(planner, table);
        source.topics = table->topics;
        source.topics_count = table->topics_count;
        planner->uses_log = true;
        set_decoder(planner, table, &columns, &source);
        break;
    }
    set_time(planner, relation, planned, &source);
    set_constraints(planner, relation, &source);
    planner->uses_log |= table->errors.mode == MR_ERRORS_DLQ;
    mr_field *fields = mr_arena_zalloc(planner->arena, columns.count, sizeof *fields);
    for (uint32_t i = 0; i < columns.count; i++)
        fields[i] = columns.columns[i].field;
    planned->schema = (mr_schema){.columns_count = columns.count, .columns = fields};
    planned->origin = (mr_origin){.kind = MR_ORIGIN_SOURCE_ROWS, .index = add(planner, source)};
}
