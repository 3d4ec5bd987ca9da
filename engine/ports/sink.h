/*
 * Sink: where rows leave. Implemented in connectors (log, file, print, blackhole).
 *
 * A log sink produces inside the engine's open transaction and gets the writer at each write. Other
 * sinks are flushed before the commit and may repeat rows after a crash.
 * Rows that cannot be encoded, or that the log refused before (`refused`), go to `errors`: the
 * engine dead-letters them. Thread: the engine's.
 */
#ifndef MR_ENGINE_PORTS_SINK_H
#define MR_ENGINE_PORTS_SINK_H

#include "engine/ports/codec.h"
#include "engine/ports/log.h"

typedef struct mr_sink mr_sink;

typedef struct mr_sink_write {
    mr_log_writer *writer;   /* open transaction; NULL for a job without a log */
    const uint64_t *refused; /* sorted tags of records that the log refused: not to be sent again */
    uint32_t refused_count;
    uint64_t *bytes; /* what is written is added, keys and values; NULL: nobody asks */
} mr_sink_write;

typedef struct mr_sink_class {
    /* Writes all selected rows. A row's tag is mr_hash of the topic, of the encoded value, of the
     * key when there is one, and of the row's own timestamp and headers, xor-ed. Failed rows go to
     * `errors` (batch row numbers). */
    mr_status (*write)(mr_sink *sink, const mr_sink_write *context, const mr_batch *batch,
                       mr_row_errors *errors, mr_error *err);

    /* All rows written so far are out of this process (fflush + fdatasync for files). NULL: nothing
     * to do. */
    mr_status (*flush)(mr_sink *sink, mr_error *err);

    void (*close)(mr_sink *sink);
} mr_sink_class;

struct mr_sink {
    const mr_sink_class *class;
    bool is_transactional; /* rides in the commit */
};

#endif
