/*
 * Goal: every row of the one error table has been brought about and arrived where it matters.
 * Method: each fault of faults.c is injected into the embedded Kafka's answers; the witness must
 * see the product ask the table for it in its context, and the call must say what the row says.
 * What the mock cannot do is played against a real Kafka (tests/broker/test_kafka_faults.c). A row
 * that stands in neither list fails here.
 */
#include "connectors/kafka/client/errors.h"
#include "tests/harness/kafka/real_faults.h"
#include "tests/harness/kafka/witness.h"
#include "tests/unit/connectors/kafka/client/faults.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const NORMAL[] = {"session.timeout.ms", "6000", "heartbeat.interval.ms", "200",
                                     NULL};
/* Short enough for _MAX_POLL_EXCEEDED. */
static const char *const HASTY[] = {"session.timeout.ms",
                                    "1500",
                                    "max.poll.interval.ms",
                                    "1500",
                                    "heartbeat.interval.ms",
                                    "200",
                                    NULL};

/* What is wrong with one row; the process ends with it, so that the witness is its own. */
static void play(size_t row)
{
    size_t count;
    const fault *f = &faults(&count)[row];
    const char *name = rd_kafka_err2name(f->error);
    char all[4096];
    fault_rig rig;
    bool is_hasty = f->error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    bool is_late = f->status == MR_E_KAFKA_TIMEOUT || f->status == MR_E_KAFKA_UNREACHABLE;
    fault_rig_init(&rig, is_late ? 1500 : 30000, is_hasty ? HASTY : NORMAL);
    rig.fault = f;
    if (f->api_key != FAULT_NONE)
        mr_kafka_mock_fail(rig.mock, f->api_key, f->sent ? f->sent : f->error, f->times);
    mr_status status = f->way(&rig);
    bool is_seen = kafka_witness_saw(f->error, f->context);
    bool is_right =
        status == f->status && (status == MR_OK || rig.err.recovery == f->recovery) && is_seen;
    if (!is_right)
        fprintf(stderr, "row %zu: %s@%d gave MR%d (%s), not MR%d (%s): %s\n  seen: %s\n", row, name,
                (int)f->context, status, status ? mr_recovery_name(rig.err.recovery) : "",
                f->status, mr_recovery_name(f->recovery), status ? rig.err.message : "",
                kafka_witness_all(all, sizeof all));
    _exit(is_right ? 0 : 1);
}

/* The end of any of the rows at work. */
static size_t await(pid_t *at_work, size_t count)
{
    int status;
    pid_t ended = wait(&status);
    size_t row = 0;
    while (row < count && at_work[row] != ended)
        row++;
    cr_assert_lt(row, count, "a process that is none of ours");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "row %zu, see above", row);
    return row;
}

/* Several at a time: nearly all they do is wait. */
Test(kafka_rules, each_injected_error_arrives_and_means_what_its_row_says, .timeout = 500)
{
    size_t count, running = 0;
    faults(&count);
    pid_t *at_work = calloc(count, sizeof *at_work);
    cr_assert_not_null(at_work);
    for (size_t row = 0; row < count; row++) {
        if (running == 12) {
            await(at_work, count);
            running--;
        }
        at_work[row] = fork();
        if (at_work[row] == 0) {
            alarm(240);
            play(row);
        }
        running++;
    }
    while (running-- > 0)
        await(at_work, count);
    free(at_work);
}

Test(kafka_rules, what_was_never_sent_in_time_is_a_timeout_too)
{
    for (int context = 1; context <= MR_KAFKA_ANY; context <<= 1)
        cr_expect_eq(
            mr_kafka_rule_of(RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, (mr_kafka_context)context),
            mr_kafka_rule_of(RD_KAFKA_RESP_ERR__TIMED_OUT, (mr_kafka_context)context));
}

static bool is_injected(const mr_kafka_rule *rule)
{
    size_t count;
    const fault *list = faults(&count);
    for (size_t i = 0; i < count; i++)
        if (list[i].error == rule->error && (rule->contexts & (int)list[i].context) != 0)
            return true;
#define REAL(error_name, in_context, function)           \
    if (rule->error == RD_KAFKA_RESP_ERR_##error_name && \
        (rule->contexts & (int)(in_context)) != 0)       \
        return true;
    KAFKA_REAL_FAULTS(REAL)
    KAFKA_SECURE_FAULTS(REAL)
#undef REAL
    return false;
}

Test(kafka_rules, each_row_has_an_injection)
{
    size_t count;
    const mr_kafka_rule *rules = mr_kafka_rules(&count);
    for (size_t i = 0; i < count; i++)
        cr_expect(is_injected(&rules[i]), "row %zu, %s in %d: nobody brings it about", i,
                  rd_kafka_err2name(rules[i].error), rules[i].contexts);
}

Test(kafka_rules, no_row_is_hidden_by_those_before_it)
{
    size_t count;
    const mr_kafka_rule *rules = mr_kafka_rules(&count);
    for (size_t i = 0; i < count; i++) {
        int left = rules[i].contexts;
        for (size_t k = 0; k < i; k++)
            if (rules[k].error == rules[i].error)
                left &= ~rules[k].contexts;
        cr_expect_neq(left, 0, "row %zu (%s) is never reached", i,
                      rd_kafka_err2name(rules[i].error));
    }
}

Test(kafka_rules, a_name_that_does_not_resolve_is_told_as_such)
{
    mr_error err;
    mr_log *log;
    mr_topic_facts facts;
    /* A resolver may take its time to say so. */
    mr_kafka_config config = {.bootstrap = "no-such-host.invalid:9092", .timeout_ms = 40000};
    cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK);
    cr_expect_eq(log->class->describe(log, "t", &facts, &err), MR_E_KAFKA_UNREACHABLE);
    cr_expect(strstr(err.message, "resolve"), "%s", err.message);
    log->class->close(log);
}

/* A new cluster answers the first question about a group like that. */
Test(kafka_rules, offsets_of_a_group_are_asked_again_while_its_coordinator_moves)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                                 RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                                 RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        fault_rig rig;
        fault_rig_init(&rig, 3000, NULL);
        mr_kafka_mock_fail(rig.mock, 9, errors[i], 1);
        mr_log_offset asked = {.topic = "t", .partition = 0, .offset = 7};
        mr_arena arena = {0};
        mr_status status = rig.log->class->group_offsets(rig.log, "g", &asked, 1, &arena, &rig.err);
        cr_expect_eq(status, MR_OK, "%s: %s", rd_kafka_err2name(errors[i]),
                     status ? rig.err.message : "");
        cr_expect_eq(asked.offset, -1, "none is committed");
        mr_arena_release(&arena);
        fault_rig_release(&rig);
    }
}
