/* Handles are destroyed on threads of their own: nobody waits for one that does not end. */
#include "connectors/kafka/client/client.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <unistd.h>

#define NOBODY "127.0.0.1:9"

typedef struct corpse {
    atomic_bool may_end, is_gone;
} corpse;

static void bury(void *opaque)
{
    corpse *c = opaque;
    while (!atomic_load(&c->may_end))
        usleep(1000);
    atomic_store(&c->is_gone, true);
}

static mr_log *log_open(void)
{
    mr_kafka_config config = {.bootstrap = NOBODY};
    mr_log *log = NULL;
    mr_error err;
    cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK, "%s", err.message);
    return log;
}

Test(kafka_bury, is_waited_for_as_long_as_one_likes)
{
    mr_log *log = log_open();
    corpse stuck = {0}, swift = {.may_end = true};
    int64_t began_ms = mr_kafka_now_ms();
    cr_expect_not(mr_kafka_bury_await((mr_kafka_log *)log, bury, &stuck, 1000));
    cr_expect_geq(mr_kafka_now_ms() - began_ms, 900);
    cr_expect_not(atomic_load(&stuck.is_gone));

    /* One that is stuck is not waited for by the next. */
    cr_expect(mr_kafka_bury_await((mr_kafka_log *)log, bury, &swift, 60000));
    cr_expect(atomic_load(&swift.is_gone));
    cr_expect_not(mr_kafka_bury_wait((mr_kafka_log *)log, 1000), "the first one is still there");

    atomic_store(&stuck.may_end, true);
    cr_expect(mr_kafka_bury_wait((mr_kafka_log *)log, 60000));
    cr_expect(atomic_load(&stuck.is_gone));
    log->class->close(log);
}
