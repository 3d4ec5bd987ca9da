#include "jobs/fleet/upgrade/private.h"

#include "engine/run/worker/worker.h"

#define QUIET_LIMIT_US INT64_C(120000000) /* nothing at all has come of it for so long */

/* What changes while it comes on. */
static uint64_t progress_of(const mr_worker *worker)
{
    mr_worker_stats stats;
    mr_worker_stats_get(worker, &stats);
    return stats.commits + stats.restores + stats.epochs_restored + stats.rows_out +
           stats.frames_handed + stats.records_in + (uint64_t)stats.phase;
}

static mr_status live(const mr_upgrade *u, mr_worker *worker, mr_error *err)
{
    const mr_clock *clock = u->moments->clock;
    int64_t moved_us = clock->monotonic_us(clock);
    uint64_t before = 0;
    mr_status status = MR_OK;
    while (status == MR_OK && mr_worker_phase_of(worker) != MR_WORKER_STOPPED &&
           mr_worker_phase_of(worker) != MR_WORKER_FINISHED) {
        status = mr_worker_step(worker, err);
        uint64_t progress = progress_of(worker);
        int64_t now_us = clock->monotonic_us(clock);
        if (progress != before)
            moved_us = now_us;
        before = progress;
        if (status == MR_OK && now_us - moved_us > QUIET_LIMIT_US)
            status = mr_error_set(err, MR_E_UPGRADE_UNSETTLED,
                                  "job `%s` does not settle: what is on its way between its stages "
                                  "cannot be read to its end",
                                  u->moments->plan->job);
    }
    return status;
}

mr_status mr_upgrade_settle(const mr_upgrade *u, mr_error *err)
{
    const mr_moments *m = u->moments;
    mr_worker_config config = {.plan = m->plan,
                               .log = m->log,
                               .stores = m->blobs != NULL ? m->stores : NULL,
                               .clock = m->clock,
                               .logger = m->logger,
                               .budget = m->budget,
                               .blobs = m->blobs,
                               .instance_id = MR_UPGRADE_INSTANCE,
                               .is_dynamic_member = true,
                               .is_settling = true};
    mr_worker *worker = mr_worker_new(&config);
    mr_status status = live(u, worker, err);
    mr_worker_free(worker);
    return status;
}
