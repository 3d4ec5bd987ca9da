/*
 * Reader: fetches raw records of many inputs (source partitions), one input per fetch.
 *
 * Implemented by the Kafka log, the memory log, the file source and the datagen source. A reader of
 * a log reads committed records only. An input is named by the number the engine gives it.
 *
 * Invariants: the offsets of an input's fetches rise; after `add(.., offset)` no record below that
 * offset is returned. What a fetch returned stays valid until the next call of `fetch`, `remove` or
 * `close` on the same reader. Thread: one thread at a time.
 */
#ifndef MR_ENGINE_PORTS_READER_H
#define MR_ENGINE_PORTS_READER_H

#include "engine/base/error.h"
#include "engine/batch/record.h"

#include <stdbool.h>

/* Special start positions for `add`. */
#define MR_OFFSET_EARLIEST INT64_C(-2)
#define MR_OFFSET_LATEST INT64_C(-1)

/* Where an input stands: the facts from which idleness and the end of a bounded run are proven. */
typedef struct mr_input_ends {
    int64_t position; /* next offset to be returned by fetch; steps over markers and aborted data */
    int64_t start;    /* first retained offset; -1 unknown */
    int64_t stable_end; /* last stable offset, freshly asked */
    int64_t high_end;   /* cached high watermark; > stable_end: a transaction upstream is open */
    bool is_buffered;   /* records fetched from the log wait in our queue */
    bool is_paused;
    bool is_growing; /* a folder that is looked into again: caught up is not ended */
} mr_input_ends;

typedef struct mr_log_reader mr_log_reader;

typedef struct mr_reader_class {
    /* Starts input `input` = (topic, partition) at `offset`. Asynchronous errors surface in
     * fetch. */
    mr_status (*add)(mr_log_reader *reader, uint32_t input, const char *topic, int32_t partition,
                     int64_t offset, mr_error *err);

    /* Stops an input; what was prefetched is dropped. */
    mr_status (*remove)(mr_log_reader *reader, uint32_t input, mr_error *err);

    /* Up to `rows_max` records of one input; waits up to `timeout_ms` for the first.
     * `records->count == 0`: nothing came. Inputs with data are served in turn. */
    mr_status (*fetch)(mr_log_reader *reader, uint32_t rows_max, int32_t timeout_ms,
                       mr_records *records, mr_error *err);

    /* `fetch` passes over the input until it is resumed. What was fetched ahead, within the
     * reader's bound, stays so. */
    mr_status (*pause)(mr_log_reader *reader, uint32_t input, bool is_paused, mr_error *err);

    /* Asks the ends of one input; may block for a round trip of up to `timeout_ms`.
     * Recovery RETRY when the broker did not answer in time. */
    mr_status (*ends)(mr_log_reader *reader, uint32_t input, int32_t timeout_ms,
                      mr_input_ends *ends, mr_error *err);

    /* Directly behind `add`: the last `place` that records of this input came with before. NULL:
     * the reader's records have none. */
    mr_status (*resume)(mr_log_reader *reader, uint32_t input, const char *place, size_t length,
                        mr_error *err);

    void (*close)(mr_log_reader *reader);
} mr_reader_class;

struct mr_log_reader {
    const mr_reader_class *class;
};

#endif
