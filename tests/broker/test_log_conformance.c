/*
 * Goal: the conformance suite of the log port passes on a real Kafka; the memory log passes the
 * same. Method: a row per check (its index: a row of this version of Criterion may hold no
 * pointer).
 */
#include "tests/broker/kafka.h"
#include "tests/harness/log_conformance.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#define CHECKS_MAX 128

static mr_status connect_kafka(void *context, mr_log **log, mr_error *err)
{
    (void)context, (void)err;
    *log = kafka_open();
    return MR_OK;
}

static void settle(void *context, int64_t ms)
{
    (void)context;
    usleep((useconds_t)ms * 1000);
}

ParameterizedTestParameters(log_conformance, kafka_passes)
{
    static size_t indexes[CHECKS_MAX];
    size_t count = 0;
    while (count < CHECKS_MAX && mr_log_check_at(count)) {
        indexes[count] = count;
        count++;
    }
    return cr_make_param_array(size_t, indexes, count);
}

ParameterizedTest(size_t *index, log_conformance, kafka_passes)
{
    mr_log_factory factory = {
        .connect = connect_kafka, .settle = settle, .prefix = kafka_name("conform")};
    const mr_log_check *check = mr_log_check_at(*index);
    char message[1024];
    cr_assert(mr_log_check_play(&factory, check, message, sizeof message), "%s", message);
}
