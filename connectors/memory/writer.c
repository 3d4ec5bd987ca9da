/*
 * A writer is three things: the client's queue, the producer's identity at the broker, and the
 * state of its transaction as the client sees it:
 *
 *   IDLE --begin--> OPEN --commit, abort--> IDLE
 *                   OPEN --abortable error--> MUST_ABORT --abort--> IDLE
 *                   any  --fenced or in doubt--> DEAD (only close helps)
 *
 * Without the linger fault the queue is never used: records go straight to their partition. A
 * fenced writer's records die silently, and the next transactional call tells, as with librdkafka.
 */
#include "connectors/memory/connection.h"
#include "connectors/memory/partitioner.h"

#include "connectors/memory/broker/grow.h"

#include <stdlib.h>
#include <string.h>

/* A successor's init sleeps while the broker aborts what was open: librdkafka's fixed pause, and
 * what is left of it after a knock. */
#define INIT_PAUSE_US 500000
#define KNOCKED_PAUSE_US 50000

typedef enum writer_state {
    WRITER_IDLE = 0,
    WRITER_OPEN,
    WRITER_MUST_ABORT,
    WRITER_DEAD,
} writer_state;

/* What the writer knows of one partition. */
typedef struct writer_target {
    mr_memory_topic *topic; /* counted */
    int32_t partition;
    int64_t sequence;
    int64_t last_offset;
    uint32_t queued;
} writer_target;

typedef struct writer_queued {
    uint32_t target;
    mr_log_record record; /* bytes in the queue's arena */
} writer_queued;

typedef struct mr_memory_writer {
    mr_log_writer writer;
    mr_memory_log *log;
    mr_memory_identity identity;
    char *id;
    writer_state state;
    bool has_sent;   /* the broker knows of this transaction */
    bool has_failed; /* a delivery failed in this transaction, or since the last flush */
    mr_status dead_status;
    int32_t partition_turn; /* where records without a key go */
    writer_target *target;
    uint32_t targets_count;
    uint32_t targets_capacity;
    writer_queued *queue;
    uint32_t queue_first;
    uint32_t queue_count; /* incl. those before queue_first */
    uint32_t queue_capacity;
    size_t queue_bytes;
    mr_arena queue_arena;
    mr_log_failure *failure;
    uint32_t failures_count;
    uint32_t failures_capacity;
    mr_log_failure *told; /* what `failures` gave out last */
} mr_memory_writer;

static mr_memory_writer *self_of(mr_log_writer *writer)
{
    return (mr_memory_writer *)writer;
}

/* -------------------------------------------------------------------------------- delivering */

static uint32_t target_of(mr_memory_writer *self, mr_memory_topic *topic, int32_t partition)
{
    for (uint32_t i = 0; i < self->targets_count; i++)
        if (self->target[i].topic == topic && self->target[i].partition == partition)
            return i;
    self->target = mr_memory_grow(self->target, self->targets_count, &self->targets_capacity,
                                  sizeof *self->target);
    mr_memory_topic_ref(topic);
    self->target[self->targets_count] =
        (writer_target){.topic = topic, .partition = partition, .last_offset = -1};
    return self->targets_count++;
}

static void deliver(mr_memory_writer *self, writer_target *target, const mr_log_record *records,
                    uint32_t count)
{
    mr_memory_cluster *cluster = self->log->cluster;
    mr_memory_process *process = self->log->process;
    if (target->topic->is_deleted || !mr_memory_transactions_is_current(cluster, self->identity))
        return;
    mr_memory_partition *partition = &target->topic->partition[target->partition];
    if (self->identity.is_transactional) {
        mr_memory_transactions_touch(cluster, self->identity, partition);
        self->has_sent = true;
    }
    int64_t now_ms = mr_memory_cluster_wall_ms(cluster);
    bool again = mr_memory_draw(process, process->faults.resend, "batch sent twice");
    for (int n = again ? 2 : 1; n > 0; n--)
        target->last_offset = mr_memory_partition_append(partition, self->identity,
                                                         target->sequence, records, count, now_ms);
    target->sequence += count;
    mr_memory_cluster_wake(cluster);
}

static void deliver_queued(mr_memory_writer *self, uint64_t count)
{
    for (; count > 0 && self->queue_first < self->queue_count; count--) {
        const writer_queued *queued = &self->queue[self->queue_first++];
        writer_target *target = &self->target[queued->target];
        target->queued--;
        self->queue_bytes -= queued->record.key_length + queued->record.value_length;
        deliver(self, target, &queued->record, 1);
    }
    if (self->queue_first == self->queue_count) {
        self->queue_first = self->queue_count = 0;
        mr_arena_reset(&self->queue_arena);
    }
}

static void deliver_all(mr_memory_writer *self)
{
    deliver_queued(self, UINT64_MAX);
}

static void purge(mr_memory_writer *self)
{
    for (; self->queue_first < self->queue_count; self->queue_first++)
        self->target[self->queue[self->queue_first].target].queued--;
    self->queue_bytes = 0;
    deliver_all(self);
}

static void enqueue(mr_memory_writer *self, uint32_t target, const mr_log_record *record)
{
    mr_arena *arena = &self->queue_arena;
    self->queue =
        mr_memory_grow(self->queue, self->queue_count, &self->queue_capacity, sizeof *self->queue);
    mr_log_record copy = *record;
    if (record->key != NULL)
        copy.key = mr_arena_copy(arena, record->key, record->key_length);
    if (record->value != NULL)
        copy.value = mr_arena_copy(arena, record->value, record->value_length);
    mr_header *headers = mr_arena_alloc(arena, record->headers_count * sizeof *headers);
    for (uint32_t i = 0; i < record->headers_count; i++) {
        headers[i] = record->headers[i];
        headers[i].name = mr_arena_string(arena, headers[i].name, strlen(headers[i].name));
        if (headers[i].value != NULL)
            headers[i].value = mr_arena_copy(arena, headers[i].value, headers[i].value_length);
    }
    copy.headers = headers;
    self->queue[self->queue_count++] = (writer_queued){target, copy};
    self->target[target].queued++;
    self->queue_bytes += record->key_length + record->value_length;
}

static void fail(mr_memory_writer *self, const mr_memory_topic *topic, uint64_t tag,
                 const char *reason)
{
    self->failure = mr_memory_grow(self->failure, self->failures_count, &self->failures_capacity,
                                   sizeof *self->failure);
    mr_log_failure *failure = &self->failure[self->failures_count++];
    *failure = (mr_log_failure){.tag = tag, .status = MR_E_KAFKA_RECORD_REFUSED};
    strncpy(failure->topic, topic->name, sizeof failure->topic - 1);
    strncpy(failure->reason, reason, sizeof failure->reason - 1);
    self->has_failed = true;
}

/* ------------------------------------------------------------------------------------ states */

static mr_status dead(const mr_memory_writer *self, mr_error *err)
{
    const char *why = self->dead_status == MR_E_KAFKA_FENCED
                          ? "another writer has taken over, or the transaction timed out"
                          : "the outcome of its last request is not known";
    return mr_error_set_recovery(err, self->dead_status, MR_RECOVERY_WRITER, "writer %s: %s",
                                 self->id != NULL ? self->id : "(idempotent)", why);
}

static mr_status die(mr_memory_writer *self, mr_status status, mr_error *err)
{
    self->state = WRITER_DEAD;
    self->dead_status = status;
    return dead(self, err);
}

static mr_status abortable(mr_memory_writer *self, mr_error *err)
{
    self->state = WRITER_MUST_ABORT;
    return mr_error_set_recovery(err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH,
                                 "writer %s: the transaction must be aborted", self->id);
}

static mr_status failed(const mr_memory_writer *self, mr_error *err)
{
    const mr_log_failure *last =
        self->failures_count > 0 ? &self->failure[self->failures_count - 1] : NULL;
    return mr_error_set_recovery(err, MR_E_KAFKA_RECORD_REFUSED, MR_RECOVERY_RECORD,
                                 "a record was refused: %s%s%s", last != NULL ? last->topic : "",
                                 last != NULL ? ": " : "", last != NULL ? last->reason : "");
}

static mr_status misuse(const mr_memory_writer *self, const char *what, mr_error *err)
{
    return mr_error_set(err, MR_E_KAFKA_OTHER, "writer %s: %s",
                        self->id != NULL ? self->id : "(idempotent)", what);
}

/* What every transactional request meets first: the state of the client, then what is queued is
 * delivered, then its failures and the broker's fence. */
static mr_status ready_to_end(mr_memory_writer *self, mr_error *err)
{
    mr_memory_process *process = self->log->process;
    if (self->state == WRITER_DEAD)
        return dead(self, err);
    if (self->state == WRITER_IDLE)
        return misuse(self, "no transaction is open", err);
    if (self->state == WRITER_MUST_ABORT)
        return abortable(self, err);
    deliver_all(self);
    if (!mr_memory_transactions_is_current(self->log->cluster, self->identity))
        return die(self, MR_E_KAFKA_FENCED, err);
    if (self->has_failed)
        return failed(self, err);
    if (mr_memory_draw(process, process->faults.abortable, "abortable error"))
        return abortable(self, err);
    return MR_OK;
}

/* ---------------------------------------------------------------------------- the port's calls */

static mr_status begin(mr_log_writer *writer, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_status status = mr_memory_enter(self->log, "writer.begin", err);
    if (status != MR_OK)
        return status;
    if (self->state == WRITER_DEAD) {
        status = dead(self, err);
    } else if (self->state != WRITER_IDLE || !self->identity.is_transactional) {
        status = misuse(self, "cannot begin a transaction here", err);
    } else {
        self->state = WRITER_OPEN;
        self->has_sent = self->has_failed = false;
        self->failures_count = 0;
    }
    return mr_memory_leave(self->log, status, err);
}

static bool is_refused(mr_memory_writer *self, const mr_memory_topic *topic,
                       const mr_log_record *record)
{
    const mr_memory_faults *faults = &self->log->process->faults;
    if (record->key_length + record->value_length > topic->record_bytes_max) {
        fail(self, topic, record->tag, "the record is larger than max.message.bytes");
        return true;
    }
    if (faults->refused_topic != NULL && strcmp(faults->refused_topic, topic->name) != 0)
        return false;
    if (!mr_memory_draw(self->log->process, faults->refused, "record refused"))
        return false;
    fail(self, topic, record->tag, "refused by seed");
    return true;
}

static int32_t choose(const mr_memory_writer *self, const mr_memory_topic *topic,
                      const mr_log_record *record)
{
    if (record->key != NULL)
        return mr_memory_partition_of_key(record->key, record->key_length, topic->partitions_count);
    return self->partition_turn % topic->partitions_count;
}

/* Sends records in runs to one partition: a batch is one append. */
static void send(mr_memory_writer *self, mr_memory_topic *topic, int32_t partition,
                 const mr_log_record *records, uint32_t count)
{
    mr_memory_process *process = self->log->process;
    /* Records without a key stay together for a call, so that it is one append. */
    self->partition_turn = (self->partition_turn + 1) & INT32_MAX;
    bool is_lingering =
        self->queue_count > 0 || mr_memory_draw(process, process->faults.linger, "records linger");
    uint32_t first = 0;
    uint32_t run_target = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_bad = is_refused(self, topic, &records[i]);
        int32_t chosen = partition >= 0 ? partition : choose(self, topic, &records[i]);
        uint32_t target = target_of(self, topic, chosen);
        if (is_lingering) {
            if (!is_bad)
                enqueue(self, target, &records[i]);
            continue;
        }
        if (i > first && (is_bad || target != run_target)) {
            deliver(self, &self->target[run_target], &records[first], i - first);
            first = i;
        }
        run_target = target;
        if (is_bad)
            first = i + 1;
    }
    if (!is_lingering && first < count)
        deliver(self, &self->target[run_target], &records[first], count - first);
    if (is_lingering)
        deliver_queued(self, mr_memory_draw_below(process, self->queue_count + 1u));
}

static mr_status check_produce(mr_memory_writer *self, const mr_memory_topic *topic,
                               const char *topic_name, int32_t partition, mr_error *err)
{
    mr_memory_process *process = self->log->process;
    if (self->state == WRITER_DEAD)
        return dead(self, err);
    if (self->state == WRITER_MUST_ABORT)
        return abortable(self, err);
    if (self->identity.is_transactional && self->state != WRITER_OPEN)
        return misuse(self, "produce outside of a transaction", err);
    if (topic == NULL)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING, "topic %s does not exist", topic_name);
    if (partition >= topic->partitions_count)
        return mr_error_set(err, MR_E_KAFKA_TOPIC_MISSING,
                            "topic %s has no partition %d, only %d of them", topic_name, partition,
                            topic->partitions_count);
    if (self->identity.is_transactional &&
        mr_memory_draw(process, process->faults.abortable, "abortable error"))
        return abortable(self, err);
    return MR_OK;
}

static mr_status produce(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_status status = mr_memory_enter(self->log, "writer.produce", err);
    if (status != MR_OK)
        return status;
    mr_memory_topic *known = mr_memory_cluster_topic(self->log->cluster, topic);
    status = check_produce(self, known, topic, partition, err);
    if (status == MR_OK)
        send(self, known, partition, records, count);
    return mr_memory_leave(self->log, status, err);
}

static mr_status flush(mr_log_writer *writer, int32_t timeout_ms, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_memory_log *log = self->log;
    mr_status status = mr_memory_enter(log, "writer.flush", err);
    if (status != MR_OK)
        return status;
    int64_t until_us = mr_memory_cluster_now_us(log->cluster) + timeout_ms * INT64_C(1000);
    if (self->state == WRITER_DEAD) {
        status = dead(self, err);
    } else if (!mr_memory_await_broker(log, until_us, NULL)) {
        status = mr_error_set_recovery(err, MR_E_KAFKA_TIMEOUT, MR_RECOVERY_RETRY,
                                       "flush: records are not delivered after %d ms", timeout_ms);
    } else {
        deliver_all(self);
        if (!mr_memory_transactions_is_current(log->cluster, self->identity))
            status = die(self, MR_E_KAFKA_FENCED, err);
        else if (self->has_failed)
            status = failed(self, err);
        if (!self->identity.is_transactional)
            self->has_failed = false;
    }
    return mr_memory_leave(log, status, err);
}

static int64_t last_offset(mr_log_writer *writer, const char *topic, int32_t partition)
{
    mr_memory_writer *self = self_of(writer);
    int64_t offset = -1;
    pthread_mutex_lock(&self->log->cluster->lock);
    for (uint32_t i = 0; i < self->targets_count; i++) {
        const writer_target *target = &self->target[i];
        if (target->partition == partition && target->queued == 0 && !target->topic->is_deleted &&
            strcmp(target->topic->name, topic) == 0)
            offset = target->last_offset;
    }
    pthread_mutex_unlock(&self->log->cluster->lock);
    return offset;
}

static mr_status check_offsets(mr_memory_writer *self, const mr_memory_group *group,
                               mr_memory_claim claim, const mr_log_offset *offsets, uint32_t count,
                               mr_error *err)
{
    if (!mr_memory_group_is_current(group, claim)) {
        self->state = WRITER_MUST_ABORT;
        return mr_error_set_recovery(err, MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH,
                                     "group %s: generation %d is not current", group->name,
                                     claim.generation);
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t length = offsets[i].metadata != NULL ? strlen(offsets[i].metadata) : 0;
        if (length <= MR_MEMORY_METADATA_MAX)
            continue;
        self->state = WRITER_MUST_ABORT;
        return mr_error_set_recovery(err, MR_E_KAFKA_ABORTABLE, MR_RECOVERY_EPOCH,
                                     "%s[%d]: offset metadata of %zu bytes is over %u",
                                     offsets[i].topic, offsets[i].partition, length,
                                     MR_MEMORY_METADATA_MAX);
    }
    return MR_OK;
}

static mr_status send_offsets(mr_log_writer *writer, mr_log_member *member,
                              const mr_log_offset *offsets, uint32_t count, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_memory_cluster *cluster = self->log->cluster;
    mr_memory_claim claim;
    mr_memory_group *group = mr_memory_member_group(member, &claim);
    mr_status status = mr_memory_enter(self->log, "writer.send_offsets", err);
    if (status != MR_OK)
        return status;
    bool was_away;
    (void)mr_memory_await_broker(self->log, INT64_MAX, &was_away);
    status = ready_to_end(self, err);
    if (status == MR_OK && count > 0) {
        status = check_offsets(self, group, claim, offsets, count, err);
        if (status == MR_OK) {
            mr_memory_transactions_touch(cluster, self->identity, NULL);
            self->has_sent = true;
            mr_memory_group_commit(cluster, group, offsets, count, self->identity.producer_id);
        }
    }
    if (status == MR_OK && was_away && !self->log->process->faults.hide_doubt)
        status = die(self, MR_E_KAFKA_IN_DOUBT, err);
    return mr_memory_leave(self->log, status, err);
}

static mr_memory_markers markers(mr_memory_process *process)
{
    const mr_memory_faults *faults = &process->faults;
    if (!mr_memory_draw(process, faults->late_marker, "markers come late"))
        return (mr_memory_markers){0};
    return (mr_memory_markers){
        .late_us = 1 + (int64_t)mr_memory_draw_below(process, (uint64_t)faults->late_marker_us_max),
        .at_once = mr_memory_draw_below(process, UINT64_MAX),
    };
}

/* The request to end the transaction, which may be lost, doubled or late. */
static mr_status end_request(mr_memory_writer *self, bool is_commit, bool was_away, mr_error *err)
{
    mr_memory_cluster *cluster = self->log->cluster;
    mr_memory_process *process = self->log->process;
    const mr_memory_faults *faults = &process->faults;
    bool is_hidden = faults->hide_doubt;
    bool is_doubt = mr_memory_draw(process, faults->end_doubt, "end request sent twice");
    enum { ARRIVES, LOST, LATE } fate = ARRIVES;
    if (is_doubt || was_away || process->is_dying)
        fate = is_hidden ? 0U : (unsigned)mr_memory_draw_below(process, 3);
    if (fate == LATE || (is_doubt && is_hidden)) {
        int64_t late_us = 1 + (int64_t)mr_memory_draw_below(process, (uint64_t)faults->late_us_max);
        mr_memory_note(process, "  end request arrives in %lld us", (long long)late_us);
        mr_memory_transactions_end_later(cluster, self->identity, is_commit,
                                         mr_memory_cluster_now_us(cluster) + late_us);
    }
    mr_memory_end answer = MR_MEMORY_END_DONE;
    if (fate == ARRIVES)
        answer = mr_memory_transactions_end(cluster, self->identity, is_commit, markers(process));
    if (answer == MR_MEMORY_END_FENCED)
        return die(self, MR_E_KAFKA_FENCED, err);
    if (answer == MR_MEMORY_END_OTHERWISE || ((is_doubt || was_away) && !is_hidden))
        return die(self, MR_E_KAFKA_IN_DOUBT, err);
    return MR_OK;
}

static mr_status commit(mr_log_writer *writer, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_status status = mr_memory_enter(self->log, "writer.commit", err);
    if (status != MR_OK)
        return status;
    bool was_away;
    (void)mr_memory_await_broker(self->log, INT64_MAX, &was_away);
    status = ready_to_end(self, err);
    if (status == MR_OK && self->has_sent)
        status = end_request(self, true, was_away, err);
    if (status == MR_OK)
        self->state = WRITER_IDLE;
    return mr_memory_leave(self->log, status, err);
}

static mr_status abort_transaction(mr_log_writer *writer, mr_error *err)
{
    mr_memory_writer *self = self_of(writer);
    mr_status status = mr_memory_enter(self->log, "writer.abort", err);
    if (status != MR_OK)
        return status;
    bool was_away;
    (void)mr_memory_await_broker(self->log, INT64_MAX, &was_away);
    purge(self);
    if (self->state == WRITER_DEAD)
        status = dead(self, err);
    else if (self->state == WRITER_IDLE)
        status = misuse(self, "no transaction is open", err);
    else if (!mr_memory_transactions_is_current(self->log->cluster, self->identity))
        status = die(self, MR_E_KAFKA_FENCED, err);
    else if (self->has_sent)
        status = end_request(self, false, was_away, err);
    if (status == MR_OK) {
        self->state = WRITER_IDLE;
        self->has_failed = false;
    }
    return mr_memory_leave(self->log, status, err);
}

static uint32_t failures(mr_log_writer *writer, const mr_log_failure **failures)
{
    mr_memory_writer *self = self_of(writer);
    uint32_t count = self->failures_count;
    free(self->told);
    self->told = self->failure;
    *failures = self->told;
    self->failure = NULL;
    self->failures_count = self->failures_capacity = 0;
    return count;
}

static size_t queued_bytes(mr_log_writer *writer)
{
    return self_of(writer)->queue_bytes;
}

static void close_writer(mr_log_writer *writer)
{
    mr_memory_writer *self = self_of(writer);
    mr_memory_log *log = self->log;
    (void)mr_memory_close_begin(log, "writer.close");
    for (uint32_t i = 0; i < self->targets_count; i++)
        mr_memory_topic_unref(self->target[i].topic);
    free(self->target);
    free(self->queue);
    mr_arena_release(&self->queue_arena);
    free(self->failure);
    free(self->told);
    free(self->id);
    free(self);
    mr_memory_close_end(log);
}

static const mr_writer_class writer_class = {
    .begin = begin,
    .produce = produce,
    .flush = flush,
    .last_offset = last_offset,
    .send_offsets = send_offsets,
    .commit = commit,
    .abort = abort_transaction,
    .failures = failures,
    .queued_bytes = queued_bytes,
    .close = close_writer,
};

mr_status mr_memory_writer_open(mr_memory_log *log, const mr_writer_options *options,
                                mr_log_writer **writer, mr_error *err)
{
    mr_memory_writer *self = calloc(1, sizeof *self);
    if (self == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for a writer");
    self->writer.class = &writer_class;
    self->log = log;
    const char *id = options->transactional_id;
    if (id != NULL && (self->id = strdup(id)) == NULL)
        abort();
    bool had_open = false;
    self->identity = mr_memory_transactions_init(
        log->cluster, id, options->transaction_timeout_ms * INT64_C(1000), &had_open);
    /* The broker aborts while the client sleeps; a knock before makes that sleep unnecessary. Only
     * virtual time is spent on it: a real one would gain nothing from waiting. */
    if (had_open && log->cluster->options.virtual_clock != NULL)
        mr_memory_clock_advance(log->cluster->options.virtual_clock,
                                options->knock_first ? KNOCKED_PAUSE_US : INIT_PAUSE_US);
    *writer = &self->writer;
    return MR_OK;
}
