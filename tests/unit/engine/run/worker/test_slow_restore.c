/*
 * Goal: however long a restore takes, its worker stays in the group, answers a rebalance and a stop
 * in the middle of it. Method: an SQL job of two tasks on the simulated log, in a group that puts
 * out who is not polled for 5 s; the reader of the state log, or the local store, takes a second of
 * virtual time for every little.
 */
#include "connectors/memory/broker/cluster.h"
#include "connectors/memory/connection.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TASKS 2
#define EPOCHS 12
#define KEYS 4000 /* entries of a local store */
#define POLL_MS 5000
#define SLOW_MS 1000
#define SLOW_ENTRIES 256
#define STEPS_MAX 400000
#define JOB                                                                                      \
    "CREATE TABLE src (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA        \
    ", 'topic' = 'in', 'partitioned-by' = 'id');"                                                \
    "CREATE TABLE dst (id INT, e TIMESTAMP(3), n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');" \
    "INSERT INTO dst SELECT id, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE src, "              \
    "DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, id;"

/* -- a slow log, a slow store -- */

typedef struct slow {
    sql_world *world;
    mr_store_factory factory;
    mr_store_factory *inner;
    mr_store_class store_class;
    const mr_store_class *store_inner;
    mr_log_class log_class;
    const mr_log_class *log_inner;
    mr_reader_class reader_class;
    const mr_reader_class *reader_inner;
    const mr_log_reader *of_state; /* reads the state log */
    bool is_log_slow, is_store_slow;
    uint32_t waits;     /* of SLOW_MS each */
    uint32_t joins_at;  /* worker 1 comes at this wait; 0: never */
    uint32_t stops_at;  /* a signal comes */
    uint32_t helped_at; /* the first wait at which worker 1 owned a task; 0: not yet */
} slow;

static void wait_slowly(slow *s)
{
    sql_world *w = s->world;
    mr_sim_pass(&w->world, SLOW_MS);
    s->waits++;
    if (s->waits == s->joins_at)
        sql_start(w, 1, false);
    if (w->worker[1].worker == NULL)
        return;
    cr_assert(sql_step(w, 1), "%s", w->worker[1].err.message);
    if (s->helped_at == 0 && w->worker[1].stats.tasks > 0)
        s->helped_at = s->waits;
}

static mr_status fetch(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err)
{
    slow *s = (slow *)((uintptr_t)reader->class - offsetof(slow, reader_class));
    bool is_slow = s->is_log_slow && reader == s->of_state;
    mr_status status =
        s->reader_inner->fetch(reader, is_slow ? 1 : rows_max, timeout_ms, records, err);
    if (is_slow && status == MR_OK && records->count > 0)
        wait_slowly(s);
    return status;
}

static mr_status add(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err)
{
    slow *s = (slow *)((uintptr_t)reader->class - offsetof(slow, reader_class));
    if (strstr(topic, ".state") != NULL)
        s->of_state = reader;
    return s->reader_inner->add(reader, input, topic, partition, offset, err);
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    slow *s = (slow *)((uintptr_t)log->class - offsetof(slow, log_class));
    mr_status status = s->log_inner->open_reader(log, reader, err);
    if (status != MR_OK)
        return status;
    s->reader_inner = (*reader)->class;
    s->reader_class = *s->reader_inner;
    s->reader_class.add = add;
    s->reader_class.fetch = fetch;
    (*reader)->class = &s->reader_class;
    return MR_OK;
}

typedef struct visit {
    slow *slow;
    mr_status (*inner)(void *context, const mr_store_change *entry, mr_error *err);
    void *context;
    uint32_t count;
} visit;

static mr_status visit_slowly(void *context, const mr_store_change *entry, mr_error *err)
{
    visit *v = context;
    if (++v->count % SLOW_ENTRIES == 0)
        wait_slowly(v->slow);
    return v->inner(v->context, entry, err);
}

static mr_status scan(mr_local_store *store,
                      mr_status (*inner)(void *context, const mr_store_change *entry,
                                         mr_error *err),
                      void *context, mr_error *err)
{
    slow *s = (slow *)((uintptr_t)store->class - offsetof(slow, store_class));
    visit v = {.slow = s, .inner = inner, .context = context};
    return s->store_inner->scan(store, visit_slowly, &v, err);
}

static mr_status open_store(mr_store_factory *factory, const char *job, uint32_t task,
                            mr_local_store **store, mr_error *err)
{
    slow *s = (slow *)((uintptr_t)factory - offsetof(slow, factory));
    mr_status status = s->inner->open(s->inner, job, task, store, err);
    if (status != MR_OK || !s->is_store_slow)
        return status;
    s->store_inner = (*store)->class;
    s->store_class = *s->store_inner;
    s->store_class.scan = scan;
    (*store)->class = &s->store_class;
    return MR_OK;
}

/* -- the world -- */

static void put(sql_world *w, int32_t partition, int id, int minute)
{
    char value[96];
    snprintf(value, sizeof value, "{\"id\":%d,\"ts\":\"2024-01-01 0%d:%02d:00\"}", id, minute / 60,
             minute % 60);
    sql_put(w, "in", partition, value);
}

static void step(sql_world *w, uint32_t k)
{
    cr_assert(sql_step(w, k), "worker %u: %s", k, w->worker[k].err.message);
}

static bool runs(const sql_world *w, uint32_t k)
{
    return w->worker[k].stats.phase == MR_WORKER_RUN;
}

static void run_until(sql_world *w, uint64_t records)
{
    const mr_worker_stats *stats = &w->worker[0].stats;
    for (uint32_t s = 0; stats->records_in < records || stats->has_open_epoch; s++) {
        cr_assert_lt(s, STEPS_MAX, "%s", w->log);
        step(w, 0);
    }
}

/* A life that leaves state, in `EPOCHS` epochs a task and with `keys` entries a task. */
static void open_world(sql_world *w, int keys)
{
    sql_open(w, 2, JOB);
    w->world.cluster->options.poll_interval_ms = POLL_MS;
    w->job->plan.tasks_count = TASKS;
    sql_topic(w, "in", TASKS);
    sql_topic(w, "out", 1);
    sql_start(w, 0, false);
    uint64_t sent = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (int id = epoch == 0 ? 0 : 2 * keys - TASKS; id < 2 * keys; id++, sent++)
            put(w, id % TASKS, id, epoch);
        run_until(w, sent);
    }
    mr_worker_request_stop(w->worker[0].worker);
    for (uint32_t s = 0; sql_step(w, 0); s++)
        cr_assert_lt(s, STEPS_MAX);
    sql_stop(w, 0);
    mr_sim_pass(&w->world, 60000);
}

static void start_slowly(sql_world *w, slow *s)
{
    s->world = w;
    s->inner = mr_sim_stores(&w->world, 0);
    s->factory = (mr_store_factory){.open = open_store};
    w->stores = &s->factory;
    sql_start(w, 0, false);
    mr_log *log = w->worker[0].log;
    s->log_inner = log->class;
    s->log_class = *log->class;
    s->log_class.open_reader = open_reader;
    log->class = &s->log_class;
}

static void close_world(sql_world *w)
{
    for (uint32_t k = 0; k < 2; k++)
        sql_stop(w, k);
    sql_close(w);
}

/* Restored once each, though it took far longer than the group waits for a poll. */
static void expect_one_restore(sql_world *w, const slow *s)
{
    const mr_worker_stats *stats = &w->worker[0].stats;
    for (uint32_t n = 0; !runs(w, 0); n++) {
        cr_assert_lt(n, 1000, "it is put out of the group again and again");
        step(w, 0);
    }
    cr_expect_gt(s->waits * SLOW_MS, 4 * POLL_MS);
    cr_expect_eq(stats->restores, TASKS, "%llu restores", (unsigned long long)stats->restores);
    close_world(w);
}

Test(slow_restore, from_a_slow_log_keeps_its_place_in_the_group)
{
    sql_world w;
    open_world(&w, 4);
    mr_sim_disk_wipe(w.world.worker[0].disk);
    slow s = {.is_log_slow = true};
    start_slowly(&w, &s);
    expect_one_restore(&w, &s);
}

Test(slow_restore, from_a_slow_store_keeps_its_place_in_the_group)
{
    sql_world w;
    open_world(&w, KEYS);
    slow s = {.is_store_slow = true};
    start_slowly(&w, &s);
    expect_one_restore(&w, &s);
}

Test(slow_restore, a_rebalance_is_answered_in_the_middle_of_it)
{
    sql_world w;
    open_world(&w, 4);
    mr_sim_disk_wipe(w.world.worker[0].disk);
    slow s = {.is_log_slow = true, .joins_at = 3};
    start_slowly(&w, &s);
    for (uint32_t n = 0; !runs(&w, 0) || !runs(&w, 1); n++) {
        cr_assert_lt(n, STEPS_MAX, "%s", w.log);
        step(&w, 0);
        if (w.worker[1].worker != NULL)
            step(&w, 1);
    }
    cr_expect(s.helped_at > 0 && s.helped_at < 10, "worker 1 had to wait for %u", s.helped_at);
    cr_expect_eq(w.worker[0].stats.tasks, 1);
    cr_expect_eq(w.worker[1].stats.tasks, 1);
    for (int32_t p = 0; p < TASKS; p++) /* what was counted before counts: 12 times the last key */
        put(&w, p, 8 + p, 61);
    for (uint32_t n = 0; strstr(sql_values(&w, "out"), "{\"id\":7,") == NULL ||
                         strstr(sql_values(&w, "out"), "{\"id\":6,") == NULL;
         n++) {
        cr_assert_lt(n, STEPS_MAX, "%s", sql_values(&w, "out"));
        step(&w, n % 2);
    }
    for (int id = 6; id < 8; id++) {
        char row[80];
        snprintf(row, sizeof row, "{\"id\":%d,\"e\":\"2024-01-01 01:00:00\",\"n\":%d}", id, EPOCHS);
        cr_expect_not_null(strstr(sql_values(&w, "out"), row), "%s", sql_values(&w, "out"));
    }
    close_world(&w);
}

static bool is_signalled(void *hook)
{
    const slow *s = hook;
    return s->waits >= s->stops_at;
}

/* As a program does: it takes the signal between two steps, on the thread that restores. */
Test(slow_restore, a_signal_is_answered_in_the_middle_of_it)
{
    sql_world w;
    open_world(&w, 4);
    mr_sim_disk_wipe(w.world.worker[0].disk);
    slow s = {.is_log_slow = true, .stops_at = 3};
    w.is_stopping = is_signalled;
    w.hook = &s;
    start_slowly(&w, &s);
    for (uint32_t n = 0; sql_step(&w, 0); n++) {
        cr_assert_lt(n, STEPS_MAX);
        if (is_signalled(&s))
            mr_worker_request_stop(w.worker[0].worker);
    }
    cr_expect_eq(w.worker[0].stats.phase, MR_WORKER_STOPPED);
    cr_expect_lt(s.waits, 5);
    close_world(&w);
}
