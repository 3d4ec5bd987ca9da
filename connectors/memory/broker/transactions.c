#include "connectors/memory/broker/transactions.h"

#include "connectors/memory/broker/cluster.h"
#include "connectors/memory/broker/grow.h"

#include <stdlib.h>
#include <string.h>

void mr_memory_transactions_release(mr_memory_transactions *transactions)
{
    for (uint32_t i = 0; i < transactions->count; i++) {
        free(transactions->transaction[i]->id);
        free(transactions->transaction[i]->partition);
        free(transactions->transaction[i]);
    }
    free(transactions->transaction);
    free(transactions->late);
    *transactions = (mr_memory_transactions){0};
}

static mr_memory_transaction *by_id(mr_memory_cluster *cluster, const char *id)
{
    mr_memory_transactions *all = &cluster->transactions;
    for (uint32_t i = 0; i < all->count; i++)
        if (strcmp(all->transaction[i]->id, id) == 0)
            return all->transaction[i];
    all->transaction =
        mr_memory_grow(all->transaction, all->count, &all->capacity, sizeof *all->transaction);
    mr_memory_transaction *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL || (fresh->id = strdup(id)) == NULL)
        abort();
    fresh->producer_id = all->producer_id_next++;
    fresh->epoch = -1;
    fresh->timeout_us = INT64_C(60000000);
    all->transaction[all->count++] = fresh;
    return fresh;
}

static mr_memory_transaction *by_producer(const mr_memory_cluster *cluster, int64_t producer_id)
{
    const mr_memory_transactions *all = &cluster->transactions;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->transaction[i]->producer_id == producer_id)
            return all->transaction[i];
    return NULL;
}

/* Writes the markers that are still missing. */
static void finish(mr_memory_cluster *cluster, mr_memory_transaction *transaction)
{
    if (!transaction->is_ending)
        return;
    int64_t now_ms = cluster->clock->wall_ms(cluster->clock);
    for (uint32_t i = 0; i < transaction->partitions_count; i++)
        mr_memory_partition_end(transaction->partition[i], transaction->producer_id,
                                transaction->ended_by_commit, now_ms);
    mr_memory_groups_end(cluster, transaction->producer_id, transaction->ended_by_commit);
    transaction->partitions_count = 0;
    transaction->is_ending = false;
    mr_memory_cluster_wake(cluster);
}

/* Writes markers to the partitions that are to hear of the end at once. */
static void tell_some(mr_memory_cluster *cluster, mr_memory_transaction *transaction,
                      uint64_t at_once)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < transaction->partitions_count; i++) {
        mr_memory_partition *partition = transaction->partition[i];
        if ((at_once >> i % 64 & 1) == 0)
            transaction->partition[kept++] = partition;
        else
            mr_memory_partition_end(partition, transaction->producer_id,
                                    transaction->ended_by_commit,
                                    cluster->clock->wall_ms(cluster->clock));
    }
    transaction->partitions_count = kept;
}

/* splitmix64 */
static uint64_t draw(mr_memory_cluster *cluster)
{
    uint64_t z = cluster->options.seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool is_to_hang(mr_memory_cluster *cluster)
{
    return cluster->options.hanging > 0 && draw(cluster) % 1000000 < cluster->options.hanging;
}

static void end(mr_memory_cluster *cluster, mr_memory_transaction *transaction, bool is_commit,
                mr_memory_markers markers)
{
    if (!transaction->is_open)
        return;
    transaction->is_open = false;
    transaction->is_ending = true;
    transaction->ended_by_commit = is_commit;
    transaction->ending_due_us = cluster->clock->monotonic_us(cluster->clock) + markers.late_us;
    if (markers.late_us == 0)
        finish(cluster, transaction);
    else
        tell_some(cluster, transaction, markers.at_once);
}

/* An abort, of the coordinator on its own account or because it was asked. Its markers may be left
 * out, and those of the next one as well, but no more of them than `hanging_in_a_row`. */
static void give_up(mr_memory_cluster *cluster, mr_memory_transaction *transaction,
                    mr_memory_markers markers)
{
    uint32_t most = cluster->options.hanging_in_a_row;
    if (!transaction->is_open || transaction->hung_in_a_row >= (most > 0 ? most : 1) ||
        !is_to_hang(cluster)) {
        if (transaction->is_open)
            transaction->hung_in_a_row = 0;
        end(cluster, transaction, false, markers);
        return;
    }
    transaction->hung_in_a_row++;
    transaction->is_open = false;
    transaction->ended_by_commit = false;
    uint64_t lots = cluster->options.hangs_partly ? draw(cluster) : 0;
    if (lots % 4 != 0)
        tell_some(cluster, transaction, lots >> 3);
    if (lots % 4 != 0 && (lots >> 2 & 1) != 0)
        mr_memory_groups_end(cluster, transaction->producer_id, false);
    transaction->partitions_count = 0;
    cluster->transactions.hung++;
}

mr_memory_identity mr_memory_transactions_init(mr_memory_cluster *cluster, const char *id,
                                               int64_t timeout_us, bool *had_open)
{
    if (id == NULL)
        return (mr_memory_identity){.producer_id = cluster->transactions.producer_id_next++};
    mr_memory_transaction *transaction = by_id(cluster, id);
    if (had_open != NULL)
        *had_open = transaction->is_open;
    /* The epoch goes up first: the markers carry it, so that a zombie's request finds it bumped. */
    transaction->epoch++;
    finish(cluster, transaction);
    give_up(cluster, transaction, (mr_memory_markers){0});
    if (timeout_us > 0)
        transaction->timeout_us = timeout_us;
    return (mr_memory_identity){transaction->producer_id, transaction->epoch, true};
}

bool mr_memory_transactions_is_current(const mr_memory_cluster *cluster,
                                       mr_memory_identity identity)
{
    if (!identity.is_transactional)
        return true;
    return by_producer(cluster, identity.producer_id)->epoch == identity.epoch;
}

void mr_memory_transactions_touch(mr_memory_cluster *cluster, mr_memory_identity identity,
                                  mr_memory_partition *partition)
{
    mr_memory_transaction *transaction = by_producer(cluster, identity.producer_id);
    finish(cluster, transaction);
    if (!transaction->is_open) {
        transaction->is_open = true;
        transaction->opened_us = cluster->clock->monotonic_us(cluster->clock);
    }
    for (uint32_t i = 0; i < transaction->partitions_count; i++)
        if (transaction->partition[i] == partition)
            return;
    if (partition == NULL)
        return;
    transaction->partition =
        mr_memory_grow(transaction->partition, transaction->partitions_count,
                       &transaction->partitions_capacity, sizeof *transaction->partition);
    transaction->partition[transaction->partitions_count++] = partition;
}

mr_memory_end mr_memory_transactions_end(mr_memory_cluster *cluster, mr_memory_identity identity,
                                         bool is_commit, mr_memory_markers markers)
{
    mr_memory_transaction *transaction = by_producer(cluster, identity.producer_id);
    if (transaction->epoch != identity.epoch)
        return MR_MEMORY_END_FENCED;
    if (!transaction->is_open && transaction->ended_by_commit != is_commit)
        return MR_MEMORY_END_OTHERWISE;
    if (is_commit)
        end(cluster, transaction, true, markers);
    else
        give_up(cluster, transaction, markers);
    return MR_MEMORY_END_DONE;
}

void mr_memory_transactions_end_later(mr_memory_cluster *cluster, mr_memory_identity identity,
                                      bool is_commit, int64_t due_us)
{
    mr_memory_transactions *all = &cluster->transactions;
    all->late = mr_memory_grow(all->late, all->late_count, &all->late_capacity, sizeof *all->late);
    all->late[all->late_count++] = (mr_memory_late_end){due_us, identity, is_commit};
}

/* Late ends are played in the order in which they are due, not in which they were sent. */
static int64_t run_late(mr_memory_cluster *cluster, int64_t now_us)
{
    mr_memory_transactions *all = &cluster->transactions;
    for (;;) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < all->late_count; i++)
            if (all->late[i].due_us < all->late[first].due_us)
                first = i;
        if (all->late_count == 0)
            return INT64_MAX;
        mr_memory_late_end late = all->late[first];
        if (late.due_us > now_us)
            return late.due_us;
        all->late[first] = all->late[--all->late_count];
        (void)mr_memory_transactions_end(cluster, late.identity, late.is_commit,
                                         (mr_memory_markers){0});
    }
}

static int64_t run_one(mr_memory_cluster *cluster, mr_memory_transaction *transaction,
                       int64_t now_us)
{
    int64_t due_us = INT64_MAX;
    if (transaction->is_open)
        due_us = transaction->opened_us + transaction->timeout_us;
    if (transaction->is_ending)
        due_us = transaction->ending_due_us;
    if (due_us > now_us)
        return due_us;
    if (transaction->is_open) {
        transaction->epoch++;
        give_up(cluster, transaction, (mr_memory_markers){0});
    }
    finish(cluster, transaction);
    return INT64_MAX;
}

int64_t mr_memory_transactions_run(mr_memory_cluster *cluster, int64_t now_us)
{
    mr_memory_transactions *all = &cluster->transactions;
    int64_t next_us = run_late(cluster, now_us);
    for (uint32_t i = 0; i < all->count; i++) {
        int64_t due_us = run_one(cluster, all->transaction[i], now_us);
        next_us = due_us < next_us ? due_us : next_us;
    }
    return next_us;
}

void mr_memory_transactions_forget(mr_memory_cluster *cluster, const mr_memory_partition *partition)
{
    mr_memory_transactions *all = &cluster->transactions;
    for (uint32_t i = 0; i < all->count; i++) {
        mr_memory_transaction *transaction = all->transaction[i];
        for (uint32_t p = transaction->partitions_count; p-- > 0;)
            if (transaction->partition[p] == partition)
                transaction->partition[p] = transaction->partition[--transaction->partitions_count];
    }
}
