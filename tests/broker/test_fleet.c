/*
 * Goal: several workers of one job on a real Kafka: who has what shows to any client under the
 * group of the job, partitions are shared whatever their number and found when they are added, a
 * spare worker takes over, and an instance id belongs to one worker. Method: `millrace run` with
 * state directories of its own each; the group is read by plain librdkafka, which knows nothing of
 * Millrace.
 */
#include "tests/broker/script.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 400
#define READY_MS KAFKA_PATIENCE_MS

/* -- a plain client -- */

static rd_kafka_t *stock_client(void)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", getenv("MILLRACE_TEST_BROKER"),
                                   reason, sizeof reason),
                 RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cr_assert_not_null(client, "%s", reason);
    return client;
}

/* "state[0]@client state[1]@client ..", members in any order; how many members there are. */
static size_t describe_group(rd_kafka_t *client, const char *group, char *text, size_t size)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DescribeConsumerGroups(client, &group, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, READY_MS);
    cr_assert_not_null(event);
    size_t groups = 0, members = 0;
    const rd_kafka_ConsumerGroupDescription_t **described =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(event), &groups);
    cr_assert_eq(groups, 1);
    members = rd_kafka_ConsumerGroupDescription_member_count(described[0]);
    text[0] = '\0';
    for (size_t m = 0; m < members; m++) {
        const rd_kafka_topic_partition_list_t *owned =
            rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(
                rd_kafka_ConsumerGroupDescription_member(described[0], m)));
        for (int i = 0; i < owned->cnt; i++)
            snprintf(text + strlen(text), size - strlen(text), "%s[%d]/%zu ", owned->elems[i].topic,
                     owned->elems[i].partition, m);
    }
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return members;
}

/* Rows of `topic` that the group has still to read; -1 while some partition has no offset. */
static int64_t lag_of(rd_kafka_t *client, const char *group, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p);
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_ListConsumerGroupOffsets(client, &asked, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, READY_MS);
    cr_assert_not_null(event);
    size_t groups = 0;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &groups);
    cr_assert_eq(groups, 1);
    const rd_kafka_topic_partition_list_t *found = rd_kafka_group_result_partitions(results[0]);
    int64_t lag = 0;
    for (int i = 0; found != NULL && i < found->cnt; i++) {
        int64_t low, high;
        cr_assert_eq(rd_kafka_query_watermark_offsets(client, topic, found->elems[i].partition,
                                                      &low, &high, READY_MS),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
        if (found->elems[i].offset < 0)
            lag = -1;
        else if (lag >= 0)
            lag += high - found->elems[i].offset;
    }
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
    rd_kafka_topic_partition_list_destroy(list);
    return found == NULL ? -1 : lag;
}

/* -- the job -- */

/* Without a transaction: its markers would count as lag. */
static void put_rows(script *s, const char *topic, int32_t partitions, uint32_t first,
                     uint32_t count)
{
    mr_log_writer *writer = kafka_writer(s->log, NULL);
    for (uint32_t i = first; i < first + count; i++) {
        char row[40];
        snprintf(row, sizeof row, "{\"id\":%u}", i);
        kafka_put(writer, topic, (int32_t)(i % (uint32_t)partitions), row);
    }
    kafka_flush(writer);
    writer->class->close(writer);
}

static void write_job(script *s, const char *in, const char *out)
{
    script_write(s,
                 "SET 'parallelism.default' = '2';\n"
                 "CREATE TABLE src (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
                 "CREATE TABLE dst (id INT) WITH (" KAFKA_TABLE
                 "'topic' = '%s', 'format' = 'json');\nINSERT INTO dst SELECT id FROM src;\n",
                 in, out);
}

/* Each of `ids` rows has come once, whoever worked. */
static void expect_each_once(const script *s, const char *out, uint32_t ids)
{
    uint8_t seen[4 * ROWS] = {0};
    double end_ms = kafka_ms() + READY_MS;
    while (kafka_end(s->log, out, 0) < ids && kafka_ms() < end_ms)
        usleep(50000);
    usleep(300000); /* one row too many would come now */
    script_count_ids(s, out, seen, ids);
    for (uint32_t i = 0; i < ids; i++)
        cr_assert_eq(seen[i], 1, "row %u came %u times", i, seen[i]);
}

/* Until so many members have all of `parts` (NULL behind the last) among them. */
static void await_members(rd_kafka_t *client, const char *group, size_t members,
                          const char *const *parts)
{
    char text[1024];
    double end_ms = kafka_ms() + READY_MS;
    for (bool is_so = false; !is_so; usleep(100000)) {
        is_so = describe_group(client, group, text, sizeof text) == members;
        for (const char *const *part = parts; *part != NULL; part++)
            is_so = is_so && strstr(text, *part) != NULL;
        cr_assert(is_so || kafka_ms() < end_ms, "not %zu members with %s ..: %s", members, *parts,
                  text);
    }
}

Test(fleet, members_tasks_and_lag_show_under_the_group_of_the_job, .timeout = 400)
{
    script s;
    script_open(&s, "shown");
    const char *in = kafka_topic(s.log, "in", 4), *out = kafka_topic(s.log, "out", 1);
    write_job(&s, in, out);
    put_rows(&s, in, 4, 0, ROWS);
    pid_t a = script_start_worker(&s, "a"), b = script_start_worker(&s, "b");
    rd_kafka_t *client = stock_client();
    char first[128], second[128];
    snprintf(first, sizeof first, "%s.state[0]/", s.name);
    snprintf(second, sizeof second, "%s.state[1]/", s.name);
    await_members(client, s.name, 2, (const char *[]){"]/0 ", "]/1 ", first, second, NULL});
    expect_each_once(&s, out, ROWS);
    double end_ms = kafka_ms() + READY_MS;
    while (lag_of(client, s.name, in, 4) != 0)
        cr_assert_lt(kafka_ms(), end_ms, "lag stays %lld",
                     (long long)lag_of(client, s.name, in, 4));
    kill(a, SIGTERM);
    kill(b, SIGTERM);
    cr_expect_eq(script_finish(&s, a), 0, "%s", script_read_file(&s, "said-a"));
    cr_expect_eq(script_finish(&s, b), 0, "%s", script_read_file(&s, "said-b"));
    put_rows(&s, in, 4, ROWS, 12);
    cr_expect_eq(lag_of(client, s.name, in, 4), 12);
    rd_kafka_destroy(client);
    script_close(&s);
}

Test(fleet, a_spare_worker_takes_over_what_one_killed_leaves, .timeout = 400)
{
    script s;
    script_open(&s, "spare");
    const char *in = kafka_topic(s.log, "in", 3), *out = kafka_topic(s.log, "out", 1);
    write_job(&s, in, out); /* three partitions on two tasks on three workers */
    put_rows(&s, in, 3, 0, ROWS);
    pid_t workers[] = {script_start_worker(&s, "a"), script_start_worker(&s, "b"),
                       script_start_worker(&s, "c")};
    rd_kafka_t *client = stock_client();
    char task[128];
    snprintf(task, sizeof task, "%s.state[1]/", s.name);
    await_members(client, s.name, 3, (const char *[]){task, NULL});
    expect_each_once(&s, out, ROWS);
    /* Two of three die: whoever is left, it is or becomes the owner of both tasks. */
    kill(workers[0], SIGKILL);
    kill(workers[1], SIGKILL);
    cr_expect_eq(script_finish(&s, workers[0]), 128 + SIGKILL);
    cr_expect_eq(script_finish(&s, workers[1]), 128 + SIGKILL);
    put_rows(&s, in, 3, ROWS, ROWS);
    expect_each_once(&s, out, 2 * ROWS);
    await_members(client, s.name, 1, (const char *[]){task, NULL});
    kill(workers[2], SIGTERM);
    cr_expect_eq(script_finish(&s, workers[2]), 0, "%s", script_read_file(&s, "said-c"));
    rd_kafka_destroy(client);
    script_close(&s);
}

Test(fleet, an_instance_id_belongs_to_one_worker, .timeout = 400)
{
    script s;
    script_open(&s, "twins");
    const char *in = kafka_topic(s.log, "in", 2), *out = kafka_topic(s.log, "out", 1);
    write_job(&s, in, out);
    put_rows(&s, in, 2, 0, ROWS);
    pid_t a = script_start_worker(&s, "a");
    expect_each_once(&s, out, ROWS);
    /* One directory twice: its lock tells. */
    int code = script_finish(&s, script_start_with(&s, (const char *[]){"--state-dir", "a", NULL}));
    cr_expect_eq(code, 1, "exit %d: %s", code, script_said(&s));
    script_expect_said(&s, "MR4004");
    /* The same id in another directory: Kafka tells one of the two, and the other one goes on. */
    char id[40];
    snprintf(id, sizeof id, "%s", script_read_file(&s, "a/instance"));
    id[strcspn(id, "\n")] = '\0';
    pid_t b = script_start_with(&s, (const char *[]){"--state-dir", "b", "--instance-id", id, "-X",
                                                     "session.timeout.ms=6000", NULL});
    code = script_finish(&s, a);
    cr_expect_eq(code, 1, "exit %d", code);
    const char *said = script_read_file(&s, "said-a");
    cr_expect_not_null(strstr(said, "MR5014"), "%s", said);
    put_rows(&s, in, 2, ROWS, ROWS);
    expect_each_once(&s, out, 2 * ROWS);
    kill(b, SIGTERM);
    cr_expect_eq(script_finish(&s, b), 0, "%s", script_said(&s));
    script_close(&s);
}

Test(fleet, partitions_added_while_it_runs_are_found_within_30_s, .timeout = 400)
{
    script s;
    script_open(&s, "grown");
    const char *in = kafka_topic(s.log, "in", 1), *out = kafka_topic(s.log, "out", 1);
    write_job(&s, in, out);
    put_rows(&s, in, 1, 0, ROWS);
    pid_t a = script_start_worker(&s, "a"), b = script_start_worker(&s, "b");
    expect_each_once(&s, out, ROWS);
    rd_kafka_t *client = stock_client();
    char reason[256];
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(in, 4, reason, sizeof reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreatePartitions(client, &more, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, READY_MS);
    cr_assert(event != NULL && rd_kafka_event_error(event) == 0);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewPartitions_destroy(more);
    put_rows(&s, in, 4, ROWS, ROWS); /* at once: before anybody has looked */
    expect_each_once(&s, out, 2 * ROWS);
    rd_kafka_destroy(client);
    kill(a, SIGTERM);
    kill(b, SIGTERM);
    cr_expect_eq(script_finish(&s, a), 0, "%s", script_read_file(&s, "said-a"));
    cr_expect_eq(script_finish(&s, b), 0, "%s", script_read_file(&s, "said-b"));
    script_close(&s);
}
