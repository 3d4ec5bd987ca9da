#include "connectors/memory/connection.h"

#include "engine/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* How long `committed` waits for an open transaction that holds other offsets. */
#define STABLE_WAIT_US INT64_C(5000000)

typedef enum member_phase {
    MEMBER_IDLE = 0, /* owns nothing: has joined, or joins at the next poll */
    MEMBER_OWNS,
    MEMBER_REVOKED, /* told, not released yet */
    MEMBER_LOST,
} member_phase;

typedef struct mr_memory_member {
    mr_log_member member;
    mr_memory_log *log;
    mr_memory_group *group;
    char *instance_id;
    char *topic;
    char id[MR_MEMORY_MEMBER_ID_MAX]; /* empty: not joined */
    int32_t generation;
    member_phase phase;
    bool is_told; /* a revoke or loss is told once */
    int32_t *partitions;
    uint32_t partitions_count;
} mr_memory_member;

static mr_memory_member *self_of(mr_log_member *member)
{
    return (mr_memory_member *)member;
}

mr_memory_group *mr_memory_member_group(const mr_log_member *member, mr_memory_claim *claim)
{
    const mr_memory_member *self = (const mr_memory_member *)member;
    *claim = (mr_memory_claim){self->id, self->generation};
    return self->group;
}

static void join(mr_memory_member *self)
{
    mr_member_options options = {.instance_id = self->instance_id, .topic = self->topic};
    const mr_memory_group_member *joined =
        mr_memory_group_join(self->log->cluster, self->group, &options, self->log->process);
    memcpy(self->id, joined->id, sizeof self->id);
}

static void keep_assignment(mr_memory_member *self, const mr_memory_group_member *member)
{
    free(self->partitions);
    self->partitions = NULL;
    self->partitions_count = member->partitions_count;
    if (member->partitions_count > 0) {
        size_t size = member->partitions_count * sizeof *self->partitions;
        self->partitions = malloc(size);
        if (self->partitions == NULL)
            abort();
        memcpy(self->partitions, member->partitions, size);
    }
    self->generation = self->group->generation;
    self->phase = MEMBER_OWNS;
}

/* What an owner learns from its heartbeat. */
static void heartbeat(mr_memory_member *self, const mr_memory_group_member *member)
{
    if (member == NULL)
        self->phase = MEMBER_LOST;
    else if (self->group->state != MR_MEMORY_GROUP_STABLE ||
             self->group->generation != self->generation)
        self->phase = MEMBER_REVOKED;
}

/* One step of the protocol; true when there is something to tell. */
static bool step(mr_memory_member *self, mr_member_event *event)
{
    mr_memory_group_member *member = mr_memory_group_member_of(self->group, self->id);
    if (self->phase == MEMBER_OWNS)
        heartbeat(self, member);
    if (self->phase == MEMBER_IDLE) {
        if (member == NULL)
            join(self);
        else if (!member->has_joined)
            mr_memory_group_rejoin(self->log->cluster, self->group, member);
        member = mr_memory_group_member_of(self->group, self->id);
        if (self->group->state != MR_MEMORY_GROUP_STABLE)
            return false;
        keep_assignment(self, member);
        event->kind = MR_MEMBER_ASSIGNED;
    } else if (!self->is_told && (self->phase == MEMBER_REVOKED || self->phase == MEMBER_LOST)) {
        self->is_told = true;
        event->kind = self->phase == MEMBER_LOST ? MR_MEMBER_LOST : MR_MEMBER_REVOKED;
    } else {
        return false;
    }
    event->partitions = self->partitions;
    event->partitions_count = self->partitions_count;
    return true;
}

static bool is_taken(const mr_memory_member *self)
{
    return self->instance_id != NULL && self->id[0] != '\0' &&
           mr_memory_group_member_of(self->group, self->id) == NULL &&
           mr_memory_group_has_instance(self->group, self->instance_id);
}

static void draw_rebalance(mr_memory_member *self)
{
    mr_memory_process *process = self->log->process;
    if (self->phase != MEMBER_OWNS ||
        !mr_memory_draw(process, process->faults.rebalance, "rebalance"))
        return;
    mr_memory_group_member *member = mr_memory_group_member_of(self->group, self->id);
    if (member != NULL && mr_memory_draw_below(process, 3) == 0)
        mr_memory_group_expel(self->log->cluster, self->group, member);
    else
        mr_memory_group_rebalance(self->log->cluster, self->group);
}

static void note_poll(mr_memory_member *self)
{
    mr_memory_group_member *member = mr_memory_group_member_of(self->group, self->id);
    if (member != NULL)
        member->polled_us = mr_memory_cluster_now_us(self->log->cluster);
}

static mr_status poll(mr_log_member *member, int32_t timeout_ms, mr_member_event *event,
                      mr_error *err)
{
    mr_memory_member *self = self_of(member);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "member.poll", err);
    if (status != MR_OK)
        return status;
    *event = (mr_member_event){.kind = MR_MEMBER_NOTHING};
    draw_rebalance(self);
    note_poll(self);
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + timeout_ms * INT64_C(1000);
    while (mr_memory_await_broker(log, until_us, NULL)) {
        if (is_taken(self)) {
            status = mr_error_set(err, MR_E_KAFKA_INSTANCE_TAKEN,
                                  "group %s: another member has taken over instance id %s",
                                  self->group->name, self->instance_id);
            break;
        }
        if (step(self, event) || !mr_memory_cluster_wait(log->cluster, until_us))
            break;
    }
    note_poll(self); /* it may have joined, and time has passed */
    return mr_memory_leave(log, status, err);
}

static mr_status release(mr_log_member *member, mr_error *err)
{
    mr_memory_member *self = self_of(member);
    mr_status status = mr_memory_enter(self->log, "member.release", err);
    if (status != MR_OK)
        return status;
    MR_ASSERT(self->phase == MEMBER_REVOKED || self->phase == MEMBER_LOST);
    self->phase = MEMBER_IDLE;
    self->is_told = false;
    self->generation = -1;
    mr_memory_group_member *known = mr_memory_group_member_of(self->group, self->id);
    if (known != NULL)
        mr_memory_group_rejoin(self->log->cluster, self->group, known);
    return mr_memory_leave(self->log, MR_OK, err);
}

static mr_status committed(mr_log_member *member, mr_log_offset *offsets, uint32_t count,
                           mr_arena *arena, mr_error *err)
{
    mr_memory_member *self = self_of(member);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "member.committed", err);
    if (status != MR_OK)
        return status;
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + STABLE_WAIT_US;
    if (!mr_memory_await_broker(log, until_us, NULL) ||
        mr_memory_fill_offsets(log, self->group, offsets, count, arena, STABLE_WAIT_US))
        status = mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                       "group %s: its offsets are not known yet, a transaction is "
                                       "open or the broker is away",
                                       self->group->name);
    return mr_memory_leave(log, status, err);
}

static mr_status check_metadata(const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (offsets[i].metadata != NULL && strlen(offsets[i].metadata) > MR_MEMORY_METADATA_MAX)
            return mr_error_set_recovery(err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH,
                                         "%s[%d]: offset metadata of %zu bytes is over %u",
                                         offsets[i].topic, offsets[i].partition,
                                         strlen(offsets[i].metadata), MR_MEMORY_METADATA_MAX);
    return MR_OK;
}

static mr_status commit(mr_log_member *member, const mr_log_offset *offsets, uint32_t count,
                        mr_error *err)
{
    mr_memory_member *self = self_of(member);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "member.commit", err);
    if (status != MR_OK)
        return status;
    (void)mr_memory_await_broker(log, INT64_MAX, NULL);
    mr_memory_claim claim = {self->id, self->generation};
    if (!mr_memory_group_is_current(self->group, claim))
        status = mr_error_set_recovery(err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
                                       "group %s: generation %d is not current", self->group->name,
                                       self->generation);
    if (status == MR_OK)
        status = check_metadata(offsets, count, err);
    if (status == MR_OK)
        mr_memory_group_commit(log->cluster, self->group, offsets, count, -1);
    return mr_memory_leave(log, status, err);
}

static void close_member(mr_log_member *member)
{
    mr_memory_member *self = self_of(member);
    mr_memory_log *log = self->log;
    bool is_alive = mr_memory_close_begin(log, "member.close");
    mr_memory_group_member *known = mr_memory_group_member_of(self->group, self->id);
    if (known != NULL && is_alive) {
        mr_memory_group_leave(log->cluster, self->group, known);
    } else if (known != NULL) {
        known->silent_since_us = mr_memory_process_silent_since(log->process);
        known->process = NULL;
    }
    free(self->partitions);
    free(self->instance_id);
    free(self->topic);
    free(self);
    mr_memory_close_end(log);
}

static const mr_member_class member_class = {
    .poll = poll,
    .release = release,
    .committed = committed,
    .commit = commit,
    .close = close_member,
};

mr_status mr_memory_member_open(mr_memory_log *log, const mr_member_options *options,
                                mr_log_member **member, mr_error *err)
{
    mr_memory_member *self = calloc(1, sizeof *self);
    if (self == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for a member");
    self->member.class = &member_class;
    self->log = log;
    self->group = mr_memory_groups_find(log->cluster, options->group, true);
    self->generation = -1;
    self->topic = strdup(options->topic);
    if (options->instance_id != NULL)
        self->instance_id = strdup(options->instance_id);
    if (self->topic == NULL || (options->instance_id != NULL && self->instance_id == NULL))
        abort();
    /* A client joins from its own thread, whether it is polled or not. */
    join(self);
    *member = &self->member;
    return MR_OK;
}
