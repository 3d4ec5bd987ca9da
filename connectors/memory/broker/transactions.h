/*
 * The transaction coordinator of the memory log: transactional ids, producer epochs, timeouts.
 *
 * It speaks what Kafka calls protocol V1: a request to end a transaction names a producer id and an
 * epoch, not a transaction. So a delayed one ends whatever that producer has open when it arrives;
 * only a bumped epoch (a successor's init, a timeout) refuses it. `end_later` plays exactly that.
 *
 * Thread: under the cluster's lock.
 */
#ifndef MR_CONNECTORS_MEMORY_BROKER_TRANSACTIONS_H
#define MR_CONNECTORS_MEMORY_BROKER_TRANSACTIONS_H

#include "connectors/memory/broker/partition.h"

struct mr_memory_cluster;

typedef struct mr_memory_transaction {
    char *id; /* transactional id */
    int64_t producer_id;
    int32_t epoch;
    int64_t timeout_us;
    bool is_open;
    bool ended_by_commit; /* the last one that ended; what a second request is compared with */
    int64_t opened_us;
    bool is_ending;         /* decided; what is in `partition`, and the groups, has no marker yet */
    uint32_t hung_in_a_row; /* aborts, the last of them, whose markers were left out */
    int64_t ending_due_us;
    mr_memory_partition **partition; /* touched by the open transaction */
    uint32_t partitions_count;
    uint32_t partitions_capacity;
} mr_memory_transaction;

/* Answer to a request to end a transaction. */
typedef enum mr_memory_end {
    MR_MEMORY_END_DONE = 0,  /* also when it had ended the same way before */
    MR_MEMORY_END_FENCED,    /* nothing happened */
    MR_MEMORY_END_OTHERWISE, /* it had ended the other way */
} mr_memory_end;

typedef struct mr_memory_late_end {
    int64_t due_us;
    mr_memory_identity identity;
    bool is_commit;
} mr_memory_late_end;

typedef struct mr_memory_transactions {
    mr_memory_transaction **transaction;
    uint32_t count;
    uint32_t capacity;
    mr_memory_late_end *late;
    uint32_t late_count;
    uint32_t late_capacity;
    int64_t producer_id_next;
    uint64_t hung; /* transactions so far whose end nobody was told */
} mr_memory_transactions;

void mr_memory_transactions_release(mr_memory_transactions *transactions);

/* A fresh idempotent producer, or with `id` the next epoch of a transactional one. What the
 * predecessor left open is aborted; `had_open` (may be NULL) says whether there was something.
 * `timeout_us` <= 0 keeps the id's. */
mr_memory_identity mr_memory_transactions_init(struct mr_memory_cluster *cluster, const char *id,
                                               int64_t timeout_us, bool *had_open);

/* False: the producer was fenced. */
bool mr_memory_transactions_is_current(const struct mr_memory_cluster *cluster,
                                       mr_memory_identity identity);

/* The producer's transaction now spans `partition` (NULL: offsets of a group only); opens it. */
void mr_memory_transactions_touch(struct mr_memory_cluster *cluster, mr_memory_identity identity,
                                  mr_memory_partition *partition);

/* When a transaction that ends tells its partitions and groups. All zero: at once. */
typedef struct mr_memory_markers {
    int64_t late_us;
    uint64_t at_once; /* a bit for each partition that hears of it at once nevertheless */
} mr_memory_markers;

/* Ends what the producer has open. The producer's next transaction, and a successor, wait for late
 * markers; readers do not. */
mr_memory_end mr_memory_transactions_end(struct mr_memory_cluster *cluster,
                                         mr_memory_identity identity, bool is_commit,
                                         mr_memory_markers markers);

/* The same request, still on its way until `due_us`. */
void mr_memory_transactions_end_later(struct mr_memory_cluster *cluster,
                                      mr_memory_identity identity, bool is_commit, int64_t due_us);

/* Plays what is due: late ends, and aborts with a bumped epoch what is over its timeout. Returns
 * when the next thing is due. */
int64_t mr_memory_transactions_run(struct mr_memory_cluster *cluster, int64_t now_us);

/* The partition is about to be freed. */
void mr_memory_transactions_forget(struct mr_memory_cluster *cluster,
                                   const mr_memory_partition *partition);

#endif
