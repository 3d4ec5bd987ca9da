/*
 * Records as fetched from one input partition: raw keys, values, headers and coordinates.
 *
 * Invariants: offsets rise strictly within a fetch, and from fetch to fetch of an input; where an
 * input goes on with another topic (the next file of a folder) they start anew. Everything is
 * borrowed from the reader that fetched it and valid until that reader's next fetch. A NULL key or
 * value is told by the pointer.
 */
#ifndef MR_ENGINE_BATCH_RECORD_H
#define MR_ENGINE_BATCH_RECORD_H

#include "engine/base/arena.h"

#include <stdint.h>

#define MR_TIME_NONE INT64_MIN /* no event time, no watermark yet */
#define MR_TIME_MAX INT64_MAX  /* the watermark of an input that has ended */
#define MR_INPUT_NONE UINT32_MAX

typedef enum mr_timestamp_kind {
    MR_TIMESTAMP_NONE = 0,
    MR_TIMESTAMP_CREATE, /* set by the producer */
    MR_TIMESTAMP_APPEND, /* set by the broker */
} mr_timestamp_kind;

typedef struct mr_record {
    int64_t offset;
    int64_t timestamp_ms; /* MR_TIME_NONE: none */
    mr_timestamp_kind timestamp_kind;
    uint32_t key_length;
    uint32_t value_length;
    const char *key;   /* NULL: no key */
    const char *value; /* NULL: null value */
} mr_record;

typedef struct mr_header {
    const char *name;  /* NUL-terminated */
    const char *value; /* NULL: null value */
    uint32_t value_length;
} mr_header;

typedef struct mr_records mr_records;

/* Why a reader could not make records of what it found: a line beyond all bounds, a damaged
 * archive. Their values are what is known of it, cut. */
typedef struct mr_record_flaw {
    int32_t code;
    const char *message;
} mr_record_flaw;

struct mr_records {
    uint32_t input;    /* the task-wide number the engine gave this partition */
    const char *topic; /* topic or file name: the place a user knows */
    int32_t partition;
    uint32_t count;
    const mr_record *record;
    const mr_record_flaw *flaw; /* none of them can be decoded, for this reason; NULL: fine */
    /* What the reader has to know besides topic and offset to go on here; NULL: as before. */
    const char *place;
    size_t place_length;
    /* Headers of record i, allocated in `arena`; `count` 0 when there are none. NULL: no headers
     * ever. */
    const mr_header *(*headers)(const mr_records *records, uint32_t i, mr_arena *arena,
                                uint32_t *count);
    void *owner; /* the reader's own */
};

#endif
