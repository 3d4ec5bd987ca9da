#include "connectors/kafka/client/client.h"

#include "engine/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t mr_kafka_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* librdkafka tells every client of a configuration meant for all of them that half of it is not
 * its. */
static bool is_noise(const char *facility, const char *text)
{
    return strcmp(facility, "CONFWARN") == 0 &&
           (strstr(text, "producer property") || strstr(text, "consumer property"));
}

/* The member believes that the group has put it out, and joins anew without a word of ours: told by
 * a line alone. */
static bool is_silence(const char *facility)
{
    return strcmp(facility, "SESSTMOUT") == 0 || strcmp(facility, "MAXPOLL") == 0;
}

/* A first question that finds no broker tells why itself, once and in full (MR5001). */
static mr_log_level level_of(mr_kafka_client *client, mr_log_level level)
{
    pthread_mutex_lock(&client->lock);
    bool is_first = client->role == MR_KAFKA_ROLE_ADMIN && !client->was_connected;
    pthread_mutex_unlock(&client->lock);
    return is_first ? MR_LOG_DEBUG : level;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    mr_kafka_client *client = rd_kafka_opaque(rk);
    if (!client || is_noise(facility, text))
        return;
    if (is_silence(facility))
        atomic_fetch_add(&client->lost, 1);
    /* A lost connection is an "error" to librdkafka and mended by it; what matters to us comes back
     * from a call. So nothing of this is above a warning. */
    mr_log_level ours = level <= 4 ? MR_LOG_WARN : level <= 6 ? MR_LOG_INFO : MR_LOG_DEBUG;
    ours = level_of(client, ours);
    const char *role = mr_kafka_role_name(client->role);
    if (ours == MR_LOG_DEBUG) /* whoever sets `debug` wants all of it */
        mr_logger_line(atomic_load(&client->logger), ours, "kafka %s %s: %s", role, facility, text);
    else
        mr_kafka_chatter_line(client->chatter, atomic_load(&client->logger), ours, role, facility,
                              text);
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)rk;
    mr_kafka_client *client = opaque;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        atomic_fetch_add(&client->all_down, 1);
    /* A broker that stands still keeps its connections: its requests time out. */
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__TRANSPORT ||
        error == RD_KAFKA_RESP_ERR__TIMED_OUT)
        atomic_fetch_add(&client->lost, 1);
    pthread_mutex_lock(&client->lock);
    bool is_refusal = error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__SSL;
    if (is_refusal)
        client->refused = (rd_kafka_resp_err_t)error;
    /* A refusal says more than the connections that are lost after it; "all are down" says
     * nothing. */
    if (is_refusal || (!client->refused && error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
        snprintf(client->why, sizeof client->why, "%s", reason);
    pthread_mutex_unlock(&client->lock);
    mr_kafka_chatter_line(client->chatter, atomic_load(&client->logger),
                          level_of(client, MR_LOG_WARN), mr_kafka_role_name(client->role),
                          rd_kafka_err2name((rd_kafka_resp_err_t)error), reason);
}

mr_status mr_kafka_client_conf(const mr_kafka_log *log, mr_kafka_role role, rd_kafka_conf_t **conf,
                               mr_error *err)
{
    mr_status status = mr_kafka_settings_make(role, log->bootstrap, log->client_id,
                                              (const char *const *)log->properties, conf, err);
    if (status != MR_OK)
        return status;
    rd_kafka_conf_set_log_cb(*conf, on_log);
    rd_kafka_conf_set_error_cb(*conf, on_error);
    return MR_OK;
}

mr_status mr_kafka_client_open(mr_kafka_client *client, const mr_kafka_log *log, mr_kafka_role role,
                               rd_kafka_conf_t *conf, mr_error *err)
{
    char reason[512];
    atomic_init(&client->logger, log->logger);
    atomic_init(&client->all_down, 0);
    atomic_init(&client->lost, 0);
    client->role = role;
    pthread_mutex_init(&client->lock, NULL);
    client->chatter = (mr_kafka_chatter *)(uintptr_t)&log->chatter; /* the one part that changes */
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_type_t type = role == MR_KAFKA_ROLE_WRITER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    client->rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client->rk)
        return MR_OK;
    rd_kafka_conf_destroy(conf);
    return mr_error_set(err, MR_E_SETTING, "Kafka %s: %s", mr_kafka_role_name(role), reason);
}

void mr_kafka_client_connected(mr_kafka_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->was_connected = true;
    client->refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->why[0] = '\0';
    pthread_mutex_unlock(&client->lock);
    atomic_store(&client->all_down, 0);
}

void mr_kafka_client_forget(mr_kafka_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool was_connected = client->was_connected;
    pthread_mutex_unlock(&client->lock);
    if (!was_connected)
        return;
    atomic_store(&client->all_down, 0);
    rd_kafka_poll(client->rk, 0); /* what waits to be told is old, unless all are down since */
    pthread_mutex_lock(&client->lock);
    client->refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->why[0] = '\0';
    pthread_mutex_unlock(&client->lock);
}

void mr_kafka_client_close(mr_kafka_client *client)
{
    if (!client->rk)
        return;
    rd_kafka_destroy(client->rk);
    pthread_mutex_destroy(&client->lock);
    client->rk = NULL;
}

void mr_kafka_client_drop(mr_kafka_client *client)
{
    if (!client->rk)
        return;
    rd_kafka_destroy_flags(client->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    pthread_mutex_destroy(&client->lock);
    client->rk = NULL;
}

/* Shared by its thread and by whom it was begun: the last of them frees it. The log's lock guards
 * what changes. */
typedef struct funeral {
    mr_kafka_log *log;
    void (*bury)(void *corpse);
    void *corpse;
    bool has_begun, is_over;
    uint32_t owners;
} funeral;

static void funeral_leave_locked(funeral *f)
{
    if (--f->owners == 0)
        free(f);
}

static void *funeral_thread(void *opaque)
{
    funeral *f = opaque;
    mr_kafka_log *log = f->log;
    pthread_mutex_lock(&log->lock);
    f->has_begun = true;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    f->bury(f->corpse);
    pthread_mutex_lock(&log->lock);
    log->dying--;
    f->is_over = true;
    funeral_leave_locked(f);
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

static funeral *funeral_begin(mr_kafka_log *log, void (*bury)(void *corpse), void *corpse)
{
    funeral *f = calloc(1, sizeof *f);
    MR_ASSERT(f != NULL);
    *f = (funeral){.log = log, .bury = bury, .corpse = corpse, .owners = 2};
    pthread_mutex_lock(&log->lock);
    log->dying++;
    pthread_mutex_unlock(&log->lock);
    pthread_t thread;
    if (pthread_create(&thread, NULL, funeral_thread, f) == 0)
        pthread_detach(thread);
    else
        funeral_thread(f);
    pthread_mutex_lock(&log->lock);
    while (!f->has_begun)
        pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
    return f;
}

static struct timespec ahead(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    return until;
}

void mr_kafka_bury(mr_kafka_log *log, void (*bury)(void *corpse), void *corpse)
{
    funeral *f = funeral_begin(log, bury, corpse);
    pthread_mutex_lock(&log->lock);
    funeral_leave_locked(f);
    pthread_mutex_unlock(&log->lock);
}

bool mr_kafka_bury_await(mr_kafka_log *log, void (*bury)(void *corpse), void *corpse,
                         int64_t limit_ms)
{
    struct timespec until = ahead(limit_ms);
    funeral *f = funeral_begin(log, bury, corpse);
    int error = 0;
    pthread_mutex_lock(&log->lock);
    while (!f->is_over && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&log->changed, &log->lock, &until);
    bool is_over = f->is_over;
    funeral_leave_locked(f);
    pthread_mutex_unlock(&log->lock);
    return is_over;
}

bool mr_kafka_bury_wait(mr_kafka_log *log, int64_t limit_ms)
{
    struct timespec until = ahead(limit_ms);
    int error = 0;
    pthread_mutex_lock(&log->lock);
    while (log->dying > 0 && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&log->changed, &log->lock, &until);
    bool is_over = log->dying == 0;
    pthread_mutex_unlock(&log->lock);
    return is_over;
}
