#include "connectors/memory/log.h"

#include "connectors/memory/connection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BROKER_WAIT_US INT64_C(5000000)
/* For markers on their way to a group; an open transaction is not waited for. */
#define STABLE_WAIT_US INT64_C(500000)

static mr_memory_log *self_of(mr_log *log)
{
    return (mr_memory_log *)log;
}

mr_status mr_memory_enter(mr_memory_log *log, const char *call, mr_error *err)
{
    mr_memory_cluster *cluster = log->cluster;
    pthread_mutex_lock(&cluster->lock);
    if (cluster->options.virtual_clock != NULL && !log->process->is_dead)
        mr_memory_clock_advance(cluster->options.virtual_clock, cluster->options.call_us);
    (void)mr_memory_cluster_run(cluster);
    mr_status status = mr_memory_tick(log->process, call, err);
    if (status != MR_OK)
        pthread_mutex_unlock(&cluster->lock);
    return status;
}

mr_status mr_memory_leave(mr_memory_log *log, mr_status status, mr_error *err)
{
    status = mr_memory_tock(log->process, status, err);
    pthread_mutex_unlock(&log->cluster->lock);
    return status;
}

bool mr_memory_close_begin(mr_memory_log *log, const char *call)
{
    mr_error ignored;
    if (mr_memory_enter(log, call, &ignored) == MR_OK)
        return true;
    pthread_mutex_lock(&log->cluster->lock);
    return false;
}

void mr_memory_close_end(mr_memory_log *log)
{
    mr_error ignored;
    (void)!mr_memory_leave(log, MR_OK, &ignored);
}

bool mr_memory_await_broker(mr_memory_log *log, int64_t until_us, bool *was_away)
{
    const mr_memory_process *process = log->process;
    int64_t now_us = mr_memory_cluster_now_us(log->cluster);
    bool is_away = process->unreachable_until_us > now_us;
    if (was_away != NULL)
        *was_away = is_away;
    while (is_away) {
        int64_t back_us = process->unreachable_until_us;
        if (!mr_memory_cluster_wait(log->cluster, back_us < until_us ? back_us : until_us))
            break;
        is_away = process->unreachable_until_us > mr_memory_cluster_now_us(log->cluster);
    }
    return !is_away;
}

mr_status mr_memory_enter_request(mr_memory_log *log, const char *call, mr_error *err)
{
    mr_status status = mr_memory_enter(log, call, err);
    if (status != MR_OK)
        return status;
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + BROKER_WAIT_US;
    if (mr_memory_await_broker(log, until_us, NULL))
        return MR_OK;
    status = mr_error_set_recovery(err, MR_E_KAFKA_UNREACHABLE, MR_RECOVERY_RETRY,
                                   "%s: the broker did not answer within %" PRId64 " s", call,
                                   BROKER_WAIT_US / 1000000);
    return mr_memory_leave(log, status, err);
}

static mr_status find_partition(mr_memory_log *log, const char *topic, int32_t partition,
                                mr_memory_partition **found, mr_error *err)
{
    mr_memory_topic *known = mr_memory_cluster_topic(log->cluster, topic);
    if (known == NULL)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s does not exist", topic);
    if (partition < 0 || partition >= known->partitions_count)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                            "topic %s has no partition %d, only %d of them", topic, partition,
                            known->partitions_count);
    *found = &known->partition[partition];
    return MR_OK;
}

static mr_status trim(mr_log *log, const char *topic, int32_t partition, int64_t before,
                      mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_memory_partition *found = NULL;
    mr_status status = mr_memory_enter_request(self, "log.trim", err);
    if (status != MR_OK)
        return status;
    status = find_partition(self, topic, partition, &found, err);
    if (status == MR_OK && before > found->end)
        status = mr_error_set(err, MR_E_KAFKA_OFFSET_LOST,
                              "%s[%d]: cannot trim to %" PRId64 ", it ends at %" PRId64, topic,
                              partition, before, found->end);
    if (status == MR_OK)
        mr_memory_partition_trim(found, before);
    return mr_memory_leave(self, status, err);
}

static mr_status offset(mr_log *log, const char *topic, int32_t partition, int64_t which,
                        int64_t *result, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_memory_partition *found = NULL;
    mr_status status = mr_memory_enter_request(self, "log.offset", err);
    if (status != MR_OK)
        return status;
    status = find_partition(self, topic, partition, &found, err);
    if (status == MR_OK)
        *result =
            which == MR_OFFSET_EARLIEST ? found->start : mr_memory_partition_stable_end(found);
    return mr_memory_leave(self, status, err);
}

/* As librdkafka, which does not send such a request. */
static mr_status refuse_twice(const char *what, const char *topic, int32_t partition, mr_error *err)
{
    return mr_error_set(err, MR_E_KAFKA_OTHER, "%s: %s[%" PRId32 "] is asked for twice", what,
                        topic, partition);
}

static mr_status ends(mr_log *log, mr_log_ends *ends, uint32_t count, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter_request(self, "log.ends", err);
    if (status != MR_OK)
        return status;
    for (uint32_t i = 1; status == MR_OK && i < count; i++)
        for (uint32_t j = 0; status == MR_OK && j < i; j++)
            if (ends[i].partition == ends[j].partition && strcmp(ends[i].topic, ends[j].topic) == 0)
                status = refuse_twice("ends", ends[i].topic, ends[i].partition, err);
    for (uint32_t i = 0; status == MR_OK && i < count; i++) {
        mr_memory_partition *found = NULL;
        status = find_partition(self, ends[i].topic, ends[i].partition, &found, err);
        if (status != MR_OK)
            break;
        ends[i].stable = mr_memory_partition_stable_end(found);
        ends[i].high = found->end;
    }
    return mr_memory_leave(self, status, err);
}

static mr_status offset_at(mr_log *log, const char *topic, int32_t partition, int64_t timestamp_ms,
                           int64_t *result, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_memory_partition *found = NULL;
    mr_status status = mr_memory_enter_request(self, "log.offset_at", err);
    if (status != MR_OK)
        return status;
    status = find_partition(self, topic, partition, &found, err);
    if (status == MR_OK)
        *result = mr_memory_partition_offset_at(found, timestamp_ms);
    return mr_memory_leave(self, status, err);
}

/* True: some are pending. */
static bool look_up(const mr_memory_group *group, mr_log_offset *offsets, uint32_t count,
                    mr_arena *arena)
{
    bool any_pending = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_pending;
        const mr_memory_group_offset *known =
            mr_memory_group_offset_of(group, offsets[i].topic, offsets[i].partition, &is_pending);
        any_pending |= is_pending;
        offsets[i].offset = known != NULL ? known->offset : -1;
        offsets[i].metadata = NULL;
        if (known != NULL && known->metadata != NULL)
            offsets[i].metadata = mr_arena_string(arena, known->metadata, strlen(known->metadata));
    }
    return any_pending;
}

bool mr_memory_fill_offsets(mr_memory_log *log, const mr_memory_group *group,
                            mr_log_offset *offsets, uint32_t count, mr_arena *arena,
                            int64_t wait_us)
{
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + wait_us;
    bool is_pending;
    do
        is_pending = look_up(group, offsets, count, arena);
    while (is_pending && mr_memory_cluster_wait(log->cluster, until_us));
    return is_pending;
}

static mr_status group_offsets(mr_log *log, const char *group, mr_log_offset *offsets,
                               uint32_t count, mr_arena *arena, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter_request(self, "log.group_offsets", err);
    if (status != MR_OK)
        return status;
    for (uint32_t i = 1; status == MR_OK && i < count; i++)
        for (uint32_t j = 0; status == MR_OK && j < i; j++)
            if (offsets[i].partition == offsets[j].partition &&
                strcmp(offsets[i].topic, offsets[j].topic) == 0)
                status = refuse_twice("offsets", offsets[i].topic, offsets[i].partition, err);
    const mr_memory_group *known = mr_memory_groups_find(self->cluster, group, false);
    if (status == MR_OK)
        (void)mr_memory_fill_offsets(self, known, offsets, count, arena, STABLE_WAIT_US);
    return mr_memory_leave(self, status, err);
}

static mr_status group_members(mr_log *log, const char *group, uint32_t *count, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter_request(self, "log.group_members", err);
    if (status != MR_OK)
        return status;
    const mr_memory_group *known = mr_memory_groups_find(self->cluster, group, false);
    *count = known != NULL ? known->members_count : 0;
    return mr_memory_leave(self, MR_OK, err);
}

static mr_status delete_group(mr_log *log, const char *group, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter_request(self, "log.delete_group", err);
    if (status != MR_OK)
        return status;
    if (!mr_memory_groups_delete(self->cluster, group))
        status = mr_error_set(err, MR_E_KAFKA_OTHER, "group %s has members", group);
    return mr_memory_leave(self, status, err);
}

static mr_status knock(mr_log *log, const char *transactional_id, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter_request(self, "log.knock", err);
    if (status != MR_OK)
        return status;
    (void)mr_memory_transactions_init(self->cluster, transactional_id, 0, NULL);
    return mr_memory_leave(self, MR_OK, err);
}

static mr_status open_reader(mr_log *log, mr_log_reader **reader, mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter(self, "log.open_reader", err);
    if (status != MR_OK)
        return status;
    status = mr_memory_leave(self, MR_OK, err);
    return status != MR_OK ? status : mr_memory_reader_open(self, reader, err);
}

static mr_status open_member(mr_log *log, const mr_member_options *options, mr_log_member **member,
                             mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter(self, "log.open_member", err);
    if (status != MR_OK)
        return status;
    mr_log_member *opened = NULL;
    status = mr_memory_member_open(self, options, &opened, err);
    status = mr_memory_leave(self, status, err);
    /* Who dies in this call never gets the object, so nobody would close it. */
    if (status != MR_OK && opened != NULL)
        opened->class->close(opened);
    else
        *member = opened;
    return status;
}

static mr_status open_writer(mr_log *log, const mr_writer_options *options, mr_log_writer **writer,
                             mr_error *err)
{
    mr_memory_log *self = self_of(log);
    mr_status status = mr_memory_enter(self, "log.open_writer", err);
    if (status != MR_OK)
        return status;
    (void)mr_memory_await_broker(self, INT64_MAX, NULL);
    mr_log_writer *opened = NULL;
    status = mr_memory_writer_open(self, options, &opened, err);
    status = mr_memory_leave(self, status, err);
    if (status != MR_OK && opened != NULL)
        opened->class->close(opened);
    else
        *writer = opened;
    return status;
}

static void close_log(mr_log *log)
{
    free(self_of(log));
}

static const mr_log_class log_class = {
    .describe = mr_memory_describe,
    .topic_ids = mr_memory_topic_ids,
    .create_topic = mr_memory_create_topic,
    .grow_topic = mr_memory_grow_topic,
    .delete_topic = mr_memory_delete_topic,
    .trim = trim,
    .offset = offset,
    .ends = ends,
    .offset_at = offset_at,
    .group_offsets = group_offsets,
    .group_members = group_members,
    .delete_group = delete_group,
    .knock = knock,
    .open_reader = open_reader,
    .open_member = open_member,
    .open_writer = open_writer,
    .close = close_log,
};

mr_log *mr_memory_log_new(mr_memory_cluster *cluster, mr_memory_process *process)
{
    mr_memory_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        abort();
    log->log.class = &log_class;
    log->cluster = cluster;
    log->process = process != NULL ? process : &log->own;
    return &log->log;
}
