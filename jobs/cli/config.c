/*
 * `millrace config`: all settings there are. `millrace config dump [FILE]`: what holds for a job
 * run from here, where each value came from, secrets masked.
 */
#include "jobs/cli/command.h"
#include "jobs/cli/load.h"
#include "jobs/plan/options/settings.h"
#include "jobs/plan/options/substitute.h"
#include "jobs/sql/parser/parser.h"
#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <string.h>

#define KEY_WIDTH 34
#define VALUE_WIDTH 16

static void print_known(void)
{
    mr_option_specs specs = mr_settings_specs();
    for (size_t i = 0; i < specs.count; i++) {
        const mr_option_spec *spec = &specs.items[i];
        if (spec->kind != MR_SETTING_IGNORED)
            printf("%-*s %-*s %s\n", KEY_WIDTH, spec->name, VALUE_WIDTH,
                   spec->fallback != NULL ? spec->fallback : "-", spec->description);
    }
    printf("\nGiven by -D KEY=VALUE, MILLRACE_EXECUTION__GUARANTEE=VALUE (`__` a dot, `_` a dash), "
           "or\nSET 'KEY' = 'VALUE' in the script; the first of these wins.\n");
}

static const mr_setting_value *value_of(const mr_settings *settings, const char *key)
{
    for (uint32_t i = 0; i < settings->values_count; i++)
        if (strcmp(settings->values[i].option->key, key) == 0)
            return &settings->values[i];
    return NULL;
}

static void print_origin(const mr_loaded *loaded, const mr_setting_value *value)
{
    switch (value->origin) {
    case MR_SETTING_BY_FLAG: printf("-D\n"); return;
    case MR_SETTING_BY_ENVIRONMENT: printf("environment %s\n", value->variable); return;
    case MR_SETTING_BY_SCRIPT: {
        mr_place place = mr_script_place(&loaded->script, value->option->key_span.start);
        printf("%s:%u\n", loaded->script.name, place.line);
        return;
    }
    case MR_SETTING_BY_DEFAULT: printf("default\n"); return;
    }
}

static void print_name(const mr_flags *flags, const mr_loaded *loaded)
{
    const mr_setting_value *value = value_of(&loaded->settings, "pipeline.name");
    if (flags->name == NULL && value != NULL) {
        printf("%-*s %-*s ", KEY_WIDTH, "pipeline.name", VALUE_WIDTH, value->option->text);
        print_origin(loaded, value);
    } else if (flags->name != NULL || loaded->job != NULL) {
        printf("%-*s %-*s %s\n", KEY_WIDTH, "pipeline.name", VALUE_WIDTH,
               flags->name != NULL ? flags->name : loaded->job->plan.job,
               flags->name != NULL ? "--name" : "the file's name");
    }
}

static void print_settings(const mr_flags *flags, const mr_loaded *loaded)
{
    mr_option_specs specs = mr_settings_specs();
    print_name(flags, loaded);
    for (size_t i = 0; i < specs.count; i++) {
        const mr_option_spec *spec = &specs.items[i];
        const mr_setting_value *value = value_of(&loaded->settings, spec->name);
        if (spec->kind == MR_SETTING_IGNORED || strcmp(spec->name, "pipeline.name") == 0 ||
            (value == NULL && spec->fallback == NULL))
            continue;
        const char *text = value == NULL              ? spec->fallback
                           : value->option->is_secret ? MR_SECRET_MASK
                                                      : value->option->text;
        printf("%-*s %-*s ", KEY_WIDTH, spec->name, VALUE_WIDTH, text);
        print_origin(loaded, value != NULL ? value : &(mr_setting_value){0});
    }
}

static void print_properties(const mr_cluster *cluster)
{
    char name[256];
    if (cluster->bootstrap != NULL)
        printf("%-*s %-*s the tables\n", KEY_WIDTH, "properties.bootstrap.servers", VALUE_WIDTH,
               cluster->bootstrap);
    for (uint32_t i = 0; i < cluster->facts_count; i++) {
        const mr_cluster_property *fact = &cluster->facts[i];
        snprintf(name, sizeof name, "properties.%s", fact->name);
        printf("%-*s %-*s %s%s\n", KEY_WIDTH, name, VALUE_WIDTH,
               fact->is_secret ? MR_SECRET_MASK : fact->value,
               fact->table != NULL ? "table " : "-X", fact->table != NULL ? fact->table : "");
    }
}

mr_exit mr_command_config(const mr_flags *flags)
{
    if (!flags->has_verb && flags->file != NULL) {
        const char *const verbs[] = {"dump"};
        if (mr_suggest(flags->file, verbs, 1) != NULL)
            fprintf(stderr, "millrace config: unknown `%s`; did you mean dump?\n", flags->file);
        else
            fprintf(stderr, "millrace config: `%s` is no part of it; write config dump %s\n",
                    flags->file, flags->file);
        return MR_EXIT_USAGE;
    }
    if (!flags->has_verb) {
        print_known();
        return MR_EXIT_OK;
    }
    mr_loaded loaded = mr_load_settings(flags);
    if (loaded.exit == MR_EXIT_OK) {
        print_settings(flags, &loaded);
        if (loaded.job != NULL)
            print_properties(&loaded.job->cluster);
    }
    mr_exit exit = loaded.exit;
    mr_loaded_release(&loaded);
    return exit;
}
