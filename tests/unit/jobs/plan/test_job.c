/*
 * Goal: jobs become the plans they should. Method: small scripts; plans are written as one line a
 * node, "id(class) <- inputs: columns", and compared.
 */
#include "jobs/plan/job.h"
#include "operators/rank/deduplicate.h"
#include "operators/window/window_aggregate.h"

#include <criterion/criterion.h>
#include <string.h>

#define BIDS                                                                                     \
    "CREATE TABLE bids (auction BIGINT, bidder BIGINT, price INT, item ROW<name STRING, n INT>," \
    " ts TIMESTAMP(3), twice AS price * 2, o BIGINT METADATA FROM 'offset' VIRTUAL,"             \
    " WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"                                             \
    " WITH ('connector'='kafka','topic'='b','format'='json',"                                    \
    " 'properties.bootstrap.servers'='h:1','scan.startup.mode'='earliest-offset'"
#define BIDS_PLAIN BIDS ");"
#define SINK "CREATE TABLE out1 (a BIGINT, b BIGINT) WITH ('connector'='print');"
#define PER_AUCTION                                                                     \
    "CREATE VIEW v AS SELECT auction, window_end, COUNT(*) AS n, SUM(price) AS s FROM " \
    "TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "                  \
    "GROUP BY window_start, window_end, auction;"

/* The job of a script that is right; says what is wrong when it is not. */
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

static void put_origin(mr_buffer *out, const mr_plan *plan, mr_origin origin)
{
    static const char *const suffixes[] = {"", "$errors", "", "$late", "$errors"};
    bool is_source = origin.kind == MR_ORIGIN_SOURCE_ROWS || origin.kind == MR_ORIGIN_SOURCE_ERRORS;
    mr_buffer_printf(out, " %s%s",
                     is_source                              ? plan->sources[origin.index].table
                     : origin.kind == MR_ORIGIN_SINK_ERRORS ? plan->sinks[origin.index].table
                                                            : plan->nodes[origin.index].id,
                     suffixes[origin.kind]);
}

static char *text_of(const mr_plan *plan, mr_arena *arena)
{
    mr_buffer out = {0};
    for (uint32_t i = 0; i < plan->sources_count; i++) {
        mr_buffer_printf(&out, "%s:", plan->sources[i].table);
        for (uint32_t c = 0; c < plan->sources[i].columns_count; c++)
            mr_buffer_printf(&out, " %s", plan->sources[i].columns[c].field.name);
        mr_buffer_printf(&out, "\n");
    }
    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        const mr_plan_node *node = &plan->nodes[i];
        mr_buffer_printf(&out, "%s(%s) <-", node->id, node->class->name);
        for (uint32_t j = 0; j < node->inputs_count; j++)
            put_origin(&out, plan, node->inputs[j]);
        mr_buffer_printf(&out, ":");
        for (uint32_t c = 0; c < node->schema.columns_count; c++)
            mr_buffer_printf(&out, " %s", node->schema.columns[c].name);
        mr_buffer_printf(&out, "\n");
    }
    for (uint32_t i = 0; i < plan->sinks_count; i++) {
        mr_buffer_printf(&out, "%s <-", plan->sinks[i].table);
        put_origin(&out, plan, plan->sinks[i].input);
        mr_buffer_printf(&out, "\n");
    }
    char *text = mr_arena_string(arena, out.data, out.length);
    mr_buffer_release(&out);
    return text;
}

static void expect_plan(const char *script_text, const char *expected)
{
    mr_script script;
    mr_arena arena = {0};
    mr_job *job = plan_of(&script, script_text);
    const char *text = text_of(&job->plan, &arena);
    cr_expect_str_eq(text, expected, "got:\n%s", text);
    mr_arena_release(&arena);
    mr_job_free(job);
    mr_script_release(&script);
}

Test(job, decodes_only_the_columns_that_are_used)
{
    expect_plan(BIDS_PLAIN "SELECT auction FROM bids WHERE item.n > 1;",
                "bids: auction item.n ts\n"
                "print/where(filter) <- bids: auction item.n ts\n"
                "print/columns(project) <- print/where: auction\n"
                "print <- print/columns\n");
}

Test(job, computes_a_column_only_when_it_is_used)
{
    expect_plan(BIDS_PLAIN "SELECT twice, o FROM bids;", "bids: price ts o twice\n"
                                                         "print/columns(project) <- bids: twice o\n"
                                                         "print <- print/columns\n");
}

Test(job, folds_projections_into_one)
{
    expect_plan(
        BIDS_PLAIN SINK
        "INSERT INTO out1 SELECT x + 1, y FROM (SELECT price * 2 AS x, auction AS y FROM bids);",
        "bids: auction price ts\n"
        "out1/insert(project) <- bids: a b\n"
        "out1 <- out1/insert\n");
}

Test(job, a_view_read_twice_is_computed_once)
{
    expect_plan(BIDS_PLAIN SINK PER_AUCTION "INSERT INTO out1 SELECT auction, n FROM v;"
                                            "INSERT INTO out1 SELECT auction, s FROM v;",
                "bids: auction price ts\n"
                "v/window(window_aggregate) <- bids: auction window_start window_end COUNT(*) "
                "SUM(price)\n"
                "out1/insert#2(project) <- v/window: a b\n"
                "out1/sink(project) <- v/window: a b\n"
                "out1 <- out1/sink\n"
                "out1 <- out1/insert#2\n");
}

Test(job, the_text_of_an_aggregate_is_no_part_of_the_version)
{
    mr_script scripts[2];
    mr_job *a = plan_of(&scripts[0], BIDS_PLAIN SINK PER_AUCTION
                        "INSERT INTO out1 SELECT auction, n FROM v WHERE n > 1;");
    mr_job *b = plan_of(&scripts[1],
                        BIDS_PLAIN SINK "CREATE VIEW v AS SELECT auction, count( * ) AS n, "
                                        "Sum((price)) AS s FROM TABLE(TUMBLE(TABLE bids, "
                                        "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY auction, "
                                        "window_start, window_end;"
                                        "INSERT INTO out1 SELECT auction, n FROM v WHERE n > 1;");
    cr_expect_eq(a->plan.version, b->plan.version);
    mr_job_free(a);
    mr_job_free(b);
    mr_script_release(&scripts[0]);
    mr_script_release(&scripts[1]);
}

Test(job, late_rows_have_the_columns_of_the_window_input)
{
    expect_plan(BIDS_PLAIN SINK PER_AUCTION "SELECT auction, n FROM v;"
                                            "SELECT bidder, late_by_ms FROM bids$late;",
                "bids: auction bidder ts\n"
                "v/window(window_aggregate) <- bids: auction window_start window_end "
                "COUNT(*)\n"
                "v/window/late(project) <- v/window$late: bidder late_by_ms\n"
                "print/columns(project) <- v/window: auction n\n"
                "print <- print/columns\n"
                "print_2 <- v/window/late\n");
}

Test(job, late_rows_may_be_read_before_their_window_is_defined)
{
    mr_script script;
    mr_job *job = plan_of(&script, BIDS_PLAIN "SELECT late_operator FROM bids$late;" PER_AUCTION
                                              "SELECT n FROM v;");
    cr_expect_eq(job->plan.sinks_count, 2);
    mr_job_free(job);
    mr_script_release(&script);
}

Test(job, errors_are_a_relation_of_the_source)
{
    expect_plan(BIDS_PLAIN "SELECT error_message FROM bids$errors;",
                "bids: auction bidder price item.name item.n ts o\n"
                "print/columns(project) <- bids$errors: error_message\n"
                "print <- print/columns\n");
}

#define OTHER                                                                              \
    "CREATE TABLE other (m STRING) WITH ('connector'='kafka','topic'='o','format'='json'," \
    " 'properties.bootstrap.servers'='h:1');"

Test(job, errors_of_a_written_table_do_not_make_the_job_read_it)
{
    expect_plan(BIDS_PLAIN OTHER "INSERT INTO other SELECT item.name FROM bids;"
                                 "SELECT error_message FROM other$errors;",
                "bids: item.name ts\n"
                "other/sink(project) <- bids: m\n"
                "print/columns(project) <- other$errors: error_message\n"
                "other <- other/sink\n"
                "print <- print/columns\n");
}

Test(job, errors_of_a_table_that_is_read_too_are_those_of_the_source)
{
    expect_plan("CREATE TABLE loop (m STRING) WITH ('connector'='kafka','topic'='o',"
                " 'format'='json', 'properties.bootstrap.servers'='h:1',"
                " 'scan.startup.mode'='earliest-offset');"
                "INSERT INTO loop SELECT UPPER(m) FROM loop;"
                "SELECT error_message FROM loop$errors;",
                "loop: m\n"
                "loop/insert(project) <- loop: m\n"
                "print/columns(project) <- loop$errors: error_message\n"
                "loop <- loop/insert\n"
                "print <- print/columns\n");
}

Test(job, keeps_in_a_deduplication_what_is_needed)
{
    mr_script script;
    mr_job *job = plan_of(
        &script, BIDS_PLAIN
        "SET 'table.exec.state.ttl' = '1 h';"
        "SELECT price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder ORDER BY ts) AS rn"
        " FROM bids) WHERE rn = 1;");
    const mr_plan_node *node = &job->plan.nodes[0];
    cr_assert_eq(node->class, &mr_deduplicate_class);
    const mr_deduplicate_config *config = node->config;
    cr_expect_eq(config->columns_count, 3); /* bidder, price, ts */
    cr_expect_eq(config->keys_count, 1);
    cr_expect_eq(config->keys[0], 0);
    cr_expect_eq(config->ttl_ms, 3600000);
    cr_expect_eq(job->plan.tasks_count, 1);
    mr_job_free(job);
    mr_script_release(&script);
}

Test(job, hands_over_window_sizes_and_aggregates)
{
    mr_script script;
    mr_job *job = plan_of(
        &script, BIDS_PLAIN
        "SELECT auction + 1, COUNT(DISTINCT bidder) FILTER (WHERE price > 2), COUNT(1), AVG(price)"
        " FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND,"
        " INTERVAL '1' SECOND) GROUP BY window_start, window_end, auction + 1"
        " HAVING COUNT(*) > 1;");
    const mr_plan_node *node = &job->plan.nodes[1];
    cr_assert_eq(node->class, &mr_window_aggregate_class);
    const mr_window_config *config = node->config;
    cr_expect_eq(config->kind, MR_WINDOW_HOP);
    cr_expect_eq(config->size_ms, 10000);
    cr_expect_eq(config->slide_ms, 2000);
    cr_expect_eq(config->offset_ms, 1000);
    cr_expect_eq(config->keys_count, 1);
    cr_expect_eq(config->aggregates_count, 3); /* COUNT(1) and COUNT(*) are one */
    cr_expect_eq(config->has_window_time, false);
    mr_job_free(job);
    mr_script_release(&script);
}

static uint64_t version_of(const char *text)
{
    mr_script script;
    mr_job *job = plan_of(&script, text);
    uint64_t version = job->plan.version;
    mr_job_free(job);
    mr_script_release(&script);
    return version;
}

Test(job, the_version_follows_state_and_not_predicates)
{
    uint64_t one = version_of(BIDS_PLAIN PER_AUCTION "SELECT n FROM v WHERE n > 1;");
    cr_expect_eq(one, version_of(BIDS_PLAIN PER_AUCTION "SELECT n FROM v WHERE n > 2;"));
    cr_expect_neq(one, version_of(BIDS_PLAIN PER_AUCTION "SELECT s FROM v WHERE n > 2;"));
}

/* What a window keeps of `t`, by key `k`, all names and types being the same. */
#define KEPT(more, select, where, k)                                                            \
    "CREATE TABLE t (a INT, b INT, s STRING, ts TIMESTAMP(3)" more ", WATERMARK FOR ts AS ts) " \
    "WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', "                           \
    "'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');"         \
    "CREATE VIEW v AS SELECT a, b, " k " AS k, ts FROM t" where ";"                             \
    "CREATE VIEW w AS SELECT k, " select " AS x FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(ts), "    \
    "INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;"

Test(job, the_version_follows_what_is_kept_and_not_what_is_made_of_it)
{
    uint64_t one = version_of(KEPT("", "SUM(a)", "", "UPPER(s)") "SELECT k, x FROM w;");
    cr_expect_eq(version_of(KEPT("", "SUM(a)", "", "s") "SELECT k, x + 1 AS x FROM w;"),
                 version_of(KEPT("", "SUM(a)", "", "s") "SELECT k, x + 2 AS x FROM w;"));
    cr_expect_neq(one, version_of(KEPT("", "SUM(b)", "", "UPPER(s)") "SELECT k, x FROM w;"));
    cr_expect_neq(one, version_of(KEPT("", "SUM(a)", "", "LOWER(s)") "SELECT k, x FROM w;"));
    uint64_t plus = version_of(KEPT("", "SUM(a + 1)", "", "s") "SELECT k, x FROM w;");
    cr_expect_neq(plus, version_of(KEPT("", "SUM(a + 2)", "", "s") "SELECT k, x FROM w;"));
    cr_expect_neq(plus, version_of(KEPT("", "SUM(a + b)", "", "s") "SELECT k, x FROM w;"));
    uint64_t filter =
        version_of(KEPT("", "SUM(a) FILTER (WHERE b > 1)", "", "s") "SELECT k, x FROM w;");
    cr_expect_neq(
        filter, version_of(KEPT("", "SUM(a) FILTER (WHERE b > 2)", "", "s") "SELECT k, x FROM w;"));
    uint64_t computed = version_of(KEPT(", c AS a + 1", "MAX(a)", "", "c") "SELECT k, x FROM w;");
    cr_expect_neq(computed,
                  version_of(KEPT(", c AS a + 2", "MAX(a)", "", "c") "SELECT k, x FROM w;"));
    cr_expect_eq(version_of(KEPT("", "SUM(a)", " WHERE a > 1", "s") "SELECT k, x FROM w;"),
                 version_of(KEPT("", "SUM(a)", " WHERE a > 2", "s") "SELECT k, x FROM w;"));
}

Test(job, the_version_follows_the_zone_of_local_windows)
{
    static const char *const local =
        "SET 'table.local-time-zone' = '%s'; CREATE TABLE t (ts TIMESTAMP%s(3), "
        "WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'); SELECT COUNT(*) FROM TABLE(TUMBLE("
        "TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end;";
    mr_arena arena = {0};
    cr_expect_neq(version_of(mr_arena_printf(&arena, local, "Europe/Berlin", "_LTZ")),
                  version_of(mr_arena_printf(&arena, local, "Asia/Tokyo", "_LTZ")));
    cr_expect_eq(version_of(mr_arena_printf(&arena, local, "Europe/Berlin", "")),
                 version_of(mr_arena_printf(&arena, local, "Asia/Tokyo", "")));
    mr_arena_release(&arena);
}

/* A key that depends on the zone would be another key under another one. */
Test(job, the_version_follows_the_zone_of_what_is_made_of_instants)
{
    static const char *const keyed =
        "SET 'table.local-time-zone' = '%s'; CREATE TABLE t (a TIMESTAMP%s(3), ts TIMESTAMP(3), "
        "WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'); "
        "CREATE VIEW v AS SELECT ts, %s AS k FROM t; SELECT k, COUNT(*) FROM TABLE("
        "TUMBLE(TABLE v, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end, k;";
    static const char *const made[] = {"DATE_FORMAT(a, 'dd HH')", "EXTRACT(HOUR FROM a)",
                                       "CAST(a AS STRING)", "FLOOR(a TO DAY)"};
    mr_arena arena = {0};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        cr_expect_neq(version_of(mr_arena_printf(&arena, keyed, "Europe/Berlin", "_LTZ", made[i])),
                      version_of(mr_arena_printf(&arena, keyed, "Asia/Tokyo", "_LTZ", made[i])),
                      "%s", made[i]);
        cr_expect_eq(version_of(mr_arena_printf(&arena, keyed, "Europe/Berlin", "", made[i])),
                     version_of(mr_arena_printf(&arena, keyed, "Asia/Tokyo", "", made[i])), "%s",
                     made[i]);
    }
    mr_arena_release(&arena);
}

#define QUALIFIED(name, select)                                                                   \
    "CREATE TABLE shop.t (k INT, r ROW<k INT>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("   \
    "'connector' = 'kafka', 'topic' = 't', 'format' = 'json', "                                   \
    "'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');"           \
    "CREATE TABLE u (k INT, a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("               \
    "'connector' = 'kafka', 'topic' = 'u', 'format' = 'json', "                                   \
    "'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');"           \
    "CREATE VIEW v AS SELECT " select " FROM shop.t JOIN " name " ON t.k = u.k AND t.ts = u.ts; " \
    "SELECT * FROM v;"

/* The end of a table's name in FROM stands for it in front of its columns, as long as it is. */
Test(job, names_in_front_of_a_column_are_the_tables)
{
    uint64_t one = version_of(QUALIFIED("u", "t.k, u.a, t.r.k AS rk"));
    cr_expect_eq(one, version_of(QUALIFIED("u", "shop.t.k, u.a, shop.t.r.k AS rk")));
    cr_expect_eq(
        one, version_of(QUALIFIED("default_database.u",
                                  "shop.t.k, default_catalog.default_database.u.a, r.k AS rk")));
    cr_expect_eq(one, version_of(QUALIFIED("default_catalog.default_database.u",
                                           "t.k, default_database.u.a, t.r.k AS rk")));
    cr_expect_neq(one, version_of(QUALIFIED("u", "default_database.u.k, u.a, t.r.k AS rk")));
    uint64_t all = version_of(QUALIFIED("u", "t.k, t.ts, u.*"));
    cr_expect_eq(all, version_of(QUALIFIED("u", "t.k, shop.t.ts, default_database.u.*")));
}

/* Offsets in a file mean nothing in another one. */
Test(job, the_version_follows_the_path_of_a_file)
{
    static const char *const file =
        "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = '%s'); "
        "SELECT a FROM t;";
    mr_arena arena = {0};
    uint64_t one = version_of(mr_arena_printf(&arena, file, "a.jsonl", "json"));
    cr_expect_neq(one, version_of(mr_arena_printf(&arena, file, "b.jsonl", "json")));
    cr_expect_eq(one, version_of(mr_arena_printf(&arena, file, "a.jsonl", "csv")));
    mr_arena_release(&arena);
}

/* Two tables, `left` and `right` more options of theirs, joined by both of their columns. */
static bool join_follows_partitions(const char *left, const char *right)
{
    static const char *const table =
        "CREATE TABLE %s (a BIGINT, b STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("
        "'connector' = 'kafka', 'topic' = '%s', 'format' = 'json', "
        "'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset'%s);";
    mr_script script;
    mr_arena arena = {0};
    char *l = mr_arena_printf(&arena, table, "l", "l", left);
    char *r = mr_arena_printf(&arena, table, "r", "r", right);
    mr_job *job =
        plan_of(&script, mr_arena_printf(&arena,
                                         "%s%sSELECT l.a FROM l JOIN r ON l.a = r.a AND l.b = r.b "
                                         "AND l.ts = r.ts;",
                                         l, r));
    bool follows = job->tasks_follow_partitions;
    cr_expect(job->joins_partitions);
    mr_job_free(job);
    mr_script_release(&script);
    mr_arena_release(&arena);
    return follows;
}

Test(job, tasks_of_a_join_follow_partitions_that_are_equal_on_both_sides)
{
    cr_expect(join_follows_partitions(", 'partitioned-by' = 'a'", ", 'partitioned-by' = 'a'"));
    cr_expect(join_follows_partitions(", 'partitioned-by' = 'b;a'", ", 'partitioned-by' = 'b;a'"));
    cr_expect_not(join_follows_partitions(", 'partitioned-by' = 'a'", ""));
    cr_expect_not(join_follows_partitions("", ", 'partitioned-by' = 'a'"));
    cr_expect_not(join_follows_partitions(", 'partitioned-by' = 'a'", ", 'partitioned-by' = 'b'"));
    cr_expect_not(
        join_follows_partitions(", 'partitioned-by' = 'a;b'", ", 'partitioned-by' = 'b;a'"));
}

Test(job, tasks_follow_the_partitions_of_an_input_partitioned_by_the_key)
{
    static const struct {
        const char *option;
        bool follows;
    } cases[] = {{"", false},
                 {", 'partitioned-by'='auction'", true},
                 {", 'partitioned-by'='bidder'", false},
                 {", 'partitioned-by'='auction;bidder'", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_script script;
        mr_arena arena = {0};
        mr_job *job = plan_of(&script, mr_arena_printf(&arena, "%s%s);%s", BIDS, cases[i].option,
                                                       PER_AUCTION "SELECT n FROM v;"));
        cr_expect_eq(job->tasks_follow_partitions, cases[i].follows, "%s", cases[i].option);
        mr_job_free(job);
        mr_script_release(&script);
        mr_arena_release(&arena);
    }
}

Test(job, a_long_chain_of_views_is_no_deep_expression)
{
    mr_buffer text = {0};
    mr_buffer_printf(&text, "%sCREATE VIEW v0 AS SELECT price FROM bids;", BIDS_PLAIN);
    for (int i = 1; i < 5000; i++)
        mr_buffer_printf(&text, "CREATE VIEW v%d AS SELECT price + 1 AS price FROM v%d;", i, i - 1);
    mr_buffer_printf(&text, "SELECT price FROM v4999;");
    mr_buffer_put_u8(&text, 0);
    mr_script script;
    mr_job *job = plan_of(&script, text.data);
    cr_expect_gt(job->plan.nodes_count, 100);
    mr_job_free(job);
    mr_script_release(&script);
    mr_buffer_release(&text);
}
