/*
 * Goal: what was taken for an input that stays is not lost when another one goes. Method: the
 * embedded Kafka.
 */
#include "connectors/kafka/log.h"
#include "connectors/kafka/mock.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#define FETCH 1
#define ROWS 3
#define FETCHES_MAX 2000

typedef struct rig {
    mr_kafka_mock *mock;
    mr_log *log;
    mr_log_reader *reader;
    mr_error err;
} rig;

#define MUST(r, call) cr_assert_eq((call), MR_OK, "%s", (r)->err.message)

static void put(rig *r)
{
    mr_log_writer *writer;
    mr_writer_options options = {0};
    mr_log_record record = {.value = "a", .value_length = 1, .timestamp_ms = MR_TIME_NONE};
    MUST(r, r->log->class->open_writer(r->log, &options, &writer, &r->err));
    for (int i = 0; i < ROWS; i++)
        MUST(r, writer->class->produce(writer, "t", 1, &record, 1, &r->err));
    MUST(r, writer->class->flush(writer, 60000, &r->err));
    writer->class->close(writer);
    usleep(700000); /* the reader's client takes them in by itself */
}

static void open_rig(rig *r)
{
    mr_records none;
    MUST(r, mr_kafka_mock_start(&r->mock, &r->err));
    MUST(r, mr_kafka_mock_topic(r->mock, "t", 2, &r->err));
    mr_kafka_config config = {.bootstrap = mr_kafka_mock_bootstrap(r->mock), .timeout_ms = 60000};
    MUST(r, mr_kafka_log_open(&config, &r->log, &r->err));
    MUST(r, r->log->class->open_reader(r->log, &r->reader, &r->err));
    for (uint32_t p = 0; p < 2; p++)
        MUST(r, r->reader->class->add(r->reader, p, "t", (int32_t)p, 0, &r->err));
    MUST(r, r->reader->class->fetch(r->reader, 100, 0, &none, &r->err));
}

typedef struct got {
    uint32_t rows;
    bool is_told; /* an error was */
} got;

/* Reads until there were so many records and, where one must come, an error. */
static void read_until(rig *r, got *all, uint32_t rows, bool must_tell)
{
    mr_records records;
    for (int i = 0; i < FETCHES_MAX && (all->rows < rows || (must_tell && !all->is_told)); i++) {
        mr_status status = r->reader->class->fetch(r->reader, 100, 50, &records, &r->err);
        all->is_told = all->is_told || status != MR_OK;
        for (uint32_t k = 0; status == MR_OK && k < records.count; k++) {
            cr_expect_eq(records.partition, 1);
            cr_expect_eq(records.record[k].offset, all->rows);
            all->rows++;
        }
    }
}

/* It is taken together with the records before it where the client had the time for both, which it
 * is given; else it comes by itself. */
Test(kafka_reader, tells_the_error_it_took_for_an_input_that_stays)
{
    rig r = {0};
    got all = {0};
    open_rig(&r);
    put(&r);
    /* Behind the records: taken with them, and told by the next fetch. */
    mr_kafka_mock_fail(r.mock, FETCH, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    usleep(700000);
    put(&r);
    read_until(&r, &all, ROWS, false);
    cr_assert_geq(all.rows, ROWS);
    MUST(&r, r.reader->class->remove(r.reader, 0, &r.err));
    read_until(&r, &all, 2 * ROWS, true);
    cr_expect(all.is_told, "the error is lost");
    cr_expect_eq(all.rows, 2 * ROWS);
    r.reader->class->close(r.reader);
    r.log->class->close(r.log);
    mr_kafka_mock_stop(r.mock);
}
