/*
 * One value of text into one row of a column: what JSON and every later text format share.
 *
 * The text of a field is first known to be well-formed by its format; here it becomes a value of
 * the column's type. Thread: pure. Memory: strings are views into the text; what must be made
 * (base64) lies in `arena`.
 */
#ifndef MR_CONNECTORS_FORMATS_TEXT_CONVERT_H
#define MR_CONNECTORS_FORMATS_TEXT_CONVERT_H

#include "connectors/formats/text/number.h"
#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/batch/vector.h"

typedef enum mr_convert_outcome {
    MR_CONVERT_STORED = 0,
    MR_CONVERT_NULL, /* a decimal that does not fit its type: NULL, as everywhere in SQL */
    MR_CONVERT_BAD,  /* `problem` says why; the row's value is unspecified */
} mr_convert_outcome;

typedef struct mr_convert_problem {
    mr_status code;     /* MR_E_FIELD_* */
    const char *reason; /* static text */
} mr_convert_problem;

/* A number token into an integer, DECIMAL, FLOAT or DOUBLE column. */
mr_convert_outcome mr_convert_number(const mr_number *number, mr_vector *to, uint32_t row,
                                     mr_convert_problem *problem);

/* Text into a column of any type but the nested ones. Numbers may stand in text (" 42 "),
 * BOOLEAN is true or false in any case, FLOAT and DOUBLE know NaN and [-]Infinity, BYTES are
 * base64, timestamps use `separator` between date and time, TIMESTAMP_LTZ ends in `Z`. */
mr_convert_outcome mr_convert_text(const char *text, uint32_t length, char separator, mr_vector *to,
                                   uint32_t row, mr_arena *arena, mr_convert_problem *problem);

/* `value` within the range of a TINYINT, SMALLINT, INT or BIGINT column is stored. */
mr_convert_outcome mr_convert_i64(int64_t value, mr_vector *to, uint32_t row,
                                  mr_convert_problem *problem);

#endif
