#include "jobs/engine/engine.h"

#include "connectors/kafka/log.h"
#include "connectors/local/helper_thread.h"
#include "connectors/memory/log.h"
#include "engine/state/rocksdb_store.h"
#include "jobs/engine/shares.h"
#include "jobs/engine/topics.h"

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
static mr_shares deal_memory(mr_engine *engine, uint32_t inputs)
{
    const mr_job *job = engine->config.job;
    uint32_t tasks = job->plan.tasks_count > 0 ? job->plan.tasks_count : 1;
    inputs = inputs > 0 ? inputs : 1;
    mr_shares shares = mr_shares_of(job->settings.memory_bytes, tasks, inputs);
    if (job->plan.uses_log) {
        mr_kafka_log_set_queues(engine->log, shares.input_queue_kb, shares.writer_queue_kb);
        mr_budget_add(&engine->budget, MR_BUDGET_KAFKA,
                      ((int64_t)shares.input_queue_kb * inputs + shares.writer_queue_kb) * 1024);
    }
    if (engine->config.metrics != NULL)
        mr_gauge_set(mr_metrics_gauge(engine->config.metrics, "millrace_memory_limit_bytes",
                                      (const char *[]){"job", job->plan.job, NULL}),
                     (double)shares.limit_bytes);
    return shares;
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
        .load_bytes_max = shares->load_bytes,
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

mr_status mr_engine_open(mr_engine *engine, const mr_engine_config *config, mr_error *err)
{
    *engine = (mr_engine){.config = *config};
    mr_job *job = config->job;
    uint32_t inputs = 0;
    mr_status status = open_log(engine, err);
    if (status == MR_OK && job->plan.uses_log)
        status = mr_topics_prepare(job, engine->log, config->must_create_topics, config->must_reset,
                                   &inputs, err);
    mr_shares shares = {0};
    if (status == MR_OK)
        shares = deal_memory(engine, inputs);
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
