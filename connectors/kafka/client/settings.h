/*
 * Settings of the clients: our defaults, the user's properties, and what may not be set.
 *
 * Properties carry librdkafka's names. Names of the Java client that librdkafka does not know are
 * answered with what to write instead; those on which exactly-once rests are refused with the
 * reason.
 */
#ifndef MR_CONNECTORS_KAFKA_CLIENT_SETTINGS_H
#define MR_CONNECTORS_KAFKA_CLIENT_SETTINGS_H

#include "engine/base/arena.h"
#include "engine/base/error.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

typedef enum mr_kafka_role {
    MR_KAFKA_ROLE_ADMIN = 0,
    MR_KAFKA_ROLE_READER,
    MR_KAFKA_ROLE_MEMBER,
    MR_KAFKA_ROLE_WRITER,
} mr_kafka_role;

const char *mr_kafka_role_name(mr_kafka_role role);

/* From this librdkafka on group.protocol = consumer is complete. */
#define MR_KAFKA_CONSUMER_PROTOCOL_SINCE 0x020c0000

/* Is `value` a group.protocol with a librdkafka of that version? Errors: MR_E_SETTING. */
MR_MUST_USE mr_status mr_kafka_settings_check_protocol(const char *value, int version,
                                                       mr_error *err);

/* Do (checked) properties ask for group.protocol = consumer? It is set for members alone. */
bool mr_kafka_settings_has_consumer_protocol(const char *const *properties);

/* Is `name` = `value` a property that a user may set? Errors: MR_E_SETTING with what to do. */
MR_MUST_USE mr_status mr_kafka_settings_check(const char *name, const char *value, mr_error *err);

/* The same for a value that must not be printed: messages do not quote it. */
MR_MUST_USE mr_status mr_kafka_settings_check_secret(const char *name, const char *value,
                                                     mr_error *err);

/* Does librdkafka have a property of this name? */
bool mr_kafka_settings_is_known(const char *name);

/* Names of librdkafka's properties, for suggestions; of aliases and of those without a default
 * only the usual ones. Memory: `arena`. */
const char *const *mr_kafka_settings_names(mr_arena *arena, size_t *count);

/* Checks all; `properties`: name, value, .., NULL, or NULL. */
MR_MUST_USE mr_status mr_kafka_settings_check_all(const char *const *properties, mr_error *err);

/* A configuration with the role's defaults and then the user's properties, which win. The caller
 * adds what the role fixes (group id, transactional id) and gives it to rd_kafka_new or destroys
 * it. */
MR_MUST_USE mr_status mr_kafka_settings_make(mr_kafka_role role, const char *bootstrap,
                                             const char *client_id, const char *const *properties,
                                             rd_kafka_conf_t **conf, mr_error *err);

/* A member's configuration: so long may go by between two polls, if the user's properties do not
 * say how long. */
MR_MUST_USE mr_status mr_kafka_settings_allow_silence(rd_kafka_conf_t *conf,
                                                      const char *const *properties,
                                                      int32_t silence_ms, mr_error *err);

/* Sets one fixed property; a refusal is MR_E_SETTING. */
MR_MUST_USE mr_status mr_kafka_settings_set(rd_kafka_conf_t *conf, const char *name,
                                            const char *value, mr_error *err);

#endif
