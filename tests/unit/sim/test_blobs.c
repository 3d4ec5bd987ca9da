/* Goal: the simulated blob store is one. Method: the conformance suite of the port. */
#include "tests/harness/blobs/conformance.h"
#include "tests/sim/blobs.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <time.h>

static int64_t wall_ms(const mr_clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(sim_blobs, conforms)
{
    const mr_clock clock = {.wall_ms = wall_ms};
    for (size_t i = 0; mr_blob_check_at(i) != NULL; i++) {
        const mr_blob_check *check = mr_blob_check_at(i);
        mr_memory_process process = {0};
        mr_sim_blobs *store = mr_sim_blobs_new(&clock);
        mr_blobs *blobs = mr_sim_blobs_open(store, &process);
        char why[1600] = "";
        cr_expect(check->holds(blobs, why, sizeof why), "%s: %s", check->name, why);
        blobs->class->close(blobs);
        mr_sim_blobs_free(store);
    }
}
