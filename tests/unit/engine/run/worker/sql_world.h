/*
 * SQL jobs on the simulated log: a script becomes a plan, real workers run it in virtual time, and
 * tests put records in and read what was committed.
 *
 *   sql_world w;
 *   sql_open(&w, 1, "CREATE TABLE ..");       // topics the script names are made by `sql_topic`
 *   sql_topic(&w, "in", 2);
 *   sql_put(&w, "in", 0, "{\"id\":1}");
 *   sql_run(&w, 0, true, MR_OK);              // worker 0, bounded, to its end
 *   sql_expect(&w, "out", "{..} {..}");       // values of all partitions, in order
 *   sql_close(&w);
 *
 * Thread: one.
 */
#ifndef MR_TESTS_UNIT_ENGINE_RUN_WORKER_SQL_WORLD_H
#define MR_TESTS_UNIT_ENGINE_RUN_WORKER_SQL_WORLD_H

#include "engine/run/worker/worker.h"
#include "jobs/plan/job.h"
#include "tests/sim/world.h"

#define SQL_KAFKA                                                                        \
    "'connector' = 'kafka', 'properties.bootstrap.servers' = 'h:1', 'format' = 'json', " \
    "'scan.startup.mode' = 'earliest-offset'"

/* One worker, between `sql_start` and `sql_stop`. */
typedef struct sql_worker {
    mr_log *log;
    mr_worker *worker;
    mr_status status; /* of the last step */
    mr_error err;
    mr_worker_stats stats; /* after the last step that went well */
    mr_metrics *metrics;   /* the test's own, for the next start; NULL: none */
} sql_worker;

typedef struct sql_world {
    mr_sim_world world;
    mr_script script;
    mr_job *job;
    mr_arena arena;
    sql_worker worker[3];
    mr_store_factory *stores;        /* of worker 0, the test's own; NULL: the simulated ones */
    bool (*is_stopping)(void *hook); /* of the workers' config */
    void *hook;
    char log[8192]; /* lines of the workers' loggers */
    mr_budget budget;
    size_t memory_bytes, state_bytes_max; /* of all workers, from the next start on */
    uint32_t fetch_rows_max; /* of all workers, from the next start on; 0: as many as there are */
    mr_logger logger;
} sql_world;

/* `script` must be right. */
void sql_open(sql_world *w, uint32_t workers, const char *script);
void sql_close(sql_world *w);
void sql_topic(sql_world *w, const char *topic, int32_t partitions);
void sql_put(sql_world *w, const char *topic, int32_t partition, const char *value);

void sql_start(sql_world *w, uint32_t k, bool is_bounded);
/* One step; false: the worker has ended, well or not. */
bool sql_step(sql_world *w, uint32_t k);
void sql_stop(sql_world *w, uint32_t k);

/* From start to end; asserts on the status it ends with. */
void sql_run(sql_world *w, uint32_t k, bool is_bounded, mr_status expected);

/* Committed values of all partitions of a topic, between blanks; lives as long as the world. */
const char *sql_values(sql_world *w, const char *topic);
void sql_expect(sql_world *w, const char *topic, const char *expected);

/* Header `name` of the i-th committed record of partition 0; NULL: it has none. */
const char *sql_header(sql_world *w, const char *topic, uint32_t i, const char *name);

#endif
