/*
 * The log: partitioned topics with transactions and consumer groups, as Kafka has them.
 *
 * Two implementations: connectors/kafka (the real one) and connectors/memory (seeded simulation,
 * and the in-memory log of jobs without Kafka). One conformance suite
 * (tests/harness/log_conformance) runs on both. The engine reaches Kafka through this header alone.
 *
 * Errors carry what to do next in `recovery`:
 *   RETRY  the same call again        EPOCH  abort, rewind to the last commit, replay
 *   RECORD a delivery was refused for one record (see `failures`); abort, then replay without it
 *   WRITER this writer is fenced or in doubt: close it, open another, re-read the state log's end
 *   STOP   all else
 * Thread: an object belongs to one thread at a time, different objects to any threads.
 */
#ifndef MR_ENGINE_PORTS_LOG_H
#define MR_ENGINE_PORTS_LOG_H

#include "engine/ports/reader.h"

/* 5xxx codes that engine and connectors share. */
enum {
    MR_E_KAFKA_UNREACHABLE = 5001,
    MR_E_KAFKA_TOPIC_MISSING = 5002,
    MR_E_KAFKA_TOPIC_EXISTS = 5003,
    MR_E_KAFKA_AUTHORIZATION = 5004,
    MR_E_KAFKA_TIMEOUT = 5005,
    MR_E_KAFKA_FENCED = 5010,    /* another writer took over our transactional id */
    MR_E_KAFKA_IN_DOUBT = 5011,  /* a transactional request was resent: outcome unsure (V1 guard) */
    MR_E_KAFKA_ABORTABLE = 5012, /* the transaction must be aborted */
    MR_E_KAFKA_MEMBER_STALE = 5013,   /* generation, member or instance id is not current */
    MR_E_KAFKA_INSTANCE_TAKEN = 5014, /* another worker uses our instance id */
    MR_E_KAFKA_RECORD_REFUSED = 5020, /* too large, invalid */
    MR_E_KAFKA_OFFSET_LOST = 5021,    /* the next offset is not there any more */
    MR_E_KAFKA_START_OFFSET = 5022,   /* an offset given to start from that is not there */
    MR_E_KAFKA_OTHER = 5099,
};

typedef struct mr_log mr_log;
typedef struct mr_log_writer mr_log_writer;
typedef struct mr_log_member mr_log_member;

typedef struct mr_topic_facts {
    bool exists;
    int32_t partitions;
} mr_topic_facts;

/* Which topic it is: one that is made anew under its name has another one. */
typedef struct mr_topic_id {
    uint64_t high, low; /* both 0: not known */
} mr_topic_id;

/* A committed or to be committed position of a group. `metadata` is ASCII, at most 4,096 bytes. */
typedef struct mr_log_offset {
    const char *topic;
    int32_t partition;
    int64_t offset;       /* -1: none committed */
    const char *metadata; /* NULL: none */
} mr_log_offset;

/* Where a partition ends: for readers of committed records, and for all others. */
typedef struct mr_log_ends {
    const char *topic;
    int32_t partition;
    int64_t stable; /* last stable offset; < high: a transaction is open there, or hangs */
    int64_t high;   /* high watermark, not newer than `stable` */
} mr_log_ends;

/* A record to produce. Bytes are copied by the call. */
typedef struct mr_log_record {
    const char *key; /* NULL: no key */
    size_t key_length;
    const char *value; /* NULL: null value */
    size_t value_length;
    int64_t timestamp_ms; /* MR_TIME_NONE: now */
    const mr_header *headers;
    uint32_t headers_count;
    uint64_t tag; /* comes back in a failure: which row it was */
} mr_log_record;

#define MR_PARTITION_BY_KEY (-1) /* murmur2 of the key as Java producers do it; no key: any */

typedef struct mr_log_failure {
    uint64_t tag;
    mr_status status; /* MR_E_KAFKA_RECORD_REFUSED or another 5xxx */
    char topic[250];
    char reason[200];
} mr_log_failure;

typedef enum mr_member_event_kind {
    MR_MEMBER_NOTHING = 0,
    MR_MEMBER_ASSIGNED, /* all partitions now ours (classic, eager): restore, then start */
    MR_MEMBER_REVOKED,  /* commit first, then call `release` */
    MR_MEMBER_LOST,     /* do not commit: abort, then call `release` */
} mr_member_event_kind;

typedef struct mr_member_event {
    mr_member_event_kind kind;
    uint32_t partitions_count;
    const int32_t *partitions; /* of the subscribed topic; valid until the next poll */
} mr_member_event;

/* Membership of one engine in its job's group, subscribed to the state topic alone. */
typedef struct mr_member_class {
    /* Must be called at least every few seconds. */
    mr_status (*poll)(mr_log_member *member, int32_t timeout_ms, mr_member_event *event,
                      mr_error *err);
    /* Answers REVOKED or LOST: the partitions are given up now. */
    mr_status (*release)(mr_log_member *member, mr_error *err);
    /* Offsets committed by the group, for `count` (topic, partition); fills offset and metadata
     * (allocated in `arena`). */
    mr_status (*committed)(mr_log_member *member, mr_log_offset *offsets, uint32_t count,
                           mr_arena *arena, mr_error *err);
    /* Commits offsets outside of a transaction (guarantee at-least-once), synchronously; of a
     * partition that stands there twice the last one counts. */
    mr_status (*commit)(mr_log_member *member, const mr_log_offset *offsets, uint32_t count,
                        mr_error *err);
    /* Leaves the group unless it is a static member. */
    void (*close)(mr_log_member *member);
} mr_member_class;

struct mr_log_member {
    const mr_member_class *class;
};

/* A producer: transactional when opened with a transactional id, else idempotent. */
typedef struct mr_writer_class {
    mr_status (*begin)(mr_log_writer *writer, mr_error *err);

    /* Queues records; blocks while the bounded queue is full. Delivery errors come back through
     * `failures` and fail the next send_offsets, flush or commit. partition MR_PARTITION_BY_KEY or
     * >= 0. */
    mr_status (*produce)(mr_log_writer *writer, const char *topic, int32_t partition,
                         const mr_log_record *records, uint32_t count, mr_error *err);

    /* All queued records are delivered, or an error says which were not. */
    mr_status (*flush)(mr_log_writer *writer, int32_t timeout_ms, mr_error *err);

    /* Offset of the last record delivered to (topic, partition) by this writer; -1: none, or not
     * delivered yet (flush first). The commit asks it where an epoch record went. */
    int64_t (*last_offset)(mr_log_writer *writer, const char *topic, int32_t partition);

    /* Puts the group's next offsets into the open transaction; of a partition that stands there
     * twice the last one counts. Asserts generation >= 0, member id set. */
    mr_status (*send_offsets)(mr_log_writer *writer, mr_log_member *member,
                              const mr_log_offset *offsets, uint32_t count, mr_error *err);

    /* The decision. Recovery WRITER (MR_E_KAFKA_IN_DOUBT): it may or may not have happened. */
    mr_status (*commit)(mr_log_writer *writer, mr_error *err);

    mr_status (*abort)(mr_log_writer *writer, mr_error *err);

    /* Failed deliveries since begin (or since the last call); valid until the next call. */
    uint32_t (*failures)(mr_log_writer *writer, const mr_log_failure **failures);

    /* Bytes queued and not yet delivered. */
    size_t (*queued_bytes)(mr_log_writer *writer);

    /* Destroys the producer without committing; an open transaction stays open at the broker until
     * it is fenced or times out. */
    void (*close)(mr_log_writer *writer);
} mr_writer_class;

struct mr_log_writer {
    const mr_writer_class *class;
};

typedef struct mr_writer_options {
    const char *transactional_id; /* NULL: idempotent producer */
    int32_t transaction_timeout_ms;
    bool knock_first; /* abort a predecessor's open transaction without the 500 ms sleep */
} mr_writer_options;

typedef struct mr_member_options {
    const char *group;
    const char *instance_id; /* NULL: dynamic member */
    const char *topic;       /* the one subscribed */
    int32_t silence_ms;      /* may go by between two polls; 0: a minute */
} mr_member_options;

typedef struct mr_log_class {
    mr_status (*describe)(mr_log *log, const char *topic, mr_topic_facts *facts, mr_error *err);
    /* These topics are described next: one question instead of `count`. For a second at most,
     * `describe` may answer what was found here, but for topics that this log made or deleted
     * since. What goes wrong is told there. NULL: it makes no difference. */
    void (*expect)(mr_log *log, const char *const *topics, uint32_t count);
    /* Which topics these are now; brokers that have no ids leave them unknown. None may stand there
     * twice. MR_E_KAFKA_TOPIC_MISSING: one is not there. */
    mr_status (*topic_ids)(mr_log *log, const char *const *topics, uint32_t count, mr_topic_id *ids,
                           mr_error *err);
    /* `configs`: NULL-terminated array of name, value, name, value ..; may be NULL. */
    mr_status (*create_topic)(mr_log *log, const char *topic, int32_t partitions,
                              const char *const *configs, mr_error *err);
    /* Gives a topic more partitions, up to so many; one that has them already is fine. */
    mr_status (*grow_topic)(mr_log *log, const char *topic, int32_t partitions, mr_error *err);
    mr_status (*delete_topic)(mr_log *log, const char *topic, mr_error *err);
    /* Deletes all records below `before` of one partition. */
    mr_status (*trim)(mr_log *log, const char *topic, int32_t partition, int64_t before,
                      mr_error *err);
    /* `which`: MR_OFFSET_EARLIEST, MR_OFFSET_LATEST (= last stable offset). */
    mr_status (*offset)(mr_log *log, const char *topic, int32_t partition, int64_t which,
                        int64_t *offset, mr_error *err);
    /* Asks both ends of `count` partitions; one that stands there twice is refused. */
    mr_status (*ends)(mr_log *log, mr_log_ends *ends, uint32_t count, mr_error *err);
    /* First offset whose record has timestamp >= `timestamp_ms`; the end when there is none. */
    mr_status (*offset_at)(mr_log *log, const char *topic, int32_t partition, int64_t timestamp_ms,
                           int64_t *offset, mr_error *err);
    /* Offsets of any group (scan.startup.mode group-offsets, cross-check before joining). Waits a
     * little for a transaction that is just ending; of one that stays open it tells what is
     * committed. A partition that stands there twice is refused. */
    mr_status (*group_offsets)(mr_log *log, const char *group, mr_log_offset *offsets,
                               uint32_t count, mr_arena *arena, mr_error *err);
    /* How many members a group has; those that are gone count until their sessions end. None where
     * there is no such group. */
    mr_status (*group_members)(mr_log *log, const char *group, uint32_t *count, mr_error *err);
    /* Forgets all offsets of an empty group (--reset). A group that does not exist is fine. */
    mr_status (*delete_group)(mr_log *log, const char *group, mr_error *err);
    /* Aborts the transaction that a dead writer may have left open; harmless when there is none. */
    mr_status (*knock)(mr_log *log, const char *transactional_id, mr_error *err);

    mr_status (*open_reader)(mr_log *log, mr_log_reader **reader, mr_error *err);
    mr_status (*open_member)(mr_log *log, const mr_member_options *options, mr_log_member **member,
                             mr_error *err);
    /* Runs init_transactions: fences and aborts predecessors with the same id. */
    mr_status (*open_writer)(mr_log *log, const mr_writer_options *options, mr_log_writer **writer,
                             mr_error *err);
    void (*close)(mr_log *log);
} mr_log_class;

struct mr_log {
    const mr_log_class *class;
};

#endif
