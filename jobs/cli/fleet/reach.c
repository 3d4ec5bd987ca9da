#include "jobs/cli/fleet/reach.h"

#include "connectors/kafka/log.h"
#include "connectors/memory/clock.h"
#include "jobs/cli/failure.h"
#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_EVERY_MS 200

static void write_line(void *sink, mr_log_level level, const char *line)
{
    const mr_flags *flags = sink;
    mr_log_level least = mr_flags_has(flags, MR_FLAG_VERBOSE) ? MR_LOG_DEBUG : MR_LOG_WARN;
    if (!mr_flags_has(flags, MR_FLAG_QUIET) && level >= least)
        fprintf(stderr, "%s\n", line);
}

/* -X name=value as name, value, .., NULL. */
static const char *const *pairs_of(const mr_flags *flags, mr_arena *arena)
{
    const char **pairs = mr_arena_zalloc(arena, 2 * flags->properties_count + 1, sizeof *pairs);
    for (uint32_t i = 0; i < flags->properties_count; i++) {
        const char *text = flags->properties[i], *equals = strchr(text, '=');
        pairs[2 * i] = mr_arena_string(arena, text, (size_t)(equals - text));
        pairs[2 * i + 1] = equals + 1;
    }
    return pairs;
}

mr_exit mr_reach_open_log(mr_reach *reach, const mr_flags *flags, const mr_reach_options *options)
{
    *reach =
        (mr_reach){.flags = flags, .fleet = flags->fleet != NULL ? flags->fleet : MR_FLEET_DEFAULT};
    reach->logger = (mr_logger){
        .write = write_line, .sink = (void *)(uintptr_t)flags, .level_min = MR_LOG_DEBUG};
    mr_memory_clock_real(&reach->clock);
    if (reach->fleet[0] == '\0') {
        fprintf(stderr, "millrace: --fleet has no name\n");
        return MR_EXIT_USAGE;
    }
    const char *bootstrap = flags->kafka != NULL ? flags->kafka : options->bootstrap;
    if (bootstrap == NULL) {
        fprintf(stderr,
                "millrace: --kafka HOST:PORT is missing: where the fleet's topic `%s.jobs` "
                "lies\n",
                reach->fleet);
        return MR_EXIT_USAGE;
    }
    reach->bootstrap = mr_arena_string(&reach->arena, bootstrap, strlen(bootstrap));
    mr_kafka_config config = {.bootstrap = bootstrap,
                              .properties = options->properties != NULL
                                                ? options->properties
                                                : pairs_of(flags, &reach->arena),
                              .logger = &reach->logger,
                              .is_stopping = options->is_stopping,
                              .hook = options->hook};
    mr_error err;
    mr_status status = mr_kafka_log_open(&config, &reach->log, &err);
    return status == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
}

mr_exit mr_reach_open_board(mr_reach *reach, bool must_create)
{
    mr_error err;
    mr_status status =
        mr_board_open(&reach->board, reach->log, &reach->logger, reach->fleet, must_create, &err);
    if (status == MR_OK)
        status = mr_board_catch_up(&reach->board, &err);
    return status == MR_OK ? MR_EXIT_OK : mr_cli_fail(&err);
}

mr_exit mr_reach_open(mr_reach *reach, const mr_flags *flags, const mr_reach_options *options)
{
    mr_exit exit = mr_reach_open_log(reach, flags, options);
    return exit == MR_EXIT_OK ? mr_reach_open_board(reach, options->must_create) : exit;
}

void mr_reach_release(mr_reach *reach)
{
    if (reach->board.topic != NULL)
        mr_board_close(&reach->board);
    if (reach->home != NULL)
        reach->home->class->close(reach->home);
    if (reach->log != NULL)
        reach->log->class->close(reach->log);
    mr_arena_release(&reach->arena);
}

const mr_board_job *mr_reach_job(const mr_reach *reach, const char *name)
{
    const mr_board_job *job = mr_board_job_of(&reach->board, name);
    if (job != NULL && job->has_wish)
        return job;
    const char *names[256] = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < reach->board.jobs_count && count < 256; i++)
        names[count++] = reach->board.jobs[i].name;
    const char *nearest = mr_suggest(name, names, count);
    mr_error err;
    mr_error_set(&err, MR_E_FLEET_JOB, "fleet `%s` has no job `%s`%s%s%s", reach->fleet, name,
                 nearest != NULL ? "; did you mean `" : "", nearest != NULL ? nearest : "",
                 nearest != NULL ? "`?" : "");
    (void)mr_cli_fail(&err);
    return NULL;
}

/* A fleet may lie in one cluster, its jobs in others; or a cluster has another address from here,
 * which only asking tells. */
mr_log *mr_reach_home(mr_reach *reach, const mr_job *job)
{
    const char *bootstrap = job->cluster.bootstrap;
    if (reach->home != NULL || bootstrap == NULL || strcmp(bootstrap, reach->bootstrap) == 0)
        return reach->home != NULL ? reach->home : reach->log;
    mr_kafka_config config = {
        .bootstrap = bootstrap, .properties = job->cluster.properties, .logger = &reach->logger};
    mr_error err;
    mr_topic_facts facts;
    mr_log *home = NULL;
    mr_status status = mr_kafka_log_open(&config, &home, &err);
    if (status == MR_OK)
        status = home->class->describe(home, job->plan.job, &facts, &err);
    if (status != MR_OK && err.recovery == MR_RECOVERY_RETRY) {
        fprintf(stderr, "note: job `%s` has a cluster of its own, %s: taken to be the fleet's\n",
                job->plan.job, err.message);
        home->class->close(home);
        return reach->log;
    }
    if (home == NULL)
        return reach->log;
    reach->home = home;
    return home;
}

bool mr_reach_is_live(const mr_reach *reach, const mr_fleet_status *status)
{
    return reach->clock.wall_ms(&reach->clock) - status->written_ms < MR_FLEET_SILENT_MS;
}

bool mr_reach_await(mr_reach *reach, const char *job,
                    bool (*holds)(const mr_reach *reach, const mr_board_job *job, uint64_t version),
                    uint64_t version, mr_error *err)
{
    *err = (mr_error){0};
    int64_t ends_us = reach->clock.monotonic_us(&reach->clock) + MR_FLEET_ANSWER_MS * INT64_C(1000);
    while (!holds(reach, mr_board_job_of(&reach->board, job), version)) {
        if (reach->clock.monotonic_us(&reach->clock) >= ends_us ||
            mr_board_poll(&reach->board, LOOK_EVERY_MS, err) != MR_OK)
            return false;
    }
    return true;
}
