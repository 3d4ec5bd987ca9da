#include "tests/sim/world.h"

#include "engine/base/assert.h"

#include <stdio.h>
#include <string.h>

#define WALL_START_MS INT64_C(1700000000000)

/* The outside never fails, so an error of it is an error of the test. */
static void must(mr_status status, const mr_error *err)
{
    if (status != MR_OK)
        fprintf(stderr, "outside of the simulation: %s\n", err->message);
    MR_ASSERT(status == MR_OK);
}

void mr_sim_world_init(mr_sim_world *world, uint64_t seed, uint32_t workers, FILE *trace)
{
    MR_ASSERT(workers <= MR_SIM_WORKERS_MAX);
    *world = (mr_sim_world){.seed = seed, .workers_count = workers};
    mr_memory_clock_init(&world->clock, WALL_START_MS);
    /* Of several workers the heirs end what the dead left, if they know their names: one that died
     * amid its first claim left none, so it happens seldom. */
    uint32_t hanging = seed % 3 != 0 ? 0 : workers == 1 ? 300000 : 30000;
    mr_memory_options options = {.virtual_clock = &world->clock,
                                 .hanging = hanging,
                                 .hanging_in_a_row = 3,
                                 .hangs_partly = true,
                                 .seed = seed};
    world->cluster = mr_memory_cluster_new(&options);
    world->blobs = mr_sim_blobs_new(&world->clock.clock);
    world->outside = mr_memory_log_new(world->cluster, NULL);
    mr_error err;
    mr_writer_options feeder = {0};
    must(world->outside->class->open_writer(world->outside, &feeder, &world->feeder, &err), &err);
    for (uint32_t k = 0; k < workers; k++) {
        mr_sim_worker *worker = &world->worker[k];
        snprintf(worker->name, sizeof worker->name, "worker-%u", k);
        worker->process = (mr_memory_process){
            .name = worker->name,
            .clock = &world->clock.clock,
            .random = seed * UINT64_C(1000003) + k,
            .trace = trace,
        };
        worker->disk = mr_sim_disk_new(&worker->process);
    }
}

void mr_sim_world_release(mr_sim_world *world)
{
    for (uint32_t k = 0; k < world->workers_count; k++)
        mr_sim_disk_free(world->worker[k].disk);
    world->feeder->class->close(world->feeder);
    world->outside->class->close(world->outside);
    mr_sim_blobs_free(world->blobs);
    mr_memory_cluster_free(world->cluster);
}

mr_log *mr_sim_connect(mr_sim_world *world, uint32_t k)
{
    mr_sim_worker *worker = &world->worker[k];
    if (worker->process.is_dead) {
        mr_sim_disk_crash(worker->disk);
        mr_memory_process_restart(&worker->process);
    }
    worker->lives++;
    return mr_memory_log_new(world->cluster, &worker->process);
}

mr_store_factory *mr_sim_stores(mr_sim_world *world, uint32_t k)
{
    return mr_sim_disk_factory(world->worker[k].disk);
}

const mr_clock *mr_sim_clock(const mr_sim_world *world)
{
    return &world->clock.clock;
}

mr_memory_process *mr_sim_process(mr_sim_world *world, uint32_t k)
{
    return &world->worker[k].process;
}

void mr_sim_kill_at(mr_sim_world *world, uint32_t k, uint64_t call, mr_memory_crash how)
{
    MR_ASSERT(call >= 1);
    mr_memory_process *process = &world->worker[k].process;
    process->crash_at = process->calls + call;
    process->crash = how;
}

void mr_sim_set_faults(mr_sim_world *world, uint32_t k, const mr_memory_faults *faults)
{
    world->worker[k].process.faults = *faults;
}

static uint32_t some(mr_memory_process *process, uint32_t per_million_max)
{
    if (mr_memory_draw_below(process, 2) == 0)
        return 0;
    return 1 + (uint32_t)mr_memory_draw_below(process, per_million_max);
}

mr_memory_faults mr_sim_draw_faults(mr_sim_world *world, uint32_t k)
{
    mr_memory_process *process = &world->worker[k].process;
    return (mr_memory_faults){
        .stall = some(process, 200000),
        .stall_us_max = 200000,
        .fetch_error = some(process, 50000),
        .linger = some(process, 500000),
        .resend = some(process, 300000),
        .end_doubt = some(process, 100000),
        .late_us_max = 1000000,
        .late_marker = some(process, 500000),
        .late_marker_us_max = 300000,
        .abortable = some(process, 50000),
        .unreachable = some(process, 2000),
        .unreachable_us_max = 15000000,
        .rebalance = some(process, 5000),
    };
}

void mr_sim_pass(mr_sim_world *world, int64_t ms)
{
    int64_t until_us = world->clock.now_us + ms * 1000;
    while (mr_memory_cluster_wait(world->cluster, until_us))
        ;
}

void mr_sim_create(mr_sim_world *world, const char *topic, int32_t partitions)
{
    mr_error err;
    must(world->outside->class->create_topic(world->outside, topic, partitions, NULL, &err), &err);
}

void mr_sim_grow(mr_sim_world *world, const char *topic, int32_t partitions)
{
    pthread_mutex_lock(&world->cluster->lock);
    mr_memory_topic *known = mr_memory_cluster_topic(world->cluster, topic);
    MR_ASSERT(known != NULL);
    mr_memory_cluster_grow_topic(world->cluster, known, partitions);
    pthread_mutex_unlock(&world->cluster->lock);
}

void mr_sim_put(mr_sim_world *world, const char *topic, int32_t partition, const char *key,
                const char *value, int64_t timestamp_ms)
{
    mr_error err;
    mr_log_record record = {
        .key = key,
        .key_length = key != NULL ? strlen(key) : 0,
        .value = value,
        .value_length = value != NULL ? strlen(value) : 0,
        .timestamp_ms = timestamp_ms,
    };
    must(world->feeder->class->produce(world->feeder, topic, partition, &record, 1, &err), &err);
}

int64_t mr_sim_each(mr_sim_world *world, const char *topic, int32_t partition,
                    void (*visit)(void *context, const mr_record *record), void *context)
{
    mr_error err;
    mr_log_reader *reader;
    must(world->outside->class->open_reader(world->outside, &reader, &err), &err);
    must(reader->class->add(reader, 0, topic, partition, MR_OFFSET_EARLIEST, &err), &err);
    for (;;) {
        mr_records records;
        must(reader->class->fetch(reader, 4096, 0, &records, &err), &err);
        if (records.count == 0)
            break;
        for (uint32_t i = 0; i < records.count; i++)
            visit(context, &records.record[i]);
    }
    mr_input_ends ends;
    must(reader->class->ends(reader, 0, 0, &ends, &err), &err);
    MR_ASSERT(ends.position == ends.stable_end);
    reader->class->close(reader);
    return ends.stable_end;
}

int64_t mr_sim_held(mr_sim_world *world, const char *topic, int32_t partition)
{
    mr_error err;
    mr_log_ends ends = {.topic = topic, .partition = partition};
    must(world->outside->class->ends(world->outside, &ends, 1, &err), &err);
    return ends.high - ends.stable;
}

static void print_value(void *context, const mr_record *record)
{
    mr_buffer *text = context;
    if (record->value_length > 0)
        mr_buffer_put(text, record->value, record->value_length);
    mr_buffer_put(text, "\n", 1);
}

void mr_sim_read(mr_sim_world *world, const char *topic, int32_t partition, mr_buffer *text)
{
    (void)mr_sim_each(world, topic, partition, print_value, text);
}
