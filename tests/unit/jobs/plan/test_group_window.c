/*
 * Goal: windows in GROUP BY are the window functions that they stand for; a SESSION groups by what
 * it partitions by. Method: pairs of scripts whose plans must be the same, node by node.
 */
#include "jobs/plan/job.h"
#include "operators/window/session_aggregate.h"

#include <criterion/criterion.h>
#include <string.h>

#define BIDS                                                                            \
    "CREATE TABLE bids (auction BIGINT, bidder BIGINT, price INT, ts TIMESTAMP_LTZ(3)," \
    " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"                                    \
    " WITH ('connector'='kafka','topic'='b','format'='json',"                           \
    " 'properties.bootstrap.servers'='h:1','scan.startup.mode'='earliest-offset');"

static mr_job *plan_of(mr_script *script, const char *text)
{
    mr_script_init(script, "job.sql", text, strlen(text));
    mr_diagnostics diagnostics = {0};
    mr_job_options options = {.stem = "job"};
    mr_job *job = mr_job_new(script, &options, &diagnostics);
    mr_buffer out = {0};
    mr_diagnostics_print(&diagnostics, script, false, &out);
    cr_assert_not_null(job, "%.*s", (int)out.length, out.data);
    mr_buffer_release(&out);
    mr_diagnostics_release(&diagnostics);
    return job;
}

static void expect_same(const char *old, const char *new)
{
    mr_script scripts[2];
    mr_job *jobs[2];
    const char *texts[] = {old, new};
    for (int i = 0; i < 2; i++)
        jobs[i] = plan_of(&scripts[i], texts[i]);
    const mr_plan *a = &jobs[0]->plan, *b = &jobs[1]->plan;
    cr_assert_eq(a->nodes_count, b->nodes_count, "%s", old);
    for (uint32_t n = 0; n < a->nodes_count; n++) {
        cr_expect_str_eq(a->nodes[n].id, b->nodes[n].id);
        cr_expect_eq(a->nodes[n].class, b->nodes[n].class);
    }
    cr_expect(a->version == b->version, "%s", old);
    for (int i = 0; i < 2; i++) {
        mr_job_free(jobs[i]);
        mr_script_release(&scripts[i]);
    }
}

Test(group_window, tumble_with_bounds_filter_and_having)
{
    expect_same(
        BIDS "SELECT b.auction, TUMBLE_START(ts, INTERVAL '1' MINUTE) AS s, TUMBLE_END(b.ts, "
             "INTERVAL '1' MINUTE) AS e, COUNT(*) AS n FROM bids AS b WHERE b.price > 3 GROUP BY "
             "b.auction, TUMBLE(ts, INTERVAL '1' MINUTE) "
             "HAVING SUM(price) > 1;",
        BIDS "SELECT auction, window_start AS s, window_end AS e, COUNT(*) AS n FROM TABLE(TUMBLE("
             "TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) WHERE price > 3 GROUP BY auction, "
             "window_start, window_end HAVING SUM(price) > 1;");
}

Test(group_window, hop_takes_slide_before_size)
{
    expect_same(
        BIDS
        "SELECT hop_end(ts, INTERVAL '2' SECOND, INTERVAL '10' SECOND) AS e, auction + 1 AS a, "
        "MAX(price) AS p FROM bids GROUP BY HOP(ts, INTERVAL '2' SECOND, INTERVAL '10' SECOND)"
        ", auction + 1;",
        BIDS "SELECT window_end AS e, auction + 1 AS a, MAX(price) AS p FROM HOP(TABLE bids, "
             "DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND) "
             "GROUP BY window_start, window_end, auction + 1;");
}

Test(group_window, rowtime_is_the_time_of_the_next_window)
{
    expect_same(
        BIDS "CREATE VIEW v AS SELECT auction, TUMBLE_ROWTIME(ts, INTERVAL '1' MINUTE) AS t, "
             "COUNT(*) AS n FROM bids GROUP BY auction, TUMBLE(ts, INTERVAL '1' MINUTE);"
             "SELECT SESSION_START(t, INTERVAL '1' HOUR) AS s, SUM(n) AS n FROM v "
             "GROUP BY SESSION(t, INTERVAL '1' HOUR);",
        BIDS "CREATE VIEW v AS SELECT auction, window_time AS t, COUNT(*) AS n FROM TABLE(TUMBLE("
             "TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY auction, window_start, "
             "window_end, window_time;"
             "SELECT window_start AS s, SUM(n) AS n FROM TABLE(SESSION(TABLE v, DESCRIPTOR(t), "
             "INTERVAL '1' HOUR)) GROUP BY window_start, window_end;");
}

Test(group_window, a_session_is_made_of_rows_that_pass_where_and_for_each_key)
{
    expect_same(
        BIDS "SELECT auction, SESSION_END(ts, INTERVAL '1' MINUTE) AS e, COUNT(*) AS n FROM bids "
             "WHERE price > 3 GROUP BY SESSION(ts, INTERVAL '1' MINUTE), auction, bidder;",
        BIDS
        "SELECT auction, window_end AS e, COUNT(*) AS n FROM TABLE(SESSION((SELECT * FROM bids "
        "WHERE price > 3) PARTITION BY auction, bidder, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) "
        "GROUP BY window_start, window_end, auction, bidder;");
}

Test(group_window, a_session_aggregate_has_its_gap_and_its_keys)
{
    mr_script script;
    mr_job *job = plan_of(
        &script, BIDS "SELECT bidder, COUNT(DISTINCT auction), window_time FROM TABLE(SESSION(DATA "
                      "=> TABLE bids PARTITION BY auction, bidder, TIMECOL => DESCRIPTOR(ts), GAP "
                      "=> INTERVAL '90' SECOND)) WHERE auction > 5 AND bidder IS NOT NULL GROUP BY "
                      "bidder, window_end, window_time, auction, window_start;");
    const mr_plan_node *node = NULL;
    for (uint32_t n = 0; n < job->plan.nodes_count; n++)
        if (job->plan.nodes[n].class == &mr_session_aggregate_class)
            node = &job->plan.nodes[n];
    cr_assert_not_null(node);
    const mr_window_config *config = node->config;
    cr_expect_eq(config->kind, MR_WINDOW_SESSION);
    cr_expect_eq(config->size_ms, 90000);
    cr_expect_eq(config->keys_count, 2);
    cr_expect(config->is_local && config->has_window_time);
    cr_expect_eq(job->plan.tasks_count, 1);
    mr_job_free(job);
    mr_script_release(&script);
}
