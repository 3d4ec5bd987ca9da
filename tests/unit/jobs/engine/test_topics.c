/*
 * Goal: a staged job keeps the tasks that its state has, whatever its source's and its state
 * topic's partitions have become since.
 * Method: a job whose source had one partition, and has three; a state topic that an upgrade, which
 * was broken off, has made wider; the last epoch in it, found by the group's offsets or without.
 */
#include "jobs/engine/topics.h"

#include "connectors/memory/log.h"
#include "engine/commit/epoch_record.h"
#include "jobs/plan/version.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TABLE                                                                         \
    "SET 'parallelism.default' = '3';"                                                \
    "CREATE TABLE bids (a BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "          \
    "WITH ('connector'='kafka','format'='json','properties.bootstrap.servers'='h:1'," \
    "'topic'='b','scan.startup.mode'='earliest-offset');"
#define COUNTS                                                          \
    "SELECT a, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), " \
    "INTERVAL '10' SECOND)) GROUP BY window_start, window_end, a;"
#define COPIES                                                                        \
    "CREATE TABLE dst (a BIGINT) "                                                    \
    "WITH ('connector'='kafka','format'='json','properties.bootstrap.servers'='h:1'," \
    "'topic'='b');INSERT INTO dst SELECT a FROM bids;"

typedef struct stage {
    mr_memory_cluster *cluster;
    mr_log *log;
    mr_script script;
    mr_job *job;
    mr_error err;
} stage;

static void set_up_text(stage *s, const char *text, int32_t partitions)
{
    mr_diagnostics diagnostics = {0};
    *s = (stage){.cluster = mr_memory_cluster_new(NULL)};
    s->log = mr_memory_log_new(s->cluster, NULL);
    mr_script_init(&s->script, "job.sql", text, strlen(text));
    s->job = mr_job_new(&s->script, &(mr_job_options){.stem = "job"}, &diagnostics);
    cr_assert_not_null(s->job);
    mr_diagnostics_release(&diagnostics);
    cr_assert_eq(s->log->class->create_topic(s->log, "b", 3, NULL, &s->err), MR_OK);
    cr_assert_eq(s->log->class->create_topic(s->log, "job.state", partitions, NULL, &s->err),
                 MR_OK);
}

static void set_up(stage *s, int32_t partitions)
{
    set_up_text(s, TABLE COUNTS, partitions);
}

static void tear_down(stage *s)
{
    s->log->class->close(s->log);
    mr_memory_cluster_free(s->cluster);
    mr_job_free(s->job);
    mr_script_release(&s->script);
}

/* In the offsets of the group. */
static void note(stage *s, int32_t partition, int64_t offset, const char *metadata)
{
    mr_log_member *member;
    mr_member_event event;
    mr_log_offset noted = {
        .topic = "job.state", .partition = partition, .offset = offset, .metadata = metadata};
    mr_member_options options = {.group = "job", .topic = "job.state"};
    cr_assert_eq(s->log->class->open_member(s->log, &options, &member, &s->err), MR_OK);
    do
        cr_assert_eq(member->class->poll(member, 100, &event, &s->err), MR_OK);
    while (event.kind != MR_MEMBER_ASSIGNED);
    cr_assert_eq(member->class->commit(member, &noted, 1, &s->err), MR_OK);
    member->class->close(member);
}

/* Epochs of task 0: of a plan before it, then of that one. */
static void put_versions(stage *s, uint64_t last, bool is_in_group)
{
    uint64_t versions[] = {77, last};
    mr_log_writer *writer;
    char metadata[MR_EPOCH_METADATA_MAX];
    cr_assert_eq(s->log->class->open_writer(s->log, &(mr_writer_options){0}, &writer, &s->err),
                 MR_OK);
    for (uint32_t e = 1; e <= 2; e++) {
        mr_buffer bytes = {0};
        mr_epoch_record record = {.job = "job",
                                  .plan_version = versions[e - 1],
                                  .epoch = e,
                                  .previous_offset = (int64_t)e - 2,
                                  .transactional_id = ""};
        uint32_t checksum = mr_epoch_record_seal(&record, false, 0, &bytes);
        mr_epoch_metadata_print(metadata, e, (int64_t)e - 1, checksum);
        cr_assert_eq(writer->class->produce(writer, "job.state", 0,
                                            &(mr_log_record){.value = bytes.data,
                                                             .value_length = bytes.length,
                                                             .timestamp_ms = 1},
                                            1, &s->err),
                     MR_OK);
        mr_buffer_release(&bytes);
    }
    cr_assert_eq(writer->class->flush(writer, 1000, &s->err), MR_OK);
    writer->class->close(writer);
    if (!is_in_group)
        return;
    note(s, 0, 2, metadata);
}

/* Of the one whose first stage has so many tasks. */
static void put_epochs(stage *s, uint32_t first, bool is_in_group)
{
    mr_stages_set_tasks(&s->job->plan, &s->job->stages, first);
    put_versions(s, s->job->plan.stages[0].version, is_in_group);
}

static void expect_tasks(stage *s, mr_topics_state state, uint32_t first)
{
    mr_stages_set_tasks(&s->job->plan, &s->job->stages, 3);
    cr_assert_eq(mr_topics_prepare(s->job, s->log, false, state, NULL, &s->err), MR_OK, "%s",
                 s->err.message);
    cr_expect_eq(s->job->plan.stages[0].tasks_count, first, "%u tasks, state %d",
                 s->job->plan.stages[0].tasks_count, (int)state);
}

Test(topics, a_topic_that_an_upgrade_has_made_wider_does_not_make_more_tasks_of_the_first_stage)
{
    for (int32_t partitions = 4; partitions <= 9; partitions++)
        for (int is_in_group = 0; is_in_group < 2; is_in_group++) {
            stage s;
            set_up(&s, partitions);
            put_epochs(&s, 1, is_in_group);
            expect_tasks(&s, MR_TOPICS_KEPT, 1);
            tear_down(&s);
        }
}

Test(topics, partitions_whose_tasks_were_retired_are_no_tasks_of_the_first_stage)
{
    stage s;
    set_up(&s, 6);
    put_epochs(&s, 1, true);
    note(&s, 5, 9, "v1|0|8|0badcafe");
    expect_tasks(&s, MR_TOPICS_KEPT, 1);
    tear_down(&s);
}

Test(topics, where_there_is_no_epoch_yet_the_width_of_the_state_topic_tells)
{
    stage s;
    set_up(&s, 5);
    expect_tasks(&s, MR_TOPICS_KEPT, 2);
    expect_tasks(&s, MR_TOPICS_FORGOTTEN, 3);
    tear_down(&s);
}

Test(topics, an_upgrade_that_was_finished_before_is_known_by_its_tasks_though_the_source_has_grown)
{
    stage s;
    set_up(&s, 5);
    put_epochs(&s, 2, true);
    expect_tasks(&s, MR_TOPICS_UPGRADED, 2);
    expect_tasks(&s, MR_TOPICS_FORGOTTEN, 3);
    tear_down(&s);
}

Test(topics, an_upgrade_from_another_text_reads_with_as_many_tasks_as_the_source_has_partitions)
{
    stage s;
    set_up(&s, 5);
    put_epochs(&s, 2, true);
    s.job->stages.job_version++;
    expect_tasks(&s, MR_TOPICS_UPGRADED, 3);
    tear_down(&s);
}

static void expect_version(stage *s, mr_topics_state state, uint64_t expected)
{
    cr_assert_eq(mr_topics_prepare(s->job, s->log, false, state, NULL, &s->err), MR_OK, "%s",
                 s->err.message);
    cr_expect_eq(s->job->plan.version, expected, "state %d", (int)state);
}

Test(topics, whether_the_version_of_a_plan_hangs_on_its_tasks_the_last_epoch_tells)
{
    for (uint32_t tasks = 2; tasks <= 3; tasks++) {
        stage s;
        set_up_text(&s, TABLE COPIES, 3);
        uint64_t plain = s.job->version, counted = mr_plan_counted_version(plain, tasks);
        cr_assert_eq(s.job->plan.tasks_count, 3);
        expect_version(&s, MR_TOPICS_KEPT, plain);
        put_versions(&s, counted, tasks == 2);
        expect_version(&s, MR_TOPICS_KEPT, tasks == 3 ? counted : plain);
        expect_version(&s, MR_TOPICS_UPGRADED, tasks == 3 ? counted : plain);
        expect_version(&s, MR_TOPICS_FORGOTTEN, plain);
        tear_down(&s);
    }
}
