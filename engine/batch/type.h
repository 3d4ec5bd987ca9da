/*
 * Logical SQL types and the physical lanes that hold them.
 *
 *   lane    C type      logical types
 *   BOOL    uint8_t     BOOLEAN (0 or 1)
 *   I32     int32_t     TINYINT, SMALLINT, INT, DATE (days since 1970-01-01),
 *                       INTERVAL YEAR TO MONTH (months)
 *   I64     int64_t     BIGINT, TIME (us of the day), TIMESTAMP and TIMESTAMP_LTZ
 *                       (us since 1970-01-01),
 *                       INTERVAL DAY TO SECOND (us)
 *   I128    mr_i128     DECIMAL(p <= 38, s): unscaled value
 *   F64     double      DOUBLE, FLOAT (rounded to float after every operation)
 *   STRING  mr_string   CHAR, VARCHAR, BINARY, VARBINARY
 *
 * A ROW is flattened to paths at the decoder and never reaches a lane; it lives in the binder only.
 * TIMESTAMP(7..9) is refused by the binder. Event times and watermarks are int64_t milliseconds
 * everywhere outside of columns (MR_TIME_NONE: none).
 */
#ifndef MR_ENGINE_BATCH_TYPE_H
#define MR_ENGINE_BATCH_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 mr_i128;
__extension__ typedef unsigned __int128 mr_u128;

typedef enum mr_lane {
    MR_LANE_NONE = 0, /* NULL literal, ROW */
    MR_LANE_BOOL,
    MR_LANE_I32,
    MR_LANE_I64,
    MR_LANE_I128,
    MR_LANE_F64,
    MR_LANE_STRING,
} mr_lane;

typedef enum mr_type_kind {
    MR_TYPE_NULL = 0, /* type of a bare NULL until it is coerced */
    MR_TYPE_BOOLEAN,
    MR_TYPE_TINYINT,
    MR_TYPE_SMALLINT,
    MR_TYPE_INT,
    MR_TYPE_BIGINT,
    MR_TYPE_FLOAT,
    MR_TYPE_DOUBLE,
    MR_TYPE_DECIMAL,
    MR_TYPE_CHAR,
    MR_TYPE_VARCHAR, /* STRING is VARCHAR(MR_LENGTH_UNBOUNDED) */
    MR_TYPE_BINARY,
    MR_TYPE_VARBINARY, /* BYTES is VARBINARY(MR_LENGTH_UNBOUNDED) */
    MR_TYPE_DATE,
    MR_TYPE_TIME,
    MR_TYPE_TIMESTAMP,
    MR_TYPE_TIMESTAMP_LTZ,
    MR_TYPE_INTERVAL_MONTH,
    MR_TYPE_INTERVAL_SECOND,
    MR_TYPE_ROW,
} mr_type_kind;

#define MR_LENGTH_UNBOUNDED ((uint32_t)INT32_MAX)
#define MR_DECIMAL_PRECISION_MAX 38

struct mr_row_type;

typedef struct mr_type {
    mr_type_kind kind;
    bool is_nullable;
    uint8_t precision;             /* DECIMAL digits; fractional digits of TIME and TIMESTAMPs */
    uint8_t scale;                 /* DECIMAL */
    uint32_t length;               /* CHAR, VARCHAR: characters; BINARY, VARBINARY: bytes */
    const struct mr_row_type *row; /* ROW only; lives as long as the plan */
} mr_type;

typedef struct mr_field {
    const char *name;
    mr_type type;
} mr_field;

struct mr_row_type {
    uint32_t fields_count;
    const mr_field *fields;
};

/* A relation's columns. Names are unique within a relation only where SQL says so. */
typedef struct mr_schema {
    uint32_t columns_count;
    const mr_field *columns;
} mr_schema;

mr_lane mr_type_lane(mr_type type);

/* Bytes of one value in a lane. */
size_t mr_lane_size(mr_lane lane);

/* Nullable types of a kind, with SQL's default parameters. */
mr_type mr_type_of(mr_type_kind kind);
mr_type mr_type_decimal(uint8_t precision, uint8_t scale);
mr_type mr_type_time(mr_type_kind kind, uint8_t precision); /* TIME, TIMESTAMP, TIMESTAMP_LTZ */
mr_type mr_type_string(void);
mr_type mr_type_not_null(mr_type type);
mr_type mr_type_nullable(mr_type type, bool is_nullable);

/* Same kind and parameters; nullability counts only in `_equals`. */
bool mr_type_matches(mr_type a, mr_type b);
bool mr_type_equals(mr_type a, mr_type b);

bool mr_type_is_integer(mr_type type);   /* TINYINT..BIGINT */
bool mr_type_is_numeric(mr_type type);   /* integers, DECIMAL, FLOAT, DOUBLE */
bool mr_type_is_text(mr_type type);      /* CHAR, VARCHAR */
bool mr_type_is_bytes(mr_type type);     /* BINARY, VARBINARY */
bool mr_type_is_timestamp(mr_type type); /* TIMESTAMP, TIMESTAMP_LTZ */

#define MR_TYPE_NAME_MAX 512

/* SQL spelling, e.g. "DECIMAL(10, 2) NOT NULL"; cut at `size`. Returns `to`. */
char *mr_type_name(mr_type type, char *to, size_t size);

#endif
