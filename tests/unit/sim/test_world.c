/*
 * Goal: the world is fit to prove exactly-once on, and to disprove it.
 * Method: a copying worker of a hundred lines (one transaction per batch: output and offsets) runs
 * under crashes at every port call and under drawn faults; its output must be its input, once. The
 * same worker with its protocol broken on purpose must be caught.
 */
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define RECORDS 60
#define TURNS_MAX 5000

typedef enum breakage {
    HONEST = 0,
    OFFSETS_LEFT_OUT, /* the output is committed without its offsets */
    DOUBT_IGNORED,    /* a commit in doubt is taken for done */
} breakage;

typedef struct copier {
    mr_log *log;
    mr_log_member *member;
    mr_log_writer *writer;
    mr_log_reader *reader;
    bool is_reading;
    breakage broken;
} copier;

static mr_status open_writer(copier *c, mr_error *err)
{
    mr_writer_options options = {"copier", 10000, true};
    if (c->writer != NULL)
        c->writer->class->close(c->writer);
    c->writer = NULL;
    return c->log->class->open_writer(c->log, &options, &c->writer, err);
}

static mr_status start(copier *c, mr_error *err)
{
    mr_member_options options = {.group = "g", .instance_id = "copier", .topic = "in"};
    mr_status status = c->log->class->open_member(c->log, &options, &c->member, err);
    if (status == MR_OK)
        status = c->log->class->open_reader(c->log, &c->reader, err);
    return status != MR_OK ? status : open_writer(c, err);
}

static void stop(copier *c)
{
    if (c->reader != NULL)
        c->reader->class->close(c->reader);
    if (c->writer != NULL)
        c->writer->class->close(c->writer);
    if (c->member != NULL)
        c->member->class->close(c->member);
    c->log->class->close(c->log);
    *c = (copier){0};
}

static mr_status stop_reading(copier *c, mr_error *err)
{
    if (!c->is_reading)
        return MR_OK;
    c->is_reading = false;
    return c->reader->class->remove(c->reader, 0, err);
}

/* Reads from the committed offset on. */
static mr_status rewind_reader(copier *c, mr_error *err)
{
    mr_arena arena = {0};
    mr_log_offset position = {"in", 0, 0, NULL};
    mr_status status = stop_reading(c, err);
    if (status == MR_OK)
        status = c->member->class->committed(c->member, &position, 1, &arena, err);
    mr_arena_release(&arena);
    if (status != MR_OK)
        return status;
    c->is_reading = true;
    return c->reader->class->add(c->reader, 0, "in", 0, position.offset < 0 ? 0 : position.offset,
                                 err);
}

static mr_status copy_batch(copier *c, const mr_records *records, mr_error *err)
{
    mr_log_offset next = {"in", 0, records->record[records->count - 1].offset + 1, "v1"};
    mr_status status = c->writer->class->begin(c->writer, err);
    for (uint32_t i = 0; i < records->count && status == MR_OK; i++) {
        mr_log_record record = {.value = records->record[i].value,
                                .value_length = records->record[i].value_length,
                                .timestamp_ms = records->record[i].timestamp_ms};
        status = c->writer->class->produce(c->writer, "out", 0, &record, 1, err);
    }
    if (status == MR_OK && c->broken != OFFSETS_LEFT_OUT)
        status = c->writer->class->send_offsets(c->writer, c->member, &next, 1, err);
    if (status == MR_OK)
        status = c->writer->class->commit(c->writer, err);
    return status;
}

/* Acts on the recovery of a failed batch until something else than an error comes of it. */
static mr_status recover(copier *c, mr_error *err)
{
    mr_status status = err->status;
    while (status != MR_OK && status != MR_E_CRASHED) {
        if (c->broken == DOUBT_IGNORED && status == MR_E_KAFKA_IN_DOUBT)
            return open_writer(c, err);
        if (err->recovery == MR_RECOVERY_EPOCH) {
            status = c->writer->class->abort(c->writer, err);
            if (status == MR_OK)
                status = rewind_reader(c, err);
        } else if (err->recovery == MR_RECOVERY_WRITER) {
            status = open_writer(c, err);
            if (status == MR_OK)
                status = rewind_reader(c, err);
        } else {
            cr_assert_eq(err->recovery, MR_RECOVERY_RETRY, "%s", err->message);
            status = rewind_reader(c, err);
        }
    }
    return status;
}

static mr_status obey(copier *c, const mr_member_event *event, mr_error *err)
{
    mr_status status = MR_OK;
    if (event->kind == MR_MEMBER_ASSIGNED)
        status = rewind_reader(c, err);
    if (event->kind == MR_MEMBER_REVOKED || event->kind == MR_MEMBER_LOST) {
        status = stop_reading(c, err);
        if (status == MR_OK)
            status = c->member->class->release(c->member, err);
    }
    return status;
}

static mr_status turn(copier *c, mr_error *err)
{
    mr_member_event event;
    mr_records records;
    mr_status status = c->member->class->poll(c->member, 10, &event, err);
    if (status == MR_OK)
        status = obey(c, &event, err);
    if (status == MR_OK && !c->is_reading)
        return MR_OK;
    if (status == MR_OK)
        status = c->reader->class->fetch(c->reader, 7, 50, &records, err);
    if (status == MR_OK && records.count > 0)
        status = copy_batch(c, &records, err);
    return status == MR_OK ? MR_OK : recover(c, err);
}

typedef struct outcome {
    uint32_t seen[RECORDS];
    uint32_t total;
    bool is_in_order;
    bool is_finished;
    uint32_t lives;
    uint64_t calls;
} outcome;

static void count(void *context, const mr_record *record)
{
    outcome *o = context;
    char text[16] = {0};
    memcpy(text, record->value, record->value_length);
    unsigned long number = strtoul(text, NULL, 10);
    o->is_in_order &= number == o->total;
    o->seen[number % RECORDS]++;
    o->total++;
}

static bool is_exact(const outcome *o)
{
    bool is_once = true;
    for (uint32_t i = 0; i < RECORDS; i++)
        is_once &= o->seen[i] == 1;
    return o->is_finished && is_once && o->is_in_order && o->total == RECORDS;
}

static bool is_caught_up(mr_sim_world *world)
{
    mr_arena arena = {0};
    mr_error err;
    mr_log_offset position = {"in", 0, 0, NULL};
    cr_assert_eq(
        world->outside->class->group_offsets(world->outside, "g", &position, 1, &arena, &err),
        MR_OK);
    mr_arena_release(&arena);
    return position.offset == RECORDS;
}

/* Runs a worker over the input until it is done. It dies at port call `kill_at` (0: not); with
 * faults it dies again and again in its first ten lives. */
static outcome run(uint64_t seed, bool with_faults, uint64_t kill_at, mr_memory_crash how,
                   breakage broken)
{
    mr_sim_world world;
    outcome o = {.is_in_order = true};
    mr_error err;
    mr_sim_world_init(&world, seed, 1, NULL);
    world.cluster->options.hanging = 0; /* which only the engine knows how to end */
    mr_sim_create(&world, "in", 1);
    mr_sim_create(&world, "out", 1);
    for (int i = 0; i < RECORDS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        mr_sim_put(&world, "in", 0, NULL, value, i);
    }
    if (with_faults) {
        mr_memory_faults faults = mr_sim_draw_faults(&world, 0);
        mr_sim_set_faults(&world, 0, &faults);
    }
    copier c = {.log = mr_sim_connect(&world, 0), .broken = broken};
    if (kill_at > 0)
        mr_sim_kill_at(&world, 0, kill_at, how);
    mr_status status = start(&c, &err);
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        if (status == MR_E_CRASHED) {
            stop(&c);
            c = (copier){.log = mr_sim_connect(&world, 0), .broken = broken};
            if (with_faults && world.worker[0].lives < 10)
                mr_sim_kill_at(&world, 0, 1 + seed % 50 + world.worker[0].lives * 3,
                               MR_MEMORY_CRASH_DRAWN);
            status = start(&c, &err);
            continue;
        }
        cr_assert_eq(status, MR_OK, "seed %" PRIu64 ": %s", seed, err.message);
        if (broken == HONEST ? is_caught_up(&world) : turns > 300)
            break;
        status = turn(&c, &err);
    }
    o.is_finished = broken != HONEST || is_caught_up(&world);
    o.lives = world.worker[0].lives;
    o.calls = world.worker[0].process.calls;
    stop(&c);
    mr_sim_pass(&world, 60000);
    (void)mr_sim_each(&world, "out", 0, count, &o);
    mr_sim_world_release(&world);
    return o;
}

Test(sim_world, a_copy_is_exact_without_faults)
{
    outcome o = run(1, false, 0, MR_MEMORY_CRASH_DRAWN, HONEST);
    cr_expect(is_exact(&o));
    cr_expect_eq(o.lives, 1);
    cr_expect_gt(o.calls, 50);
}

Test(sim_world, a_copy_is_exact_whichever_port_call_it_dies_in)
{
    uint64_t calls = run(1, false, 0, MR_MEMORY_CRASH_DRAWN, HONEST).calls;
    for (uint64_t call = 1; call < calls; call++)
        for (mr_memory_crash how = MR_MEMORY_CRASH_BEFORE; how <= MR_MEMORY_CRASH_AFTER; how++)
            for (uint64_t seed = 0; seed < 3; seed++) {
                outcome o = run(seed, false, call, how, HONEST);
                cr_expect(is_exact(&o), "call %" PRIu64 " how %d seed %" PRIu64 ": %u records",
                          call, (int)how, seed, o.total);
                cr_expect_gt(o.lives, 1, "call %" PRIu64 ": the kill hit nothing", call);
            }
}

Test(sim_world, a_copy_is_exact_under_any_mix_of_faults)
{
    for (uint64_t seed = 0; seed < 500; seed++) {
        outcome o = run(seed, true, 1 + seed % 50, MR_MEMORY_CRASH_DRAWN, HONEST);
        cr_expect(is_exact(&o), "seed %" PRIu64 ": %u records, finished %d", seed, o.total,
                  o.is_finished);
    }
}

Test(sim_world, offsets_left_out_are_caught)
{
    uint32_t caught = 0;
    for (uint64_t call = 5; call < 40; call++) {
        outcome o = run(1, false, call, MR_MEMORY_CRASH_DRAWN, OFFSETS_LEFT_OUT);
        caught += !is_exact(&o);
    }
    cr_expect_gt(caught, 20);
}

Test(sim_world, an_ignored_doubt_is_caught)
{
    uint32_t caught = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        outcome o = run(seed, true, 0, MR_MEMORY_CRASH_DRAWN, DOUBT_IGNORED);
        caught += !is_exact(&o);
    }
    cr_expect_gt(caught, 20);
}

/* ---------------------------------------------------------------------------- the local store */

static mr_store_change put(const char *key, const char *value)
{
    return (mr_store_change){.table = 1,
                             .operation = MR_STORE_PUT,
                             .key = key,
                             .key_length = (uint32_t)strlen(key),
                             .value = value,
                             .value_length = (uint32_t)strlen(value)};
}

static mr_status print(void *context, const mr_store_change *entry, mr_error *err)
{
    (void)err;
    mr_buffer_printf(context, "%.*s=%.*s ", (int)entry->key_length, entry->key,
                     (int)entry->value_length, entry->value);
    return MR_OK;
}

static void apply(mr_local_store *store, const char *key, const char *value, uint64_t epoch)
{
    mr_error err;
    mr_store_change change = put(key, value);
    mr_store_marker marker = {.is_present = true, .epoch = epoch};
    cr_assert_eq(store->class->apply(store, &change, 1, &marker, &err), MR_OK);
}

Test(sim_store, a_crash_loses_the_newest_batches_and_no_middle_one)
{
    bool lost_none = false, lost_some = false, lost_all = false;
    for (uint64_t seed = 0; seed < 30; seed++) {
        mr_sim_world world;
        mr_error err;
        mr_local_store *store;
        mr_store_marker marker;
        mr_buffer text = {0};
        mr_sim_world_init(&world, seed, 1, NULL);
        mr_store_factory *stores = mr_sim_stores(&world, 0);
        mr_log *log = mr_sim_connect(&world, 0);
        cr_assert_eq(stores->open(stores, "job", 0, &store, &err), MR_OK);
        cr_assert_eq(store->class->marker(store, &marker, &err), MR_OK);
        cr_expect_not(marker.is_present);
        apply(store, "a", "1", 1);
        cr_assert_eq(store->class->flush(store, &err), MR_OK);
        apply(store, "b", "2", 2);
        apply(store, "a", "3", 3);
        mr_memory_process_kill(mr_sim_process(&world, 0));
        store->class->close(store);
        log->class->close(log);
        log = mr_sim_connect(&world, 0);
        cr_assert_eq(stores->open(stores, "job", 0, &store, &err), MR_OK);
        cr_assert_eq(store->class->marker(store, &marker, &err), MR_OK);
        cr_assert_eq(store->class->scan(store, print, &text, &err), MR_OK);
        mr_buffer_put_u8(&text, 0);
        const char *expected[] = {"", "a=1 ", "a=1 b=2 ", "a=3 b=2 "};
        cr_assert_leq(marker.epoch, 3);
        cr_expect_str_eq(text.data, expected[marker.epoch]);
        lost_all |= marker.epoch == 1;
        lost_some |= marker.epoch == 2;
        lost_none |= marker.epoch == 3;
        mr_buffer_release(&text);
        store->class->close(store);
        log->class->close(log);
        mr_sim_world_release(&world);
    }
    cr_expect(lost_none && lost_some && lost_all);
}

Test(sim_store, damage_is_found_and_put_aside)
{
    for (mr_sim_damage damage = MR_SIM_DAMAGE_OPEN; damage <= MR_SIM_DAMAGE_SCAN; damage++) {
        mr_sim_world world;
        mr_error err;
        mr_local_store *store;
        mr_store_marker marker;
        mr_buffer text = {0};
        char where[100];
        mr_sim_world_init(&world, 1, 1, NULL);
        mr_store_factory *stores = mr_sim_stores(&world, 0);
        cr_assert_eq(stores->open(stores, "job", 0, &store, &err), MR_OK);
        mr_local_store *twice;
        cr_expect_eq(stores->open(stores, "job", 0, &twice, &err), MR_E_STORE_LOCKED);
        apply(store, "a", "1", 1);
        store->class->close(store);
        cr_expect_eq(mr_sim_disk_marker(world.worker[0].disk, "job", 0).epoch, 1);
        cr_assert(mr_sim_disk_damage(world.worker[0].disk, "job", 0, damage));
        mr_status status = stores->open(stores, "job", 0, &store, &err);
        if (damage == MR_SIM_DAMAGE_SCAN) {
            cr_assert_eq(status, MR_OK);
            status = store->class->scan(store, print, &text, &err);
            store->class->close(store);
        }
        cr_expect_eq(status, MR_E_STORE_DAMAGED);
        cr_assert_eq(stores->quarantine(stores, "job", 0, where, sizeof where, &err), MR_OK);
        cr_expect_eq(mr_sim_disk_quarantined(world.worker[0].disk), 1);
        cr_assert_eq(stores->open(stores, "job", 0, &store, &err), MR_OK);
        cr_assert_eq(store->class->marker(store, &marker, &err), MR_OK);
        cr_expect_not(marker.is_present, "a fresh store");
        store->class->close(store);
        mr_buffer_release(&text);
        mr_sim_world_release(&world);
    }
}
