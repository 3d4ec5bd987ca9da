/*
 * Goal: who is not let in, or not allowed to do something, hears it as such and at once.
 * Method: a Kafka of our own with TLS, SASL and an authorizer in which the user "test" has no right
 * at all; see tests/harness/kafka/real_faults.h.
 */
#include "tests/broker/kafka.h"
#include "tests/harness/kafka/real_faults.h"
#include "tests/harness/kafka/witness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct secure {
    char dir[64];
    int port; /* of the listener without any security, whose user may do all */
} secure;

static void tool(const secure *s, const char *command)
{
    const char *path = getenv("MILLRACE_TEST_BROKER_TOOL");
    char text[512];
    if (!path)
        path = MR_SOURCE_DIR "/tests/harness/broker";
    snprintf(text, sizeof text, "'%s' %s %s >%s.address 2>%s.log", path, command, s->dir, s->dir,
             s->dir);
    cr_assert_eq(system(text), 0, "%s", text);
}

static void secure_start(secure *s)
{
    cr_assert_not_null(getenv("MILLRACE_TEST_BROKER"), "no broker: set MILLRACE_TEST_BROKER");
    snprintf(s->dir, sizeof s->dir, "/tmp/millrace-secure-%d", getpid());
    tool(s, "start -s -c super.users=User:ANONYMOUS -c "
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    char path[80];
    snprintf(path, sizeof path, "%s.address", s->dir);
    FILE *file = fopen(path, "r");
    cr_assert(file && fscanf(file, "127.0.0.1:%d", &s->port) == 1, "no address in %s", path);
    fclose(file);
}

static void secure_stop(secure *s)
{
    char text[256];
    tool(s, "kill");
    snprintf(text, sizeof text, "rm -rf %s %s.address %s.log", s->dir, s->dir, s->dir);
    cr_assert_eq(system(text), 0);
}

/* A log on the listener `offset` ports above the first. */
static mr_log *open_log(const secure *s, int offset, const char *const *properties)
{
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", s->port + offset);
    mr_kafka_config config = {.bootstrap = address, .properties = properties};
    mr_log *log;
    mr_error err;
    OK(mr_kafka_log_open(&config, &log, &err), err);
    return log;
}

/* As user "test". */
static mr_log *open_sasl(const secure *s, const char *password)
{
    char authority[128];
    snprintf(authority, sizeof authority, "%s/tls/ca.pem", s->dir);
    const char *const properties[] = {"security.protocol",
                                      "sasl_ssl",
                                      "sasl.mechanism",
                                      "PLAIN",
                                      "sasl.username",
                                      "test",
                                      "sasl.password",
                                      password,
                                      "ssl.ca.location",
                                      authority,
                                      NULL};
    return open_log(s, 3, properties);
}

static void expect_refused(mr_log *log, const char *hint)
{
    mr_topic_facts facts;
    mr_error err;
    double start_ms = kafka_ms();
    FAILS(log->class->describe(log, "t", &facts, &err), err, MR_E_KAFKA_AUTHORIZATION,
          MR_RECOVERY_STOP);
    cr_expect(strstr(err.message, hint), "%s", err.message);
    cr_expect_lt(kafka_ms() - start_ms, 40000, "it took %.0f ms", kafka_ms() - start_ms);
    log->class->close(log);
}

static void connecting_with_a_wrong_password(const secure *s)
{
    expect_refused(open_sasl(s, "wrong"), "sasl.password");
}

/* The machine's own authorities do not know the broker's. */
static void connecting_without_the_authority(const secure *s)
{
    static const char *const properties[] = {"security.protocol", "ssl", NULL};
    expect_refused(open_log(s, 2, properties), "ssl.ca.location");
}

static void describing_without_an_acl(const secure *s)
{
    expect_refused(open_sasl(s, "test-secret"), "missing ACL");
}

static void joining_without_an_acl(const secure *s)
{
    mr_log *log = open_sasl(s, "test-secret");
    mr_member_options options = {.group = "g", .topic = "t"};
    mr_log_member *member;
    mr_error err;
    OK(log->class->open_member(log, &options, &member, &err), err);
    mr_status status = MR_OK;
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; kafka_ms() < end_ms;) {
        mr_member_event event;
        status = member->class->poll(member, 50, &event, &err);
        if (kafka_witness_saw(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, MR_KAFKA_MEMBER))
            break;
    }
    cr_expect_eq(status, MR_E_KAFKA_AUTHORIZATION, "MR%d", status);
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    member->class->close(member);
    log->class->close(log);
}

static void writing_without_an_acl(const secure *s)
{
    mr_log *log = open_sasl(s, "test-secret");
    mr_log_writer *writer = kafka_writer(log, NULL);
    mr_error err;
    mr_status status = MR_OK;
    for (double end_ms = kafka_ms() + KAFKA_PATIENCE_MS; status == MR_OK && kafka_ms() < end_ms;
         usleep(50000))
        status = writer->class->flush(writer, 50, &err);
    cr_expect_eq(status, MR_E_KAFKA_AUTHORIZATION, "MR%d %s", status, status ? err.message : "");
    cr_expect_eq(err.recovery, MR_RECOVERY_STOP);
    writer->class->close(writer);
    log->class->close(log);
}

static void transacting_without_an_acl(const secure *s)
{
    mr_log *log = open_sasl(s, "test-secret");
    mr_writer_options options = {.transactional_id = "id", .transaction_timeout_ms = 60000};
    mr_log_writer *writer;
    mr_error err;
    FAILS(log->class->open_writer(log, &options, &writer, &err), err, MR_E_KAFKA_AUTHORIZATION,
          MR_RECOVERY_STOP);
    log->class->close(log);
}

Test(kafka_secure, tells_who_is_not_let_in_and_what_is_not_allowed)
{
    secure s = {0};
    char all[4096];
    secure_start(&s);
    mr_log *log = open_log(&s, 0, NULL);
    mr_error err;
    OK(log->class->create_topic(log, "t", 1, NULL, &err), err);
    log->class->close(log);
#define SECURE(error_name, in_context, function)                                            \
    function(&s);                                                                           \
    cr_expect(kafka_witness_saw(RD_KAFKA_RESP_ERR_##error_name, in_context), "%s: only %s", \
              #function, kafka_witness_all(all, sizeof all));
    KAFKA_SECURE_FAULTS(SECURE)
#undef SECURE
    secure_stop(&s);
}
