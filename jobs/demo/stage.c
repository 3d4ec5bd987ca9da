#include "jobs/demo/stage.h"

#include "engine/batch/record.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Outputs have one partition: what is shown comes in the order in which windows closed. */
const int32_t mr_demo_partitions[MR_DEMO_TOPICS] = {MR_DEMO_ORIGINS, 1, 1, MR_DEMO_ORIGINS};

static void name_all(mr_demo_stage *stage)
{
    static const char *const stems[MR_DEMO_TOPICS] = {"departures", "departures-hourly",
                                                      "departures-late", "departures-dead"};
    snprintf(stage->job, sizeof stage->job, "millrace-demo-%llx-%x", (unsigned long long)time(NULL),
             (unsigned)getpid());
    snprintf(stage->prefix, sizeof stage->prefix, "%s.", stage->job);
    for (int t = 0; t < MR_DEMO_TOPICS; t++)
        snprintf(stage->topics[t], sizeof stage->topics[t], "%s%s", stage->prefix, stems[t]);
}

static mr_status make_topics(mr_demo_stage *stage, mr_error *err)
{
    mr_status status = MR_OK;
    for (int t = 0; status == MR_OK && t < MR_DEMO_TOPICS; t++) {
        status =
            stage->mock != NULL
                ? mr_kafka_mock_topic(stage->mock, stage->topics[t], mr_demo_partitions[t], err)
                : stage->log->class->create_topic(stage->log, stage->topics[t],
                                                  mr_demo_partitions[t], NULL, err);
        stage->topics_count += status == MR_OK;
    }
    char state[128];
    snprintf(state, sizeof state, "%s.state", stage->job);
    /* The mock does not know CreateTopics, so the worker must find its state topic there. */
    if (status == MR_OK && stage->mock != NULL)
        status = mr_kafka_mock_topic(stage->mock, state, 1, err);
    return status;
}

mr_status mr_demo_stage_open(mr_demo_stage *stage, const char *bootstrap,
                             const char *const *properties, const mr_logger *logger, mr_error *err)
{
    *stage = (mr_demo_stage){0};
    name_all(stage);
    mr_status status = MR_OK;
    if (bootstrap == NULL) {
        status = mr_kafka_mock_start(&stage->mock, err);
        if (status != MR_OK)
            return status;
        bootstrap = mr_kafka_mock_bootstrap(stage->mock);
    }
    snprintf(stage->bootstrap, sizeof stage->bootstrap, "%s", bootstrap);
    mr_kafka_config config = {
        .bootstrap = stage->bootstrap, .properties = properties, .logger = logger};
    status = mr_kafka_log_open(&config, &stage->log, err);
    if (status == MR_OK)
        status = make_topics(stage, err);
    return status;
}

mr_status mr_demo_stage_clear(mr_demo_stage *stage, mr_error *err)
{
    mr_status status = MR_OK;
    while (stage->mock == NULL && status == MR_OK && stage->topics_count > 0) {
        status = stage->log->class->delete_topic(stage->log, stage->topics[stage->topics_count - 1],
                                                 err);
        stage->topics_count--;
    }
    return status;
}

void mr_demo_stage_close(mr_demo_stage *stage)
{
    if (stage->log != NULL)
        stage->log->class->close(stage->log);
    if (stage->mock != NULL)
        mr_kafka_mock_stop(stage->mock);
    *stage = (mr_demo_stage){0};
}
