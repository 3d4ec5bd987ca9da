#include "connectors/memory/broker/groups.h"

#include "connectors/memory/broker/cluster.h"
#include "connectors/memory/broker/grow.h"
#include "connectors/memory/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;
    if (text != NULL && copy == NULL)
        abort();
    return copy;
}

static void free_member(mr_memory_group_member *member)
{
    free(member->instance_id);
    free(member->topic);
    free(member->partitions);
    free(member);
}

static void free_group(mr_memory_group *group)
{
    for (uint32_t i = 0; i < group->members_count; i++)
        free_member(group->member[i]);
    for (uint32_t i = 0; i < group->offsets_count; i++) {
        free(group->offset[i].topic);
        free(group->offset[i].metadata);
    }
    free(group->member);
    free(group->offset);
    free(group->name);
    free(group);
}

void mr_memory_groups_release(mr_memory_groups *groups)
{
    for (uint32_t i = 0; i < groups->count; i++)
        free_group(groups->group[i]);
    free(groups->group);
    *groups = (mr_memory_groups){0};
}

mr_memory_group *mr_memory_groups_find(mr_memory_cluster *cluster, const char *name, bool create)
{
    mr_memory_groups *groups = &cluster->groups;
    for (uint32_t i = 0; i < groups->count; i++)
        if (strcmp(groups->group[i]->name, name) == 0)
            return groups->group[i];
    if (!create)
        return NULL;
    groups->group =
        mr_memory_grow(groups->group, groups->count, &groups->capacity, sizeof *groups->group);
    mr_memory_group *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        abort();
    fresh->name = copy_text(name);
    groups->group[groups->count++] = fresh;
    return fresh;
}

bool mr_memory_groups_delete(mr_memory_cluster *cluster, const char *name)
{
    mr_memory_groups *groups = &cluster->groups;
    for (uint32_t i = 0; i < groups->count; i++) {
        mr_memory_group *group = groups->group[i];
        if (strcmp(group->name, name) != 0)
            continue;
        if (group->members_count > 0)
            return false;
        /* The object stays: a client that is opened but has not joined points to it. */
        for (uint32_t o = 0; o < group->offsets_count; o++) {
            free(group->offset[o].topic);
            free(group->offset[o].metadata);
        }
        group->offsets_count = 0;
    }
    return true;
}

/* ------------------------------------------------------------------------------- assignment */

static const char *order_key(const mr_memory_group_member *member)
{
    return member->instance_id != NULL ? member->instance_id : member->id;
}

static int compare_members(const void *left, const void *right)
{
    const mr_memory_group_member *const *a = left;
    const mr_memory_group_member *const *b = right;
    return strcmp(order_key(*a), order_key(*b));
}

static void give(mr_memory_group_member *member, int32_t partition, int32_t partitions_max)
{
    if (member->partitions == NULL) {
        member->partitions = calloc((size_t)partitions_max, sizeof *member->partitions);
        if (member->partitions == NULL)
            abort();
    }
    member->partitions[member->partitions_count++] = partition;
}

static void assign(mr_memory_cluster *cluster, mr_memory_group *group)
{
    qsort(group->member, group->members_count, sizeof(mr_memory_group_member *), compare_members);
    for (uint32_t i = 0; i < group->members_count; i++) {
        free(group->member[i]->partitions);
        group->member[i]->partitions = NULL;
        group->member[i]->partitions_count = 0;
    }
    /* All members of a job's group subscribe to its state topic, so the first one's says it all. */
    const mr_memory_topic *topic = mr_memory_cluster_topic(cluster, group->member[0]->topic);
    int32_t partitions = topic != NULL ? topic->partitions_count : 0;
    for (int32_t p = 0; p < partitions; p++)
        give(group->member[(uint32_t)p % group->members_count], p, partitions);
}

static void complete_when_all_joined(mr_memory_cluster *cluster, mr_memory_group *group)
{
    for (uint32_t i = 0; i < group->members_count; i++)
        if (!group->member[i]->has_joined)
            return;
    group->generation++;
    group->state = MR_MEMORY_GROUP_EMPTY;
    if (group->members_count > 0) {
        group->state = MR_MEMORY_GROUP_STABLE;
        assign(cluster, group);
    }
    mr_memory_cluster_wake(cluster);
}

void mr_memory_group_rebalance(mr_memory_cluster *cluster, mr_memory_group *group)
{
    if (group->state == MR_MEMORY_GROUP_REBALANCING)
        return;
    group->state = MR_MEMORY_GROUP_REBALANCING;
    group->rebalancing_since_us = cluster->clock->monotonic_us(cluster->clock);
    for (uint32_t i = 0; i < group->members_count; i++)
        group->member[i]->has_joined = false;
    mr_memory_cluster_wake(cluster);
}

/* ---------------------------------------------------------------------------------- members */

mr_memory_group_member *mr_memory_group_member_of(const mr_memory_group *group, const char *id)
{
    for (uint32_t i = 0; i < group->members_count; i++)
        if (strcmp(group->member[i]->id, id) == 0)
            return group->member[i];
    return NULL;
}

static mr_memory_group_member *member_of_instance(const mr_memory_group *group,
                                                  const char *instance_id)
{
    for (uint32_t i = 0; instance_id != NULL && i < group->members_count; i++) {
        const char *known = group->member[i]->instance_id;
        if (known != NULL && strcmp(known, instance_id) == 0)
            return group->member[i];
    }
    return NULL;
}

bool mr_memory_group_has_instance(const mr_memory_group *group, const char *instance_id)
{
    return member_of_instance(group, instance_id) != NULL;
}

static mr_memory_group_member *new_member(mr_memory_group *group, const mr_member_options *options)
{
    group->member = mr_memory_grow(group->member, group->members_count, &group->members_capacity,
                                   sizeof *group->member);
    mr_memory_group_member *member = calloc(1, sizeof *member);
    if (member == NULL)
        abort();
    member->instance_id = copy_text(options->instance_id);
    member->topic = copy_text(options->topic);
    group->member[group->members_count++] = member;
    return member;
}

mr_memory_group_member *mr_memory_group_join(mr_memory_cluster *cluster, mr_memory_group *group,
                                             const mr_member_options *options,
                                             const struct mr_memory_process *process)
{
    mr_memory_group_member *member = member_of_instance(group, options->instance_id);
    bool is_back = member != NULL && strcmp(member->topic, options->topic) == 0;
    if (member == NULL)
        member = new_member(group, options);
    /* Numbered with leading zeroes, so that the order of dynamic members is the order of
     * joining. */
    snprintf(member->id, sizeof member->id, "member-%010llu",
             (unsigned long long)cluster->groups.member_next++);
    member->process = process;
    member->polled_us = -1;
    if (is_back && group->state == MR_MEMORY_GROUP_STABLE)
        return member;
    mr_memory_group_rebalance(cluster, group);
    mr_memory_group_rejoin(cluster, group, member);
    return member;
}

void mr_memory_group_rejoin(mr_memory_cluster *cluster, mr_memory_group *group,
                            mr_memory_group_member *member)
{
    member->has_joined = true;
    if (group->state == MR_MEMORY_GROUP_REBALANCING)
        complete_when_all_joined(cluster, group);
}

void mr_memory_group_expel(mr_memory_cluster *cluster, mr_memory_group *group,
                           mr_memory_group_member *member)
{
    for (uint32_t i = 0; i < group->members_count; i++) {
        if (group->member[i] != member)
            continue;
        memmove(&group->member[i], &group->member[i + 1],
                (group->members_count - i - 1) * sizeof *group->member);
        group->members_count--;
        break;
    }
    free_member(member);
    mr_memory_group_rebalance(cluster, group);
    complete_when_all_joined(cluster, group);
}

void mr_memory_group_leave(mr_memory_cluster *cluster, mr_memory_group *group,
                           mr_memory_group_member *member)
{
    if (member->instance_id == NULL) {
        mr_memory_group_expel(cluster, group, member);
        return;
    }
    member->silent_since_us = cluster->clock->monotonic_us(cluster->clock);
    member->process = NULL;
}

bool mr_memory_group_is_current(const mr_memory_group *group, mr_memory_claim claim)
{
    return mr_memory_group_member_of(group, claim.member_id) != NULL &&
           group->generation == claim.generation;
}

/* ---------------------------------------------------------------------------------- offsets */

static mr_memory_group_offset *find_offset(const mr_memory_group *group, const char *topic,
                                           int32_t partition, int64_t producer_id)
{
    for (uint32_t i = 0; i < group->offsets_count; i++) {
        mr_memory_group_offset *known = &group->offset[i];
        if (known->partition == partition && known->producer_id == producer_id &&
            strcmp(known->topic, topic) == 0)
            return known;
    }
    return NULL;
}

static void put_offset(mr_memory_group *group, const mr_log_offset *offset, int64_t producer_id)
{
    mr_memory_group_offset *known =
        find_offset(group, offset->topic, offset->partition, producer_id);
    if (known == NULL) {
        group->offset = mr_memory_grow(group->offset, group->offsets_count,
                                       &group->offsets_capacity, sizeof *group->offset);
        known = &group->offset[group->offsets_count++];
        *known = (mr_memory_group_offset){.topic = copy_text(offset->topic),
                                          .partition = offset->partition,
                                          .producer_id = producer_id};
    }
    char *metadata = copy_text(offset->metadata);
    free(known->metadata);
    known->metadata = metadata;
    known->offset = offset->offset;
}

void mr_memory_group_commit(mr_memory_cluster *cluster, mr_memory_group *group,
                            const mr_log_offset *offsets, uint32_t count, int64_t producer_id)
{
    for (uint32_t i = 0; i < count; i++)
        put_offset(group, &offsets[i], producer_id);
    mr_memory_cluster_wake(cluster);
}

const mr_memory_group_offset *mr_memory_group_offset_of(const mr_memory_group *group,
                                                        const char *topic, int32_t partition,
                                                        bool *is_pending)
{
    const mr_memory_group_offset *committed = NULL;
    *is_pending = false;
    for (uint32_t i = 0; group != NULL && i < group->offsets_count; i++) {
        const mr_memory_group_offset *known = &group->offset[i];
        if (known->partition != partition || strcmp(known->topic, topic) != 0)
            continue;
        if (known->producer_id >= 0)
            *is_pending = true;
        else
            committed = known;
    }
    return committed;
}

static void end_pending(mr_memory_group *group, uint32_t i, bool is_commit)
{
    mr_memory_group_offset pending = group->offset[i];
    group->offset[i] = group->offset[--group->offsets_count];
    if (is_commit) {
        mr_log_offset offset = {pending.topic, pending.partition, pending.offset, pending.metadata};
        put_offset(group, &offset, -1);
    }
    free(pending.topic);
    free(pending.metadata);
}

void mr_memory_groups_end(mr_memory_cluster *cluster, int64_t producer_id, bool is_commit)
{
    for (uint32_t g = 0; g < cluster->groups.count; g++) {
        mr_memory_group *group = cluster->groups.group[g];
        for (uint32_t i = group->offsets_count; i-- > 0;)
            if (i < group->offsets_count && group->offset[i].producer_id == producer_id)
                end_pending(group, i, is_commit);
    }
}

/* ----------------------------------------------------------------------------------- timers */

/* When the member is given up; INT64_MAX while it heartbeats and has answered. */
static int64_t due_of(const mr_memory_cluster *cluster, const mr_memory_group *group,
                      const mr_memory_group_member *member)
{
    int64_t due_us = INT64_MAX;
    int64_t silent_us = member->process != NULL ? mr_memory_process_silent_since(member->process)
                                                : member->silent_since_us;
    if (silent_us >= 0)
        due_us = silent_us + cluster->options.session_timeout_ms * INT64_C(1000);
    if (cluster->options.poll_interval_ms > 0 && member->polled_us >= 0) {
        int64_t poll_us = member->polled_us + cluster->options.poll_interval_ms * INT64_C(1000);
        due_us = poll_us < due_us ? poll_us : due_us;
    }
    if (group->state == MR_MEMORY_GROUP_REBALANCING && !member->has_joined) {
        int64_t answer_us =
            group->rebalancing_since_us + cluster->options.rebalance_timeout_ms * INT64_C(1000);
        due_us = answer_us < due_us ? answer_us : due_us;
    }
    return due_us;
}

static int64_t run_group(mr_memory_cluster *cluster, mr_memory_group *group, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    uint32_t i = 0;
    while (i < group->members_count) {
        int64_t due_us = due_of(cluster, group, group->member[i]);
        if (due_us <= now_us) {
            mr_memory_group_expel(cluster, group, group->member[i]);
            /* The order of the rest, and what is due, may have changed. */
            i = 0;
            next_us = INT64_MAX;
            continue;
        }
        next_us = due_us < next_us ? due_us : next_us;
        i++;
    }
    return next_us;
}

int64_t mr_memory_groups_run(mr_memory_cluster *cluster, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    for (uint32_t g = 0; g < cluster->groups.count; g++) {
        int64_t due_us = run_group(cluster, cluster->groups.group[g], now_us);
        next_us = due_us < next_us ? due_us : next_us;
    }
    return next_us;
}
