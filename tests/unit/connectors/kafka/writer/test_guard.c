/* Goal: the guard knows an answered request from a lost one, also when a resend is hidden. */
#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"
#include "connectors/kafka/writer/guard.h"
#include "connectors/kafka/writer/writer.h"

#include <criterion/criterion.h>
#include <pthread.h>

enum { END = 26, PRODUCE = 0, INIT = 22 };

static void *answer_elsewhere(void *guard)
{
    mr_kafka_guard_answered(guard, END, RD_KAFKA_RESP_ERR_NO_ERROR);
    return NULL;
}

Test(kafka_guard, counts_what_got_no_answer)
{
    mr_kafka_guard guard = {0};
    mr_kafka_guard_sent(&guard, PRODUCE);
    cr_expect_eq(mr_kafka_guard_unanswered(&guard), 0);
    mr_kafka_guard_sent(&guard, END);
    cr_expect_eq(mr_kafka_guard_unanswered(&guard), 1);
    mr_kafka_guard_answered(&guard, END, RD_KAFKA_RESP_ERR__TRANSPORT);
    cr_expect_eq(mr_kafka_guard_unanswered(&guard), 1, "a broken connection is no answer");
    mr_kafka_guard_sent(&guard, END); /* the resend */
    mr_kafka_guard_answered(&guard, END, RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_expect_eq(mr_kafka_guard_unanswered(&guard), 1, "the first one may still be under way");
}

Test(kafka_guard, counts_an_answer_once_though_it_is_told_twice)
{
    mr_kafka_guard guard = {0};
    mr_kafka_guard_sent(&guard, END);
    mr_kafka_guard_sent(&guard, END);
    mr_kafka_guard_answered(&guard, END, RD_KAFKA_RESP_ERR_NO_ERROR);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, answer_elsewhere, &guard), 0);
    pthread_join(thread, NULL);
    cr_expect_eq(mr_kafka_guard_unanswered(&guard), 1);
}

/* Whoever knocks goes then, and must leave nothing under way that fences the one behind it. */
Test(kafka_guard, has_heard_once_nothing_is_under_way)
{
    mr_kafka_guard guard = {0};
    cr_expect_not(mr_kafka_guard_is_heard(&guard, MR_KAFKA_INIT_PRODUCER));
    mr_kafka_guard_sent(&guard, INIT);
    cr_expect_not(mr_kafka_guard_is_heard(&guard, MR_KAFKA_INIT_PRODUCER));
    mr_kafka_guard_answered(&guard, INIT, RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_expect(mr_kafka_guard_is_heard(&guard, MR_KAFKA_INIT_PRODUCER));
    mr_kafka_guard_sent(&guard, INIT); /* refused at first, asked again */
    cr_expect_not(mr_kafka_guard_is_heard(&guard, MR_KAFKA_INIT_PRODUCER));
    mr_kafka_guard_answered(&guard, INIT, RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_expect(mr_kafka_guard_is_heard(&guard, MR_KAFKA_INIT_PRODUCER));
}

/* Goal: a commit whose EndTxn went out twice answers IN_DOUBT, though librdkafka is content.
 * Method: the broker sits on the first EndTxn for longer than the client waits. */
Test(kafka_guard, doubts_a_commit_that_was_sent_twice)
{
    const char *const properties[] = {"socket.timeout.ms", "1000", NULL};
    mr_kafka_mock *mock;
    mr_log *log;
    mr_log_writer *writer;
    mr_error err;
    cr_assert_eq(mr_kafka_mock_start(&mock, &err), MR_OK);
    cr_assert_eq(mr_kafka_mock_topic(mock, "t", 1, &err), MR_OK);
    mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(mock), .properties = properties};
    cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK, "%s", err.message);
    mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = 60000};
    cr_assert_eq(log->class->open_writer(log, &options, &writer, &err), MR_OK, "%s", err.message);
    mr_log_record record = {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    for (int i = 0; i < 2; i++) { /* first one without any harm */
        cr_assert_eq(writer->class->begin(writer, &err), MR_OK, "%s", err.message);
        cr_assert_eq(writer->class->produce(writer, "t", 0, &record, 1, &err), MR_OK);
        cr_assert_eq(writer->class->flush(writer, 5000, &err), MR_OK, "%s", err.message);
        if (i == 0)
            cr_assert_eq(writer->class->commit(writer, &err), MR_OK, "%s", err.message);
        cr_assert_eq(mr_kafka_guard_unanswered(mr_kafka_writer_guard(writer)), 0);
    }
    mr_kafka_mock_delay(mock, END, 2500);
    cr_expect_eq(writer->class->commit(writer, &err), MR_E_KAFKA_IN_DOUBT, "%s", err.message);
    cr_expect_eq(err.recovery, MR_RECOVERY_WRITER);
    cr_expect_gt(mr_kafka_guard_unanswered(mr_kafka_writer_guard(writer)), 0);
    cr_expect_eq(writer->class->begin(writer, &err), MR_E_KAFKA_IN_DOUBT, "it stays in doubt");
    writer->class->close(writer);
    log->class->close(log);
    mr_kafka_mock_stop(mock);
}
