#include "tests/harness/log_conformance.h"

#include "engine/base/assert.h"
#include "tests/harness/conformance/stage.h"

#include <stdio.h>

const mr_log_check *mr_log_check_at(size_t i)
{
    const mr_log_check *(*const parts[])(size_t * count) = {
        stage_record_checks,
        stage_transaction_checks,
        stage_group_checks,
    };
    for (size_t p = 0; p < MR_LENGTH(parts); p++) {
        size_t count;
        const mr_log_check *checks = parts[p](&count);
        if (i < count)
            return &checks[i];
        i -= count;
    }
    return NULL;
}

bool mr_log_check_play(const mr_log_factory *factory, const mr_log_check *check, char *message,
                       size_t message_size)
{
    mr_log_stage stage;
    stage_init(&stage, factory, check->name);
    if (!stage.has_failed)
        check->play(&stage);
    bool is_good = !stage.has_failed;
    snprintf(message, message_size, "%s: %s", check->name, is_good ? "ok" : stage.message);
    stage_release(&stage);
    return is_good;
}
