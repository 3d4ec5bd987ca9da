#include "jobs/plan/options/settings.h"

#include "jobs/plan/options/environment.h"
#include "jobs/plan/options/read.h"

#include <string.h>

#define MEMORY_LEAST (INT64_C(64) << 20)

static const mr_option_spec specs[] = {
    {"pipeline.name", MR_SETTING_STRING, NULL, NULL, "name of the job, where --name is not given"},
    {"execution.checkpointing.interval", MR_SETTING_DURATION, "1 s", NULL, "commit interval"},
    {"execution.checkpointing.dir", MR_SETTING_STRING, NULL, NULL,
     "blob store for checkpoints, file:///folder or s3://bucket/prefix; without it there are none"},
    {"state.checkpoints.dir", MR_SETTING_STRING, NULL, NULL,
     "the same as execution.checkpointing.dir"},
    {"execution.checkpointing.durable-interval", MR_SETTING_DURATION, "10 min", NULL,
     "time between two checkpoints of a task"},
    {"execution.checkpointing.num-retained", MR_SETTING_INT, "3", NULL,
     "checkpoints of a task that are kept"},
    {"execution.checkpointing.max-age", MR_SETTING_DURATION, "0", NULL,
     "how long they are kept, the newest excepted; 0: for ever"},
    {"execution.checkpointing.grace-period", MR_SETTING_DURATION, "1 h", NULL,
     "after how long the files of one that is not kept are removed"},
    {"execution.guarantee", MR_SETTING_ENUM, "exactly-once", "exactly-once|at-least-once|none",
     "what a reader of the outputs may rely on"},
    {"execution.pipelined-commit", MR_SETTING_BOOL, "true", NULL,
     "whether an epoch is processed while the one before it is decided; exactly-once only"},
    {"transaction.timeout", MR_SETTING_DURATION, "10 s", NULL,
     "after how long the broker aborts a dead worker's transaction"},
    {"table.local-time-zone", MR_SETTING_STRING, "UTC", NULL, "zone of TIMESTAMP_LTZ"},
    {"parallelism.default", MR_SETTING_INT, "1", NULL, "tasks of each stage of a job"},
    {"table.exec.source.idle-timeout", MR_SETTING_DURATION, "0", NULL,
     "when a silent input stops holding the watermark; 0: never"},
    {"table.exec.state.ttl", MR_SETTING_DURATION, "0", NULL,
     "how long a key of unbounded state is kept, in event time; 0: for ever"},
    {"sql.state-ttl", MR_SETTING_DURATION, "0", NULL, "the same as table.exec.state.ttl"},
    {"taskmanager.memory.process.size", MR_SETTING_MEMORY, NULL, NULL,
     "memory of the job in one process, 64 mb at least; half of the machine's by default"},
    {"state.unbounded", MR_SETTING_ENUM, "allow", "allow|forbid",
     "whether state that nothing bounds is refused"},
    {"execution.runtime-mode", MR_SETTING_ENUM, "streaming", "streaming|batch", "streaming only"},
    {"table.exec.mini-batch.*", MR_SETTING_IGNORED, NULL, NULL, "batches exist anyway"},
    {"table.optimizer.*", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
    {"table.exec.sink.not-null-enforcer", MR_SETTING_IGNORED, NULL, NULL,
     "a table's 'errors.mode' decides"},
    {"sql-client.*", MR_SETTING_IGNORED, NULL, NULL, "of an interactive shell"},
    {"state.savepoints.dir", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
    {"execution.savepoint.path", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
    {"restart-strategy*", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
    {"state.backend*", MR_SETTING_IGNORED, NULL, NULL, "state lives in RocksDB and the state log"},
    {"execution.checkpointing.*", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
};

mr_option_specs mr_settings_specs(void)
{
    return (mr_option_specs){.items = specs, .count = sizeof specs / sizeof *specs};
}

/* One setting on its way to be read. */
typedef struct given {
    mr_ast_option option;
    mr_setting_origin origin;
    const char *variable;
} given;

typedef struct givens {
    given *items;
    uint32_t count;
} givens;

/* Adds one, replacing an earlier one of the same key: the later wins. */
static void put(givens *list, given one)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].option.key.text, one.option.key.text) == 0) {
            list->items[i] = one;
            return;
        }
    list->items[list->count++] = one;
}

/* RESET ['key'] */
static void take_back(givens *list, const char *key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (key != NULL && strcmp(list->items[i].option.key.text, key) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static mr_ast_option option_of(const char *key, const char *value)
{
    return (mr_ast_option){.key = {.text = key, .length = strlen(key)},
                           .value = {.text = value, .length = strlen(value)}};
}

/* Nobody else's script is to blame for a key of the command line or the environment. */
static void refuse(const char *where, const char *key, const char *meant,
                   mr_diagnostics *diagnostics)
{
    mr_option_specs known = mr_settings_specs();
    mr_diagnostics_report(diagnostics, MR_E_UNKNOWN_SETTING, (mr_span){0},
                          "%s: a job has no setting `%s`", where, key);
    const char *nearest = meant != NULL ? meant : mr_option_nearest(&known, 1, key);
    if (nearest != NULL)
        mr_diagnostics_hint(diagnostics, "did you mean `%s`?", nearest);
    else
        mr_diagnostics_hint(diagnostics, "`millrace config` lists all");
}

static void collect_environment(const mr_setting_sources *sources, mr_arena *arena, givens *list,
                                mr_diagnostics *diagnostics)
{
    mr_option_specs known = mr_settings_specs();
    const mr_environment_setting *items;
    uint32_t count = mr_environment_settings(sources->environment, &known, arena, &items);
    for (uint32_t i = 0; i < count; i++)
        if (items[i].meant != NULL || mr_option_spec_of(&known, 1, items[i].key) == NULL)
            refuse(items[i].variable, items[i].key, items[i].meant, diagnostics);
        else
            put(list, (given){.option = option_of(items[i].key, items[i].value),
                              .origin = MR_SETTING_BY_ENVIRONMENT,
                              .variable = items[i].variable});
}

static void collect_flags(const mr_setting_sources *sources, mr_arena *arena, givens *list,
                          mr_diagnostics *diagnostics)
{
    mr_option_specs known = mr_settings_specs();
    for (uint32_t i = 0; i < sources->flags_count; i++) {
        const char *text = sources->flags[i], *equals = strchr(text, '=');
        size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
        const char *key = mr_arena_string(arena, text, length);
        if (mr_option_spec_of(&known, 1, key) == NULL)
            refuse("-D", key, NULL, diagnostics);
        else
            put(list, (given){.option = option_of(key, equals != NULL ? equals + 1 : ""),
                              .origin = MR_SETTING_BY_FLAG});
    }
}

static givens collect(const mr_ast_script *script, const mr_setting_sources *sources,
                      mr_arena *arena, mr_diagnostics *diagnostics)
{
    uint32_t room = script->count + sources->flags_count;
    for (uint32_t i = 0; sources->environment != NULL && sources->environment[i] != NULL; i++)
        room++;
    givens list = {.items = mr_arena_zalloc(arena, room + 1, sizeof *list.items)};
    for (uint32_t i = 0; i < script->count; i++) {
        const mr_ast_statement *statement = script->statements[i];
        if (statement->kind == MR_AST_SET)
            put(&list, (given){.option = statement->setting, .origin = MR_SETTING_BY_SCRIPT});
        else if (statement->kind == MR_AST_RESET)
            take_back(&list, statement->setting.key.text);
    }
    collect_environment(sources, arena, &list, diagnostics);
    collect_flags(sources, arena, &list, diagnostics);
    return list;
}

/* What was understood of the list, with where it came from. */
static mr_options read_givens(const mr_option_reading *reading, const givens *list,
                              mr_settings *settings)
{
    mr_ast_option *plain = mr_arena_alloc(reading->arena, (list->count + 1) * sizeof *plain);
    for (uint32_t i = 0; i < list->count; i++)
        plain[i] = list->items[i].option;
    mr_options options = mr_options_read(reading, plain, list->count);
    mr_setting_value *values = mr_arena_zalloc(reading->arena, options.count + 1, sizeof *values);
    for (uint32_t i = 0; i < options.count; i++) {
        uint32_t g = 0;
        while (strcmp(list->items[g].option.key.text, options.items[i].key) != 0)
            g++;
        values[i] = (mr_setting_value){.option = &options.items[i],
                                       .origin = list->items[g].origin,
                                       .variable = list->items[g].variable};
    }
    settings->values = values;
    settings->values_count = options.count;
    return options;
}

static void note_ignored(const mr_options *options, mr_diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const mr_option *option = &options->items[i];
        if (option->spec->kind != MR_SETTING_IGNORED ||
            strncmp(option->key, "sql-client.", 11) == 0)
            continue;
        mr_diagnostics_report(diagnostics, MR_N_SETTING_IGNORED, option->key_span,
                              "setting `%s` has no effect here", option->key);
        mr_diagnostics_label(diagnostics, "%s", option->spec->description);
    }
}

/* Ranges that a kind alone does not say. */
static void check(const mr_options *options, const mr_settings *settings,
                  mr_diagnostics *diagnostics)
{
    const mr_option *option = mr_options_find(options, "execution.runtime-mode");
    if (option != NULL && option->number == 1)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "there is no batch mode");
    option = mr_options_find(options, "parallelism.default");
    if (option != NULL && (option->number < 1 || option->number > 1024))
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "`parallelism.default` is 1 to 1024");
    option = mr_options_find(options, "execution.checkpointing.interval");
    if (option != NULL && (option->number < 1 || option->number > 3600000))
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "the commit interval is 1 ms to 1 h");
    option = mr_options_find(options, "execution.checkpointing.num-retained");
    if (option != NULL && (option->number < 1 || option->number > 10000))
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "`execution.checkpointing.num-retained` is 1 to 10000");
    option = mr_options_find(options, "execution.checkpointing.durable-interval");
    if (option != NULL && option->number < 100)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "`execution.checkpointing.durable-interval` is 100 ms at least");
    option = mr_options_find(options, "transaction.timeout");
    if (option != NULL && (option->number < 1000 || option->number > 900000))
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "`transaction.timeout` is 1 s to 15 min");
    option = mr_options_find(options, "taskmanager.memory.process.size");
    if (option != NULL && option->number < MEMORY_LEAST)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                              "`taskmanager.memory.process.size` is 64 mb at least");
    option = mr_options_find(options, "execution.checkpointing.interval");
    if (option != NULL && settings->commit_interval_ms < option->number) {
        mr_diagnostics_report(diagnostics, MR_N_SETTING_IGNORED, option->value_span,
                              "the commit interval is capped at %lld ms",
                              (long long)settings->commit_interval_ms);
        mr_diagnostics_label(diagnostics, "half of `transaction.timeout`");
    }
}

mr_settings mr_settings_read(const mr_ast_script *script, const mr_setting_sources *sources,
                             mr_arena *arena, mr_diagnostics *diagnostics)
{
    givens list = collect(script, sources, arena, diagnostics);
    mr_option_specs known = mr_settings_specs();
    mr_option_reading reading = {.arena = arena,
                                 .diagnostics = diagnostics,
                                 .lists = &known,
                                 .lists_count = 1,
                                 .owner = "a job",
                                 .unknown = MR_W_UNKNOWN_SETTING};
    mr_settings found = {0};
    mr_options options = read_givens(&reading, &list, &found);
    const mr_option *guarantee = mr_options_find(&options, "execution.guarantee");
    const mr_option *zone = mr_options_find(&options, "table.local-time-zone");
    int64_t timeout = mr_options_number(&options, "transaction.timeout", 10000);
    int64_t interval = mr_options_number(&options, "execution.checkpointing.interval", 1000);
    mr_settings settings = {
        .values = found.values,
        .values_count = found.values_count,
        .name = mr_options_text(&options, "pipeline.name", NULL),
        .commit_interval_ms = interval > timeout / 2 ? timeout / 2 : interval,
        .transaction_timeout_ms = (int32_t)timeout,
        .checkpoints_address =
            mr_options_text(&options, "execution.checkpointing.dir",
                            mr_options_text(&options, "state.checkpoints.dir", NULL)),
        .checkpoints_interval_ms =
            mr_options_number(&options, "execution.checkpointing.durable-interval", 600000),
        .checkpoints_kept =
            (uint32_t)mr_options_number(&options, "execution.checkpointing.num-retained", 3),
        .checkpoints_age_ms = mr_options_number(&options, "execution.checkpointing.max-age", 0),
        .checkpoints_grace_ms =
            mr_options_number(&options, "execution.checkpointing.grace-period", 3600000),
        .is_pipelined = mr_options_number(&options, "execution.pipelined-commit", 1) == 1,
        .zone_name = mr_options_text(&options, "table.local-time-zone", NULL),
        .parallelism = (uint32_t)mr_options_number(&options, "parallelism.default", 1),
        .idle_timeout_ms = mr_options_number(&options, "table.exec.source.idle-timeout", 0),
        .memory_bytes = mr_options_number(&options, "taskmanager.memory.process.size", 0),
        .state_ttl_ms = mr_options_number(&options, "table.exec.state.ttl",
                                          mr_options_number(&options, "sql.state-ttl", 0)),
        .guarantee = guarantee != NULL ? (mr_guarantee)guarantee->number : MR_EXACTLY_ONCE,
        .has_guarantee = guarantee != NULL,
        .zone_span = zone != NULL ? zone->value_span : (mr_span){0},
        .forbids_unbounded_state = mr_options_number(&options, "state.unbounded", 0) == 1,
    };
    note_ignored(&options, diagnostics);
    check(&options, &settings, diagnostics);
    return settings;
}
