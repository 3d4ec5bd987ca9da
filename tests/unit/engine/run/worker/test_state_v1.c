/*
 * Goal: state that version 1 of the formats wrote is restored by this program, for ever.
 * Method: tests/data/state-v1 holds a job, its input, the state log and the local store (RocksDB)
 * of a worker that died between two epochs, as they were written when the format was new. They are
 * put where a worker finds them; the rows behind them must give the results that were stored then.
 * MILLRACE_WRITE_STATE_V1=FOLDER writes them anew (another FOLDER than that one: a new version gets
 * a fixture of its own, the old one stays).
 */
#include "engine/base/buffer.h"
#include "engine/state/rocksdb_store.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER MR_SOURCE_DIR "/tests/data/state-v1"
#define STATE_TOPIC "job.state"
#define QUIET_STEPS 600

static const char *const outputs[] = {"minutes", "hops", "sessions", "paid", "firsts"};

typedef struct fixture {
    sql_world w;
    char root[64];
    mr_state_dir *dir;
    mr_buffer script;
} fixture;

static void read_file(const char *name, mr_buffer *to)
{
    char path[512], piece[4096];
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        mr_buffer_put(to, piece, got);
    fclose(file);
}

static void shell(const char *format, const char *a, const char *b)
{
    char command[1024];
    snprintf(command, sizeof command, format, a, b);
    cr_assert_eq(system(command), 0, "%s", command);
}

/* A world with the job and its topics, and a state directory without stores. */
static void set_up(fixture *f)
{
    *f = (fixture){0};
    read_file("job.sql", &f->script);
    mr_buffer_put_u8(&f->script, '\0');
    sql_open(&f->w, 1, f->script.data);
    sql_topic(&f->w, "orders", 2);
    sql_topic(&f->w, "payments", 1);
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        sql_topic(&f->w, outputs[i], 1);
    strcpy(f->root, "/tmp/millrace-test-XXXXXX");
    cr_assert_not_null(mkdtemp(f->root));
}

static void open_stores(fixture *f)
{
    mr_error err = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/state", f->root);
    cr_assert_eq(mr_state_dir_open(path, &f->dir, &err), MR_OK, "%s", err.message);
    f->w.stores = mr_rocksdb_factory_new(f->dir, NULL, NULL);
}

static void tear_down(fixture *f)
{
    sql_stop(&f->w, 0);
    if (f->w.stores != NULL)
        mr_rocksdb_factory_free(f->w.stores);
    mr_state_dir_close(f->dir);
    sql_close(&f->w);
    mr_buffer_release(&f->script);
    shell("rm -rf '%s' %s", f->root, "");
}

/* Lines of "topic <tab> partition <tab> value". */
static void feed(fixture *f, const char *name)
{
    mr_buffer rows = {0};
    read_file(name, &rows);
    mr_buffer_put_u8(&rows, '\0');
    for (char *line = strtok(rows.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *partition = strchr(line, '\t'), *value = strchr(partition + 1, '\t');
        *partition = *value = '\0';
        sql_put(&f->w, line, atoi(partition + 1), value + 1);
    }
    mr_buffer_release(&rows);
}

/* Until all that is there has been processed and committed. */
static void run(fixture *f)
{
    sql_start(&f->w, 0, false);
    for (int s = 0; s < QUIET_STEPS; s++) {
        bool goes_on = sql_step(&f->w, 0);
        cr_assert(goes_on, "MR%d %s", f->w.worker[0].status, f->w.worker[0].err.message);
        mr_sim_pass(&f->w.world, 20);
    }
    mr_worker_request_stop(f->w.worker[0].worker);
    while (sql_step(&f->w, 0))
        ;
    cr_assert_eq(f->w.worker[0].status, MR_OK, "%s", f->w.worker[0].err.message);
    sql_stop(&f->w, 0);
    mr_sim_pass(&f->w.world, 60000);
}

/* Behind what lies there already: all outputs, a line each. */
static void print_outputs(fixture *f, mr_buffer *to)
{
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        mr_buffer_printf(to, "%s %s\n", outputs[i], sql_values(&f->w, outputs[i]));
    mr_buffer_put_u8(to, '\0');
}

/* ---- the state log as a file: offset i64, length u32, value; over and over ---- */

static void dump_record(void *context, const mr_record *record)
{
    mr_buffer *to = context;
    mr_buffer_put_u64(to, (uint64_t)record->offset);
    mr_buffer_put_u32(to, (uint32_t)record->value_length);
    mr_buffer_put(to, record->value, record->value_length);
}

/* Records next to each other are a transaction, whose marker takes the offset that is left out. */
static void load_state_log(fixture *f)
{
    mr_error err = {0};
    mr_buffer bytes = {0};
    mr_log *log = f->w.world.outside;
    mr_log_writer *writer;
    read_file("state-log", &bytes);
    sql_topic(&f->w, STATE_TOPIC, 1);
    mr_writer_options options = {.transactional_id = "loader", .transaction_timeout_ms = 60000};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &err), MR_OK, "%s", err.message);
    mr_reader from = mr_reader_of(bytes.data, bytes.length);
    int64_t next = 0;
    bool is_open = false;
    while (mr_reader_left(&from) > 0) {
        int64_t offset = (int64_t)mr_reader_u64(&from);
        uint32_t length = mr_reader_u32(&from);
        mr_log_record record = {.value = mr_reader_get(&from, length),
                                .value_length = length,
                                .timestamp_ms = MR_TIME_NONE};
        cr_assert_not_null(record.value);
        if (is_open && offset == next + 1) {
            cr_assert_eq(writer->class->commit(writer, &err), MR_OK, "%s", err.message);
            is_open = false;
            next++;
        }
        cr_assert_eq(offset, next, "the fixture leaves out more than markers");
        if (!is_open)
            cr_assert_eq(writer->class->begin(writer, &err), MR_OK, "%s", err.message);
        is_open = true;
        cr_assert_eq(writer->class->produce(writer, STATE_TOPIC, 0, &record, 1, &err), MR_OK);
        next++;
    }
    cr_assert_eq(writer->class->commit(writer, &err), MR_OK, "%s", err.message);
    writer->class->close(writer);
    mr_buffer_release(&bytes);
    mr_sim_pass(&f->w.world, 1000);
}

static void write_fixture(const char *folder)
{
    fixture f;
    mr_buffer log = {0}, text = {0};
    char path[512];
    set_up(&f);
    open_stores(&f);
    feed(&f, "1-before-the-store");
    run(&f);
    shell("cp -r '%s/state/job' '%s/store'", f.root, folder);
    shell("cd '%s/store' && rm -f */LOG* */LOCK %s", folder, "*/IDENTITY");
    feed(&f, "2-before-the-end");
    run(&f);
    (void)mr_sim_each(&f.w.world, STATE_TOPIC, 0, dump_record, &log);
    snprintf(path, sizeof path, "%s/state-log", folder);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(log.data, 1, log.length, file), log.length);
    fclose(file);
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        cr_assert_eq(f.w.world.outside->class->delete_topic(f.w.world.outside, outputs[i],
                                                            &f.w.worker[0].err),
                     MR_OK);
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++)
        sql_topic(&f.w, outputs[i], 1);
    feed(&f, "3-after");
    run(&f);
    print_outputs(&f, &text);
    snprintf(path, sizeof path, "%s/expected", folder);
    file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text.data, 1, text.length - 1, file), text.length - 1);
    fclose(file);
    mr_buffer_release(&log);
    mr_buffer_release(&text);
    tear_down(&f);
}

static void restore(bool has_store)
{
    const char *folder = getenv("MILLRACE_WRITE_STATE_V1");
    if (folder != NULL) {
        if (has_store)
            write_fixture(folder);
        return;
    }
    fixture f;
    set_up(&f);
    if (has_store)
        shell("mkdir '%s/state' && cp -r " FOLDER "/store '%s/state/job'", f.root, f.root);
    open_stores(&f);
    feed(&f, "1-before-the-store");
    feed(&f, "2-before-the-end");
    load_state_log(&f);
    feed(&f, "3-after");
    run(&f);
    cr_expect(strstr(f.w.log, "set aside") == NULL, "%s", f.w.log);
    cr_expect_eq(strstr(f.w.log, "entries_local=0 ") == NULL, has_store, "%s", f.w.log);
    cr_expect(strstr(f.w.log, "epochs_from_log=0") == NULL, "%s", f.w.log);
    mr_buffer text = {0}, expected = {0};
    print_outputs(&f, &text);
    read_file("expected", &expected);
    mr_buffer_put_u8(&expected, '\0');
    cr_expect_str_eq(text.data, expected.data);
    mr_buffer_release(&text);
    mr_buffer_release(&expected);
    tear_down(&f);
}

Test(state_v1, is_restored_from_its_local_store_and_the_log_behind_it)
{
    restore(true);
}

Test(state_v1, is_restored_from_its_log_alone)
{
    restore(false);
}
