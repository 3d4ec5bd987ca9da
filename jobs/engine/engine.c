#include "jobs/engine/engine.h"

#include "connectors/kafka/log.h"
#include "connectors/local/helper_thread.h"
#include "connectors/memory/log.h"
#include "engine/state/rocksdb_store.h"
#include "jobs/engine/shares.h"
#include "jobs/engine/topics.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

static mr_status open_log(mr_engine *engine, mr_error *err)
{
    const mr_job *job = engine->config.job;
    if (!job->plan.uses_log) {
        engine->cluster = mr_memory_cluster_new(NULL);
        engine->log = mr_memory_log_new(engine->cluster, NULL);
        return MR_OK;
    }
    mr_kafka_config config = {.bootstrap = job->cluster.bootstrap,
                              .properties = job->cluster.properties,
                              .logger = engine->config.logger,
                              .is_stopping = engine->config.is_stopping,
                              .hook = engine->config.hook};
    return mr_kafka_log_open(&config, &engine->log, err);
}

/* How much of what each part may take; how many inputs there are is known. */
static mr_shares deal_memory(const mr_engine *engine)
{
    const mr_engine_config *c = &engine->config;
    int64_t limit = c->job->settings.memory_bytes;
    if (c->memory_bytes != 0 && (limit == 0 || limit > c->memory_bytes))
        limit = c->memory_bytes;
    uint32_t tasks = c->job->plan.tasks_count;
    mr_shares shares =
        mr_shares_of(limit, tasks > 0 ? tasks : 1, engine->inputs > 0 ? engine->inputs : 1);
    if (c->metrics != NULL)
        mr_gauge_set(mr_metrics_gauge(c->metrics, "millrace_memory_limit_bytes",
                                      (const char *[]){"job", c->job->plan.job, NULL}),
                     (double)shares.limit_bytes);
    return shares;
}

static void set_queues(mr_engine *engine, const mr_shares *shares)
{
    if (!engine->config.job->plan.uses_log)
        return;
    int64_t inputs = engine->inputs > 0 ? engine->inputs : 1;
    mr_kafka_log_set_queues(engine->log, shares->input_queue_kb, shares->writer_queue_kb);
    mr_budget_add(&engine->budget, MR_BUDGET_KAFKA,
                  (shares->input_queue_kb * inputs + shares->writer_queue_kb) * 1024);
}

static mr_status open_worker(mr_engine *engine, const mr_shares *shares, mr_error *err)
{
    const mr_engine_config *c = &engine->config;
    mr_worker_config config = {
        .plan = &c->job->plan,
        .log = engine->log,
        .stores = engine->stores,
        .clock = c->clock,
        .logger = c->logger,
        .budget = &engine->budget,
        .state_bytes_max = shares->state_bytes,
        .memory_bytes = (size_t)shares->limit_bytes,
        .load_entries_max = shares->load_entries,
        .dirty_bytes_max = shares->dirty_bytes,
        .staged_bytes_max = shares->staged_bytes,
        .metrics = c->metrics,
        .instance_id = c->state_dir != NULL ? mr_state_dir_instance(c->state_dir) : "local",
        .helper = engine->helper,
        .is_bounded = c->is_bounded,
        .is_stopping = c->is_stopping,
        .hook = c->hook};
    mr_checkpointing_configure(&engine->checkpointing, c->job, &config);
    mr_status status = MR_OK;
    if (c->must_reset && c->job->plan.uses_log)
        status = mr_worker_reset(&config, err);
    if (status == MR_OK)
        engine->worker = mr_worker_new(&config);
    return status;
}

/* What may lie free at the end of each arena of the heap, of which there is one a thread: pages
 * kept save faults where memory is plenty, and are nobody's share where it is not. */
static void bound_heap(const mr_shares *shares)
{
#if defined(__GLIBC__)
    int64_t kept = shares->limit_bytes / 128, most = (int64_t)32 << 20;
    mallopt(M_TRIM_THRESHOLD, (int)(kept < most ? kept : most));
#else
    (void)shares;
#endif
}

mr_status mr_engine_open(mr_engine *engine, const mr_engine_config *config, mr_error *err)
{
    *engine = (mr_engine){.config = *config};
    mr_job *job = config->job;
    mr_status status = open_log(engine, err);
    if (status == MR_OK && job->plan.uses_log)
        status = mr_topics_prepare(job, engine->log, config->must_create_topics,
                                   config->must_reset ? MR_TOPICS_FORGOTTEN : MR_TOPICS_KEPT,
                                   &engine->inputs, err);
    mr_shares shares = {0};
    if (status == MR_OK) {
        shares = deal_memory(engine);
        set_queues(engine, &shares);
        bound_heap(&shares);
    }
    if (status == MR_OK && config->state_dir != NULL)
        engine->stores =
            mr_rocksdb_factory_new(config->state_dir,
                                   &(mr_rocksdb_settings){.cache_bytes = shares.cache_bytes,
                                                          .memtable_bytes = shares.memtable_bytes},
                                   &engine->budget);
    if (status == MR_OK && job->plan.is_pipelined)
        status = mr_helper_thread_open(&engine->helper, err);
    if (status == MR_OK && engine->stores != NULL)
        status = mr_checkpointing_open(&engine->checkpointing, job, config->logger, err);
    return status == MR_OK ? open_worker(engine, &shares, err) : status;
}

void mr_engine_set_memory(mr_engine *engine, int64_t memory_bytes)
{
    engine->config.memory_bytes = memory_bytes;
    mr_shares shares = deal_memory(engine);
    mr_worker_set_memory(engine->worker, (size_t)shares.limit_bytes, shares.state_bytes,
                         shares.dirty_bytes);
    if (engine->stores != NULL)
        mr_rocksdb_factory_set_cache(engine->stores, shares.cache_bytes);
}

void mr_engine_end_worker(mr_engine *engine)
{
    if (engine->worker != NULL)
        mr_worker_free(engine->worker);
    engine->worker = NULL;
}

void mr_engine_close(mr_engine *engine)
{
    mr_engine_end_worker(engine);
    if (engine->helper != NULL)
        engine->helper->class->close(engine->helper);
    mr_checkpointing_close(&engine->checkpointing);
    if (engine->stores != NULL)
        mr_rocksdb_factory_free(engine->stores);
    if (engine->log != NULL)
        engine->log->class->close(engine->log);
    if (engine->cluster != NULL)
        mr_memory_cluster_free(engine->cluster);
    *engine = (mr_engine){0};
}
