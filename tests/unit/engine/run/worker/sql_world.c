#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 20000

static void write_log(void *sink, mr_log_level level, const char *line)
{
    (void)level;
    sql_world *w = sink;
    size_t used = strlen(w->log);
    snprintf(w->log + used, sizeof w->log - used, "%s\n", line);
}

void sql_open(sql_world *w, uint32_t workers, const char *script)
{
    memset(w, 0, sizeof *w);
    mr_sim_world_init(&w->world, 1, workers, NULL);
    mr_script_init(&w->script, "job.sql", script, strlen(script));
    mr_diagnostics diagnostics = {0};
    mr_job_options options = {.stem = "job"};
    w->job = mr_job_new(&w->script, &options, &diagnostics);
    mr_buffer out = {0};
    mr_diagnostics_print(&diagnostics, &w->script, false, &out);
    cr_assert_not_null(w->job, "%.*s", (int)out.length, out.data);
    mr_buffer_release(&out);
    mr_diagnostics_release(&diagnostics);
    w->logger = (mr_logger){.write = write_log, .sink = w};
}

void sql_close(sql_world *w)
{
    for (uint32_t k = 0; k < w->world.workers_count; k++)
        sql_stop(w, k);
    mr_sim_world_release(&w->world);
    mr_job_free(w->job);
    mr_script_release(&w->script);
    mr_arena_release(&w->arena);
}

void sql_topic(sql_world *w, const char *topic, int32_t partitions)
{
    mr_sim_create(&w->world, topic, partitions);
}

void sql_put(sql_world *w, const char *topic, int32_t partition, const char *value)
{
    mr_sim_put(&w->world, topic, partition, "the key", value, 1704067200000);
}

void sql_start(sql_world *w, uint32_t k, bool is_bounded)
{
    static const char *const instances[] = {"w0", "w1", "w2"};
    sql_worker *at = &w->worker[k];
    *at = (sql_worker){.log = mr_sim_connect(&w->world, k), .metrics = at->metrics};
    mr_worker_config config = {.plan = &w->job->plan,
                               .log = at->log,
                               .stores = w->stores != NULL && k == 0 ? w->stores
                                                                     : mr_sim_stores(&w->world, k),
                               .clock = mr_sim_clock(&w->world),
                               .logger = &w->logger,
                               .metrics = at->metrics,
                               .instance_id = instances[k],
                               .is_bounded = is_bounded,
                               .is_stopping = w->is_stopping,
                               .hook = w->hook,
                               .fetch_rows_max = w->fetch_rows_max,
                               .budget = &w->budget,
                               .memory_bytes = w->memory_bytes,
                               .state_bytes_max = w->state_bytes_max,
                               .is_dynamic_member = w->world.workers_count > 1};
    at->worker = mr_worker_new(&config);
}

bool sql_step(sql_world *w, uint32_t k)
{
    sql_worker *at = &w->worker[k];
    if (at->status != MR_OK || mr_worker_phase_of(at->worker) >= MR_WORKER_STOPPED)
        return false;
    at->status = mr_worker_step(at->worker, &at->err);
    mr_worker_stats_get(at->worker, &at->stats);
    return at->status == MR_OK && at->stats.phase < MR_WORKER_STOPPED;
}

void sql_stop(sql_world *w, uint32_t k)
{
    sql_worker *at = &w->worker[k];
    mr_worker_free(at->worker);
    at->worker = NULL;
    if (at->log != NULL)
        at->log->class->close(at->log);
    at->log = NULL;
}

void sql_run(sql_world *w, uint32_t k, bool is_bounded, mr_status expected)
{
    sql_worker *at = &w->worker[k];
    sql_start(w, k, is_bounded);
    uint32_t steps = 0;
    while (sql_step(w, k))
        cr_assert_lt(steps++, STEPS_MAX, "the worker does not end");
    cr_assert_eq(at->status, expected, "ended with MR%d, want MR%d: %s", at->status, expected,
                 at->status != MR_OK ? at->err.message : "");
    sql_stop(w, k);
}

static int32_t partitions_of(sql_world *w, const char *topic)
{
    mr_error err;
    mr_topic_facts facts;
    mr_log *log = w->world.outside;
    cr_assert_eq(log->class->describe(log, topic, &facts, &err), MR_OK);
    cr_assert(facts.exists, "no topic %s", topic);
    return facts.partitions;
}

const char *sql_values(sql_world *w, const char *topic)
{
    mr_buffer text = {0};
    for (int32_t p = 0; p < partitions_of(w, topic); p++)
        mr_sim_read(&w->world, topic, p, &text);
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    size_t length = text.length > 0 ? text.length - 1 : 0;
    const char *copy = mr_arena_string(&w->arena, length > 0 ? text.data : "", length);
    mr_buffer_release(&text);
    return copy;
}

void sql_expect(sql_world *w, const char *topic, const char *expected)
{
    const char *got = sql_values(w, topic);
    cr_expect_str_eq(got, expected, "%s holds\n  %s\nwant\n  %s", topic, got, expected);
}

const char *sql_header(sql_world *w, const char *topic, uint32_t i, const char *name)
{
    mr_error err;
    mr_records records;
    mr_log_reader *reader;
    mr_log *log = w->world.outside;
    const char *found = NULL;
    cr_assert_eq(log->class->open_reader(log, &reader, &err), MR_OK);
    cr_assert_eq(reader->class->add(reader, 0, topic, 0, MR_OFFSET_EARLIEST, &err), MR_OK);
    cr_assert_eq(reader->class->fetch(reader, 100, 0, &records, &err), MR_OK);
    cr_assert_lt(i, records.count, "%s has %u records", topic, records.count);
    uint32_t count = 0;
    const mr_header *headers = records.headers(&records, i, &w->arena, &count);
    for (uint32_t h = 0; h < count; h++)
        if (strcmp(headers[h].name, name) == 0)
            found = mr_arena_string(&w->arena, headers[h].value, headers[h].value_length);
    reader->class->close(reader);
    return found;
}
