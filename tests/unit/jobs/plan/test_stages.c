/*
 * Goal: plans are cut where rows have to go to the task of their key, and nowhere else.
 * Method: small scripts with 'parallelism.default' = 4.
 */
#include "jobs/plan/job.h"

#include <criterion/criterion.h>
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
        plan_of(BIDS("") PER_KEY "SELECT x.n FROM v AS x JOIN v AS y ON x.a = y.a AND x.t = y.t;");
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
