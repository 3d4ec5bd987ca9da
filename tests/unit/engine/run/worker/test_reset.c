/*
 * Goal: a reset that was cut short is finished by the next one: no topic of an exchange is left
 * where nobody looks for it. Method: topics on the simulated log, one of which cannot be deleted at
 * first.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TABLES                                                            \
    "SET 'parallelism.default' = '2';"                                    \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) " \
    "WITH (" SQL_KAFKA ", 'topic' = 'in');"                               \
    "CREATE TABLE dst (id INT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
#define ONE_STAGE TABLES "INSERT INTO dst SELECT id FROM src;"

typedef struct stubborn {
    mr_log_class class;
    const mr_log_class *inner;
} stubborn;

static mr_status delete_topic(mr_log *log, const char *topic, mr_error *err)
{
    const stubborn *s = (const stubborn *)((uintptr_t)log->class - offsetof(stubborn, class));
    if (strcmp(topic, "job.exchange.1") == 0)
        return mr_error_set(err, MR_E_KAFKA, "cannot delete `%s`", topic);
    return s->inner->delete_topic(log, topic, err);
}

static bool exists(sql_world *w, uint32_t number)
{
    char topic[32];
    mr_error err;
    mr_topic_facts facts;
    mr_log *log = w->world.outside;
    snprintf(topic, sizeof topic, "job.exchange.%" PRIu32, number);
    cr_assert_eq(log->class->describe(log, topic, &facts, &err), MR_OK);
    return facts.exists;
}

static mr_status reset(sql_world *w, bool is_stubborn)
{
    mr_error err;
    mr_log *log = mr_sim_connect(&w->world, 0);
    stubborn s = {.class = *log->class, .inner = log->class};
    s.class.delete_topic = delete_topic;
    if (is_stubborn)
        log->class = &s.class;
    mr_worker_config config = {
        .plan = &w->job->plan, .log = log, .stores = mr_sim_stores(&w->world, 0)};
    mr_status status = mr_worker_reset(&config, &err);
    log->class = s.inner;
    log->class->close(log);
    return status;
}

Test(reset, that_was_cut_short_leaves_no_exchange_the_next_does_not_find)
{
    sql_world w;
    sql_open(&w, 1, ONE_STAGE); /* the plan has changed: it says nothing of exchanges */
    sql_topic(&w, "job.exchange.0", 2);
    sql_topic(&w, "job.exchange.1", 2);
    sql_topic(&w, "job.exchange.2", 2);
    cr_assert_eq(reset(&w, true), MR_E_KAFKA);
    cr_expect(exists(&w, 0), "what is behind it is not found without it");
    cr_expect(exists(&w, 1));
    cr_assert_eq(reset(&w, false), MR_OK);
    for (uint32_t n = 0; n < 3; n++)
        cr_expect_not(exists(&w, n), "%" PRIu32, n);
    sql_close(&w);
}

Test(reset, finds_the_exchanges_of_its_plan_behind_one_that_is_missing)
{
    sql_world w;
    sql_open(&w, 1,
             TABLES "CREATE VIEW v AS SELECT id, window_time AS t, COUNT(*) AS n FROM "
                    "TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY "
                    "window_start, window_end, window_time, id;"
                    "INSERT INTO dst SELECT x.id FROM v AS x JOIN v AS y ON x.n = y.n AND "
                    "x.t = y.t;");
    sql_topic(&w, "job.exchange.1", 2);
    sql_topic(&w, "job.exchange.2", 2);
    cr_assert_eq(reset(&w, false), MR_OK);
    for (uint32_t n = 0; n < 3; n++)
        cr_expect_not(exists(&w, n), "%" PRIu32, n);
    sql_close(&w);
}
