/*
 * Goal: where a keyed node stands behind another one and its keys hold those of the first, no
 * exchange lies between them and the results are those of one task.
 * Method: a job of two windows and a join behind one exchange on the simulated log; the same rows
 * through one task, four, and four of two workers.
 */
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 3000
#define PARTITIONS 8 /* at least one for each task */
#define STEPS_MAX 20000
#define STEPS \
    4 /* in a row: the first may go into a look at ends, with the time that others waited */

static const char JOB[] =
    "SET 'parallelism.default' = '%d';"
    "CREATE TABLE src (k INT, p INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
    " WITH (" SQL_KAFKA ", 'topic' = 'in');"
    "CREATE TABLE dst (k INT, m BIGINT, n BIGINT, e TIMESTAMP(3)) WITH (" SQL_KAFKA
    ", 'topic' = 'out');"
    "CREATE TABLE pairs (k INT, n BIGINT, m BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out2');"
    "CREATE VIEW v AS SELECT k, window_time AS t, COUNT(*) AS n, SUM(p) AS s FROM TABLE(TUMBLE("
    "TABLE src, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
    "GROUP BY window_start, window_end, window_time, k;"
    "CREATE VIEW w AS SELECT s * 2 AS s, k AS q, t, n FROM v WHERE s >= 0;"
    "EXECUTE STATEMENT SET BEGIN "
    "INSERT INTO dst SELECT q, MAX(s), SUM(n), window_end FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(t),"
    " INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, q;"
    "INSERT INTO pairs SELECT x.k, x.n, y.n FROM v AS x JOIN v AS y ON x.k = y.k AND "
    "x.t BETWEEN y.t AND y.t + INTERVAL '10' SECOND; END;";

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows of a topic, sorted. */
static char *sorted(sql_world *w, const char *topic)
{
    static char *row[4 * ROWS];
    char *text = strdup(sql_values(w, topic)), *save = NULL;
    uint32_t count = 0;
    size_t length = strlen(text);
    for (char *at = strtok_r(text, " ", &save); at != NULL; at = strtok_r(NULL, " ", &save))
        row[count++] = at;
    qsort(row, count, sizeof *row, compare);
    char *made = calloc(1, length + 2), *to = made;
    for (uint32_t i = 0; i < count; i++)
        to += sprintf(to, "%s ", row[i]);
    free(text);
    return made;
}

/* Times rise in all partitions alike, so that none is late whoever reads what when. */
static void put_rows(sql_world *w)
{
    uint64_t random = 7;
    for (int i = 0; i < ROWS; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        char value[96];
        int second = i / 10;
        snprintf(value, sizeof value, "{\"k\":%d,\"p\":%d,\"ts\":\"2024-01-01 00:%02d:%02d\"}",
                 (int)(random >> 40) % 23, (int)(random >> 33) % 1000, second / 60, second % 60);
        sql_put(w, "in", i % PARTITIONS, value);
    }
}

static void play(int tasks, uint32_t workers, char *results[2])
{
    sql_world w;
    static char script[4096];
    snprintf(script, sizeof script, JOB, tasks);
    sql_open(&w, workers, script);
    cr_expect_eq(w.job->stages.exchanges_count, tasks > 1 ? 1 : 0);
    sql_topic(&w, "in", PARTITIONS);
    sql_topic(&w, "out", 1);
    sql_topic(&w, "out2", 1);
    put_rows(&w);
    for (uint32_t k = 0; k < workers; k++)
        sql_start(&w, k, true);
    bool goes_on = true;
    for (uint32_t s = 0; goes_on; s++) {
        cr_assert_lt(s, STEPS_MAX, "%d tasks of %u workers do not end", tasks, workers);
        goes_on = false;
        for (uint32_t i = 0; i < workers * STEPS; i++)
            goes_on = sql_step(&w, i / STEPS) || goes_on;
    }
    for (uint32_t k = 0; k < workers; k++)
        cr_assert_eq(w.worker[k].status, MR_OK, "%s", w.worker[k].err.message);
    results[0] = sorted(&w, "out");
    results[1] = sorted(&w, "out2");
    sql_close(&w);
}

Test(worker_together, keyed_nodes_of_one_key_give_what_one_task_gives)
{
    static const struct {
        int tasks;
        uint32_t workers;
    } cases[] = {{4, 1}, {4, 2}, {7, 3}};
    char *expected[2], *got[2];
    play(1, 1, expected);
    cr_assert(strlen(expected[0]) > 1000 && strlen(expected[1]) > 1000, "there is much to compare");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        play(cases[i].tasks, cases[i].workers, got);
        for (int t = 0; t < 2; t++) {
            cr_expect(strcmp(got[t], expected[t]) == 0, "case %zu, topic %d", i, t);
            free(got[t]);
        }
    }
    free(expected[0]);
    free(expected[1]);
}
