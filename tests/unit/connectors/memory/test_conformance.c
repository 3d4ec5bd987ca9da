/* Goal: the memory log behaves as the log port demands. Method: the suite that real Kafka passes
 * too, on a virtual clock and on the machine's. */
#include "connectors/memory/log.h"
#include "tests/harness/log_conformance.h"

#include <criterion/criterion.h>
#include <time.h>

typedef struct rig {
    mr_memory_clock clock;
    mr_memory_cluster *cluster;
} rig;

static mr_status connect(void *context, mr_log **log, mr_error *err)
{
    (void)err;
    rig *self = context;
    *log = mr_memory_log_new(self->cluster, NULL);
    return MR_OK;
}

static void settle(void *context, int64_t ms)
{
    rig *self = context;
    mr_memory_clock_advance(&self->clock, ms * 1000);
}

static void sleep_for(void *context, int64_t ms)
{
    (void)context;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void play(mr_log_factory *factory, rig *self, const mr_memory_options *options)
{
    size_t i = 0;
    for (; mr_log_check_at(i) != NULL; i++) {
        char message[1600];
        self->cluster = mr_memory_cluster_new(options);
        bool is_good = mr_log_check_play(factory, mr_log_check_at(i), message, sizeof message);
        mr_memory_cluster_free(self->cluster);
        cr_expect(is_good, "%s", message);
    }
    cr_expect_geq(i, 50, "only %zu checks ran", i);
}

Test(memory_conformance, holds_on_a_virtual_clock)
{
    rig self = {0};
    mr_memory_clock_init(&self.clock, 1700000000000);
    mr_memory_options options = {.virtual_clock = &self.clock};
    mr_log_factory factory = {connect, settle, "test", &self};
    play(&factory, &self, &options);
}

Test(memory_conformance, holds_on_the_machines_clock, .timeout = 300)
{
    rig self = {0};
    mr_log_factory factory = {connect, sleep_for, "test", &self};
    play(&factory, &self, NULL);
}
