#include "connectors/kafka/client/settings.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct property {
    const char *name;
    const char *text; /* value of a default, advice for a refused one */
} property;

/* Java names that librdkafka lacks, and what stands for them. */
static const property JAVA[] = {
    {"sasl.jaas.config", "write sasl.username and sasl.password"},
    {"sasl.login.callback.handler.class",
     "write sasl.oauthbearer.method=oidc with sasl.oauthbearer.client.id, .client.secret and "
     ".token.endpoint.url"},
    {"sasl.client.callback.handler.class", "leave it out"},
    {"sasl.login.class", "leave it out"},
    {"ssl.truststore.location", "write ssl.ca.location with a PEM file"},
    {"ssl.truststore.password", "leave it out: ssl.ca.location needs none"},
    {"ssl.truststore.type", "leave it out: ssl.ca.location is PEM"},
    {"ssl.truststore.certificates", "write ssl.ca.pem"},
    {"ssl.keystore.type", "leave it out: ssl.keystore.location is PKCS#12; for PEM write "
                          "ssl.certificate.location and ssl.key.location"},
    {"ssl.keystore.certificate.chain", "write ssl.certificate.pem"},
    {"ssl.keystore.key", "write ssl.key.pem"},
    {"ssl.protocol", "leave it out: the best common version is taken"},
    {"ssl.enabled.protocols", "leave it out: the best common version is taken"},
    {"ssl.provider", "leave it out"},
    {"ssl.trustmanager.algorithm", "leave it out"},
    {"ssl.keymanager.algorithm", "leave it out"},
    {"ssl.secure.random.implementation", "leave it out"},
    {"ssl.engine.factory.class", "leave it out"},
    {"security.providers", "leave it out"},
    {"key.deserializer", "write 'key.format' on the table"},
    {"value.deserializer", "write 'value.format' or 'format' on the table"},
    {"key.serializer", "write 'key.format' on the table"},
    {"value.serializer", "write 'value.format' or 'format' on the table"},
    {"max.poll.records", "leave it out: batches are sized by the engine"},
    {"fetch.max.wait.ms", "write fetch.wait.max.ms"},
    {"buffer.memory", "write queue.buffering.max.kbytes"},
    {"max.request.size", "write message.max.bytes"},
    {"max.block.ms", "leave it out"},
    {"default.api.timeout.ms", "leave it out"},
    {"receive.buffer.bytes", "write socket.receive.buffer.bytes"},
    {"send.buffer.bytes", "write socket.send.buffer.bytes"},
    {"socket.connection.setup.timeout.max.ms", "write socket.connection.setup.timeout.ms"},
    {"interceptor.classes", "leave it out"},
    {"metric.reporters", "leave it out"},
    {"metrics.num.samples", "leave it out"},
    {"metrics.recording.level", "leave it out"},
    {"metrics.sample.window.ms", "leave it out"},
    {"auto.include.jmx.reporter", "leave it out"},
    {"exclude.internal.topics", "leave it out"},
    {"partitioner.class", "leave it out: keys go where Java producers send them"},
};

/* Ours: exactly-once, or the engine's own bookkeeping, rests on them. */
static const property REFUSED[] = {
    {"bootstrap.servers", "write 'properties.bootstrap.servers' on the table"},
    {"metadata.broker.list", "write 'properties.bootstrap.servers' on the table"},
    {"client.id", "it is made from the job's name"},
    {"enable.idempotence", "writers are always idempotent"},
    {"transactional.id", "it derives from the worker's instance id"},
    {"transaction.timeout.ms", "it is a setting of the job"},
    {"acks", "writers always wait for all in-sync replicas"},
    {"request.required.acks", "writers always wait for all in-sync replicas"},
    {"enable.gapless.guarantee", "the transaction decides what is visible"},
    {"delivery.report.only.error", "the engine needs the offset of each record"},
    {"dr_msg_cb", "the engine needs the offset of each record"},
    {"partitioner", "keys go where Java producers send them"},
    {"isolation.level", "readers see committed records only"},
    {"enable.auto.commit", "offsets are committed with the outputs"},
    {"auto.commit.enable", "offsets are committed with the outputs"},
    {"enable.auto.offset.store", "offsets are committed with the outputs"},
    {"auto.offset.reset", "write 'scan.startup.mode' on the table"},
    {"enable.partition.eof", "idleness is proven by asking for the end"},
    {"allow.auto.create.topics", "topics are created by --create-topics"},
    {"group.id", "it is the job's name; 'properties.group.id' of a table only says whose offsets "
                 "group-offsets starts from"},
    {"group.instance.id", "it derives from the state directory"},
    {"partition.assignment.strategy", "tasks are spread round robin"},
    {"group.remote.assignor", "the broker's own choice spreads tasks evenly"},
    {"test.mock.num.brokers", "use the demo"},
};

/* Measured on a real broker. */
static const property COMMON[] = {
    {"reconnect.backoff.ms", "20"},
    {"reconnect.backoff.max.ms", "500"},
    {"log.connection.close", "false"},
    {"allow.auto.create.topics", "false"},
    {"topic.metadata.refresh.interval.ms", "60000"},
    {"socket.nagle.disable", "true"},
    /* How long a topic that no broker knows is thought to be just being made (30 s by default). */
    {"topic.metadata.propagation.max.ms", "3000"},
    /* Else closing a handle takes a whole second about every sixth time: its threads may end the
     * client's telemetry before it waits to hear so. */
    {"enable.metrics.push", "false"},
};

static const property CONSUMING[] = {
    {"isolation.level", "read_committed"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"enable.partition.eof", "false"},
};

static const property READING[] = {
    {"queued.max.messages.kbytes", "4096"}, /* of each input: each has its queue */
    /* With a small queue the default back-off of 1 s stalls the drain each time it is full. */
    {"fetch.queue.backoff.ms", "10"},
    {"queued.min.messages", "1000000"},
    {"fetch.error.backoff.ms", "100"},
};

static const property JOINING[] = {
    {"group.protocol", "classic"},
    {"partition.assignment.strategy", "roundrobin"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "1000"},
};

/* A rebalance waits so long for a member that lives and does not answer. Ours always polls. */
static const property POLLING[] = {
    {"max.poll.interval.ms", "60000"},
};

/* With group.protocol = consumer these are the broker's, and the library refuses them. */
static const property BROKERS[] = {
    {"session.timeout.ms", "group.consumer.session.timeout.ms of the broker, or "
                           "consumer.session.timeout.ms of the group"},
    {"heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms of the broker, or "
                              "consumer.heartbeat.interval.ms of the group"},
};

static const property WRITING[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"sticky.partitioning.linger.ms", "0"}, /* else ours is not asked: writer/topic.h */
    {"linger.ms", "2"},
    {"compression.codec", "lz4"},
    /* send_offsets right after a commit meets CONCURRENT_TRANSACTIONS and sleeps one back-off. */
    {"retry.backoff.ms", "2"},
    {"retry.backoff.max.ms", "500"},
    {"queue.buffering.max.kbytes", "32768"},
    {"queue.buffering.max.messages", "500000"},
    /* Kept for the versions whose init_transactions otherwise sleeps 500 ms by luck of timing. */
    {"enable.sparse.connections", "false"},
};

const char *mr_kafka_role_name(mr_kafka_role role)
{
    switch (role) {
    case MR_KAFKA_ROLE_ADMIN: return "admin";
    case MR_KAFKA_ROLE_READER: return "reader";
    case MR_KAFKA_ROLE_MEMBER: return "member";
    case MR_KAFKA_ROLE_WRITER: return "writer";
    }
    return "client";
}

static const char *lookup(const property *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].text;
    return NULL;
}

mr_status mr_kafka_settings_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                mr_error *err)
{
    char reason[512];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return MR_OK;
    return mr_error_set(err, MR_E_SETTING, "Kafka property %s: %s", name, reason);
}

/* Decision 0018. */
mr_status mr_kafka_settings_check_protocol(const char *value, int version, mr_error *err)
{
    if (strcmp(value, "classic") == 0 ||
        (strcmp(value, "consumer") == 0 && version >= MR_KAFKA_CONSUMER_PROTOCOL_SINCE))
        return MR_OK;
    return mr_error_set(err, MR_E_SETTING,
                        "Kafka property group.protocol may not be set to '%s': there are 'classic' "
                        "and 'consumer', and that wants librdkafka 2.12 or newer and Kafka 4.0 or "
                        "newer; this program has librdkafka %d.%d.%d",
                        value, version >> 24 & 0xff, version >> 16 & 0xff, version >> 8 & 0xff);
}

mr_status mr_kafka_settings_check(const char *name, const char *value, mr_error *err)
{
    const char *advice = lookup(JAVA, MR_LENGTH(JAVA), name);
    if (advice)
        return mr_error_set(err, MR_E_SETTING, "Kafka property %s belongs to the Java client; %s",
                            name, advice);
    advice = lookup(REFUSED, MR_LENGTH(REFUSED), name);
    if (advice)
        return mr_error_set(err, MR_E_SETTING, "Kafka property %s may not be set: %s", name,
                            advice);
    if (strcmp(name, "group.protocol") == 0)
        return mr_kafka_settings_check_protocol(value, rd_kafka_version(), err);
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    mr_status status = mr_kafka_settings_set(scratch, name, value, err);
    rd_kafka_conf_destroy(scratch);
    return status;
}

bool mr_kafka_settings_is_known(const char *name)
{
    char reason[512];
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(scratch, name, "", reason, sizeof reason);
    rd_kafka_conf_destroy(scratch);
    return result != RD_KAFKA_CONF_UNKNOWN;
}

const char *const *mr_kafka_settings_names(mr_arena *arena, size_t *count)
{
    static const char *const unlisted[] = {
        /* aliases */
        "bootstrap.servers", "compression.type", "linger.ms", "acks", "retries",
        "delivery.timeout.ms", "sasl.mechanism",
        /* without a default */
        "sasl.username", "sasl.password", "sasl.oauthbearer.config", "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret", "sasl.oauthbearer.scope",
        "sasl.oauthbearer.token.endpoint.url", "ssl.ca.location", "ssl.ca.pem", "ssl.key.location",
        "ssl.key.password", "ssl.key.pem", "ssl.certificate.location", "ssl.certificate.pem",
        "ssl.keystore.location", "ssl.keystore.password", "ssl.cipher.suites", "ssl.crl.location",
        "client.rack", "debug"};
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    size_t words = 0;
    const char **pairs = rd_kafka_conf_dump(scratch, &words);
    const char **names = mr_arena_alloc(arena, (words / 2 + MR_LENGTH(unlisted)) * sizeof *names);
    *count = 0;
    for (size_t i = 0; i + 1 < words; i += 2)
        names[(*count)++] = mr_arena_string(arena, pairs[i], strlen(pairs[i]));
    for (size_t i = 0; i < MR_LENGTH(unlisted); i++)
        names[(*count)++] = unlisted[i];
    rd_kafka_conf_dump_free(pairs, words);
    rd_kafka_conf_destroy(scratch);
    return names;
}

mr_status mr_kafka_settings_check_secret(const char *name, const char *value, mr_error *err)
{
    mr_status status = mr_kafka_settings_check(name, value, err);
    if (status == MR_OK || !mr_kafka_settings_is_known(name) ||
        lookup(REFUSED, MR_LENGTH(REFUSED), name) != NULL ||
        lookup(JAVA, MR_LENGTH(JAVA), name) != NULL)
        return status;
    /* The library quotes the value, or what it made of it: none of its text is safe. */
    return mr_error_set(err, MR_E_SETTING,
                        "Kafka property %s: its value is not valid (not shown: it may be secret)",
                        name);
}

bool mr_kafka_settings_has_consumer_protocol(const char *const *properties)
{
    bool has = false; /* the last one counts */
    for (const char *const *at = properties; at && at[0]; at += 2)
        if (strcmp(at[0], "group.protocol") == 0)
            has = strcmp(at[1], "consumer") == 0;
    return has;
}

mr_status mr_kafka_settings_check_all(const char *const *properties, mr_error *err)
{
    for (const char *const *at = properties; at && at[0]; at += 2) {
        if (!at[1])
            return mr_error_set(err, MR_E_SETTING, "Kafka property %s has no value", at[0]);
        mr_status status = mr_kafka_settings_check(at[0], at[1], err);
        if (status != MR_OK)
            return status;
    }
    if (!mr_kafka_settings_has_consumer_protocol(properties))
        return MR_OK;
    for (const char *const *at = properties; at[0]; at += 2) {
        const char *advice = lookup(BROKERS, MR_LENGTH(BROKERS), at[0]);
        if (advice)
            return mr_error_set(err, MR_E_SETTING,
                                "Kafka property %s goes with group.protocol = classic alone; with "
                                "'consumer' it is %s",
                                at[0], advice);
    }
    return MR_OK;
}

static mr_status apply(rd_kafka_conf_t *conf, const property *list, size_t count, mr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        /* Undocumented or newer than the library: the others still hold. */
        char reason[512];
        rd_kafka_conf_res_t result =
            rd_kafka_conf_set(conf, list[i].name, list[i].text, reason, sizeof reason);
        if (result == RD_KAFKA_CONF_INVALID)
            return mr_error_set(err, MR_E_SETTING, "Kafka property %s: %s", list[i].name, reason);
    }
    return MR_OK;
}

static mr_status apply_role(rd_kafka_conf_t *conf, mr_kafka_role role, bool is_classic,
                            mr_error *err)
{
    mr_status status = apply(conf, COMMON, MR_LENGTH(COMMON), err);
    if (status == MR_OK && role != MR_KAFKA_ROLE_WRITER)
        status = apply(conf, CONSUMING, MR_LENGTH(CONSUMING), err);
    if (status == MR_OK && role == MR_KAFKA_ROLE_READER)
        status = apply(conf, READING, MR_LENGTH(READING), err);
    if (status == MR_OK && role == MR_KAFKA_ROLE_MEMBER && is_classic)
        status = apply(conf, JOINING, MR_LENGTH(JOINING), err);
    if (status == MR_OK && role == MR_KAFKA_ROLE_MEMBER)
        status = apply(conf, POLLING, MR_LENGTH(POLLING), err);
    if (status == MR_OK && role == MR_KAFKA_ROLE_WRITER)
        status = apply(conf, WRITING, MR_LENGTH(WRITING), err);
    return status;
}

static const char *given(const char *const *properties, const char *name)
{
    for (const char *const *at = properties; at && at[0]; at += 2)
        if (strcmp(at[0], name) == 0)
            return at[1];
    return NULL;
}

/* The library wants max.poll.interval.ms to be no less than the session: ours follows a user's. */
static mr_status widen_poll_interval(rd_kafka_conf_t *conf, const char *const *properties,
                                     mr_error *err)
{
    const char *session = given(properties, "session.timeout.ms");
    const char *given_up = lookup(POLLING, MR_LENGTH(POLLING), "max.poll.interval.ms");
    if (session == NULL || given(properties, "max.poll.interval.ms") != NULL ||
        strtoll(session, NULL, 10) <= strtoll(given_up, NULL, 10))
        return MR_OK;
    return mr_kafka_settings_set(conf, "max.poll.interval.ms", session, err);
}

mr_status mr_kafka_settings_allow_silence(rd_kafka_conf_t *conf, const char *const *properties,
                                          int32_t silence_ms, mr_error *err)
{
    char text[32];
    size_t size = sizeof text;
    rd_kafka_conf_res_t got = rd_kafka_conf_get(conf, "max.poll.interval.ms", text, &size);
    MR_ASSERT(got == RD_KAFKA_CONF_OK);
    if (given(properties, "max.poll.interval.ms") != NULL || strtoll(text, NULL, 10) >= silence_ms)
        return MR_OK;
    snprintf(text, sizeof text, "%" PRId32, silence_ms);
    return mr_kafka_settings_set(conf, "max.poll.interval.ms", text, err);
}

/* The other handles are in no group; with defaults of their own for the rest of these they would
 * be refused. */
static bool is_members_alone(const char *name)
{
    return strcmp(name, "group.protocol") == 0 || strcmp(name, "max.poll.interval.ms") == 0 ||
           strcmp(name, "session.timeout.ms") == 0 || strcmp(name, "heartbeat.interval.ms") == 0;
}

mr_status mr_kafka_settings_make(mr_kafka_role role, const char *bootstrap, const char *client_id,
                                 const char *const *properties, rd_kafka_conf_t **conf,
                                 mr_error *err)
{
    rd_kafka_conf_t *made = rd_kafka_conf_new();
    mr_status status = mr_kafka_settings_set(made, "bootstrap.servers", bootstrap, err);
    if (status == MR_OK)
        status = mr_kafka_settings_set(made, "client.id", client_id, err);
    bool is_classic = !mr_kafka_settings_has_consumer_protocol(properties);
    if (status == MR_OK)
        status = apply_role(made, role, is_classic, err);
    for (const char *const *at = properties; status == MR_OK && at && at[0]; at += 2)
        if (role == MR_KAFKA_ROLE_MEMBER || !is_members_alone(at[0]))
            status = mr_kafka_settings_set(made, at[0], at[1], err);
    if (status == MR_OK && role == MR_KAFKA_ROLE_MEMBER)
        status = widen_poll_interval(made, properties, err);
    if (status != MR_OK) {
        rd_kafka_conf_destroy(made);
        return status;
    }
    *conf = made;
    return MR_OK;
}
