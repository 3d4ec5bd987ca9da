/*
 * Goal: a job that keeps nothing by key gets more tasks and fewer: no row is lost or twice whatever
 * dies at a call of the command, though plans of its text are one plan whatever their tasks are;
 * only the number that is in force is taken.
 * Method: texts of a job that copies rows, of 1 to 6 tasks, over four partitions; the topics' looks
 * before each life, as the program has them. Each row that was put must come out once.
 */
#include "engine/base/assert.h"
#include "jobs/engine/topics.h"
#include "jobs/fleet/upgrade/counted.h"
#include "tests/unit/sim/upgrading.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL 2 /* the process of the upgrade */
#define TASKS_MAX 6
#define TEXT                                                                     \
    "SET 'parallelism.default' = '%u';"                                          \
    "CREATE TABLE src (k STRING, t BIGINT, a INT) WITH ('connector' = 'kafka',"  \
    "'properties.bootstrap.servers' = 'h:1', 'topic' = 'in', 'format' = 'csv',"  \
    "'csv.field-delimiter' = '|', 'scan.startup.mode' = 'earliest-offset');"     \
    "CREATE TABLE dst (k STRING, t BIGINT, a INT) WITH ('connector' = 'kafka',"  \
    "'properties.bootstrap.servers' = 'h:1', 'topic' = 'out', 'format' = 'csv'," \
    "'csv.field-delimiter' = '|');"                                              \
    "INSERT INTO dst SELECT k, t, a FROM src;"

typedef struct text {
    char sql[1024];
    mr_script script;
    mr_job *job;
} text;

typedef struct copying {
    mr_rig r;
    text texts[TASKS_MAX + 1]; /* by number of tasks */
} copying;

static void set_up(copying *c, uint64_t seed, uint32_t tasks)
{
    mr_rig_set_up(&c->r, &(mr_rig_options){.seed = seed, .workers = 3, .job = {.tasks_count = 1}});
    c->r.random = seed;
    c->r.is_pipelined = seed % 2 == 0;
    c->r.takes_checkpoints = false;
    c->r.config.is_dynamic_member = true;
    for (uint32_t n = 1; n <= TASKS_MAX; n++) {
        text *t = &c->texts[n];
        mr_diagnostics diagnostics = {0};
        int length = snprintf(t->sql, sizeof t->sql, TEXT, n);
        mr_script_init(&t->script, "job.sql", t->sql, (size_t)length);
        t->job = mr_job_new(&t->script, &(mr_job_options){.name = "sim"}, &diagnostics);
        cr_assert_not_null(t->job);
        mr_diagnostics_release(&diagnostics);
    }
    c->r.config.plan = &c->texts[tasks].job->plan;
}

static void tear_down(copying *c)
{
    for (uint32_t n = 1; n <= TASKS_MAX; n++) {
        mr_job_free(c->texts[n].job);
        mr_script_release(&c->texts[n].script);
    }
    mr_rig_tear_down(&c->r);
}

static mr_job *prepared(copying *c, uint32_t tasks, mr_log *log, mr_topics_state state)
{
    mr_job *job = c->texts[tasks].job;
    mr_status status = mr_topics_prepare(job, log, false, state, NULL, &c->r.err);
    return status == MR_OK ? job : NULL;
}

static void take(copying *c, uint32_t tasks)
{
    mr_job *job = prepared(c, tasks, c->r.world.outside, MR_TOPICS_KEPT);
    cr_assert_not_null(job, "%s", c->r.err.message);
    c->r.config.plan = &job->plan;
}

static mr_status begin(copying *c, const mr_upgrading *t, mr_job *was, const mr_job *is)
{
    mr_upgrade ahead = {.difference = &t->difference,
                        .is_ahead = true,
                        .moments = &t->moments,
                        .transactional_id = "sim-upgrade"};
    mr_status status = mr_upgrade_look(&ahead, &c->r.err);
    bool must_begin = status == MR_OK && mr_counted_must_begin(was, is, &ahead);
    mr_upgrade_release(&ahead);
    return must_begin ? mr_counted_begin(was, &t->moments, "sim-upgrade", &c->r.err) : status;
}

/* As the command does it. */
static mr_status try(copying *c, uint32_t from, uint32_t to)
{
    mr_upgrading t;
    mr_log *log = mr_sim_connect(&c->r.world, TOOL);
    mr_job *was = prepared(c, from, log, MR_TOPICS_KEPT);
    mr_job *is = was != NULL ? prepared(c, to, log, MR_TOPICS_UPGRADED) : NULL;
    log->class->close(log);
    if (is == NULL)
        return c->r.err.status;
    mr_counted_set_version(was, is);
    mr_upgrading_open(&c->r, &t, &was->plan, &is->plan);
    mr_status status = begin(c, &t, was, is);
    if (status == MR_OK)
        status = mr_upgrading_try(&c->r, &t, false);
    mr_upgrading_close(&t);
    return status;
}

static bool is_taken(copying *c, uint32_t tasks)
{
    take(c, tasks);
    return mr_upgrading_is_taken(&c->r, c->r.config.plan, MR_OK);
}

static void upgrade(copying *c, uint32_t from, uint32_t to)
{
    cr_assert_eq(try(c, from, to), MR_OK, "MR%d %s", c->r.err.status, c->r.err.message);
    mr_sim_pass(&c->r.world, 60000);
    take(c, to);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t lines_of(mr_sim_world *world, const char *topic, int32_t partitions, mr_buffer *all,
                       char ***lines)
{
    size_t count = 0, room = 0;
    for (int32_t p = 0; p < partitions; p++)
        mr_sim_read(world, topic, p, all);
    mr_buffer_put_u8(all, '\0');
    *lines = NULL;
    for (char *line = strtok(all->data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (count == room) {
            room = room != 0 ? room * 2 : 64;
            *lines = realloc(*lines, room * sizeof **lines);
            cr_assert_not_null(*lines);
        }
        (*lines)[count++] = line;
    }
    qsort(*lines, count, sizeof **lines, compare);
    return count;
}

/* A bounded run to the end; then what came in is what went out. */
static void finish(copying *c)
{
    mr_buffer in = {0}, out = {0};
    char **put, **got;
    mr_rig_start(&c->r, 0, true);
    mr_rig_step_until(&c->r, 0, MR_WORKER_FINISHED);
    mr_rig_stop(&c->r, 0);
    size_t puts = lines_of(&c->r.world, "in", MR_SIM_PARTITIONS, &in, &put);
    size_t gots = lines_of(&c->r.world, "out", 1, &out, &got);
    cr_assert_gt(puts, 100);
    cr_expect_eq(gots, puts);
    for (size_t i = 0; i < puts && i < gots; i++)
        cr_assert_str_eq(got[i], put[i]);
    free(put);
    free(got);
    mr_buffer_release(&in);
    mr_buffer_release(&out);
}

Test(upgrade_free, rows_come_once_over_more_tasks_and_fewer, .timeout = 120)
{
    static const uint32_t tasks[] = {6, 4, 2, 1, 3, 5, 5, 1};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        copying c;
        set_up(&c, seed, tasks[0]);
        for (size_t i = 0; i < MR_LENGTH(tasks); i++) {
            if (i > 0)
                upgrade(&c, tasks[i - 1], tasks[i]);
            (void)mr_rig_live(&c.r, 400, i % 2 == seed % 2, false);
            if (i > 0 && tasks[i] != tasks[i - 1])
                cr_expect_not(is_taken(&c, tasks[i - 1]), "%u tasks, seed %" PRIu64, tasks[i - 1],
                              seed);
            take(&c, tasks[i]);
        }
        finish(&c);
        tear_down(&c);
    }
}

/* True: the first try had come to its commit. */
static bool dies_at(uint32_t from, uint32_t to, uint64_t call, uint64_t *calls)
{
    copying c;
    set_up(&c, call + 1, from);
    (void)mr_rig_live(&c.r, 500, true, false);
    uint64_t before = mr_sim_process(&c.r.world, TOOL)->calls;
    if (call > 0)
        mr_sim_kill_at(&c.r.world, TOOL, call, MR_MEMORY_CRASH_DRAWN);
    mr_status status = try(&c, from, to);
    *calls = mr_sim_process(&c.r.world, TOOL)->calls - before;
    mr_sim_pass(&c.r.world, 60000);
    cr_assert(status == MR_E_CRASHED || status == MR_OK, "call %" PRIu64 ": MR%d %s", call, status,
              c.r.err.message);
    bool is_new = is_taken(&c, to), is_old = is_taken(&c, from);
    cr_expect_neq(is_new, is_old, "call %" PRIu64 ": %s", call, is_old ? "both" : "none");
    if (is_old)
        mr_upgrading_live(&c.r, 60);
    upgrade(&c, from, to);
    mr_upgrading_live(&c.r, 60);
    finish(&c);
    tear_down(&c);
    return is_new;
}

static void dies_everywhere(uint32_t from, uint32_t to)
{
    uint64_t calls, ignored, committed = 0;
    cr_expect(dies_at(from, to, 0, &calls));
    cr_assert_gt(calls, 20);
    for (uint64_t call = 1; call <= calls; call += 3)
        committed += dies_at(from, to, call, &ignored);
    cr_expect_gt(committed, 0);
    cr_expect_lt(committed, calls / 3);
}

Test(upgrade_free, whatever_dies_between_two_calls_one_number_of_tasks_is_in_force, .timeout = 300)
{
    dies_everywhere(2, 4);
    dies_everywhere(4, 1);
}
