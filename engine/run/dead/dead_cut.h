/*
 * How much of the original a dead letter holds, and what says which letters were too much.
 *
 * A letter holds its record whole as long as the topic takes it: only the topic knows its limit, so
 * it is found by trying. Each letter carries a tag, by which the log names what it refused; the
 * epoch is then done again, and the letters refused so far are made with less:
 *
 *   WHOLE      key, value and headers untouched
 *   BEGINNING  the first 4 KiB of the value (cut between characters); key and headers of the record
 *              while they are that small, else the key's first 4 KiB and no headers
 *   PLACE      neither key nor value nor headers of the record
 *
 * What is left out is said, with its size, by headers of the letter (dead_header.h), and so is the
 * place where the record lies. A PLACE has no tag: a topic that refuses even that would lose dead
 * letters, and stops the job (MR5020). Thread: pure.
 */
#ifndef MR_ENGINE_RUN_DEAD_DEAD_CUT_H
#define MR_ENGINE_RUN_DEAD_DEAD_CUT_H

#include "engine/run/dead/dead_letter.h"

#define MR_DEAD_BEGINNING_BYTES 4096u

typedef enum mr_dead_cut { MR_DEAD_WHOLE, MR_DEAD_BEGINNING, MR_DEAD_PLACE } mr_dead_cut;

/* What a letter holds of its record or row. NULL: no such part. */
typedef struct mr_dead_original {
    const void *key, *value;
    size_t key_length, value_length;
    const mr_header *headers;
    uint32_t headers_count;
} mr_dead_original;

/* Bytes of names and values. */
size_t mr_dead_headers_bytes(const mr_dead_original *original);

/* What remains of `whole`. */
mr_dead_original mr_dead_cut_of(const mr_dead_original *whole, mr_dead_cut cut);

/* The tag of a letter about the row of `error`: the same whenever the epoch is done again. 0: none.
 */
uint64_t mr_dead_tag(const mr_dead_rows *rows, const mr_row_error *error,
                     const mr_dead_original *whole, mr_dead_cut cut);

/* The most that the topic may take, as far as it is known. */
mr_dead_cut mr_dead_cut_known(const mr_task_io *io, const mr_dead_rows *rows,
                              const mr_row_error *error, const mr_dead_original *whole);

#endif
