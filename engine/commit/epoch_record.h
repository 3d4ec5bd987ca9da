/*
 * The epoch record ends a delta, the claim record opens an ownership. Both live in a task's
 * partition of the state log and share one layout; what a claim does not know is empty.
 *
 *   field               encoding            epoch record               claim
 *   job                 bytes
 *   plan version        u64                 or MR_PLAN_RETIRED     0: of a plan to come
 *   task                varint
 *   epoch               varint              of this delta              of the last delta, 0: none
 *   previous offset     zigzag              of the previous epoch record of this task, -1: none
 *   previous checksum   u32
 *   transactional id    bytes               of the writer; empty: none
 *   flags               u8                  1 finished, 2 holds a base or the last part of one, 4
 *                                           names a checkpoint, 8 holds a part that is not the
 *                                           last, 16 earlier parts stand in the epochs before, 32
 *                                           moves the task back to an earlier moment, 64 knows its
 *                                           exchanges
 *   delta chunks        varint              records of the delta before this one
 *   base chunks         varint              records of the base before this one (behind the delta)
 *   base bytes          varint              size of the newest base, delta bytes since it: when to
 *   bytes since base    varint              write the next
 *   inputs              varint count, each: source bytes | topic bytes | partition varint |
 *                       next offset zigzag | watermark zigzag | flags u8 (1 idle, 2 ended,
 *                       4 has a place) | place bytes, when it has one
 *   sources             varint count, each: watermark zigzag. An idle input may lag
 *                                           behind the watermark of
 *                       its source, so the inputs alone do not give it back
 *   journal             bytes               engine/commit/journal.h
 *   counters            varint count, each varint: engine/run/task.h decides what they mean
 *   checkpoint          bytes               its id (engine/checkpoint/manifest.h); only with
 *                                           flag 4, so a record without is as it always was
 *   exchanges           varint count, each: topic bytes | id u64, u64 (high, low): which topics
 *                       those are that the task reads or writes as exchanges; only with flag 64
 *
 * (bytes = varint length + bytes.) Memory: decoded strings live in the arena given.
 */
#ifndef MR_ENGINE_COMMIT_EPOCH_RECORD_H
#define MR_ENGINE_COMMIT_EPOCH_RECORD_H

#include "engine/base/arena.h"
#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/ports/log.h"
#include "engine/time/watermark.h"

/* 4xxx codes of the state log and recovery. */
enum {
    MR_E_STATE_FORMAT = 4010,   /* foreign or damaged record in the state log */
    MR_E_STATE_GAP = 4011,      /* a delta is missing */
    MR_E_STATE_PLAN = 4012,     /* the state was written by another plan */
    MR_E_STATE_FINISHED = 4013, /* the bounded job has finished */
    MR_E_STATE_PARTIAL = 4014,  /* some of state topic, local state, offsets is missing */
    MR_E_STATE_AHEAD = 4015,    /* the group's offsets know a newer epoch than the state log */
    MR_E_STATE_TASKS = 4016,    /* the state topic has another number of partitions */
};

/* The plan of an epoch that retires a task: behind it the partition is nobody's, until another
 * upgrade makes a task of it again. No job's plan is called so. */
#define MR_PLAN_RETIRED UINT64_C(0x7265746972656421)

/* Where a task stands with one input. */
typedef struct mr_epoch_input {
    const char *source; /* table name */
    const char *topic;
    int32_t partition;
    int64_t offset_next; /* -1 (no longer written): of a new table: where its start mode says */
    mr_watermark watermark;
    bool is_ended;
    const char *place; /* the reader's own, see engine/batch/record.h */
    size_t place_length;
} mr_epoch_input;

/* Which topic an exchange went through. */
typedef struct mr_epoch_exchange {
    const char *topic;
    mr_topic_id id;
} mr_epoch_exchange;

typedef struct mr_epoch_record {
    const char *job;
    uint64_t plan_version;
    uint32_t task;
    uint64_t epoch;
    int64_t previous_offset;
    uint32_t previous_checksum;
    const char *transactional_id;
    bool is_finished;
    bool has_base;          /* a base is complete with this epoch */
    bool has_base_part;     /* a part of one, which goes on in the next epochs */
    bool is_base_continued; /* and began in an earlier one */
    bool is_moved;          /* no journal leads here: the state is that of an earlier moment */
    uint32_t delta_chunks;
    uint32_t base_chunks;
    uint64_t base_bytes;
    uint64_t bytes_since_base;
    uint32_t inputs_count;
    mr_epoch_input *inputs;
    uint32_t sources_count;
    int64_t *source_watermarks_ms; /* [sources_count], in the plan's order */
    const char *journal;
    size_t journal_length;
    uint32_t counters_count;
    uint64_t *counters;
    const char *checkpoint;   /* NULL or "": names none */
    uint32_t exchanges_count; /* those whose ids are known */
    const mr_epoch_exchange *exchanges;
} mr_epoch_record;

/* Sets the exchanges: those of the topics whose ids are known. */
void mr_epoch_record_identify(mr_epoch_record *record, const char *const *topics,
                              const mr_topic_id *ids, uint32_t count, mr_arena *arena);

/* The exchange that goes through the topic; NULL: the record does not know which topic it was. */
const mr_epoch_exchange *mr_epoch_record_exchange(const mr_epoch_record *record, const char *topic);

/* Appends the record's bytes to `to`. */
void mr_epoch_record_encode(const mr_epoch_record *record, mr_buffer *to);

/* A whole record of the state log: header, record, checksum, which is returned. `content`: its
 * content check (delta.h); of a claim 0. */
uint32_t mr_epoch_record_seal(const mr_epoch_record *record, bool is_claim, uint32_t content,
                              mr_buffer *to);

/* MR_E_STATE_FORMAT when the bytes are malformed. */
mr_status mr_epoch_record_decode(const char *bytes, size_t length, mr_arena *arena,
                                 mr_epoch_record *record, mr_error *err);

#define MR_EPOCH_METADATA_MAX 80

/* The group's offset metadata, ASCII: "v1|epoch|offset of the epoch record|checksum". */
void mr_epoch_metadata_print(char to[MR_EPOCH_METADATA_MAX], uint64_t epoch, int64_t offset,
                             uint32_t checksum);

/* False when the text is not ours. */
bool mr_epoch_metadata_parse(const char *text, uint64_t *epoch, int64_t *offset,
                             uint32_t *checksum);

#endif
