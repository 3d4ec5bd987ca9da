#include "jobs/cli/past/members.h"

#include "engine/history/quiet.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define ASK_EVERY_MS 500

mr_status mr_members_await_none(mr_log *log, const mr_clock *clock, const char *job,
                                int64_t wait_ms, mr_error *err)
{
    int64_t ends_us = clock->monotonic_us(clock) + wait_ms * 1000;
    for (bool is_told = false;; is_told = true) {
        uint32_t count = 0;
        mr_status status = log->class->group_members(log, job, &count, err);
        bool is_late = clock->monotonic_us(clock) >= ends_us;
        if (status == MR_OK && count == 0)
            return MR_OK;
        if (status != MR_OK && (is_late || err->recovery != MR_RECOVERY_RETRY))
            return status;
        if (is_late)
            return mr_error_set(err, MR_E_TRANSPLANT,
                                "stop the workers of job `%s` first: its group has %" PRIu32
                                " members",
                                job, count);
        if (!is_told)
            fprintf(stderr, "waiting until the sessions of its workers have ended\n");
        nanosleep(&(struct timespec){.tv_nsec = ASK_EVERY_MS * 1000000L}, NULL);
    }
}
