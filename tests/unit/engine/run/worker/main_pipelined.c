/*
 * Goal: the engine and its helper thread share nothing but what the port hands over, and the output
 * is right with both at work. Method: the simulator's job on a memory log in real time, commits
 * every few ms by a thread that takes its time, rows fed and the worker stopped and started
 * between; the law judges.
 * Has its own main because Criterion does not start under TSan, which is what this is for.
 */
#include "connectors/local/helper_thread.h"
#include "connectors/memory/log.h"
#include "engine/base/assert.h"
#include "engine/run/worker/worker.h"
#include "tests/sim/job.h"
#include "tests/sim/law.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIVES 4
#define ROUNDS 60 /* of rows, in each life */

typedef struct rig {
    mr_memory_cluster *cluster;
    mr_clock clock;
    mr_log *outside;
    mr_log_writer *feeder;
    mr_sim_job job;
    mr_sim_law *law;
    int64_t time_ms;
    uint64_t staged_seen, commits;
} rig;

/* The thread of commits, with the pace of a broker. */
typedef struct slow_helper {
    mr_helper helper;
    mr_helper *thread;
    mr_helper_job job;
} slow_helper;

static void rest_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static bool slow_step(void *context)
{
    slow_helper *self = context;
    rest_us(700);
    return self->job.step(self->job.context);
}

static void start_slowly(mr_helper *helper, mr_helper_job job)
{
    slow_helper *self = (slow_helper *)helper;
    self->job = job;
    self->thread->class->start(self->thread, (mr_helper_job){slow_step, self});
}

static bool wait_for_thread(mr_helper *helper, int32_t timeout_ms)
{
    slow_helper *self = (slow_helper *)helper;
    return self->thread->class->wait(self->thread, timeout_ms);
}

static const mr_helper_class slow_class = {.start = start_slowly, .wait = wait_for_thread};

static void must(mr_status status, const mr_error *err)
{
    if (status != MR_OK)
        fprintf(stderr, "%s\n", err->message);
    MR_ASSERT(status == MR_OK);
}

static void create(rig *r, const char *topic, int32_t partitions)
{
    mr_error err;
    must(r->outside->class->create_topic(r->outside, topic, partitions, NULL, &err), &err);
}

static void set_up(rig *r)
{
    mr_error err;
    mr_writer_options options = {0};
    r->cluster = mr_memory_cluster_new(NULL);
    mr_memory_clock_real(&r->clock);
    r->outside = mr_memory_log_new(r->cluster, NULL);
    must(r->outside->class->open_writer(r->outside, &options, &r->feeder, &err), &err);
    create(r, "in", MR_SIM_PARTITIONS);
    create(r, "out", 1);
    create(r, "late", 1);
    create(r, "dlq", MR_SIM_PARTITIONS);
    mr_sim_job_init(&r->job, &(mr_sim_job_options){.tasks_count = 2});
    r->job.plan.commit_interval_ms = 3;
    r->law = calloc(1, sizeof *r->law);
    MR_ASSERT(r->law != NULL);
    mr_sim_law_init(r->law, r->job.window.size_ms, r->job.window.slide_ms);
}

static void feed(rig *r)
{
    for (uint32_t key = 0; key < MR_SIM_KEYS; key++) {
        char value[64];
        mr_error err;
        snprintf(value, sizeof value, "k%" PRIu32 "|%" PRId64 "|%d", key, r->time_ms, 7);
        mr_log_record record = {
            .value = value, .value_length = strlen(value), .timestamp_ms = MR_TIME_NONE};
        must(r->feeder->class->produce(r->feeder, "in", (int32_t)(key % MR_SIM_PARTITIONS), &record,
                                       1, &err),
             &err);
        mr_sim_law_sent(r->law, key, r->time_ms, 7);
    }
    r->time_ms += 3;
}

/* One worker with its thread, until it stops or, in the last life, has finished. */
static void live(rig *r, bool is_last)
{
    mr_error err;
    slow_helper helper = {.helper = {&slow_class}};
    must(mr_helper_thread_open(&helper.thread, &err), &err);
    mr_log *log = mr_memory_log_new(r->cluster, NULL);
    mr_worker_config config = {.plan = &r->job.plan,
                               .log = log,
                               .clock = &r->clock,
                               .instance_id = "w",
                               .fetch_rows_max = 8,
                               .helper = &helper.helper};
    mr_worker *worker = mr_worker_new(&config);
    uint32_t rounds = 0;
    mr_worker_stats stats;
    do {
        must(mr_worker_step(worker, &err), &err);
        mr_worker_stats_get(worker, &stats);
        r->staged_seen += stats.staged_bytes > 0;
        if (stats.phase == MR_WORKER_RUN && rounds < ROUNDS) {
            feed(r);
            rest_us(300);
            rounds++;
        } else if (rounds == ROUNDS && is_last) {
            mr_worker_request_end(worker);
        } else if (rounds == ROUNDS) {
            mr_worker_request_stop(worker);
        }
    } while (stats.phase < MR_WORKER_STOPPED);
    r->commits += stats.commits;
    mr_worker_free(worker);
    log->class->close(log);
    helper.thread->class->close(helper.thread);
}

static bool check(rig *r)
{
    mr_error err;
    char why[512] = "";
    mr_log_reader *reader;
    mr_buffer text = {0};
    must(r->outside->class->open_reader(r->outside, &reader, &err), &err);
    must(reader->class->add(reader, 0, "out", 0, MR_OFFSET_EARLIEST, &err), &err);
    for (;;) {
        mr_records records;
        must(reader->class->fetch(reader, 4096, 0, &records, &err), &err);
        if (records.count == 0)
            break;
        for (uint32_t i = 0; i < records.count; i++)
            mr_buffer_printf(&text, "%.*s\n", (int)records.record[i].value_length,
                             records.record[i].value);
    }
    reader->class->close(reader);
    mr_buffer_put_u8(&text, '\0');
    bool holds = mr_sim_law_take(r->law, "out", text.data, why, sizeof why) &&
                 mr_sim_law_holds(r->law, why, sizeof why);
    mr_buffer_release(&text);
    printf("%" PRIu64 " commits, %" PRId64 " results, %" PRIu64 " steps saw staged rows%s%s\n",
           r->commits, r->law->results_seen, r->staged_seen, holds ? "" : ": ", why);
    return holds && r->law->results_seen > 0 && r->commits > LIVES && r->staged_seen > 0;
}

int main(void)
{
    rig r = {0};
    set_up(&r);
    for (int i = 0; i < LIVES; i++)
        live(&r, i == LIVES - 1);
    bool is_good = check(&r);
    r.feeder->class->close(r.feeder);
    r.outside->class->close(r.outside);
    mr_memory_cluster_free(r.cluster);
    mr_sim_job_release(&r.job);
    mr_sim_law_release(r.law);
    free(r.law);
    printf("%d passed, %d failed, 0 skipped\n", is_good, !is_good);
    return is_good ? 0 : 1;
}
