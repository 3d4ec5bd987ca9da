/*
 * Goal: of two first starts of one job at the same moment, with other numbers of tasks, the one
 * whose topics are not there as it wants them says so, and does nothing.
 * Method: a log in which somebody else makes each topic between the look at it and our try.
 */
#include "engine/base/assert.h"
#include "tests/unit/engine/run/worker/sql_world.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct overtaken {
    mr_log_class class;
    const mr_log_class *real;
    const char *topic; /* the one in which somebody was faster */
    int32_t more;      /* partitions than we want */
    bool is_slow;      /* to be known: the next look does not see it yet */
    bool is_made;
    uint32_t asked;
} overtaken;

static overtaken *of(mr_log *log)
{
    return (overtaken *)(uintptr_t)log->class;
}

static mr_status create_topic(mr_log *log, const char *topic, int32_t partitions,
                              const char *const *configs, mr_error *err)
{
    overtaken *self = of(log);
    if (strcmp(topic, self->topic) == 0 && !self->is_made) {
        self->is_made = true;
        cr_assert_eq(self->real->create_topic(log, topic, partitions + self->more, configs, err),
                     MR_OK);
    }
    return self->real->create_topic(log, topic, partitions, configs, err);
}

static mr_status describe(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err)
{
    overtaken *self = of(log);
    mr_status status = self->real->describe(log, topic, facts, err);
    if (status == MR_OK && facts->exists && self->is_slow && strcmp(topic, self->topic) == 0 &&
        ++self->asked == 1)
        facts->exists = false;
    return status;
}

static void start(const char *topic, int32_t more, bool is_slow, mr_status expected)
{
    sql_world w;
    sql_open(&w, 1,
             "SET 'parallelism.default' = '2';"
             "CREATE TABLE src (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (" SQL_KAFKA
             ", 'topic' = 'in');"
             "CREATE TABLE dst (n BIGINT) WITH (" SQL_KAFKA ", 'topic' = 'out');"
             "INSERT INTO dst SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), "
             "INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end;");
    sql_topic(&w, "in", 2);
    sql_topic(&w, "out", 1);
    sql_put(&w, "in", 0, "{\"k\":1,\"ts\":\"2024-01-01 00:00:00\"}");
    sql_start(&w, 0, true);
    overtaken patched = {.topic = topic, .more = more, .is_slow = is_slow};
    mr_log *log = w.worker[0].log;
    patched.real = log->class;
    patched.class = *log->class;
    patched.class.create_topic = create_topic;
    patched.class.describe = describe;
    log->class = &patched.class;
    for (uint32_t s = 0; sql_step(&w, 0); s++)
        cr_assert_lt(s, 20000);
    cr_expect_eq(w.worker[0].status, expected, "%s, %d more: MR%d %s", topic, more,
                 w.worker[0].status, w.worker[0].err.message);
    sql_expect(&w, "out", expected == MR_OK ? "{\"n\":1}" : "");
    log->class = patched.real;
    sql_close(&w);
}

Test(first_starts, who_finds_other_numbers_of_tasks_is_refused)
{
    static const char *const topics[] = {"job.state", "job.exchange.0"};
    for (int i = 0; i < 2; i++)
        for (int is_slow = 0; is_slow < 2; is_slow++) {
            start(topics[i], 1, is_slow, MR_E_STATE_TASKS);
            start(topics[i], 0, is_slow, MR_OK);
        }
}
