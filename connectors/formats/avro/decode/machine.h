/*
 * Runs a program over records: one row of columns a record.
 *
 * Whatever the bytes are, no byte outside of the record is read, nothing is allocated but bitmaps
 * of NULLs, and the time is bounded by the record's length: nesting at most MR_AVRO_DEPTH_MAX deep,
 * at most MR_AVRO_EMPTY_ITEMS_MAX array items that take no bytes. Strings become views into the
 * record, symbols of enums into the program.
 * A row that failed may have left values and NULLs behind; mr_avro_machine_clean makes its place
 * ready for the next record.
 * Thread: one at a time. Memory: programs, columns and records are borrowed.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_MACHINE_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_MACHINE_H

#include "connectors/formats/avro/decode/program.h"

#define MR_AVRO_DEPTH_MAX 200
#define MR_AVRO_EMPTY_ITEMS_MAX (INT64_C(1) << 20)

/* A call that has not returned, or a list that has not ended. */
typedef struct mr_avro_frame {
    uint32_t pc;           /* where a call returns to */
    int64_t count;         /* items left of the block */
    const char *block_end; /* where the block said it ends; NULL: it did not */
} mr_avro_frame;

typedef struct mr_avro_machine {
    /* the batch at hand */
    mr_vector *columns;
    uint32_t columns_count;
    uint32_t rows_max;
    mr_arena *arena;
    uint64_t batch; /* counts them */
    bool is_narrow; /* without AVX2, for tests */

    /* the record at hand */
    mr_avro_program *program;
    uint32_t row;
    uint32_t depth;
    int64_t empty_items;
    const char *at_saved, *end_saved; /* of the record, while a default value is read */

    /* the first failure */
    mr_status code;
    const char *reason; /* static, or the program's */
    const char *bad_at;
    uint32_t bad_pc;
    mr_avro_frame frames[MR_AVRO_DEPTH_MAX];
} mr_avro_machine;

/* Behind the value that starts at `at`; NULL: it failed, see code, reason, bad_at and bad_pc. */
const char *mr_avro_machine_run(mr_avro_machine *machine, mr_avro_program *program, uint32_t row,
                                const char *at, const char *end);

/* Takes back the NULLs of a row that failed. */
void mr_avro_machine_clean(mr_avro_machine *machine, uint32_t row);

#endif
