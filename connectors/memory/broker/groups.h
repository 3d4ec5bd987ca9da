/*
 * The group coordinator of the memory log: members, generations, committed offsets.
 *
 * The classic protocol with eager rebalances: a join of a member, or one that is gone, opens a
 * rebalance; it ends with the next generation once every member has joined again (or is gone).
 * During it the old generation may still commit. Members heartbeat by themselves as long as their
 * process lives; one that falls silent is removed after the session timeout. A static member (with
 * an instance id) that comes back within that time gets its partitions without a rebalance, and
 * whoever held the instance id before is fenced.
 *
 *   EMPTY --join--> REBALANCING --all joined--> STABLE --join, leave, silence--> REBALANCING
 *
 * Thread: under the cluster's lock.
 */
#ifndef MR_CONNECTORS_MEMORY_BROKER_GROUPS_H
#define MR_CONNECTORS_MEMORY_BROKER_GROUPS_H

#include "engine/ports/log.h"

struct mr_memory_cluster;
struct mr_memory_process;

#define MR_MEMORY_METADATA_MAX 4096u
#define MR_MEMORY_MEMBER_ID_MAX 64

typedef enum mr_memory_group_state {
    MR_MEMORY_GROUP_EMPTY = 0,
    MR_MEMORY_GROUP_REBALANCING,
    MR_MEMORY_GROUP_STABLE,
} mr_memory_group_state;

typedef struct mr_memory_group_member {
    char id[MR_MEMORY_MEMBER_ID_MAX];
    char *instance_id; /* NULL: dynamic */
    char *topic;
    const struct mr_memory_process *process; /* whose life is the heartbeat; NULL: closed */
    int64_t silent_since_us;                 /* of a closed member */
    bool has_joined;                         /* the rebalance under way */
    int64_t polled_us;                       /* last; -1: not yet */
    int32_t *partitions;
    uint32_t partitions_count;
} mr_memory_group_member;

typedef struct mr_memory_group_offset {
    char *topic;
    int32_t partition;
    int64_t offset;
    char *metadata;
    int64_t producer_id; /* of the open transaction it is pending in; -1: committed */
} mr_memory_group_offset;

typedef struct mr_memory_group {
    char *name;
    mr_memory_group_state state;
    int32_t generation;
    int64_t rebalancing_since_us;
    mr_memory_group_member **member;
    uint32_t members_count;
    uint32_t members_capacity;
    mr_memory_group_offset *offset;
    uint32_t offsets_count;
    uint32_t offsets_capacity;
} mr_memory_group;

typedef struct mr_memory_groups {
    mr_memory_group **group;
    uint32_t count;
    uint32_t capacity;
    uint64_t member_next;
} mr_memory_groups;

/* Which member asks, and of which generation it believes to be. */
typedef struct mr_memory_claim {
    const char *member_id;
    int32_t generation;
} mr_memory_claim;

void mr_memory_groups_release(mr_memory_groups *groups);

/* The group of that name; NULL when there is none and not `create`. */
mr_memory_group *mr_memory_groups_find(struct mr_memory_cluster *cluster, const char *name,
                                       bool create);

/* Forgets offsets and group; false when it has members. */
bool mr_memory_groups_delete(struct mr_memory_cluster *cluster, const char *name);

/* Makes a member and joins it. */
mr_memory_group_member *mr_memory_group_join(struct mr_memory_cluster *cluster,
                                             mr_memory_group *group,
                                             const mr_member_options *options,
                                             const struct mr_memory_process *process);
/* A member that answers a rebalance. */
void mr_memory_group_rejoin(struct mr_memory_cluster *cluster, mr_memory_group *group,
                            mr_memory_group_member *member);

/* A dynamic member is removed, a static one falls silent. */
void mr_memory_group_leave(struct mr_memory_cluster *cluster, mr_memory_group *group,
                           mr_memory_group_member *member);

/* Throws a member out as if its session had timed out. */
void mr_memory_group_expel(struct mr_memory_cluster *cluster, mr_memory_group *group,
                           mr_memory_group_member *member);

void mr_memory_group_rebalance(struct mr_memory_cluster *cluster, mr_memory_group *group);

mr_memory_group_member *mr_memory_group_member_of(const mr_memory_group *group, const char *id);
bool mr_memory_group_has_instance(const mr_memory_group *group, const char *instance_id);

/* True while the claimed member is of the current generation. */
bool mr_memory_group_is_current(const mr_memory_group *group, mr_memory_claim claim);

/* Commits offsets, or leaves them pending in a producer's transaction (`producer_id` >= 0). */
void mr_memory_group_commit(struct mr_memory_cluster *cluster, mr_memory_group *group,
                            const mr_log_offset *offsets, uint32_t count, int64_t producer_id);

/* The committed offset of (topic, partition); NULL: none. `is_pending`: an open transaction has
 * another one. `group` may be NULL. */
const mr_memory_group_offset *mr_memory_group_offset_of(const mr_memory_group *group,
                                                        const char *topic, int32_t partition,
                                                        bool *is_pending);

/* A producer's transaction ended: its pending offsets count or vanish, in all groups. */
void mr_memory_groups_end(struct mr_memory_cluster *cluster, int64_t producer_id, bool is_commit);

/* Removes silent members and those that did not answer a rebalance; returns when the next is
 * due. */
int64_t mr_memory_groups_run(struct mr_memory_cluster *cluster, int64_t now_us);

#endif
