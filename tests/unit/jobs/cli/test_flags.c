/* Goal: arguments mean what help says. Method: argument lists in, flags out. */
#include "jobs/cli/flags.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#define ALL (~(uint32_t)MR_FLAG_JOB)
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

Test(flags, take_values_behind_and_glued)
{
    char *argv[] = {"millrace",  "run", "job.sql", "--name=n",
                    "-Xa.b=c=d", "-D",  "k=v",     "--bounded"};
    mr_flags flags;
    cr_assert(mr_flags_parse(&flags, ALL, "run", COUNT(argv), argv, 2));
    cr_expect_str_eq(flags.file, "job.sql");
    cr_expect_str_eq(flags.name, "n");
    cr_expect_str_eq(flags.properties[0], "a.b=c=d");
    cr_expect_str_eq(flags.settings[0], "k=v");
    cr_expect(mr_flags_has(&flags, MR_FLAG_BOUNDED));
    cr_expect_not(mr_flags_has(&flags, MR_FLAG_RESET));
}

Test(flags, a_dash_is_a_file)
{
    char *argv[] = {"millrace", "check", "-"};
    mr_flags flags;
    cr_assert(mr_flags_parse(&flags, ALL, "check", COUNT(argv), argv, 2));
    cr_expect_str_eq(flags.file, "-");
}

Test(flags, the_first_of_two_words_may_name_a_job)
{
    char *argv[] = {"millrace", "diff", "orders", "--fleet", "f", "job.sql"};
    mr_flags flags;
    cr_assert(mr_flags_parse(&flags, UINT32_MAX, "diff", COUNT(argv), argv, 2));
    cr_expect_str_eq(flags.job, "orders");
    cr_expect_str_eq(flags.file, "job.sql");
}

Test(flags, refuse_what_a_command_does_not_take, .init = cr_redirect_stderr)
{
    static char *const wrong[][4] = {
        {"millrace", "check", "--bounded", "x"}, {"millrace", "check", "--nmae", "x"},
        {"millrace", "check", "x", "y"},         {"millrace", "check", "-D", "novalue"},
        {"millrace", "check", "x", "--name"},    {"millrace", "check", "--format", "xml"}};
    mr_flags flags;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(mr_flags_parse(&flags, MR_FLAG_NAME | MR_FLAG_SETTING | MR_FLAG_FORMAT,
                                     "check", 4, (char **)wrong[i], 2),
                      "case %zu", i);
}
