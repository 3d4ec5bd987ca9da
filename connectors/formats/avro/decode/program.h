/*
 * A decoder's program: how records of one writer schema become columns.
 *
 * A flat list of operations in the order of the writer's bytes. What no column needs is skipped by
 * operations of its own; what a column needs has one operation that reads the value and stores it
 * in the column's own form. Control flow stands in the same list: branches of unions, blocks of
 * arrays and maps, calls of routines that skip named records (a schema may be recursive).
 *
 *   {"auction": long, "url": ["null", string], "tags": array of string}   columns: auction, url
 *
 *   0 LONG        column 0
 *   1 OPTION      1: next, 0: 4
 *   2 STRING      column 1
 *   3 JUMP        5
 *   4 NULL        column 1
 *   5 BLOCKS      -> 8 when there are no more
 *   6 SKIP_STRING
 *   7 NEXT        -> 6
 *   8 END
 *
 * Thread: immutable but for `to`, which the machine points at the columns of the batch at hand.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_PROGRAM_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_PROGRAM_H

#include "connectors/formats/avro/schema/schema.h"
#include "engine/batch/vector.h"

#define MR_AVRO_OPS_MAX 65536
#define MR_AVRO_COLUMN_NONE UINT32_MAX

typedef enum mr_avro_code {
    MR_AVRO_OP_END = 0,
    /* values into a column */
    MR_AVRO_OP_LONG,       /* long to BIGINT */
    MR_AVRO_OP_STRING,     /* string or bytes to text: validated */
    MR_AVRO_OP_INSTANT_MS, /* long of milliseconds to TIMESTAMP(3..6) */
    MR_AVRO_OP_INT,        /* int to INT, DATE */
    MR_AVRO_OP_INT_SMALL,  /* int to TINYINT, SMALLINT: -limit - 1 .. limit */
    MR_AVRO_OP_INT_LONG,   /* int to BIGINT */
    MR_AVRO_OP_INT_REAL,   /* int to FLOAT (flag), DOUBLE */
    MR_AVRO_OP_LONG_REAL,  /* long to FLOAT (flag), DOUBLE */
    MR_AVRO_OP_FLOAT,
    MR_AVRO_OP_DOUBLE,
    MR_AVRO_OP_BOOLEAN,
    MR_AVRO_OP_BYTES,
    MR_AVRO_OP_FIXED,   /* `limit` bytes */
    MR_AVRO_OP_ENUM,    /* symbols: `table` of `limit` strings; length UINT32_MAX: none */
    MR_AVRO_OP_TIME,    /* int (flag) or long of `limit` ns a unit, to TIME */
    MR_AVRO_OP_INSTANT, /* the same to TIMESTAMP of any precision */
    MR_AVRO_OP_DECIMAL, /* bytes, or fixed of `limit` (flag); `table`: its scale */
    MR_AVRO_OP_NULL,    /* nothing read: the column is NULL */
    /* values that no column needs */
    MR_AVRO_OP_SKIP_BOOLEAN,
    MR_AVRO_OP_SKIP_INT,
    MR_AVRO_OP_SKIP_LONG,
    MR_AVRO_OP_SKIP_BYTES,
    MR_AVRO_OP_SKIP_FIXED, /* `limit` bytes */
    MR_AVRO_OP_SKIP_ENUM,  /* of `limit` symbols */
    /* flow */
    MR_AVRO_OP_OPTION, /* union of two: branch `flag` goes on, the other one jumps */
    MR_AVRO_OP_UNION,  /* `table`: where each of `limit` branches starts */
    MR_AVRO_OP_JUMP,
    MR_AVRO_OP_BLOCKS, /* an array or map begins; no more blocks: jump */
    MR_AVRO_OP_NEXT,   /* an item ended; one more: jump */
    MR_AVRO_OP_CALL,
    MR_AVRO_OP_RETURN,
    MR_AVRO_OP_FAIL,     /* `table`: mr_avro_refusal */
    MR_AVRO_OP_CONSTANT, /* reads on in a default value: `table`: its bytes, `limit` of them */
    MR_AVRO_OP_CONSTANT_END,
} mr_avro_code;

typedef struct mr_avro_op {
    uint8_t code;
    uint8_t flag;
    uint16_t scale; /* DECIMAL of the writer */
    uint32_t jump;
    void *to; /* values of the column in the batch at hand */
    int64_t limit;
    union {
        const void *table;
        const mr_string *symbols;
        const uint32_t *jumps;
    };
} mr_avro_op;

/* What every value of a branch comes to. */
typedef struct mr_avro_refusal {
    mr_status code;
    const char *reason;
} mr_avro_refusal;

/* Beside each operation, for whoever looks closer. */
typedef struct mr_avro_note {
    uint32_t column; /* MR_AVRO_COLUMN_NONE: none */
    const char *path;
} mr_avro_note;

/* A field of a straight program (lane.h). The frequent ones stand first. */
typedef enum mr_avro_step_kind {
    MR_AVRO_STEP_STRING,
    MR_AVRO_STEP_LONG,
    MR_AVRO_STEP_END,
    MR_AVRO_STEP_OPTION_STRING,
    MR_AVRO_STEP_OPTION_LONG,
    MR_AVRO_STEP_OPTION, /* of the step behind it */
    MR_AVRO_STEP_NULL,
    MR_AVRO_STEP_SKIP_LONG,
    MR_AVRO_STEP_SKIP_BYTES,
    MR_AVRO_STEP_SKIP_FIXED,
    MR_AVRO_STEP_INT,
    MR_AVRO_STEP_DOUBLE,
    MR_AVRO_STEP_BOOLEAN,
} mr_avro_step_kind;

typedef struct mr_avro_step {
    uint8_t kind;
    uint8_t branch; /* of an option: the byte before a value */
    uint32_t column;
    void *to;
    int64_t limit; /* factor of LONG, size of SKIP_FIXED */
} mr_avro_step;

typedef struct mr_avro_program {
    mr_arena arena;
    mr_avro_op *ops;
    mr_avro_note *notes;
    uint32_t count;
    mr_avro_step *steps; /* NULL: it is not straight */
    uint64_t batch;      /* which batch `to` points into */
} mr_avro_program;

#endif
