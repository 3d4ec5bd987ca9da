/* Goal: values of options mean what Flink's documents say. Method: tables of texts and values. */
#include "jobs/plan/options/option.h"
#include "jobs/plan/options/substitute.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(option, durations_take_units_iso_and_plain_milliseconds)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"10 s", 10000},       {"1 min", 60000},     {"500 ms", 500},
                 {"1h", 3600000},       {"P1D", 86400000},    {"0", 0},
                 {"PT1.5S", 1500},      {"PT2H30M", 9000000}, {"3 days", 259200000},
                 {" 7 SECONDS ", 7000}, {"250", 250}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        cr_expect(mr_duration_parse(cases[i].text, &ms), "%s", cases[i].text);
        cr_expect_eq(ms, cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
    }
}

Test(option, durations_refuse_what_is_none)
{
    static const char *const cases[] = {
        "", "s", "-1 s", "1 parsec", "P", "PT", "P1X", "1 s s", "99999999999999999999 d", "PTS"};
    int64_t ms;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_not(mr_duration_parse(cases[i], &ms), "%s", cases[i]);
}

Test(option, memory_takes_binary_units)
{
    int64_t bytes;
    cr_expect(mr_memory_parse("64 kb", &bytes));
    cr_expect_eq(bytes, 65536);
    cr_expect(mr_memory_parse("16m", &bytes));
    cr_expect_eq(bytes, 16 << 20);
    cr_expect_not(mr_memory_parse("16 q", &bytes));
}

Test(option, an_exact_name_wins_over_a_pattern)
{
    static const mr_option_spec specs[] = {{"properties.*", MR_SETTING_STRING, NULL, NULL, ""},
                                           {"properties.group.id", MR_SETTING_INT, NULL, NULL, ""},
                                           {"fields.*.min", MR_SETTING_LONG, NULL, NULL, ""}};
    mr_option_specs list = {.items = specs, .count = 3};
    cr_expect_eq(mr_option_spec_of(&list, 1, "properties.group.id"), &specs[1]);
    cr_expect_eq(mr_option_spec_of(&list, 1, "properties.acks"), &specs[0]);
    cr_expect_eq(mr_option_spec_of(&list, 1, "fields.a.b.min"), &specs[2]);
    cr_expect_null(mr_option_spec_of(&list, 1, "fields..mix"));
    cr_expect_null(mr_option_spec_of(&list, 1, "properties."));
}

Test(substitute, variables_defaults_and_files_are_put_in)
{
    mr_arena arena = {0};
    char path[] = "/tmp/mr_substitute_XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, "s3cret\n", 7), 7);
    close(file);
    setenv("MR_TEST_HOST", "broker", 1);
    unsetenv("MR_TEST_NONE");
    mr_substitution made = mr_substitute("${MR_TEST_HOST}:${MR_TEST_NONE:9092}", &arena);
    cr_expect_str_eq(made.text, "broker:9092");
    made = mr_substitute(mr_arena_printf(&arena, "a${file:%s}b", path), &arena);
    cr_expect_str_eq(made.text, "as3cretb");
    cr_expect(made.is_secret);
    made = mr_substitute("${MR_TEST_NONE}", &arena);
    cr_expect_null(made.text);
    cr_expect_str_eq(made.problem, "environment variable `MR_TEST_NONE` is not set");
    made = mr_substitute("$5 {x} }$ {y}", &arena);
    cr_expect_str_eq(made.text, "$5 {x} }$ {y}");
    made = mr_substitute("$5 {x} ${open", &arena);
    cr_expect_null(made.text);
    cr_expect_str_eq(made.problem, "`${` without a `}` behind it");
    cr_assert_eq(truncate(path, 65537), 0);
    made = mr_substitute(mr_arena_printf(&arena, "${file:%s}", path), &arena);
    cr_expect_null(made.text, "a secret that is cut off is no secret");
    cr_assert_eq(truncate(path, 65536), 0);
    made = mr_substitute(mr_arena_printf(&arena, "${file:%s}", path), &arena);
    cr_expect_not_null(made.text);
    unlink(path);
    mr_arena_release(&arena);
}
