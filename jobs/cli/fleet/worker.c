/* `millrace worker`: runs what its fleet is given, until SIGTERM. */
#include "jobs/cli/command.h"
#include "jobs/cli/failure.h"
#include "jobs/cli/fleet/reach.h"
#include "jobs/cli/fleet/stats.h"
#include "jobs/cli/local_state.h"
#include "jobs/engine/shares.h"
#include "jobs/fleet/keeper.h"
#include "jobs/plan/options/option.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_MS 200
#define RETRIES_MAX 1500 /* looks at a board that cannot be read: five minutes */

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool is_stopping(void *hook)
{
    (void)hook;
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static mr_exit keep(mr_keeper *keeper, mr_fleet_stats *stats, const sigset_t *signals)
{
    mr_error err = {0};
    uint32_t retries = 0;
    while (sigtimedwait(signals, NULL, &(struct timespec){0}) <= 0) {
        mr_status status = mr_keeper_step(keeper, LOOK_EVERY_MS, &err);
        mr_fleet_stats_show(stats, keeper);
        if (status == MR_OK)
            retries = 0;
        else if (err.recovery == MR_RECOVERY_STOP || ++retries >= RETRIES_MAX)
            return mr_cli_fail(&err);
        else
            nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000}, NULL);
    }
    return MR_EXIT_OK;
}

/* 0: not given. */
static bool read_memory(const mr_flags *flags, int64_t *bytes)
{
    *bytes = 0;
    const char *value = strchr(flags->memory, '=');
    if (value == NULL || (mr_memory_parse(value + 1, bytes) && *bytes >= MR_MEMORY_LEAST))
        return true;
    fprintf(stderr,
            "millrace worker: --memory: a size of 64M at least is expected: %s\n"
            "Try: millrace worker --help\n",
            value + 1);
    return false;
}

static mr_exit work(const mr_flags *flags, int64_t memory_bytes, mr_reach *reach,
                    const sigset_t *signals)
{
    char name[1024];
    snprintf(name, sizeof name, "fleet-%s", reach->fleet);
    mr_error err;
    mr_state_dir *dir = NULL;
    if (mr_local_state_open(flags, name, &dir, &err) != MR_OK)
        return mr_cli_fail(&err);
    mr_fleet_stats stats;
    mr_fleet_stats_begin(&stats, flags, &reach->clock);
    mr_work_config config = {.metrics = stats.metrics,
                             .logger = &reach->logger,
                             .clock = &reach->clock,
                             .state_dir = dir,
                             .properties = flags->properties,
                             .properties_count = flags->properties_count,
                             .environment = (const char *const *)environ,
                             .memory_bytes = memory_bytes};
    mr_keeper keeper;
    mr_keeper_init(&keeper, &reach->board, &config, mr_state_dir_instance(dir));
    if (!mr_flags_has(flags, MR_FLAG_QUIET))
        fprintf(stderr, "worker %.*s of fleet `%s` is ready\n",
                mr_state_instance_shown(mr_state_dir_instance(dir)), mr_state_dir_instance(dir),
                reach->fleet);
    mr_exit exit = keep(&keeper, &stats, signals);
    mr_keeper_release(&keeper);
    mr_fleet_stats_end(&stats);
    mr_state_dir_close(dir);
    return exit;
}

mr_exit mr_command_worker(const mr_flags *flags)
{
    sigset_t signals;
    int64_t memory_bytes;
    if (!read_memory(flags, &memory_bytes))
        return MR_EXIT_USAGE;
    block_signals(&signals);
    mr_reach reach;
    mr_reach_options options = {.must_create = true, .is_stopping = is_stopping};
    mr_exit exit = mr_reach_open(&reach, flags, &options);
    if (exit == MR_EXIT_OK)
        exit = work(flags, memory_bytes, &reach, &signals);
    mr_reach_release(&reach);
    return exit;
}
