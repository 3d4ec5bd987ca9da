/* Goal: a broker that is away fills no log, and what was not shown is counted. */
#include "connectors/kafka/client/chatter.h"
#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct lines {
    pthread_mutex_t lock;
    uint32_t count, shown_fail;
    unsigned long long counted;
} lines;

static void write_line(void *sink, mr_log_level level, const char *line)
{
    lines *l = sink;
    (void)level;
    pthread_mutex_lock(&l->lock);
    l->count++;
    unsigned long long more = 0;
    const char *at = strstr(line, "FAIL: ");
    l->shown_fail += at && !strstr(line, "more lines were not shown");
    if (at && (sscanf(at, "FAIL: %llu more lines", &more) == 1 ||
               ((at = strstr(line, "(and ")) && sscanf(at, "(and %llu more", &more) == 1)))
        l->counted += more;
    pthread_mutex_unlock(&l->lock);
}

Test(kafka_chatter, a_facility_speaks_three_times_a_window_and_then_says_how_much_it_held_back)
{
    mr_kafka_chatter chatter;
    uint64_t held = 99;
    mr_kafka_chatter_init(&chatter);
    for (int i = 0; i < 3; i++) {
        cr_expect(mr_kafka_chatter_allows(&chatter, "FAIL", 1000 + i, &held));
        cr_expect_eq(held, 0);
    }
    for (int i = 0; i < 57; i++)
        cr_expect(!mr_kafka_chatter_allows(&chatter, "FAIL", 2000 + i, &held));
    cr_expect(mr_kafka_chatter_allows(&chatter, "METADATA", 2000, &held), "another facility");
    cr_expect(!mr_kafka_chatter_allows(&chatter, "FAIL", 30999, &held), "one tick too early");
    cr_expect(mr_kafka_chatter_allows(&chatter, "FAIL", 31000, &held));
    cr_expect_eq(held, 58);
    mr_kafka_chatter_release(&chatter);
}

Test(kafka_chatter, facilities_beyond_its_room_share_one_count)
{
    mr_kafka_chatter chatter;
    uint64_t held;
    uint32_t allowed = 0;
    mr_kafka_chatter_init(&chatter);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "F%d", i);
        allowed += mr_kafka_chatter_allows(&chatter, name, 1, &held);
    }
    cr_expect_eq(allowed, MR_KAFKA_CHATTER_FACILITIES - 1 + MR_KAFKA_CHATTER_LINES);
    lines l = {.lock = PTHREAD_MUTEX_INITIALIZER};
    mr_logger logger = {.write = write_line, .sink = &l};
    mr_kafka_chatter_rest(&chatter, &logger);
    cr_expect_eq(l.count, 1, "%u lines for what was held back", l.count);
    mr_kafka_chatter_rest(&chatter, &logger);
    cr_expect_eq(l.count, 1, "it was told twice");
    mr_kafka_chatter_release(&chatter);
}

Test(kafka_chatter, a_broker_that_is_away_costs_a_handful_of_lines)
{
    mr_error err;
    mr_kafka_mock *mock;
    mr_log *log;
    mr_log_reader *readers[4];
    lines l = {.lock = PTHREAD_MUTEX_INITIALIZER};
    mr_logger logger = {.write = write_line, .sink = &l, .level_min = MR_LOG_INFO};
    cr_assert_eq(mr_kafka_mock_start(&mock, &err), MR_OK);
    cr_assert_eq(mr_kafka_mock_topic(mock, "t", 1, &err), MR_OK);
    mr_kafka_config config = {
        .bootstrap = mr_kafka_mock_bootstrap(mock), .logger = &logger, .timeout_ms = 2000};
    cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(log->class->open_reader(log, &readers[i], &err), MR_OK);
        cr_assert_eq(readers[i]->class->add(readers[i], 0, "t", 0, 0, &err), MR_OK);
    }
    mr_kafka_mock_set_down(mock, 1);
    for (int i = 0; i < 120; i++) {
        mr_records records;
        cr_assert_eq(readers[i % 4]->class->fetch(readers[i % 4], 10, 50, &records, &err), MR_OK);
    }
    mr_kafka_mock_set_down(mock, 0);
    for (int i = 0; i < 4; i++)
        readers[i]->class->close(readers[i]);
    log->class->close(log);
    mr_kafka_mock_stop(mock);
    fprintf(stderr, "%u lines, of FAIL %u shown and %llu counted\n", l.count, l.shown_fail,
            l.counted);
    cr_expect_gt(l.counted, 3, "nothing was repeated: the test shows nothing");
    cr_expect_leq(l.shown_fail, MR_KAFKA_CHATTER_LINES);
    cr_expect_lt(l.count, 20);
}
