/*
 * One librdkafka handle with its logging, and the log object all handles come from.
 *
 * Invariant: the handle's opaque is its mr_kafka_client. Callbacks that librdkafka runs on its own
 * threads touch nothing but the logger and the atomic fields.
 */
#ifndef MR_CONNECTORS_KAFKA_CLIENT_CLIENT_H
#define MR_CONNECTORS_KAFKA_CLIENT_CLIENT_H

#include "connectors/kafka/client/chatter.h"
#include "connectors/kafka/client/settings.h"
#include "connectors/kafka/log.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct mr_kafka_client {
    rd_kafka_t *rk;
    _Atomic(const mr_logger *) logger;
    mr_kafka_role role;
    atomic_uint all_down; /* times librdkafka said that no broker is reachable */
    atomic_uint lost; /* times it said that a connection broke, stood still, or could not be made */
    mr_kafka_chatter *chatter;   /* the log's */
    pthread_mutex_t lock;        /* of what follows: why no connection came about, as told last */
    rd_kafka_resp_err_t refused; /* the broker is there but refuses: _AUTHENTICATION or _SSL */
    bool was_connected;
    char why[320];
} mr_kafka_client;

/* What a look at many topics at once has found. */
typedef struct mr_kafka_expected {
    mr_arena arena; /* of names and facts */
    char **topics;  /* NULL: not to be believed any more */
    mr_topic_facts *facts;
    uint32_t count;
    int64_t until_ms;
} mr_kafka_expected;

typedef struct mr_kafka_log {
    mr_log base;
    char *bootstrap;
    char *client_id;
    char **properties; /* name, value, .., NULL */
    const mr_logger *logger;
    int32_t timeout_ms;
    int32_t input_queue_kb, writer_queue_kb; /* 0: by default */
    bool (*is_stopping)(void *hook);
    void *hook;
    /* Smallest max.message.bytes of a topic that refused a whole batch; 0: none did. Writers opened
     * afterwards keep their batches below it. */
    atomic_int batch_bytes_max;
    pthread_mutex_t lock; /* of `dying` and `expected` */
    pthread_cond_t changed;
    uint32_t dying; /* handles being destroyed on a thread of their own */
    mr_kafka_expected expected;
    mr_kafka_chatter chatter; /* of all its handles */
    mr_kafka_client admin;    /* read_committed consumer without a group; used for administration */
} mr_kafka_log;

/* A configuration of the role, ready for what the role fixes. */
MR_MUST_USE mr_status mr_kafka_client_conf(const mr_kafka_log *log, mr_kafka_role role,
                                           rd_kafka_conf_t **conf, mr_error *err);

/* Creates the handle; takes `conf` whatever comes back. Errors: MR_E_SETTING. */
MR_MUST_USE mr_status mr_kafka_client_open(mr_kafka_client *client, const mr_kafka_log *log,
                                           mr_kafka_role role, rd_kafka_conf_t *conf,
                                           mr_error *err);

/* A broker has answered. */
void mr_kafka_client_connected(mr_kafka_client *client);

/* Before a call: forgets why connections broke since a broker answered last. What was told before
 * the first answer is kept, since librdkafka tells the same only once in 30 s. */
void mr_kafka_client_forget(mr_kafka_client *client);

/* A client that was never opened (all-zero) is fine. */
void mr_kafka_client_close(mr_kafka_client *client);

/* The same without a word to the group that it is a member of. */
void mr_kafka_client_drop(mr_kafka_client *client);

/* Calls `bury(corpse)`, which destroys a handle, on a thread of its own: rd_kafka_destroy of a
 * producer waits for calls that are under way, for which a recovery must not wait. Back when that
 * thread has begun. `mr_kafka_bury_wait` waits for all of them, for so many ms (whole seconds) at
 * most, and says whether they have ended. */
void mr_kafka_bury(mr_kafka_log *log, void (*bury)(void *corpse), void *corpse);
/* The same, and waits for this one. False: it takes longer than `limit_ms`, and goes on alone. */
bool mr_kafka_bury_await(mr_kafka_log *log, void (*bury)(void *corpse), void *corpse,
                         int64_t limit_ms);
bool mr_kafka_bury_wait(mr_kafka_log *log, int64_t limit_ms);

int64_t mr_kafka_now_ms(void); /* monotonic */

#endif
