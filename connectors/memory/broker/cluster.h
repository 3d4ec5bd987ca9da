/*
 * The broker side of the memory log: topics, transactions, groups, timers.
 *
 * Several connections (connectors/memory/log.h), each of its own process, may share one cluster.
 * The cluster outlives them. It lives in memory alone.
 *
 * Thread: every field is under `lock`, which each port call of a connection takes for its length
 * (and gives up while it waits). With a virtual clock all connections are used by one thread.
 */
#ifndef MR_CONNECTORS_MEMORY_BROKER_CLUSTER_H
#define MR_CONNECTORS_MEMORY_BROKER_CLUSTER_H

#include "connectors/memory/broker/groups.h"
#include "connectors/memory/broker/transactions.h"
#include "connectors/memory/clock.h"

#include <pthread.h>

typedef struct mr_memory_options {
    mr_memory_clock *virtual_clock; /* NULL: the machine's time; waiting sleeps */
    int64_t session_timeout_ms;     /* 0: 10,000 */
    int64_t rebalance_timeout_ms;   /* 0: 60,000 */
    int64_t poll_interval_ms;       /* a member not polled for so long is put out; 0: never */
    int64_t call_us;                /* a port call takes so much virtual time; 0: 10 */
    /* Chance per million that a transaction which the coordinator aborts by itself (its writer
     * timed out or was replaced) hangs: no partition and no group hears of the end. Kafka does so
     * where a partition has no leader at that moment. */
    uint32_t hanging;
    uint32_t hanging_in_a_row; /* aborts of one writer at most; 0: 1 */
    bool hangs_partly; /* three in four are told to some: each partition, and the groups, by lot */
    uint64_t seed;     /* of that chance */
} mr_memory_options;

#define MR_MEMORY_ROOM 16 /* partitions that may be added to a topic */

typedef struct mr_memory_topic {
    char *name;
    uint64_t id; /* of no other topic, ever */
    int32_t partitions_count, room;
    mr_memory_partition *partition;
    uint32_t record_bytes_max;
    uint32_t refs; /* readers and writers that hold it */
    bool is_deleted;
} mr_memory_topic;

typedef struct mr_memory_cluster {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mr_memory_options options;
    mr_clock real_clock;
    const mr_clock *clock;
    mr_memory_topic **topic;
    uint32_t topics_count;
    uint32_t topics_capacity;
    uint64_t topics_made; /* so far */
    mr_memory_transactions transactions;
    mr_memory_groups groups;
} mr_memory_cluster;

/* `options` NULL: all defaults. */
mr_memory_cluster *mr_memory_cluster_new(const mr_memory_options *options);

/* No connection may be open. */
void mr_memory_cluster_free(mr_memory_cluster *cluster);

/* The rest is for this folder; all under the lock. */

mr_memory_topic *mr_memory_cluster_topic(const mr_memory_cluster *cluster, const char *name);
mr_memory_topic *mr_memory_cluster_add_topic(mr_memory_cluster *cluster, const char *name,
                                             int32_t partitions, uint32_t record_bytes_max);
/* At most MR_MEMORY_ROOM more than it was made with. */
void mr_memory_cluster_grow_topic(mr_memory_cluster *cluster, mr_memory_topic *topic,
                                  int32_t partitions);
void mr_memory_cluster_delete_topic(mr_memory_cluster *cluster, mr_memory_topic *topic);
void mr_memory_topic_ref(mr_memory_topic *topic);
void mr_memory_topic_unref(mr_memory_topic *topic);

/* Plays what is due now; returns when the next thing is. */
int64_t mr_memory_cluster_run(mr_memory_cluster *cluster);

/* Something that others may wait for has changed. */
void mr_memory_cluster_wake(mr_memory_cluster *cluster);

/* Waits for a change, or until something is due, at most until `until_us` (monotonic). Virtual time
 * moves to the next due thing. False: it is `until_us` already. */
bool mr_memory_cluster_wait(mr_memory_cluster *cluster, int64_t until_us);

int64_t mr_memory_cluster_now_us(const mr_memory_cluster *cluster);
int64_t mr_memory_cluster_wall_ms(const mr_memory_cluster *cluster);

#endif
