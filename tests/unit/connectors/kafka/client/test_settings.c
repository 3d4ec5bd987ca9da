/* Goal: what a user may set is taken, and what not is refused with what to do instead. */
#include "connectors/kafka/client/settings.h"
#include "connectors/kafka/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *value_of(const rd_kafka_conf_t *conf, const char *name)
{
    static char value[512]; /* of this test's own process */
    size_t size = sizeof value;
    if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
        return "?";
    return value;
}

Test(kafka_settings, answers_java_names_with_what_to_write)
{
    static const struct {
        const char *name, *advice;
    } cases[] = {
        {"sasl.jaas.config", "sasl.username"},      {"ssl.truststore.location", "ssl.ca.location"},
        {"key.deserializer", "key.format"},         {"max.request.size", "message.max.bytes"},
        {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_error err;
        cr_assert_eq(mr_kafka_settings_check(cases[i].name, "x", &err), MR_E_SETTING);
        cr_expect(strstr(err.message, cases[i].advice), "%s", err.message);
        cr_expect(strstr(err.message, cases[i].name), "%s", err.message);
        cr_expect_null(strstr(err.message, "= x"), "a value may be a secret: %s", err.message);
    }
}

Test(kafka_settings, no_java_name_of_the_list_is_one_of_librdkafka)
{
    static const char *const names[] = {"ssl.keystore.type", "max.poll.records", "buffer.memory",
                                        "ssl.protocol", "interceptor.classes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char reason[256];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        cr_expect_eq(rd_kafka_conf_set(conf, names[i], "1", reason, sizeof reason),
                     RD_KAFKA_CONF_UNKNOWN, "%s", names[i]);
        rd_kafka_conf_destroy(conf);
    }
}

Test(kafka_settings, refuses_what_exactly_once_rests_on)
{
    static const char *const names[] = {"enable.idempotence",
                                        "transactional.id",
                                        "isolation.level",
                                        "enable.auto.commit",
                                        "acks",
                                        "auto.offset.reset",
                                        "group.id",
                                        "group.instance.id",
                                        "partitioner",
                                        "allow.auto.create.topics"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mr_error err;
        cr_expect_eq(mr_kafka_settings_check(names[i], "1", &err), MR_E_SETTING, "%s", names[i]);
        cr_expect(strstr(err.message, "may not be set"), "%s", err.message);
    }
}

/* Decision 0018. */
Test(kafka_settings, the_new_group_protocol_wants_a_library_that_has_it)
{
    mr_error err;
    const int older[] = {0x020300ff, 0x020800ff, 0x020b00ff};
    for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
        cr_expect_eq(mr_kafka_settings_check_protocol("classic", older[i], &err), MR_OK);
        cr_expect_eq(mr_kafka_settings_check_protocol("consumer", older[i], &err), MR_E_SETTING);
    }
    const char *const parts[] = {"Kafka 4.0", "librdkafka 2.12", "librdkafka 2.11.0", "classic"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_expect_not_null(strstr(err.message, parts[i]), "%s", err.message);
    const int newer[] = {0x020c00ff, 0x020c01ff, 0x020f00ff, 0x030000ff};
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        cr_expect_eq(mr_kafka_settings_check_protocol("classic", newer[i], &err), MR_OK);
        cr_expect_eq(mr_kafka_settings_check_protocol("consumer", newer[i], &err), MR_OK);
        cr_expect_eq(mr_kafka_settings_check_protocol("cooperative", newer[i], &err), MR_E_SETTING);
    }
    bool has_it = rd_kafka_version() >= MR_KAFKA_CONSUMER_PROTOCOL_SINCE;
    cr_expect_eq(mr_kafka_settings_check("group.protocol", "classic", &err), MR_OK);
    cr_expect_eq(mr_kafka_settings_check("group.protocol", "consumer", &err),
                 has_it ? MR_OK : MR_E_SETTING);
}

/* Sessions are the broker's with it, and the library would not make a handle. */
Test(kafka_settings, with_the_new_group_protocol_a_member_sets_no_sessions)
{
    const char *const classic[] = {"group.protocol", "classic", NULL};
    const char *const both[] = {"group.protocol", "consumer", "group.protocol", "classic", NULL};
    const char *const consumer[] = {"group.protocol", "consumer", "max.poll.interval.ms", "6000",
                                    NULL};
    cr_expect_not(mr_kafka_settings_has_consumer_protocol(NULL));
    cr_expect_not(mr_kafka_settings_has_consumer_protocol(classic));
    cr_expect_not(mr_kafka_settings_has_consumer_protocol(both));
    cr_expect(mr_kafka_settings_has_consumer_protocol(consumer));
    rd_kafka_conf_t *plain = rd_kafka_conf_new();
    for (mr_kafka_role role = MR_KAFKA_ROLE_ADMIN; role <= MR_KAFKA_ROLE_WRITER; role++) {
        rd_kafka_conf_t *conf;
        mr_error err;
        cr_assert_eq(mr_kafka_settings_make(role, "b:1", "c", consumer, &conf, &err), MR_OK, "%s",
                     err.message);
        bool is_member = role == MR_KAFKA_ROLE_MEMBER;
        cr_expect_str_eq(value_of(conf, "group.protocol"), is_member ? "consumer" : "classic");
        cr_expect_str_eq(value_of(conf, "max.poll.interval.ms"), is_member ? "6000" : "300000");
        static const char *const brokers[] = {"session.timeout.ms", "heartbeat.interval.ms",
                                              "partition.assignment.strategy"};
        for (size_t i = 0; i < sizeof brokers / sizeof *brokers; i++) {
            char ours[128];
            snprintf(ours, sizeof ours, "%s", value_of(conf, brokers[i]));
            cr_expect_str_eq(ours, value_of(plain, brokers[i]));
        }
        rd_kafka_conf_destroy(conf);
    }
    rd_kafka_conf_destroy(plain);
}

Test(kafka_settings, with_the_new_group_protocol_sessions_of_ones_own_are_refused)
{
    mr_error err;
    static const char *const names[] = {"session.timeout.ms", "heartbeat.interval.ms"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *const classic[] = {names[i], "6000", NULL};
        const char *const consumer[] = {names[i], "6000", "group.protocol", "consumer", NULL};
        cr_expect_eq(mr_kafka_settings_check_all(classic, &err), MR_OK);
        cr_expect_eq(mr_kafka_settings_check_all(consumer, &err), MR_E_SETTING);
        if (rd_kafka_version() < MR_KAFKA_CONSUMER_PROTOCOL_SINCE)
            cr_expect(strstr(err.message, "librdkafka 2.12"), "%s", err.message);
        else
            cr_expect(strstr(err.message, names[i]) && strstr(err.message, "group.consumer"), "%s",
                      err.message);
    }
}

Test(kafka_settings, tells_unknown_names_and_bad_values)
{
    mr_error err;
    cr_expect_eq(mr_kafka_settings_check("linger.mss", "1", &err), MR_E_SETTING);
    cr_expect(strstr(err.message, "linger.mss"), "%s", err.message);
    cr_expect_eq(mr_kafka_settings_check("linger.ms", "soon", &err), MR_E_SETTING);
    cr_expect_eq(mr_kafka_settings_check("linger.ms", "7", &err), MR_OK);
    cr_expect_eq(mr_kafka_settings_check("sasl.password", "x", &err), MR_OK);
    const char *const odd[] = {"linger.ms", NULL};
    cr_expect_eq(mr_kafka_settings_check_all(odd, &err), MR_E_SETTING);
}

Test(kafka_settings, a_secret_value_is_in_no_message)
{
    static const char *const names[] = {"security.protocol", "linger.ms", "debug", "linger.mss"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mr_error err;
        cr_expect_eq(mr_kafka_settings_check_secret(names[i], "geheim", &err), MR_E_SETTING);
        cr_expect(strstr(err.message, names[i]), "%s", err.message);
        cr_expect_null(strstr(err.message, "geheim"), "%s", err.message);
    }
    mr_error err;
    cr_expect_eq(mr_kafka_settings_check_secret("linger.ms", "7", &err), MR_OK);
}

Test(kafka_settings, a_users_value_wins_over_our_default)
{
    const char *const properties[] = {"linger.ms", "42", "compression.codec", "zstd", NULL};
    rd_kafka_conf_t *conf;
    mr_error err;
    cr_assert_eq(mr_kafka_settings_make(MR_KAFKA_ROLE_WRITER, "b:1", "c", properties, &conf, &err),
                 MR_OK);
    cr_expect_str_eq(value_of(conf, "linger.ms"), "42");
    cr_expect_str_eq(value_of(conf, "compression.codec"), "zstd");
    cr_expect_str_eq(value_of(conf, "enable.idempotence"), "true");
    cr_expect_str_eq(value_of(conf, "retry.backoff.ms"), "2");
    rd_kafka_conf_destroy(conf);
}

/* A rebalance waits that long for a member that lives and does not answer. */
Test(kafka_settings, a_member_is_given_up_after_a_minute_or_its_longer_session)
{
    static const struct {
        const char *properties[5], *expected;
    } cases[] = {
        {{NULL}, "60000"},
        {{"session.timeout.ms", "6000", NULL}, "60000"},
        {{"session.timeout.ms", "90000", NULL}, "90000"},
        {{"session.timeout.ms", "90000", "max.poll.interval.ms", "120000", NULL}, "120000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rd_kafka_conf_t *conf;
        mr_error err;
        cr_assert_eq(mr_kafka_settings_make(MR_KAFKA_ROLE_MEMBER, "b:1", "c", cases[i].properties,
                                            &conf, &err),
                     MR_OK, "%s", err.message);
        cr_expect_str_eq(value_of(conf, "max.poll.interval.ms"), cases[i].expected);
        rd_kafka_conf_destroy(conf);
    }
}

/* A move of a job writes for longer than a minute, a worker waits for a decision that takes so
 * long; a user's word counts. */
Test(kafka_settings, a_member_may_be_silent_for_as_long_as_its_work_takes)
{
    static const struct {
        const char *properties[3];
        int32_t silence_ms;
        const char *expected;
    } cases[] = {
        {{NULL}, 0, "60000"},
        {{NULL}, 600000, "600000"},
        {{"session.timeout.ms", "700000", NULL}, 600000, "700000"},
        {{"max.poll.interval.ms", "20000", NULL}, 600000, "20000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rd_kafka_conf_t *conf;
        mr_error err;
        cr_assert_eq(mr_kafka_settings_make(MR_KAFKA_ROLE_MEMBER, "b:1", "c", cases[i].properties,
                                            &conf, &err),
                     MR_OK, "%s", err.message);
        cr_assert_eq(
            mr_kafka_settings_allow_silence(conf, cases[i].properties, cases[i].silence_ms, &err),
            MR_OK, "%s", err.message);
        cr_expect_str_eq(value_of(conf, "max.poll.interval.ms"), cases[i].expected);
        rd_kafka_conf_destroy(conf);
    }
}

/* The library checks these against each other when a handle is made, with its own defaults. */
Test(kafka_settings, what_a_member_is_told_of_its_group_no_other_handle_is_refused_for)
{
    static const char *const PROPERTIES[][3] = {{"max.poll.interval.ms", "20000", NULL},
                                                {"session.timeout.ms", "400000", NULL}};
    for (size_t i = 0; i < 2; i++) {
        mr_kafka_config config = {.bootstrap = "127.0.0.1:1", .properties = PROPERTIES[i]};
        mr_log *log;
        mr_error err;
        cr_assert_eq(mr_kafka_log_open(&config, &log, &err), MR_OK, "%s", err.message);
        mr_log_reader *reader;
        cr_expect_eq(log->class->open_reader(log, &reader, &err), MR_OK, "%s", err.message);
        reader->class->close(reader);
        log->class->close(log);
    }
}

Test(kafka_settings, every_reading_role_sees_committed_records_only)
{
    for (mr_kafka_role role = MR_KAFKA_ROLE_ADMIN; role < MR_KAFKA_ROLE_WRITER; role++) {
        rd_kafka_conf_t *conf;
        mr_error err;
        cr_assert_eq(mr_kafka_settings_make(role, "b:1", "c", NULL, &conf, &err), MR_OK, "%s",
                     err.message);
        cr_expect_str_eq(value_of(conf, "isolation.level"), "read_committed");
        cr_expect_str_eq(value_of(conf, "enable.auto.commit"), "false");
        cr_expect_str_eq(value_of(conf, "check.crcs"), "true");
        rd_kafka_conf_destroy(conf);
    }
}

/* Six closings of a writer: one of them waited 1002 ms for the end of its telemetry. */
Test(kafka_settings, no_client_pushes_telemetry_unless_a_user_wants_it)
{
    const char *const wanted[] = {"enable.metrics.push", "true", NULL};
    if (rd_kafka_version() < 0x020500ff)
        return;
    for (mr_kafka_role role = MR_KAFKA_ROLE_ADMIN; role <= MR_KAFKA_ROLE_WRITER; role++) {
        for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
            rd_kafka_conf_t *conf;
            mr_error err;
            cr_assert_eq(
                mr_kafka_settings_make(role, "b:1", "c", is_wanted ? wanted : NULL, &conf, &err),
                MR_OK, "%s", err.message);
            cr_expect_str_eq(value_of(conf, "enable.metrics.push"), is_wanted ? "true" : "false");
            rd_kafka_conf_destroy(conf);
        }
    }
}

Test(kafka_settings, a_log_needs_bootstrap_servers)
{
    mr_kafka_config config = {0};
    mr_log *log;
    mr_error err;
    cr_expect_eq(mr_kafka_log_open(&config, &log, &err), MR_E_SETTING);
    cr_expect(strstr(err.message, "properties.bootstrap.servers"), "%s", err.message);
}
