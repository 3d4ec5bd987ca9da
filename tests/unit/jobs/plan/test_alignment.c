/*
 * Goal: tables whose rows meet wait for one another, others do not, and a group's name goes before.
 * Method: scripts as plans; which numbers are equal.
 */
#include "jobs/plan/job.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TABLE(name, options)                                                               \
    "CREATE TABLE " name " (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("        \
    "'connector' = 'kafka', 'topic' = '" name                                              \
    "', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset', " \
    "'format' = 'json'" options ");"
#define OUT "CREATE TABLE o (a INT) WITH ('connector' = 'print');"
#define GROUP(name) ", 'scan.watermark.alignment.group' = '" name "'"
#define JOINED(l, r)                                                             \
    "INSERT INTO o SELECT x.a FROM " l " AS x JOIN " r " AS y ON x.a = y.a AND " \
    "x.ts BETWEEN y.ts AND y.ts + INTERVAL '1' MINUTE;"

/* `groups`: the source that each one is aligned with, in the order of the plan. */
static void expect(const char *script, const char *groups, int64_t drift_ms)
{
    mr_script text;
    mr_script_init(&text, "job.sql", script, strlen(script));
    mr_diagnostics diagnostics = {0};
    mr_job *job = mr_job_new(&text, &(mr_job_options){.stem = "job"}, &diagnostics);
    mr_diagnostics_release(&diagnostics);
    cr_assert_not_null(job, "%s", script);
    char got[16] = "";
    for (uint32_t s = 0; s < job->plan.sources_count; s++) {
        got[s] = (char)('0' + job->plan.sources[s].aligned_with);
        cr_expect_eq(job->plan.sources[s].drift_max_ms, drift_ms);
    }
    cr_expect_str_eq(got, groups, "%s", script);
    mr_job_free(job);
    mr_script_release(&text);
}

Test(alignment_of_tables, those_that_meet_in_a_join_wait_for_one_another)
{
    expect(TABLE("t", "") TABLE("u", "") TABLE("v", "") OUT
           "EXECUTE STATEMENT SET BEGIN " JOINED("t", "v") "INSERT INTO o SELECT a FROM u; END;",
           "010", 60000);
}

Test(alignment_of_tables, a_union_before_a_window_makes_them_meet)
{
    expect(TABLE("t", "") TABLE("u", "") OUT
           "CREATE VIEW w AS SELECT a, ts FROM t UNION ALL SELECT a, ts FROM u;"
           "INSERT INTO o SELECT a FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(ts), INTERVAL '1' "
           "MINUTE)) GROUP BY a, window_start, window_end;",
           "00", 60000);
}

Test(alignment_of_tables, a_group_is_whom_the_tables_name)
{
    expect(TABLE("t", GROUP("g")) TABLE("u", "") TABLE("v", GROUP("g")) OUT
           "EXECUTE STATEMENT SET BEGIN " JOINED("t", "u") "INSERT INTO o SELECT a FROM v; END;",
           "010", 60000);
}

Test(alignment_of_tables, the_drift_is_an_option)
{
    expect(TABLE("t", ", 'scan.watermark.alignment.max-drift' = '0'") OUT
           "INSERT INTO o SELECT a FROM t;",
           "0", 0);
    expect(TABLE("t", ", 'scan.watermark.alignment.max-drift' = '5 s'") OUT
           "INSERT INTO o SELECT a FROM t;",
           "0", 5000);
}
