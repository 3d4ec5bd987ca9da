/*
 * Writer: one producer, transactional or only idempotent.
 *
 * Calls that may wait for a broker for long are made in slices, so that the log's `is_stopping` can
 * end them; send_offsets, which ignores its timeout, runs on a helper thread. A writer whose
 * send_offsets was given up is dead: `close` leaves the producer to that thread, which destroys it
 * when librdkafka lets go (at the latest the process's exit does).
 *
 * A batch that the broker refused (its record is told by `failures`) leaves a gap in librdkafka's
 * sequence numbers: `abort` then aborts, but answers recovery WRITER, since the next transaction
 * would fail too. A batch refused as too large names no record: recovery WRITER as well; the next
 * writer of this log keeps its batches below the topic's limit, so that a record that is too large
 * by itself is refused alone.
 *
 * After a commit in which a transactional request stayed unanswered the writer answers
 * MR_E_KAFKA_IN_DOUBT (guard.h) and so does each call after it: it must be replaced.
 */
#ifndef MR_CONNECTORS_KAFKA_WRITER_WRITER_H
#define MR_CONNECTORS_KAFKA_WRITER_WRITER_H

#include "connectors/kafka/client/client.h"
#include "connectors/kafka/writer/guard.h"

mr_status mr_kafka_writer_open(mr_log *log, const mr_writer_options *options,
                               mr_log_writer **writer, mr_error *err);

mr_status mr_kafka_knock(mr_log *log, const char *transactional_id, mr_error *err);

/* The writer's guard, for tests. */
mr_kafka_guard *mr_kafka_writer_guard(mr_log_writer *writer);
rd_kafka_t *mr_kafka_writer_handle(mr_log_writer *writer);

#endif
