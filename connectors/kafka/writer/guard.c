#include "connectors/kafka/writer/guard.h"

#include <pthread.h>
#include <stddef.h>

/* Index of a counted ApiKey; -1: not counted. */
static int index_of(int16_t api_key)
{
    switch (api_key) {
    case 22: return MR_KAFKA_INIT_PRODUCER;
    case 24: return MR_KAFKA_ADD_PARTITIONS;
    case 25: return MR_KAFKA_ADD_OFFSETS;
    case 26: return MR_KAFKA_END_TXN;
    case 28: return MR_KAFKA_TXN_OFFSETS;
    default: return -1;
    }
}

/* Is this one of the broker threads; `may_join`: make it one. */
static bool is_broker_thread(mr_kafka_guard *guard, bool may_join)
{
    uintptr_t self = (uintptr_t)pthread_self();
    for (int i = 0; i < MR_KAFKA_GUARD_THREADS_MAX; i++) {
        uintptr_t other = atomic_load(&guard->threads[i]);
        if (other == 0 && may_join &&
            atomic_compare_exchange_strong(&guard->threads[i], &other, self))
            return true;
        if (other == self)
            return true;
        if (other == 0 && !may_join)
            return false;
    }
    return false;
}

void mr_kafka_guard_sent(mr_kafka_guard *guard, int16_t api_key)
{
    int i = index_of(api_key);
    if (i < 0)
        return;
    is_broker_thread(guard, true);
    atomic_fetch_add(&guard->sent[i], 1);
}

void mr_kafka_guard_answered(mr_kafka_guard *guard, int16_t api_key, rd_kafka_resp_err_t error)
{
    /* An error here means that no response came: the broker's own errors are inside of
     * responses. */
    int i = index_of(api_key);
    if (i >= 0 && error == RD_KAFKA_RESP_ERR_NO_ERROR && is_broker_thread(guard, false))
        atomic_fetch_add(&guard->answered[i], 1);
}

bool mr_kafka_guard_is_heard(const mr_kafka_guard *guard, mr_kafka_request request)
{
    uint64_t answered = atomic_load(&guard->answered[request]);
    return answered > 0 && atomic_load(&guard->sent[request]) == answered;
}

uint64_t mr_kafka_guard_unanswered(const mr_kafka_guard *guard)
{
    uint64_t unanswered = 0;
    for (int i = 0; i < MR_KAFKA_INIT_PRODUCER; i++) {
        /* Answers first: read the other way round, one that comes between would count below
         * zero. */
        uint64_t answered = atomic_load(&guard->answered[i]);
        unanswered += atomic_load(&guard->sent[i]) - answered;
    }
    return unanswered;
}

static rd_kafka_resp_err_t on_sent(rd_kafka_t *rk, int socket, const char *broker,
                                   int32_t broker_id, int16_t api_key, int16_t api_version,
                                   int32_t correlation_id, size_t size, void *opaque)
{
    (void)rk, (void)socket, (void)broker, (void)broker_id;
    (void)api_version, (void)correlation_id, (void)size;
    mr_kafka_guard_sent(opaque, api_key);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_answered(rd_kafka_t *rk, int socket, const char *broker,
                                       int32_t broker_id, int16_t api_key, int16_t api_version,
                                       int32_t correlation_id, size_t size, int64_t trip_us,
                                       rd_kafka_resp_err_t error, void *opaque)
{
    (void)rk, (void)socket, (void)broker, (void)broker_id;
    (void)api_version, (void)correlation_id, (void)size, (void)trip_us;
    mr_kafka_guard_answered(opaque, api_key, error);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Interceptors of requests can only be added to a handle that exists. */
static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *opaque,
                                  char *reason, size_t reason_size)
{
    (void)conf, (void)reason, (void)reason_size;
    rd_kafka_resp_err_t error =
        rd_kafka_interceptor_add_on_request_sent(rk, "guard", on_sent, opaque);
    if (error)
        return error;
    return rd_kafka_interceptor_add_on_response_received(rk, "guard", on_answered, opaque);
}

void mr_kafka_guard_install(mr_kafka_guard *guard, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_interceptor_add_on_new(conf, "guard", on_new, guard);
}
