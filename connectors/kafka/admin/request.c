#include "connectors/kafka/admin/request.h"

#include "connectors/kafka/client/errors.h"
#include "engine/base/assert.h"

#include <string.h>

static mr_status unreachable(mr_kafka_log *log, const char *why, mr_error *err)
{
    return mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY,
                                 "no broker answers at %s; check the address, the network and that "
                                 "the broker is up%s%s",
                                 log->bootstrap, why[0] ? "; " : "", why);
}

/* A cluster that refuses us looks to every call like one that is away; only the error callback has
 * heard why. */
mr_status mr_kafka_request_no_connection(mr_kafka_log *log, mr_error *err)
{
    char why[sizeof log->admin.why];
    pthread_mutex_lock(&log->admin.lock);
    rd_kafka_resp_err_t refused = log->admin.refused;
    memcpy(why, log->admin.why, sizeof why);
    pthread_mutex_unlock(&log->admin.lock);
    return refused
               ? mr_kafka_fail(err, MR_KAFKA_ADMIN, refused, why, "connect to %s", log->bootstrap)
               : unreachable(log, why, err);
}

/* A timeout of a cluster of which no broker is reachable is not a slow answer. */
mr_status mr_kafka_request_fail(mr_kafka_log *log, rd_kafka_resp_err_t error, const char *reason,
                                const char *what, const char *name, mr_error *err)
{
    mr_status status = mr_kafka_fail(err, MR_KAFKA_ADMIN, error, reason, "%s %s", what, name);
    if (status == MR_E_KAFKA_UNREACHABLE)
        return unreachable(log, "", err);
    if (status == MR_E_KAFKA_TIMEOUT && atomic_load(&log->admin.all_down) > 0)
        return unreachable(log, "", err);
    return status;
}

mr_status mr_kafka_request_answer(mr_kafka_log *log, rd_kafka_queue_t *queue, const char *what,
                                  const char *name, rd_kafka_event_t **event, mr_error *err)
{
    *event = rd_kafka_queue_poll(queue, log->timeout_ms + 2000);
    rd_kafka_queue_destroy(queue);
    rd_kafka_poll(log->admin.rk, 0);
    if (!*event)
        return mr_kafka_request_fail(log, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, what, name, err);
    rd_kafka_resp_err_t error = rd_kafka_event_error(*event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return MR_OK;
    mr_status status =
        mr_kafka_request_fail(log, error, rd_kafka_event_error_string(*event), what, name, err);
    rd_kafka_event_destroy(*event);
    *event = NULL;
    return status;
}

rd_kafka_AdminOptions_t *mr_kafka_request_options(mr_kafka_log *log, rd_kafka_admin_op_t operation)
{
    char reason[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(log->admin.rk, operation);
    MR_ASSERT(options != NULL);
    rd_kafka_AdminOptions_set_request_timeout(options, log->timeout_ms, reason, sizeof reason);
    return options;
}

void mr_kafka_request_pause(mr_kafka_log *log, int32_t ms)
{
    int64_t end_ms = mr_kafka_now_ms() + ms;
    do
        rd_kafka_poll(log->admin.rk, ms);
    while (mr_kafka_now_ms() < end_ms);
}
