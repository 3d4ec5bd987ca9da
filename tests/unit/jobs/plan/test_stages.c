/*
 * Goal: plans are cut where rows have to go to the task of their key, and nowhere else.
 * Method: small scripts with 'parallelism.default' = 4.
 */
#include "jobs/plan/job.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define KAFKA "WITH ('connector'='kafka','format'='json','properties.bootstrap.servers'='h:1',"
#define BIDS(more)                                                                        \
    "SET 'parallelism.default' = '4';"                                                    \
    "CREATE TABLE bids (a BIGINT, p INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) " KAFKA \
    "'topic'='b','scan.startup.mode'='earliest-offset'" more ");"
#define PER_KEY                                                        \
    "CREATE VIEW v AS SELECT a, window_time AS t, COUNT(*) AS n FROM " \
    "TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) " \
    "GROUP BY window_start, window_end, window_time, a;"

typedef struct planned {
    mr_script script;
    mr_job *job;
} planned;

static planned plan_of(const char *text)
{
    planned made = {.job = NULL};
    mr_diagnostics diagnostics = {0};
    mr_job_options options = {.stem = "job"};
    mr_buffer out = {0};
    mr_script_init(&made.script, "job.sql", text, strlen(text));
    made.job = mr_job_new(&made.script, &options, &diagnostics);
    mr_diagnostics_print(&diagnostics, &made.script, false, &out);
    cr_assert_not_null(made.job, "%.*s", (int)out.length, out.data);
    mr_buffer_release(&out);
    mr_diagnostics_release(&diagnostics);
    return made;
}

static void release(planned *made)
{
    mr_job_free(made->job);
    mr_script_release(&made->script);
}

Test(stages, one_exchange_for_each_input_of_keyed_state)
{
    planned made =
        plan_of(BIDS("") PER_KEY "SELECT x.n FROM v AS x JOIN v AS y ON x.n = y.n AND x.t = y.t;");
    const mr_plan *plan = &made.job->plan;
    cr_expect_eq(plan->stages_count, 3);
    cr_expect_eq(made.job->stages.exchanges_count, 3);
    cr_expect_eq(made.job->stages.exchanges[0].relations_count, 2, "counts are aggregated before");
    cr_expect_eq(made.job->stages.exchanges[1].relations_count, 1, "rows of a join are not");
    cr_expect_str_eq(made.job->stages.exchanges[2].topic, "job.exchange.2");
    cr_expect_eq(plan->tasks_count, 12);
    mr_stages_set_tasks(&made.job->plan, &made.job->stages, 2);
    cr_expect_eq(plan->tasks_count, 10);
    cr_expect_eq(plan->stages[2].first_task, 6);
    cr_expect_eq(mr_plan_of_task(plan, 5), &plan->stages[1]);
    cr_expect_eq(made.job->stages.exchanges[0].upstreams_count, 2);
    cr_expect_eq(mr_plan_owner(plan, plan->stages[2].first_source, 3), 9);
    release(&made);
}

Test(stages, numbers_of_tasks_are_part_of_what_state_hangs_on)
{
    planned made = plan_of(BIDS("") PER_KEY "SELECT * FROM v;");
    uint64_t four = made.job->plan.stages[1].version;
    mr_stages_set_tasks(&made.job->plan, &made.job->stages, 3);
    cr_expect_neq(made.job->plan.stages[1].version, four);
    cr_expect_neq(made.job->plan.stages[0].version, made.job->plan.stages[1].version);
    release(&made);
}

Test(stages, what_has_no_key_has_one_task)
{
    planned made = plan_of(BIDS("") "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
                                    "INTERVAL '10' SECOND)) GROUP BY window_start, window_end;");
    cr_expect_eq(made.job->plan.stages_count, 2);
    cr_expect_eq(made.job->plan.stages[1].tasks_count, 1);
    cr_expect_eq(mr_stages_later_tasks(&made.job->stages), 1);
    release(&made);
}

Test(stages, plans_that_need_no_exchange_or_can_have_none_stay_whole)
{
    static const struct {
        const char *text, *why; /* NULL: none was asked for */
    } cases[] = {
        {BIDS("") "SELECT a FROM bids WHERE p > 1;", NULL},
        {BIDS(",'partitioned-by'='a'") PER_KEY "SELECT * FROM v;", NULL},
        {BIDS("") PER_KEY "SELECT * FROM v; SELECT error_code FROM bids$errors;", "$errors"},
        {BIDS("") PER_KEY "SELECT a, n FROM v UNION ALL SELECT a, CAST(p AS BIGINT) FROM bids;",
         "side by side"},
        {BIDS("") "SET 'execution.guarantee' = 'none';" PER_KEY "SELECT * FROM v;",
         "without a guarantee"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        planned made = plan_of(cases[i].text);
        const char *why = made.job->plan.why_uncut;
        cr_expect_eq(made.job->plan.stages_count, 0, "case %zu", i);
        cr_expect(cases[i].why == NULL ? why == NULL
                                       : why != NULL && strstr(why, cases[i].why) != NULL,
                  "case %zu: %s", i, why != NULL ? why : "no reason");
        release(&made);
    }
}

Test(stages, no_exchange_where_rows_of_a_key_lie_together)
{
    static const struct {
        const char *text;
        uint32_t stages, exchanges;
    } cases[] = {
        {"SELECT x.n FROM v AS x JOIN v AS y ON x.a = y.a AND x.t = y.t;", 2, 1},
        /* by a and more */
        {"SELECT a, n, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(t), INTERVAL '1' MINUTE)) "
         "GROUP BY window_start, window_end, n, a;",
         2, 1},
        /* computed columns beside it, under another name, filtered */
        {"SELECT b, MAX(m) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(t), INTERVAL '1' MINUTE)) "
         "GROUP BY window_start, window_end, b;",
         2, 1},
        /* not by a, or not by it alone */
        {"SELECT n, COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(t), INTERVAL '1' MINUTE)) "
         "GROUP BY window_start, window_end, n;",
         3, 2},
        {"SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(t), INTERVAL '1' MINUTE)) "
         "GROUP BY window_start, window_end;",
         3, 2},
        {"SELECT x.n FROM v AS x JOIN v AS y ON x.a = y.n AND x.t = y.t;", 3, 3},
        {"SELECT x.n FROM v AS x JOIN bids AS y ON x.a = y.a AND x.t = y.ts;", 3, 3},
    };
    static char text[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s%s%s%s", BIDS(""), PER_KEY,
                 "CREATE VIEW w AS SELECT n + 1 AS m, a AS b, t FROM v WHERE n > 1;",
                 cases[i].text);
        planned made = plan_of(text);
        cr_expect_eq(made.job->plan.stages_count, cases[i].stages, "case %zu: %u stages", i,
                     made.job->plan.stages_count);
        cr_expect_eq(made.job->stages.exchanges_count, cases[i].exchanges, "case %zu: %u", i,
                     made.job->stages.exchanges_count);
        release(&made);
    }
}
