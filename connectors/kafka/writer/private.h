/*
 * A writer's parts: what produce.c, transaction.c and writer.c share.
 *
 * Thread: the writer's, but for what `lock` guards.
 */
#ifndef MR_CONNECTORS_KAFKA_WRITER_PRIVATE_H
#define MR_CONNECTORS_KAFKA_WRITER_PRIVATE_H

#include "connectors/kafka/writer/deliveries.h"
#include "connectors/kafka/writer/writer.h"

#define MR_KAFKA_SLICE_MS 250 /* of a blocking call, between two looks at is_stopping */
#define MR_KAFKA_RUN_MAX 1024 /* records of one rd_kafka_produce_batch */

typedef struct mr_kafka_writer {
    mr_log_writer base;
    mr_kafka_client client;
    mr_kafka_guard guard;
    mr_kafka_deliveries deliveries;
    mr_kafka_log *log;
    char *bootstrap;
    char *transactional_id;
    bool has_small_batches; /* batches are kept below the log's batch_bytes_max */
    bool (*is_stopping)(void *hook);
    void *hook;
    bool is_in_transaction;
    bool is_aborting; /* reports of purged records are no failures then */
    bool is_in_doubt;

    /* Of one run, MR_KAFKA_RUN_MAX each. */
    rd_kafka_message_t *run;
    int32_t *places;  /* partition of each record */
    uint32_t *order;  /* the records by partition */
    uint32_t *starts; /* [starts_count]: where a partition's records begin in `order` */
    int32_t starts_count;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_sending;   /* the helper thread is inside of librdkafka */
    bool is_abandoned; /* close came meanwhile: the thread frees the writer */
} mr_kafka_writer;

static inline mr_kafka_writer *mr_kafka_writer_of(mr_log_writer *base)
{
    return (mr_kafka_writer *)base;
}

void mr_kafka_writer_free(void *writer);

/* -- patience.c: waiting for a broker that is away -- */

typedef struct mr_kafka_patience {
    int64_t start_ms;
    int64_t stopping_ms; /* since when the process wants to stop; 0: it does not */
    int64_t told_ms;
} mr_kafka_patience;

mr_kafka_patience mr_kafka_patience_start(void);

/* False when the wait is to be given up. Writes a line now and then. */
bool mr_kafka_patience_holds(mr_kafka_patience *p, const mr_kafka_writer *w, const char *what);

/* The error of a wait that was given up: recovery WRITER. */
mr_status mr_kafka_given_up(const mr_kafka_writer *w, const char *what, mr_error *err);

/* Runs a call that times out after a slice and is resumed by calling it again. */
mr_status mr_kafka_writer_resume(mr_kafka_writer *w,
                                 rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms),
                                 const char *what, mr_error *err);

/* -- verdict.c: what the deliveries of this transaction so far mean -- */

mr_status mr_kafka_writer_verdict(mr_kafka_writer *w, mr_error *err);
uint32_t mr_kafka_writer_failures(mr_log_writer *base, const mr_log_failure **failures);

/* -- produce.c -- */

mr_status mr_kafka_writer_produce(mr_log_writer *base, const char *topic, int32_t partition,
                                  const mr_log_record *records, uint32_t count, mr_error *err);
mr_status mr_kafka_writer_flush(mr_log_writer *base, int32_t timeout_ms, mr_error *err);

/* -- transaction.c -- */

/* Refuses a writer that is in doubt. */
mr_status mr_kafka_writer_check(mr_kafka_writer *w, const char *what, mr_error *err);

mr_status mr_kafka_writer_begin(mr_log_writer *base, mr_error *err);
mr_status mr_kafka_writer_send_offsets(mr_log_writer *base, mr_log_member *member,
                                       const mr_log_offset *offsets, uint32_t count, mr_error *err);
mr_status mr_kafka_writer_commit(mr_log_writer *base, mr_error *err);
mr_status mr_kafka_writer_abort(mr_log_writer *base, mr_error *err);

#endif
