/*
 * Goal: a setting's value comes from the first of flag, environment, script, default; what is
 * misspelt is answered. Method: scripts with settings, lists of flags and variables; the value,
 * its origin and the diagnostics are compared.
 */
#include "jobs/plan/options/environment.h"
#include "jobs/plan/options/settings.h"
#include "jobs/sql/parser/parser.h"

#include <criterion/criterion.h>
#include <string.h>

#define TTL "table.exec.state.ttl"
#define MAX 4

typedef struct reading {
    const char *script;
    const char *flags[MAX];
    const char *environment[MAX];
} reading;

typedef struct found {
    mr_arena arena;
    mr_script script;
    mr_diagnostics diagnostics;
    mr_settings settings;
} found;

static void read_all(found *to, const reading *from)
{
    mr_script_init(&to->script, "job.sql", from->script, strlen(from->script));
    mr_ast_script ast = mr_parse(&to->script, &to->arena, &to->diagnostics);
    mr_setting_sources sources = {.flags = from->flags, .environment = from->environment};
    while (from->flags[sources.flags_count] != NULL)
        sources.flags_count++;
    to->settings = mr_settings_read(&ast, &sources, &to->arena, &to->diagnostics);
}

static void forget(found *from)
{
    mr_diagnostics_release(&from->diagnostics);
    mr_script_release(&from->script);
    mr_arena_release(&from->arena);
}

/* "value by origin" of one setting */
static const char *value_of(found *from, const char *key)
{
    static const char *const origins[] = {"default", "script", "environment", "flag"};
    for (uint32_t i = 0; i < from->settings.values_count; i++) {
        const mr_setting_value *value = &from->settings.values[i];
        if (strcmp(value->option->key, key) == 0)
            return mr_arena_printf(&from->arena, "%s by %s", value->option->text,
                                   origins[value->origin]);
    }
    return "default";
}

static void expect_value(const reading *from, const char *key, const char *expected)
{
    found to = {0};
    read_all(&to, from);
    const char *got = value_of(&to, key);
    cr_expect_str_eq(got, expected, "%s: got %s", from->script, got);
    cr_expect_eq(to.diagnostics.errors, 0);
    forget(&to);
}

Test(settings, flag_wins_over_environment_over_script_over_default)
{
    reading from = {.script = ""};
    expect_value(&from, TTL, "default");
    from.script = "SET '" TTL "' = '1 h';";
    expect_value(&from, TTL, "1 h by script");
    from.environment[0] = "MILLRACE_TABLE__EXEC__STATE__TTL=2 h";
    expect_value(&from, TTL, "2 h by environment");
    from.flags[0] = TTL "=3 h";
    expect_value(&from, TTL, "3 h by flag");
    from.flags[1] = TTL "=4 h";
    expect_value(&from, TTL, "4 h by flag");
}

Test(settings, the_value_that_won_is_the_one_that_holds)
{
    found to = {0};
    read_all(&to, &(reading){.script = "SET '" TTL "' = '1 h';",
                             .environment = {"MILLRACE_TABLE__EXEC__STATE__TTL=2 h"}});
    cr_expect_eq(to.settings.state_ttl_ms, 7200000);
    forget(&to);
}

Test(settings, a_value_that_lost_is_not_judged)
{
    expect_value(&(reading){.script = "SET '" TTL "' = 'long';", .flags = {TTL "=1 h"}}, TTL,
                 "1 h by flag");
}

Test(settings, the_later_set_wins_and_reset_takes_back)
{
    expect_value(&(reading){.script = "SET '" TTL "' = '1 h'; SET '" TTL "' = '2 h';"}, TTL,
                 "2 h by script");
    expect_value(&(reading){.script = "SET '" TTL "' = '1 h'; RESET '" TTL "';"}, TTL, "default");
    expect_value(&(reading){.script = "SET '" TTL "' = '1 h'; RESET 'pipeline.name';"}, TTL,
                 "1 h by script");
    expect_value(&(reading){.script = "SET '" TTL "' = '1 h'; RESET;"}, TTL, "default");
    expect_value(&(reading){.script = "RESET; SET '" TTL "' = '1 h';"}, TTL, "1 h by script");
    expect_value(&(reading){.script = "RESET '" TTL "';", .flags = {TTL "=3 h"}}, TTL,
                 "3 h by flag");
}

/* Codes and hints of what a reading reports, one line each. */
static void expect_reports(const reading *from, const char *expected)
{
    found to = {0};
    read_all(&to, from);
    const char *got = "";
    for (size_t i = 0; i < to.diagnostics.count; i++) {
        const mr_diagnostic *item = &to.diagnostics.items[i];
        got = mr_arena_printf(&to.arena, "%s%d %s / %s\n", got, (int)item->code, item->message,
                              item->hint != NULL    ? item->hint
                              : item->label != NULL ? item->label
                                                    : "-");
    }
    cr_expect_str_eq(got, expected, "got:\n%s", got);
    forget(&to);
}

Test(settings, an_unknown_key_is_a_warning_in_a_script_and_an_error_elsewhere)
{
    expect_reports(&(reading){.script = "SET 'pipelin.name' = 'x';"},
                   "1280 a job has no setting `pipelin.name` / did you mean `pipeline.name`?\n");
    expect_reports(&(reading){.script = "", .flags = {"pipelin.name=x"}},
                   "2010 -D: a job has no setting `pipelin.name` / "
                   "did you mean `pipeline.name`?\n");
    expect_reports(&(reading){.script = "", .environment = {"MILLRACE_PIPELIN__NAME=x"}},
                   "2010 MILLRACE_PIPELIN__NAME: a job has no setting `pipelin.name` / "
                   "did you mean `pipeline.name`?\n");
}

Test(settings, several_unknown_flags_are_all_named)
{
    expect_reports(&(reading){.script = "", .flags = {"qqqq=1", "zzzz=2"}},
                   "2010 -D: a job has no setting `qqqq` / `millrace config` lists all\n"
                   "2010 -D: a job has no setting `zzzz` / `millrace config` lists all\n");
}

Test(settings, a_variable_with_wrong_separators_is_answered_and_foreign_ones_are_left_alone)
{
    expect_reports(&(reading){.script = "", .environment = {"MILLRACE_PARALLELISM_DEFAULT=2"}},
                   "2010 MILLRACE_PARALLELISM_DEFAULT: a job has no setting "
                   "`parallelism-default` / did you mean `MILLRACE_PARALLELISM__DEFAULT`?\n");
    expect_reports(&(reading){.script = "",
                              .environment = {"MILLRACE_SERVICE_HOST=10.0.0.1",
                                              "MILLRACE_TEST_BROKER=h:1", "PATH=/bin"}},
                   "");
}

Test(settings, a_variables_name_is_its_key_in_capitals)
{
    mr_option_specs known = mr_settings_specs();
    mr_arena arena = {0};
    const mr_environment_setting *list;
    const char *environment[] = {"MILLRACE_TABLE__LOCAL_TIME_ZONE=Europe/Berlin",
                                 "MILLRACE_RESTART_STRATEGY__X=a=b", "MILLRACE_NO_VALUE__X", NULL};
    cr_assert_eq(mr_environment_settings(environment, &known, &arena, &list), 2);
    cr_expect_str_eq(list[0].key, "table.local-time-zone");
    cr_expect_str_eq(list[0].value, "Europe/Berlin");
    cr_expect_str_eq(list[1].key, "restart-strategy.x");
    cr_expect_str_eq(list[1].value, "a=b");
    cr_expect_null(list[1].meant);
    mr_arena_release(&arena);
}

Test(settings, in_the_old_form_are_all_up_to_the_semicolon)
{
    expect_value(&(reading){.script = "SET table.exec.state.ttl = 10s;"}, TTL, "10s by script");
    expect_value(&(reading){.script = "SET table.exec.state.ttl=1 h ;"}, TTL, "1 h by script");
    expect_value(&(reading){.script = "SET table.exec.state.ttl = P1D;"}, TTL, "P1D by script");
}
