#include "connectors/kafka/client/errors.h"

#include <stdio.h>

static mr_status fill(mr_error *err, const mr_kafka_rule *rule, mr_recovery recovery,
                      rd_kafka_resp_err_t error, const char *reason, const char *format,
                      va_list args)
{
    char what[MR_ERROR_MESSAGE_MAX / 2];
    vsnprintf(what, sizeof what, format, args);
    return mr_error_set_recovery(err, rule->status, recovery, "%s: %s (%s)%s%s", what,
                                 reason ? reason : rd_kafka_err2str(error),
                                 rd_kafka_err2name(error), rule->hint[0] ? "; " : "", rule->hint);
}

mr_status mr_kafka_fail(mr_error *err, mr_kafka_context context, rd_kafka_resp_err_t error,
                        const char *reason, const char *what, ...)
{
    const mr_kafka_rule *rule = mr_kafka_rule_of(error, context);
    va_list args;
    va_start(args, what);
    mr_status status = fill(err, rule, rule->recovery, error, reason, what, args);
    va_end(args);
    return status;
}

/* librdkafka's own verdict, where it has one. */
static mr_recovery recovery_of(const mr_kafka_rule *rule, const rd_kafka_error_t *error)
{
    if (rule->is_firm)
        return rule->recovery;
    if (rd_kafka_error_is_fatal(error))
        return MR_RECOVERY_WRITER;
    if (rd_kafka_error_txn_requires_abort(error))
        return MR_RECOVERY_EPOCH;
    if (rd_kafka_error_is_retriable(error))
        return MR_RECOVERY_RETRY;
    return rule->recovery;
}

mr_status mr_kafka_fail_object(mr_error *err, mr_kafka_context context, rd_kafka_error_t *error,
                               const char *what, ...)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    const mr_kafka_rule *rule = mr_kafka_rule_of(code, context);
    mr_recovery recovery = recovery_of(rule, error);
    va_list args;
    va_start(args, what);
    mr_status status = fill(err, rule, recovery, code, rd_kafka_error_string(error), what, args);
    va_end(args);
    rd_kafka_error_destroy(error);
    return status;
}

bool mr_kafka_is_transient(rd_kafka_resp_err_t error, mr_kafka_context context)
{
    return mr_kafka_rule_of(error, context)->recovery == MR_RECOVERY_RETRY;
}
