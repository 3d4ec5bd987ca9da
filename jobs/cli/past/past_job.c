#include "jobs/cli/past/past_job.h"

#include "connectors/blobs/blobs.h"
#include "connectors/kafka/log.h"
#include "connectors/memory/clock.h"
#include "engine/base/hash.h"
#include "engine/state/folder.h"
#include "engine/state/rocksdb_store.h"
#include "jobs/cli/failure.h"
#include "jobs/engine/topics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tasks are restored more than once: what is wrong with one is told the first time. */
static void write_line(void *sink, mr_log_level level, const char *line)
{
    mr_past_job *job = sink;
    uint64_t hash = mr_hash(line, strlen(line));
    (void)level;
    if (atomic_exchange(&job->told[hash % (sizeof job->told / sizeof *job->told)], hash) == hash)
        return;
    fprintf(stderr, isatty(STDERR_FILENO) ? "\r\033[K%s\n" : "%s\n", line);
}

static mr_status open_stores(mr_past_job *job, mr_error *err)
{
    const char *parent = getenv("TMPDIR");
    snprintf(job->path, sizeof job->path, "%s/millrace-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(job->path) == NULL) {
        mr_status status = mr_error_set(err, MR_E_ENVIRONMENT, "cannot make a folder %s: %s",
                                        job->path, strerror(errno));
        job->path[0] = '\0';
        return status;
    }
    mr_status status = mr_state_dir_open(job->path, &job->dir, err);
    if (status == MR_OK)
        job->stores = mr_rocksdb_factory_new(job->dir, NULL, NULL);
    return status;
}

static mr_status open_all(mr_past_job *job, mr_job *text, mr_error *err)
{
    if (!text->plan.uses_log)
        return mr_error_set(err, MR_E_REPLAY_NEVER,
                            "job `%s` touches no Kafka topic: it has no past", text->plan.job);
    mr_kafka_config config = {.bootstrap = text->cluster.bootstrap,
                              .properties = text->cluster.properties,
                              .logger = &job->logger};
    mr_status status = mr_kafka_log_open(&config, &job->log, err);
    if (status == MR_OK)
        status = mr_topics_prepare(text, job->log, false, MR_TOPICS_KEPT, NULL, err);
    const char *address = text->settings.checkpoints_address;
    if (status == MR_OK && address != NULL)
        status = mr_blobs_open(address, NULL, &job->blobs, err);
    if (status == MR_OK && address != NULL)
        status = open_stores(job, err);
    return status;
}

bool mr_past_job_open(mr_past_job *job, const mr_flags *flags, mr_exit *exit)
{
    *job = (mr_past_job){0};
    if (mr_named_is_asked(flags)) {
        *exit = mr_named_open_asked(&job->named, flags);
        job->text = *exit == MR_EXIT_OK ? job->named.wished.job : NULL;
    } else {
        job->loaded = mr_load(flags);
        *exit = job->loaded.exit;
        job->text = job->loaded.job;
    }
    if (job->text == NULL && !mr_named_is_asked(flags))
        mr_named_mention(flags);
    if (job->text == NULL)
        return false;
    mr_error err;
    if (mr_past_job_look(job, job->text, flags, &err) != MR_OK) {
        *exit = mr_cli_fail(&err);
        return false;
    }
    return true;
}

mr_status mr_past_job_look(mr_past_job *job, mr_job *text, const mr_flags *flags, mr_error *err)
{
    job->logger =
        (mr_logger){.write = write_line,
                    .sink = job,
                    .level_min = mr_flags_has(flags, MR_FLAG_VERBOSE) ? MR_LOG_DEBUG : MR_LOG_WARN};
    mr_memory_clock_real(&job->clock);
    mr_status status = open_all(job, text, err);
    if (status != MR_OK)
        return status;
    const mr_plan *plan = &text->plan;
    job->moments = (mr_moments){.plan = plan,
                                .log = job->log,
                                .clock = &job->clock,
                                .logger = &job->logger,
                                .blobs = job->blobs,
                                .stores = job->stores,
                                .state_topic = mr_arena_printf(&job->arena, "%s.state", plan->job)};
    return MR_OK;
}

void mr_past_job_close(mr_past_job *job)
{
    mr_error ignored;
    if (job->stores != NULL)
        mr_rocksdb_factory_free(job->stores);
    if (job->dir != NULL)
        mr_state_dir_close(job->dir);
    if (job->path[0] != '\0' && mr_folder_remove(job->path, &ignored) != MR_OK)
        fprintf(stderr, "%s\n", ignored.message);
    if (job->blobs != NULL)
        job->blobs->class->close(job->blobs);
    if (job->log != NULL)
        job->log->class->close(job->log);
    mr_arena_release(&job->arena);
    mr_loaded_release(&job->loaded);
    mr_named_release(&job->named);
}
