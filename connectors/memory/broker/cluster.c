#include "connectors/memory/broker/cluster.h"

#include "connectors/memory/broker/grow.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void set_defaults(mr_memory_options *options)
{
    if (options->session_timeout_ms == 0)
        options->session_timeout_ms = 10000;
    if (options->rebalance_timeout_ms == 0)
        options->rebalance_timeout_ms = 60000;
    if (options->call_us == 0)
        options->call_us = 10;
}

mr_memory_cluster *mr_memory_cluster_new(const mr_memory_options *options)
{
    mr_memory_cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL)
        abort();
    if (options != NULL)
        cluster->options = *options;
    set_defaults(&cluster->options);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cluster->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&cluster->lock, NULL);
    mr_memory_clock_real(&cluster->real_clock);
    mr_memory_clock *virtual_clock = cluster->options.virtual_clock;
    cluster->clock = virtual_clock != NULL ? &virtual_clock->clock : &cluster->real_clock;
    return cluster;
}

static void free_topic(mr_memory_topic *topic)
{
    for (int32_t p = 0; p < topic->partitions_count; p++)
        mr_memory_partition_release(&topic->partition[p]);
    free(topic->partition);
    free(topic->name);
    free(topic);
}

void mr_memory_cluster_free(mr_memory_cluster *cluster)
{
    if (cluster == NULL)
        return;
    mr_memory_transactions_release(&cluster->transactions);
    mr_memory_groups_release(&cluster->groups);
    for (uint32_t i = 0; i < cluster->topics_count; i++)
        free_topic(cluster->topic[i]);
    free(cluster->topic);
    pthread_cond_destroy(&cluster->changed);
    pthread_mutex_destroy(&cluster->lock);
    free(cluster);
}

mr_memory_topic *mr_memory_cluster_topic(const mr_memory_cluster *cluster, const char *name)
{
    for (uint32_t i = 0; i < cluster->topics_count; i++)
        if (strcmp(cluster->topic[i]->name, name) == 0)
            return cluster->topic[i];
    return NULL;
}

mr_memory_topic *mr_memory_cluster_add_topic(mr_memory_cluster *cluster, const char *name,
                                             int32_t partitions, uint32_t record_bytes_max)
{
    mr_memory_topic *topic = calloc(1, sizeof *topic);
    if (topic == NULL || (topic->name = strdup(name)) == NULL ||
        (topic->partition =
             calloc((size_t)partitions + MR_MEMORY_ROOM, sizeof *topic->partition)) == NULL)
        abort();
    topic->id = ++cluster->topics_made;
    topic->partitions_count = partitions;
    topic->room = partitions + MR_MEMORY_ROOM;
    topic->record_bytes_max = record_bytes_max;
    topic->refs = 1;
    cluster->topic = mr_memory_grow(cluster->topic, cluster->topics_count,
                                    &cluster->topics_capacity, sizeof *cluster->topic);
    cluster->topic[cluster->topics_count++] = topic;
    mr_memory_cluster_wake(cluster);
    return topic;
}

/* In its room: open transactions hold addresses of partitions. */
void mr_memory_cluster_grow_topic(mr_memory_cluster *cluster, mr_memory_topic *topic,
                                  int32_t partitions)
{
    if (partitions < topic->partitions_count || partitions > topic->room)
        abort();
    topic->partitions_count = partitions;
    mr_memory_cluster_wake(cluster);
}

void mr_memory_cluster_delete_topic(mr_memory_cluster *cluster, mr_memory_topic *topic)
{
    for (uint32_t i = 0; i < cluster->topics_count; i++)
        if (cluster->topic[i] == topic)
            cluster->topic[i] = cluster->topic[--cluster->topics_count];
    for (int32_t p = 0; p < topic->partitions_count; p++)
        mr_memory_transactions_forget(cluster, &topic->partition[p]);
    topic->is_deleted = true;
    mr_memory_topic_unref(topic);
    mr_memory_cluster_wake(cluster);
}

void mr_memory_topic_ref(mr_memory_topic *topic)
{
    topic->refs++;
}

void mr_memory_topic_unref(mr_memory_topic *topic)
{
    if (--topic->refs == 0)
        free_topic(topic);
}

int64_t mr_memory_cluster_run(mr_memory_cluster *cluster)
{
    int64_t now_us = mr_memory_cluster_now_us(cluster);
    int64_t next_us = mr_memory_transactions_run(cluster, now_us);
    int64_t group_us = mr_memory_groups_run(cluster, now_us);
    return group_us < next_us ? group_us : next_us;
}

void mr_memory_cluster_wake(mr_memory_cluster *cluster)
{
    if (cluster->options.virtual_clock == NULL)
        pthread_cond_broadcast(&cluster->changed);
}

bool mr_memory_cluster_wait(mr_memory_cluster *cluster, int64_t until_us)
{
    int64_t now_us = mr_memory_cluster_now_us(cluster);
    if (now_us >= until_us)
        return false;
    int64_t next_us = mr_memory_cluster_run(cluster);
    if (next_us > until_us)
        next_us = until_us;
    if (cluster->options.virtual_clock != NULL) {
        mr_memory_clock_advance(cluster->options.virtual_clock,
                                next_us > now_us ? next_us - now_us : 0);
    } else {
        struct timespec deadline = {next_us / 1000000, next_us % 1000000 * 1000};
        pthread_cond_timedwait(&cluster->changed, &cluster->lock, &deadline);
    }
    (void)mr_memory_cluster_run(cluster);
    return true;
}

int64_t mr_memory_cluster_now_us(const mr_memory_cluster *cluster)
{
    return cluster->clock->monotonic_us(cluster->clock);
}

int64_t mr_memory_cluster_wall_ms(const mr_memory_cluster *cluster)
{
    return cluster->clock->wall_ms(cluster->clock);
}
