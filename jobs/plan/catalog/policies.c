#include "jobs/plan/catalog/policies.h"

#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MR_TOPIC_NAME_MAX 249 /* Kafka's */

/* Splits "a;b" into texts without blanks around them. */
static uint32_t split(const char *text, const char ***parts, mr_arena *arena)
{
    uint32_t count = 1, at = 0;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == ';';
    *parts = mr_arena_zalloc(arena, count, sizeof **parts);
    for (const char *start = text;; start++) {
        size_t length = strcspn(start, ";");
        const char *from = start, *to = start + length;
        while (from < to && *from == ' ')
            from++;
        while (to > from && to[-1] == ' ')
            to--;
        if (to > from)
            (*parts)[at++] = mr_arena_string(arena, from, (size_t)(to - from));
        start += length;
        if (*start == '\0')
            return at;
    }
}

/* Columns named by "a;b"; reports the ones that are none. */
static uint32_t column_list(const mr_table *table, const mr_option *option, uint32_t **columns,
                            mr_arena *arena, mr_diagnostics *diagnostics)
{
    const char **names;
    uint32_t count = split(option->text, &names, arena), found = 0;
    *columns = mr_arena_zalloc(arena, count, sizeof **columns);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = mr_table_column_find(table, names[i]);
        if (column != UINT32_MAX && table->columns[column].kind == MR_AST_COLUMN_PHYSICAL) {
            (*columns)[found++] = column;
            continue;
        }
        const char **known = mr_arena_zalloc(arena, table->columns_count, sizeof *known);
        for (uint32_t j = 0; j < table->columns_count; j++)
            known[j] = table->columns[j].name;
        const char *nearest = mr_suggest(names[i], known, table->columns_count);
        mr_diagnostics_report(diagnostics, MR_E_KEY_FIELDS, option->value_span,
                              "`%s` names `%s`, which is no physical column of `%s`", option->key,
                              names[i], table->name);
        if (nearest != NULL && strcmp(nearest, names[i]) != 0)
            mr_diagnostics_label(diagnostics, "did you mean `%s`?", nearest);
    }
    return found;
}

static void read_keys(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    const mr_option *fields = mr_options_find(&table->options, "key.fields");
    const mr_option *format = mr_options_find(&table->options, "key.format");
    if (fields != NULL) {
        uint32_t *columns;
        uint32_t count = column_list(table, fields, &columns, arena, diagnostics);
        for (uint32_t i = 0, place = 0; i < count; i++) {
            mr_table_column *column = &table->columns[columns[i]];
            if (!column->is_key)
                column->key_place = place++;
            column->is_key = true;
        }
    }
    if (fields != NULL && format == NULL)
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, fields->key_span,
                              "'key.fields' needs a 'key.format'");
    if (format != NULL && fields == NULL)
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, format->key_span,
                              "'key.format' needs 'key.fields'");
    const mr_option *by = mr_options_find(&table->options, "partitioned-by");
    if (by != NULL) {
        uint32_t *columns;
        table->partitioned_by_count = column_list(table, by, &columns, arena, diagnostics);
        table->partitioned_by = columns;
    }
    const mr_option *value = mr_options_find(&table->options, "value.format");
    if (value != NULL && mr_options_find(&table->options, "format") != NULL)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_CONFLICT, value->key_span,
                              "'format' and 'value.format' are the same option");
}

/* partition:0,offset:42;partition:1,offset:300 */
static bool parse_offsets(const char *text, uint32_t *count, const mr_start_offset **offsets,
                          mr_arena *arena)
{
    const char **parts;
    *count = split(text, &parts, arena);
    mr_start_offset *list = mr_arena_zalloc(arena, *count, sizeof *list);
    for (uint32_t i = 0; i < *count; i++) {
        long long partition, offset;
        int end = 0;
        if (sscanf(parts[i], "partition:%lld,offset:%lld%n", &partition, &offset, &end) != 2 ||
            parts[i][end] != '\0' || partition < 0 || partition > INT32_MAX || offset < 0)
            return false;
        list[i] = (mr_start_offset){.partition = (int32_t)partition, .offset = offset};
    }
    *offsets = list;
    return *count > 0;
}

static void read_specific(const mr_table *table, const char *key, bool is_wanted, uint32_t *count,
                          const mr_start_offset **offsets, mr_arena *arena,
                          mr_diagnostics *diagnostics)
{
    const mr_option *option = mr_options_find(&table->options, key);
    if (option == NULL && is_wanted)
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                              "mode `specific-offsets` needs '%s'", key);
    if (option == NULL || parse_offsets(option->text, count, offsets, arena))
        return;
    mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                          "wrong value for `%s`", key);
    mr_diagnostics_hint(diagnostics, "write 'partition:0,offset:42;partition:1,offset:300'");
}

static int64_t read_millis(const mr_table *table, const char *key, bool is_wanted,
                           mr_diagnostics *diagnostics)
{
    if (is_wanted && mr_options_find(&table->options, key) == NULL)
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, table->ast->options_span,
                              "mode `timestamp` needs '%s'", key);
    return mr_options_number(&table->options, key, 0);
}

static void read_positions(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    mr_start *start = &table->start;
    mr_bound *bound = &table->bound;
    start->mode = (mr_start_mode)mr_options_number(&table->options, "scan.startup.mode", 0);
    start->group = mr_options_text(&table->options, "properties.group.id", NULL);
    start->timestamp_ms = read_millis(table, "scan.startup.timestamp-millis",
                                      start->mode == MR_START_TIMESTAMP, diagnostics);
    read_specific(table, "scan.startup.specific-offsets", start->mode == MR_START_SPECIFIC,
                  &start->specific_count, &start->specific, arena, diagnostics);
    bound->mode = (mr_bound_mode)mr_options_number(&table->options, "scan.bounded.mode", 0);
    bound->timestamp_ms = read_millis(table, "scan.bounded.timestamp-millis",
                                      bound->mode == MR_BOUND_TIMESTAMP, diagnostics);
    read_specific(table, "scan.bounded.specific-offsets", bound->mode == MR_BOUND_SPECIFIC,
                  &bound->specific_count, &bound->specific, arena, diagnostics);
}

/* '1 % of 10000' */
static bool parse_budget(const char *text, mr_errors_policy *errors)
{
    double share;
    long long rows;
    int end = 0;
    if (sscanf(text, " %lf %% of %lld %n", &share, &rows, &end) != 2 || text[end] != '\0' ||
        !(share >= 0 && share <= 100) || rows < 1 || rows > UINT32_MAX)
        return false;
    errors->budget_share = share / 100;
    errors->budget_rows = (uint32_t)rows;
    return true;
}

static const mr_option *either(const mr_table *table, const char *name, const char *alias)
{
    const mr_option *option = mr_options_find(&table->options, name);
    return option != NULL ? option : mr_options_find(&table->options, alias);
}

/* Under Confluent's names `log` means: log them to the target. */
static bool is_log_to_target(const mr_option *mode, const mr_option *topic)
{
    return topic != NULL && (mr_errors_mode)mode->number == MR_ERRORS_LOG &&
           strcmp(mode->key, "error-handling.mode") == 0;
}

/* What no broker would ever have, be the topic there or not. */
static void check_topic(const char *topic, const mr_option *option, mr_diagnostics *diagnostics)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(topic);
    bool is_good = length > 0 && length <= MR_TOPIC_NAME_MAX && strspn(topic, letters) == length &&
                   strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0;
    if (is_good)
        return;
    mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                          "`%.60s%s` cannot be the name of a topic", topic,
                          length > 60 ? ".." : "");
    mr_diagnostics_hint(diagnostics, "letters of ASCII, digits, `.`, `_` and `-`, at most %d",
                        MR_TOPIC_NAME_MAX);
}

static void read_errors(mr_table *table, mr_diagnostics *diagnostics)
{
    mr_errors_policy *errors = &table->errors;
    const mr_option *mode = either(table, "errors.mode", "error-handling.mode");
    const mr_option *topic =
        either(table, "errors.deadletterqueue.topic.name", "error-handling.log.target");
    const mr_option *budget = mr_options_find(&table->options, "errors.budget");
    errors->dlq_topic = topic != NULL ? topic->text : NULL;
    if (topic != NULL)
        check_topic(topic->text, topic, diagnostics);
    errors->mode = topic != NULL ? MR_ERRORS_DLQ : MR_ERRORS_LOG;
    if (mode != NULL && !is_log_to_target(mode, topic))
        errors->mode = (mr_errors_mode)mode->number;
    errors->style = (mr_dead_headers_style)mr_options_number(
        &table->options, "errors.deadletterqueue.context.headers.style", MR_DEAD_HEADERS_STREAMS);
    if (errors->mode == MR_ERRORS_DLQ && topic == NULL)
        mr_diagnostics_report(diagnostics, MR_E_MISSING_OPTION, mode->value_span,
                              "mode `dlq` needs 'errors.deadletterqueue.topic.name'");
    if (errors->mode != MR_ERRORS_DLQ && topic != NULL)
        mr_diagnostics_report(diagnostics, MR_E_OPTION_CONFLICT, topic->key_span,
                              "a dead letter topic is given, but 'errors.mode' is `%s`",
                              mode->text);
    for (uint32_t i = 0; topic != NULL && i < table->topics_count; i++)
        if (strcmp(table->topics[i], topic->text) == 0) {
            mr_diagnostics_report(diagnostics, MR_E_OPTION_CONFLICT, topic->value_span,
                                  "dead letters of `%s` would go to its own topic", table->name);
            mr_diagnostics_hint(diagnostics, "a table that is read meets them again, for ever: "
                                             "give them a topic of their own");
        }
    if (budget != NULL && !parse_budget(budget->text, errors)) {
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, budget->value_span,
                              "wrong value for `errors.budget`");
        mr_diagnostics_hint(diagnostics, "write '1 %% of 10000'");
    }
}

static void note_ignored(const mr_table *table, mr_diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < table->options.count; i++) {
        const mr_option *option = &table->options.items[i];
        if (option->spec->kind != MR_SETTING_IGNORED)
            continue;
        mr_diagnostics_report(diagnostics, MR_N_OPTION_IGNORED, option->key_span,
                              "option `%s` has no effect here", option->key);
        mr_diagnostics_label(diagnostics, "%s", option->spec->description);
    }
}

static void read_topics(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    const mr_option *option = mr_options_find(&table->options, "topic");
    if (option == NULL)
        return;
    const char **topics;
    table->topics_count = split(option->text, &topics, arena);
    table->topics = topics;
    for (uint32_t i = 0; i < table->topics_count; i++) {
        check_topic(topics[i], option, diagnostics);
        for (uint32_t j = i + 1; j < table->topics_count; j++)
            if (strcmp(topics[i], topics[j]) == 0)
                mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                                      "topic `%s` is named twice", topics[i]);
    }
}

void mr_policies_read(mr_table *table, mr_arena *arena, mr_diagnostics *diagnostics)
{
    read_topics(table, arena, diagnostics);
    const mr_option *pattern = mr_options_find(&table->options, "topic-pattern");
    if (pattern != NULL) {
        mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, pattern->key_span,
                              "topic patterns are not supported yet");
        mr_diagnostics_label(diagnostics, "name the topics: 'topic' = 'a;b'");
    }
    read_keys(table, arena, diagnostics);
    read_positions(table, arena, diagnostics);
    read_errors(table, diagnostics);
    note_ignored(table, diagnostics);
}
