#include "tests/crash/worker/worker.h"

#include "connectors/kafka/log.h"
#include "connectors/local/helper_thread.h"
#include "connectors/memory/clock.h"
#include "engine/base/assert.h"
#include "engine/state/rocksdb_store.h"
#include "tests/crash/worker/page.h"
#include "tests/crash/worker/slow.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* --- the command line
 * ----------------------------------------------------------------------------- */

void mr_crash_worker_args(const mr_crash_worker_options *o, const char *program, mr_arena *arena,
                          char *args[MR_CRASH_WORKER_ARGS_MAX])
{
    const mr_crash_job_options *job = &o->job;
    uint32_t n = 0;
    args[n++] = mr_arena_printf(arena, "%s", program);
    args[n++] = mr_arena_printf(arena, "--worker");
    args[n++] = mr_arena_printf(arena, "%s", job->name);
    args[n++] = mr_arena_printf(arena, "%s", o->bootstrap);
    args[n++] = mr_arena_printf(arena, "%s", o->page);
    args[n++] = mr_arena_printf(arena, "%s", o->dir != NULL ? o->dir : "-");
    args[n++] = mr_arena_printf(arena, "%s", o->instance != NULL ? o->instance : "-");
    args[n++] = mr_arena_printf(arena,
                                "tasks=%" PRIu32 " later=%" PRIu32
                                " window=%d guarantee=%d interval=%" PRId64 " timeout=%" PRId32,
                                job->sim.tasks_count, job->sim.later_tasks,
                                job->sim.is_session ? 2 : job->sim.is_hop, (int)job->sim.guarantee,
                                job->commit_interval_ms, job->transaction_timeout_ms);
    args[n++] =
        mr_arena_printf(arena,
                        "bounded=%d pipelined=%d protocol=%d fetch=%" PRIu32 " apply=%" PRIu32
                        " base=%" PRIu64 " pause=%" PRIu32 " poll=%" PRIu32 " sabotage=%d%d%d%d",
                        o->is_bounded, o->is_pipelined, o->has_consumer_protocol, o->fetch_rows_max,
                        o->apply_epochs, o->base_bytes_min, o->pause_ms, o->poll_ms,
                        o->sabotage.apply_before_decision, o->sabotage.leave_out_deltas,
                        o->sabotage.ignore_journal, o->sabotage.leave_out_offsets);
    args[n] = NULL;
}

static bool parse(int count, char **args, mr_crash_worker_options *o)
{
    int window, guarantee, bounded, pipelined, protocol;
    char sabotage[5];
    if (count != 7)
        return false;
    *o = (mr_crash_worker_options){.job = {.name = args[0]}, .bootstrap = args[1], .page = args[2]};
    o->dir = strcmp(args[3], "-") != 0 ? args[3] : NULL;
    o->instance = strcmp(args[4], "-") != 0 ? args[4] : NULL;
    if (sscanf(args[5],
               "tasks=%" SCNu32 " later=%" SCNu32 " window=%d guarantee=%d interval=%" SCNd64
               " timeout=%" SCNd32,
               &o->job.sim.tasks_count, &o->job.sim.later_tasks, &window, &guarantee,
               &o->job.commit_interval_ms, &o->job.transaction_timeout_ms) != 6 ||
        sscanf(args[6],
               "bounded=%d pipelined=%d protocol=%d fetch=%" SCNu32 " apply=%" SCNu32
               " base=%" SCNu64 " pause=%" SCNu32 " poll=%" SCNu32 " sabotage=%4s",
               &bounded, &pipelined, &protocol, &o->fetch_rows_max, &o->apply_epochs,
               &o->base_bytes_min, &o->pause_ms, &o->poll_ms, sabotage) != 9 ||
        strlen(sabotage) != 4)
        return false;
    o->job.sim.is_hop = window == 1;
    o->job.sim.is_session = window == 2;
    o->job.sim.guarantee = (mr_guarantee)guarantee;
    o->is_bounded = bounded != 0;
    o->is_pipelined = pipelined != 0;
    o->has_consumer_protocol = protocol != 0;
    o->sabotage = (mr_worker_sabotage){.apply_before_decision = sabotage[0] == '1',
                                       .leave_out_deltas = sabotage[1] == '1',
                                       .ignore_journal = sabotage[2] == '1',
                                       .leave_out_offsets = sabotage[3] == '1'};
    return true;
}

/* --- what it needs of the world
 * ------------------------------------------------------------------- */

typedef struct world {
    mr_crash_page *page;
    mr_logger logger;
    mr_clock clock;
    mr_log *log;
    mr_crash_slow slow;
    mr_state_dir *dir;
    mr_store_factory *stores;
    mr_helper *helper;
    const sigset_t *signals;
    bool is_stop_asked;
} world;

static void write_line(void *sink, mr_log_level level, const char *line)
{
    (void)sink;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(stderr, "%02d:%02d.%03d %s %s\n", (int)(now.tv_sec / 60 % 60), (int)(now.tv_sec % 60),
            (int)(now.tv_nsec / 1000000), mr_log_level_name(level), line);
}

static mr_crash_page *map_page(const char *path)
{
    int file = open(path, O_RDWR);
    MR_ASSERT(file >= 0);
    void *page = mmap(NULL, sizeof(mr_crash_page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    MR_ASSERT(page != MAP_FAILED);
    close(file);
    return page;
}

static mr_status open_world(world *w, const mr_crash_worker_options *options, mr_error *err)
{
    /* The shortest session that brokers allow: a takeover waits for it. */
    char poll_ms[16];
    snprintf(poll_ms, sizeof poll_ms, "%" PRIu32, options->poll_ms);
    const char *const classic[] = {"session.timeout.ms",
                                   "6000",
                                   "heartbeat.interval.ms",
                                   "500",
                                   options->poll_ms != 0 ? "max.poll.interval.ms" : NULL,
                                   poll_ms,
                                   NULL};
    const char *const consumer[] = {"group.protocol", "consumer",
                                    options->poll_ms != 0 ? "max.poll.interval.ms" : NULL, poll_ms,
                                    NULL};
    w->logger = (mr_logger){.write = write_line, .level_min = MR_LOG_INFO};
    mr_memory_clock_real(&w->clock);
    mr_kafka_config config = {.bootstrap = options->bootstrap,
                              .properties = options->has_consumer_protocol ? consumer : classic,
                              .logger = &w->logger};
    mr_status status = mr_kafka_log_open(&config, &w->log, err);
    if (status == MR_OK)
        mr_crash_slow_open(&w->slow, options->pause_ms, &w->page->is_held, w->log);
    if (status == MR_OK && options->dir != NULL)
        status = mr_state_dir_open(options->dir, &w->dir, err);
    if (status == MR_OK && w->dir != NULL)
        w->stores =
            mr_rocksdb_factory_new(w->dir,
                                   &(mr_rocksdb_settings){.cache_bytes = (size_t)4 << 20,
                                                          .memtable_bytes = (size_t)1 << 20},
                                   NULL);
    if (status == MR_OK && options->is_pipelined)
        status = mr_helper_thread_open(&w->helper, err);
    return status;
}

static void close_world(world *w)
{
    if (w->helper != NULL)
        w->helper->class->close(w->helper);
    if (w->stores != NULL)
        mr_rocksdb_factory_free(w->stores);
    mr_state_dir_close(w->dir);
    if (w->log != NULL)
        w->log->class->close(w->log);
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

static void tell(mr_crash_page *page, const mr_worker *worker)
{
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    atomic_store(&page->has_open_epoch, stats.has_open_epoch);
    atomic_store(&page->is_deciding, stats.is_deciding);
    atomic_store(&page->phase, (unsigned)stats.phase);
    atomic_store(&page->commits, stats.commits);
    atomic_store(&page->aborts, stats.aborts);
    atomic_store(&page->restores, stats.restores);
    atomic_store(&page->kept, stats.kept);
    atomic_store(&page->epochs_restored, stats.epochs_restored);
    atomic_store(&page->records_in, stats.records_in);
    atomic_store(&page->late, stats.late);
    atomic_store(&page->dead, stats.dead);
    atomic_store(&page->commit_us_last, stats.commit_us_last);
    atomic_store(&page->commit_us_max, stats.commit_us_max);
    atomic_fetch_add(&page->steps, 1);
}

/* Between two steps, and in the middle of a restore. */
static bool is_stopping(void *hook)
{
    world *w = hook;
    struct timespec now = {0};
    w->is_stop_asked = w->is_stop_asked || sigtimedwait(w->signals, NULL, &now) == SIGTERM;
    return w->is_stop_asked;
}

static mr_status live(world *w, const mr_crash_worker_options *options, mr_error *err)
{
    mr_sim_job job;
    mr_crash_job_init(&job, &options->job);
    mr_worker_config config = {.plan = &job.plan,
                               .log = w->log,
                               .stores = w->stores,
                               .clock = &w->clock,
                               .logger = &w->logger,
                               .instance_id = options->instance != NULL
                                                  ? options->instance
                                                  : mr_state_dir_instance(w->dir),
                               .is_bounded = options->is_bounded,
                               .helper = w->helper,
                               .fetch_rows_max = options->fetch_rows_max,
                               .apply_epochs = options->apply_epochs,
                               .base_bytes_min = options->base_bytes_min,
                               .is_stopping = is_stopping,
                               .hook = w,
                               .sabotage = options->sabotage};
    mr_worker *worker = mr_worker_new(&config);
    mr_status status = MR_OK;
    tell(w->page, worker);
    mr_worker_phase phase = MR_WORKER_PREPARE;
    while (status == MR_OK && phase < MR_WORKER_STOPPED) {
        if (is_stopping(w))
            mr_worker_request_stop(worker);
        status = mr_worker_step(worker, err);
        tell(w->page, worker);
        if (mr_worker_phase_of(worker) != phase)
            mr_logger_line(&w->logger, MR_LOG_INFO, "phase %s",
                           mr_worker_phase_name(mr_worker_phase_of(worker)));
        phase = mr_worker_phase_of(worker);
    }
    mr_worker_free(worker);
    mr_sim_job_release(&job);
    return status;
}

int mr_crash_worker_main(int args_count, char **args)
{
    mr_crash_worker_options options;
    if (!parse(args_count, args, &options))
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Before the first thread is made, so that no thread takes the signal. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    write_line(NULL, MR_LOG_INFO, "begins");
    world w = {.signals = &signals, .page = map_page(options.page)};
    mr_error err = {0};
    mr_status status = open_world(&w, &options, &err);
    if (status == MR_OK)
        status = live(&w, &options, &err);
    close_world(&w);
    if (status != MR_OK) {
        snprintf(w.page->message, sizeof w.page->message, "%s", err.message);
        atomic_store(&w.page->status, status);
        write_line(NULL, MR_LOG_ERROR, err.message);
    }
    return status == MR_OK ? 0 : 1;
}
