/*
 * Stage: the Kafka that the demo plays on, embedded or real, with the topics of one performance.
 *
 * The embedded one is librdkafka's mock, which knows transactions by name only: the job goes
 * through the motions of exactly-once there, but nothing may ever be aborted or taken up again. On
 * a real cluster every performance has topics of its own, whose names begin with the job's. Thread:
 * one.
 */
#ifndef MR_JOBS_DEMO_STAGE_H
#define MR_JOBS_DEMO_STAGE_H

#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"
#include "jobs/demo/flights.h"

typedef enum mr_demo_topic {
    MR_DEMO_DEPARTURES = 0,
    MR_DEMO_HOURLY,
    MR_DEMO_LATE,
    MR_DEMO_DEAD,
    MR_DEMO_TOPICS,
} mr_demo_topic;

typedef struct mr_demo_stage {
    mr_kafka_mock *mock; /* NULL: a real cluster */
    mr_log *log;
    char bootstrap[512];
    char job[64];
    char prefix[72]; /* of the topics */
    char topics[MR_DEMO_TOPICS][128];
    uint32_t topics_count; /* made so far */
} mr_demo_stage;

extern const int32_t mr_demo_partitions[MR_DEMO_TOPICS];

/* `bootstrap` NULL: embedded. `properties` as in mr_kafka_config. */
MR_MUST_USE mr_status mr_demo_stage_open(mr_demo_stage *stage, const char *bootstrap,
                                         const char *const *properties, const mr_logger *logger,
                                         mr_error *err);

/* Deletes the topics of a real cluster. */
MR_MUST_USE mr_status mr_demo_stage_clear(mr_demo_stage *stage, mr_error *err);
void mr_demo_stage_close(mr_demo_stage *stage);

#endif
