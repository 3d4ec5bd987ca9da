/*
 * What the broker tests of the Kafka log share: the log of MILLRACE_TEST_BROKER, names that no
 * other test uses, and short verbs that fail the test when the port does.
 */
#ifndef MR_TESTS_BROKER_KAFKA_H
#define MR_TESTS_BROKER_KAFKA_H

#include "connectors/kafka/log.h"

/* The log of the broker under test; fails the test with a clear text when none is named. */
mr_log *kafka_open(void);
mr_log *kafka_open_with(const char *const *properties);

/* How long a test waits for what must come: long enough for a broker that stands still for a while
 * on a busy machine, so that only what never comes fails. */
#define KAFKA_PATIENCE_MS 120000

/* "<stem>-<unique>"; lives until the process ends. */
const char *kafka_name(const char *stem);

/* A new topic of `partitions` partitions. */
const char *kafka_topic(mr_log *log, const char *stem, int32_t partitions);

mr_log_writer *kafka_writer(mr_log *log, const char *transactional_id);
mr_log_reader *kafka_reader(mr_log *log);

/* A member that has been assigned: polled until then. */
mr_log_member *kafka_member(mr_log *log, const char *group, const char *instance_id,
                            const char *topic);

/* Polls until an event of the kind comes, KAFKA_PATIENCE_MS at most. */
mr_member_event kafka_await(mr_log_member *member, mr_member_event_kind kind);

void kafka_begin(mr_log_writer *writer);
void kafka_commit(mr_log_writer *writer);
void kafka_abort(mr_log_writer *writer);
void kafka_flush(mr_log_writer *writer);

/* One record without key. */
void kafka_put(mr_log_writer *writer, const char *topic, int32_t partition, const char *value);

/* begin, put, commit. */
void kafka_put_committed(mr_log_writer *writer, const char *topic, int32_t partition,
                         const char *value);

/* The first `count` records of one partition, joined by spaces; what has come when they do not
 * within KAFKA_PATIENCE_MS. Lives until the next call of it or of `kafka_all`. */
const char *kafka_read(mr_log *log, const char *topic, int32_t partition, uint32_t count);
/* All committed records of one partition, joined by spaces, once no transaction is open there. */
const char *kafka_all(mr_log *log, const char *topic, int32_t partition);
/* As a reader who waits for `timeout_ms` in vain sees a partition: for what must not be there. */
const char *kafka_glimpse(mr_log *log, const char *topic, int32_t partition, int32_t timeout_ms);

int64_t kafka_end(mr_log *log, const char *topic, int32_t partition); /* last stable offset */
/* The same once no transaction is open there: a commit is answered before its marker is
 * written. */
int64_t kafka_settled_end(mr_log *log, const char *topic, int32_t partition);
/* Waits for the markers of what was committed to any topic of `kafka_topic`: a bounded run ends
 * where they end when it starts. What is left open is waited for in vain, for a while. */
void kafka_settle(mr_log *log);

/* How many committed records lie in a partition up to there; `visit` (may be NULL) sees each. */
typedef void (*kafka_visit)(void *context, const char *value, size_t length);
uint32_t kafka_each(mr_log *log, const char *topic, int32_t partition, kafka_visit visit,
                    void *context);

double kafka_ms(void); /* monotonic */

/* The call must succeed; its message is the test's. */
#define OK(call, err) cr_assert_eq((call), MR_OK, "%s: %s", #call, (err).message)

/* The call must fail with this status and recovery. */
#define FAILS(call, err, expected_status, expected_recovery)                                    \
    do {                                                                                        \
        mr_status got_ = (call);                                                                \
        cr_assert_eq(got_, (expected_status), "%s gave %d, not %s: %s", #call, got_,            \
                     #expected_status, got_ ? (err).message : "");                              \
        cr_assert_eq((err).recovery, (expected_recovery), "%s: recovery %s, not %s: %s", #call, \
                     mr_recovery_name((err).recovery), #expected_recovery, (err).message);      \
    } while (0)

#endif
