/*
 * Goal: an edit of a job's text costs the state of those operators that it is about, and no other.
 * Method: pairs of small scripts; what becomes of each operator and table, as one line of words.
 */
#include "jobs/plan/difference.h"
#include "jobs/plan/job.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define KAFKA                                                                         \
    "WITH ('connector'='kafka','format'='json','properties.bootstrap.servers'='h:1'," \
    "'scan.startup.mode'='earliest-offset',"
#define BIDS                                                                              \
    "CREATE TABLE bids (a BIGINT, p INT, u STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS " \
    "ts) " KAFKA "'topic'='b');"
#define SINK(name, columns) "CREATE TABLE " name " (" columns ") " KAFKA "'topic'='" name "');"
#define OUT SINK("dst", "a BIGINT, n BIGINT")
#define WINDOW(from) "FROM TABLE(TUMBLE(TABLE " from ", DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
#define GROUP "GROUP BY window_start, window_end, "
#define COUNTS(view, from, where) \
    "CREATE VIEW " view " AS SELECT a, COUNT(*) AS n " WINDOW(from) where GROUP "a;"
#define PLAIN BIDS OUT COUNTS("v", "bids", "") "INSERT INTO dst SELECT a, n FROM v;"

typedef struct planned {
    mr_script script;
    mr_job *job;
} planned;

static void plan_of(planned *made, const char *text)
{
    mr_diagnostics diagnostics = {0};
    mr_job_options options = {.stem = "job"};
    mr_buffer out = {0};
    mr_script_init(&made->script, "job.sql", text, strlen(text));
    made->job = mr_job_new(&made->script, &options, &diagnostics);
    mr_diagnostics_print(&diagnostics, &made->script, false, &out);
    cr_assert_not_null(made->job, "%.*s", (int)out.length, out.data);
    mr_buffer_release(&out);
    mr_diagnostics_release(&diagnostics);
}

/* "keep bids, rebuild v [its keys differ]", without the reasons of what is kept or dropped. */
static void expect(const char *from, const char *to, const char *expected)
{
    planned was = {0}, is = {0};
    mr_arena arena = {0};
    mr_difference d;
    char said[1024] = "";
    plan_of(&was, from);
    plan_of(&is, to);
    mr_difference_find(&was.job->plan, &is.job->plan, &arena, &d);
    bool loses = false, is_quiet = true;
    for (uint32_t i = 0; i < d.count; i++) {
        const mr_change *c = &d.changes[i];
        size_t length = strlen(said);
        snprintf(said + length, sizeof said - length, "%s%s %s", i > 0 ? ", " : "",
                 mr_fate_name(c->fate), mr_change_name(&d, c));
        length = strlen(said);
        bool is_told = c->fate == MR_FATE_REBUILD || (c->fate == MR_FATE_KEEP && c->why[0] != '\0');
        if (is_told)
            snprintf(said + length, sizeof said - length, " [%s]", c->why);
        loses |= c->fate == MR_FATE_REBUILD || c->fate == MR_FATE_DROP;
        is_quiet &= c->fate == MR_FATE_KEEP;
    }
    cr_expect_str_eq(said, expected);
    cr_expect_eq(d.loses, loses);
    cr_expect_eq(d.is_quiet, is_quiet);
    mr_arena_release(&arena);
    mr_job_free(was.job);
    mr_job_free(is.job);
    mr_script_release(&was.script);
    mr_script_release(&is.script);
}

Test(difference, nothing_changes_in_the_same_text)
{
    expect(PLAIN, PLAIN, "keep bids, keep v/window");
}

Test(difference, a_column_that_is_computed_behind_the_state_costs_nothing)
{
    expect(PLAIN,
           BIDS SINK("dst", "a BIGINT, n BIGINT, m BIGINT")
               COUNTS("v", "bids", "") "INSERT INTO dst SELECT a, n, n * 2 FROM v;",
           "keep bids, keep v/window");
}

Test(difference, a_column_in_the_key_is_another_state)
{
    expect(PLAIN,
           BIDS OUT "CREATE VIEW v AS SELECT a, u, COUNT(*) AS n " WINDOW("bids") GROUP
           "a, u; INSERT INTO dst SELECT a, n FROM v;",
           "keep bids, rebuild v/window [its keys differ]");
}

Test(difference, a_filter_in_front_keeps_what_is_there_and_says_so)
{
    expect(PLAIN,
           BIDS OUT COUNTS("v", "bids", "WHERE p > 3 ") "INSERT INTO dst SELECT a, n FROM v;",
           "keep bids, keep v/window [what it holds passed other predicates than rows do now]");
}

Test(difference, a_filter_behind_costs_nothing)
{
    expect(PLAIN,
           BIDS OUT COUNTS("v", "bids", "") "INSERT INTO dst SELECT a, n FROM v WHERE n > 3;",
           "keep bids, keep v/window");
}

Test(difference, another_aggregate_of_an_operator_rebuilds_it)
{
    expect(PLAIN,
           BIDS OUT "CREATE VIEW v AS SELECT a, COUNT(*) AS n, SUM(p) AS s " WINDOW("bids") GROUP
           "a; INSERT INTO dst SELECT a, n + s FROM v;",
           "keep bids, rebuild v/window [what it keeps differs]");
}

Test(difference, an_aggregate_that_nobody_reads_is_none)
{
    expect(PLAIN,
           BIDS OUT "CREATE VIEW v AS SELECT a, COUNT(*) AS n, SUM(p) AS s " WINDOW("bids") GROUP
           "a; INSERT INTO dst SELECT a, n FROM v;",
           "keep bids, keep v/window");
}

Test(difference, an_aggregate_of_its_own_leaves_the_others_as_they_are)
{
    expect(PLAIN,
           BIDS OUT SINK(
               "more",
               "u STRING, s BIGINT") "CREATE VIEW first AS SELECT u, SUM(p) AS s " WINDOW("bids")
               GROUP "u;" COUNTS("v", "bids", "") "INSERT INTO more SELECT u, s FROM first;"
                                                  "INSERT INTO dst SELECT a, n FROM v;",
           "keep bids, new first/window, keep v/window");
}

Test(difference, another_window_is_another_state)
{
    expect(PLAIN,
           BIDS OUT "CREATE VIEW v AS SELECT a, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, "
                    "DESCRIPTOR(ts), INTERVAL '20' SECOND)) " GROUP
                    "a; INSERT INTO dst SELECT a, n FROM v;",
           "keep bids, rebuild v/window [window, interval or TTL differs]");
}

Test(difference, names_of_views_and_tables_do_not_count)
{
    expect(PLAIN, BIDS OUT COUNTS("w", "bids", "") "INSERT INTO dst SELECT a, n FROM w;",
           "keep bids, keep w/window [was v/window]");
    expect(PLAIN,
           "CREATE TABLE offers (a BIGINT, p INT, u STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS "
           "ts) " KAFKA
           "'topic'='b');" OUT COUNTS("v", "offers", "") "INSERT INTO dst SELECT a, n FROM v;",
           "keep offers [was bids], keep v/window");
}

Test(difference, another_topic_is_another_input)
{
    expect(PLAIN,
           "CREATE TABLE bids (a BIGINT, p INT, u STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS "
           "ts) " KAFKA
           "'topic'='c');" OUT COUNTS("v", "bids", "") "INSERT INTO dst SELECT a, n FROM v;",
           "new bids, drop bids, rebuild v/window [its rows come from elsewhere; their event "
           "time differs; its keys differ]");
}

Test(difference, what_is_left_out_is_dropped)
{
    expect(BIDS OUT SINK("more", "u STRING, s BIGINT")
               COUNTS("v", "bids", "") "CREATE VIEW w AS SELECT u, SUM(p) AS s " WINDOW("bids")
                   GROUP "u;"
                         "INSERT INTO more SELECT u, s FROM w; INSERT INTO dst SELECT a, n FROM v;",
           PLAIN, "keep bids, keep v/window, drop w/window");
}

#define INSERT_OF(view) "INSERT INTO dst SELECT a, n FROM " view ";"

/* Two of one shape: each finds the one of its own predicates, whatever it is called now. */
Test(difference, of_two_alike_each_finds_its_own)
{
    expect(BIDS OUT COUNTS("v", "bids", "WHERE p > 1 ") COUNTS("w", "bids", "WHERE p > 2 ")
               INSERT_OF("v") INSERT_OF("w"),
           BIDS OUT COUNTS("w", "bids", "WHERE p > 1 ") COUNTS("v", "bids", "WHERE p > 2 ")
               INSERT_OF("v") INSERT_OF("w"),
           "keep bids, keep w/window [was v/window], keep v/window [was w/window]");
}

Test(difference, of_two_alike_that_nobody_can_tell_apart_none_is_kept)
{
    expect(BIDS OUT COUNTS("v", "bids", "WHERE p > 1 ") COUNTS("w", "bids", "WHERE p > 2 ")
               INSERT_OF("v") INSERT_OF("w"),
           BIDS OUT COUNTS("x", "bids", "WHERE p > 3 ") COUNTS("y", "bids", "WHERE p > 4 ")
               INSERT_OF("x") INSERT_OF("y"),
           "keep bids, new x/window, new y/window, drop v/window, drop w/window");
}

/* What an operator counts are the results of another one: with that one it is another. */
Test(difference, state_behind_state_that_is_rebuilt_is_rebuilt)
{
#define TWICE(interval)                                                                       \
    BIDS OUT "CREATE VIEW v AS SELECT a, window_time AS ts, COUNT(*) AS n FROM TABLE(TUMBLE(" \
             "TABLE bids, DESCRIPTOR(ts), INTERVAL '" interval "' SECOND)) GROUP BY "         \
             "window_start, window_end, window_time, a;"                                      \
             "CREATE VIEW w AS SELECT a, SUM(n) AS n FROM TABLE(TUMBLE(TABLE v, "             \
             "DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, a;"      \
             "INSERT INTO dst SELECT a, n FROM w;"
    expect(TWICE("10"), TWICE("10"), "keep bids, keep v/window, keep w/window");
    expect(TWICE("10"), TWICE("20"),
           "keep bids, rebuild v/window [window, interval or TTL differs], rebuild w/window "
           "[its rows come from elsewhere; their event time differs; its keys differ; what it "
           "keeps differs]");
}

/* A keyed operator is the same one behind an exchange, and exchanges are nobody's tables. */
Test(difference, stages_do_not_matter_to_what_operators_keep)
{
    static const char wide[] = "SET 'parallelism.default' = '4';";
    static const char renamed[] =
        BIDS OUT SINK("d2", "a BIGINT, n BIGINT") COUNTS("early", "bids", "WHERE p > 3 ")
            COUNTS("w", "bids", "") "INSERT INTO d2 SELECT a, n FROM early;"
                                    "INSERT INTO dst SELECT a, n FROM w;";
    char was[4096], is[4096];
    snprintf(was, sizeof was, "%s%s", wide, PLAIN);
    snprintf(is, sizeof is, "%s%s", wide, renamed);
    expect(was, was, "keep bids, keep v/window");
    expect(PLAIN, was, "keep bids, keep v/window");
    expect(was, PLAIN, "keep bids, keep v/window");
    expect(was, is, "keep bids, new early/window, keep w/window [was v/window]");
}

Test(difference, other_numbers_of_tasks_are_taken)
{
    planned was, is;
    mr_arena arena = {0};
    mr_difference d;
    plan_of(&was, PLAIN);
    plan_of(&is, "SET 'parallelism.default' = '4';" PLAIN);
    mr_difference_find(&was.job->plan, &is.job->plan, &arena, &d);
    cr_expect_null(d.never, "%s", d.never);
    mr_difference_find(&is.job->plan, &was.job->plan, &arena, &d);
    cr_expect_null(d.never, "%s", d.never);
    mr_job_free(was.job);
    mr_job_free(is.job);
    mr_script_release(&was.script);
    mr_script_release(&is.script);
    const char *plain = BIDS SINK("dst", "a BIGINT") "INSERT INTO dst SELECT a FROM bids;";
    char wider[2048];
    snprintf(wider, sizeof wider, "SET 'parallelism.default' = '4';%s", plain);
    plan_of(&was, plain);
    plan_of(&is, wider);
    mr_difference_find(&was.job->plan, &is.job->plan, &arena, &d);
    cr_expect_null(d.never, "%s", d.never);
    mr_difference_find(&is.job->plan, &was.job->plan, &arena, &d);
    cr_expect_null(d.never, "%s", d.never);
    mr_job_free(was.job);
    mr_job_free(is.job);
    mr_script_release(&was.script);
    mr_script_release(&is.script);
    mr_arena_release(&arena);
}

/* Why the second text cannot follow the first one; "" when it can. */
static void expect_never(const char *from, const char *to, const char *expected)
{
    planned was = {0}, is = {0};
    mr_arena arena = {0};
    mr_difference d;
    plan_of(&was, from);
    plan_of(&is, to);
    mr_difference_find(&was.job->plan, &is.job->plan, &arena, &d);
    cr_expect_str_eq(d.never != NULL ? d.never : "", expected);
    mr_arena_release(&arena);
    mr_job_free(was.job);
    mr_job_free(is.job);
    mr_script_release(&was.script);
    mr_script_release(&is.script);
}

/* The watermark of the old column would make rows of the new one late, without a word. */
Test(difference, another_event_time_of_a_table_is_refused_whatever_state_there_is)
{
#define TIMED(by)                                                                             \
    "CREATE TABLE bids (a BIGINT, ts TIMESTAMP(3), t2 TIMESTAMP(3), " by ") " KAFKA "'topic'" \
    "='b');" SINK("dst", "a BIGINT") "INSERT INTO dst SELECT a FROM bids WHERE t2 > ts;"
    const char *plain = TIMED("WATERMARK FOR ts AS ts");
    expect_never(plain, TIMED("WATERMARK FOR t2 AS t2"),
                 "table `bids` has another event time, and how far it was counts in the old one");
    expect_never(plain, TIMED("WATERMARK FOR ts AS ts - INTERVAL '5' SECOND"), "");
    expect_never(PLAIN, PLAIN, "");
}

Test(difference, a_folder_is_not_dealt_out_to_another_number_of_tasks)
{
#define FILES(path)                                                                        \
    "CREATE TABLE f (a BIGINT) WITH ('connector'='filesystem','path'='" path "','format'=" \
    "'json');" SINK("dst", "a BIGINT") "INSERT INTO dst SELECT a FROM f;"
    expect_never(FILES("/tmp"), "SET 'parallelism.default' = '4';" FILES("/tmp"),
                 "the files of table `f` are dealt out by the number of tasks, and how far each "
                 "was read would not fit");
    expect_never(FILES("/etc/passwd"), "SET 'parallelism.default' = '4';" FILES("/etc/passwd"), "");
}
