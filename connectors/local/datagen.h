/*
 * Datagen: generated rows. A record is nothing but its offset; the decoder computes every column
 * from (seed, column, offset), so a replay from any offset gives the same rows.
 *
 * Per field ('fields.#.kind'): `sequence` counts from start to end (then the source ends), `random`
 * is uniform in [min, max], strings are hex digits of the given length, TIMESTAMPs are the moment
 * the row was due: start_ms + offset / rows-per-second, BOOLEANs a coin. One split. Thread: one at
 * a time.
 */
#ifndef MR_CONNECTORS_LOCAL_DATAGEN_H
#define MR_CONNECTORS_LOCAL_DATAGEN_H

#include "engine/run/plan.h"

typedef enum mr_datagen_kind {
    MR_DATAGEN_RANDOM = 0,
    MR_DATAGEN_SEQUENCE,
} mr_datagen_kind;

typedef struct mr_datagen_field {
    mr_type type;
    mr_datagen_kind kind;
    double min, max;     /* random numbers; integers are rounded down */
    int64_t start, end;  /* sequence */
    uint32_t length;     /* random strings; 0: 100 */
    int64_t max_past_ms; /* timestamps lie up to so far before the row's moment */
} mr_datagen_field;

typedef struct mr_datagen_config {
    int64_t rows_per_second; /* 0: as fast as it goes */
    int64_t rows_max;        /* 'number-of-rows'; < 0: no end */
    uint64_t seed;
    int64_t start_ms; /* moment of row 0 */
    uint32_t fields_count;
    const mr_datagen_field *fields;
} mr_datagen_config;

/* All take an mr_datagen_config. */
mr_status mr_datagen_splits(const void *config, uint32_t tasks_count, mr_arena *arena,
                            const char ***names, uint32_t *count, mr_error *err);
mr_status mr_datagen_open(const void *config, uint32_t tasks_count, mr_log_reader **reader,
                          mr_error *err);
mr_status mr_datagen_decoder(const void *config, mr_decoder **decoder, mr_error *err);

/* Rows there will be: the smaller of rows_max and the shortest sequence; INT64_MAX: no end. */
int64_t mr_datagen_rows(const mr_datagen_config *config);

#endif
