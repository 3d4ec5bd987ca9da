#include "connectors/kafka/client/errors.h"
#include "connectors/kafka/writer/private.h"

#define STOPPING_GRACE_MS 5000 /* how long a stopping process waits for a broker that is away */
#define PROGRESS_MS 5000       /* a line in the log for each of these */

mr_kafka_patience mr_kafka_patience_start(void)
{
    int64_t now_ms = mr_kafka_now_ms();
    return (mr_kafka_patience){.start_ms = now_ms, .told_ms = now_ms};
}

bool mr_kafka_patience_holds(mr_kafka_patience *p, const mr_kafka_writer *w, const char *what)
{
    int64_t now_ms = mr_kafka_now_ms();
    if (now_ms - p->told_ms >= PROGRESS_MS) {
        p->told_ms = now_ms;
        mr_logger_line(atomic_load(&w->client.logger), MR_LOG_WARN,
                       "%s waits for the brokers at %s since %lld s", what, w->bootstrap,
                       (long long)((now_ms - p->start_ms) / 1000));
    }
    if (!w->is_stopping || !w->is_stopping(w->hook))
        return true;
    if (p->stopping_ms == 0)
        p->stopping_ms = now_ms;
    return now_ms - p->stopping_ms < STOPPING_GRACE_MS;
}

mr_status mr_kafka_given_up(const mr_kafka_writer *w, const char *what, mr_error *err)
{
    return mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_WRITER,
                                 "%s: no broker answers at %s and the process is to stop", what,
                                 w->bootstrap);
}

mr_status mr_kafka_writer_resume(mr_kafka_writer *w,
                                 rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms),
                                 const char *what, mr_error *err)
{
    mr_kafka_patience p = mr_kafka_patience_start();
    for (;;) {
        rd_kafka_error_t *error = call(w->client.rk, MR_KAFKA_SLICE_MS);
        rd_kafka_poll(w->client.rk, 0);
        if (!error)
            return MR_OK;
        if (!rd_kafka_error_is_retriable(error) || rd_kafka_error_txn_requires_abort(error))
            return mr_kafka_fail_object(err, MR_KAFKA_TRANSACTION, error, "%s", what);
        if (!mr_kafka_patience_holds(&p, w, what)) {
            rd_kafka_error_destroy(error);
            return mr_kafka_given_up(w, what, err);
        }
        rd_kafka_error_destroy(error);
    }
}
