/*
 * Error codes of records that a format cannot read and of rows it cannot write (31xx).
 * Stable: users see them as MR<code> in dead letters and logs.
 */
#ifndef MR_CONNECTORS_FORMATS_CODES_H
#define MR_CONNECTORS_FORMATS_CODES_H

enum {
    /* any format */
    MR_E_FIELD_TYPE = 3100,    /* a value of a kind that cannot become the column's type */
    MR_E_FIELD_VALUE = 3101,   /* the text does not spell a value of the column's type */
    MR_E_FIELD_RANGE = 3102,   /* the value is outside the type's range */
    MR_E_FIELD_MISSING = 3103, /* fail-on-missing-field: the record has no such field */
    MR_E_FIELD_NULL = 3104,    /* NULL for a NOT NULL column */
    MR_E_TEXT_UTF8 = 3105,     /* text that is not UTF-8 */

    /* json, decoding */
    MR_E_JSON_SYNTAX = 3110, /* not JSON, or cut short */
    MR_E_JSON_STRING = 3111, /* control character, bad escape or lone surrogate in a string */
    MR_E_JSON_DEPTH = 3112,  /* nested too deep */
    MR_E_JSON_SHAPE = 3113,  /* JSON, but no object at the top */
    MR_E_JSON_BEHIND = 3114, /* something follows the document */

    /* json, encoding */
    MR_E_JSON_FINITE = 3120, /* NaN or Infinity, which JSON cannot spell */

    /* raw */
    MR_E_RAW_LENGTH = 3130, /* not as many bytes as the type has */

    /* csv, decoding */
    MR_E_CSV_QUOTE = 3140,  /* a quoted field that is not closed, or goes on behind its quote */
    MR_E_CSV_ESCAPE = 3141, /* an escape character with nothing behind it */
    MR_E_CSV_WIDTH = 3142,  /* more or fewer fields than the table has columns */
    MR_E_CSV_BEHIND = 3143, /* something follows the row's line end */

    /* csv, encoding */
    MR_E_CSV_UNQUOTED = 3145, /* text that needs quotes, and quotes are disabled */

    /* avro, decoding */
    MR_E_AVRO_SHORT = 3150,      /* the record ends within a value */
    MR_E_AVRO_NUMBER = 3151,     /* a varint of more than 10 bytes, or outside of int */
    MR_E_AVRO_LENGTH = 3152,     /* a negative length or count, or one larger than the record */
    MR_E_AVRO_INDEX = 3153,      /* no such branch of a union, or symbol of an enum */
    MR_E_AVRO_BOOLEAN = 3154,    /* a boolean that is neither 0 nor 1 */
    MR_E_AVRO_DEPTH = 3155,      /* nested too deep, or too many items of no bytes */
    MR_E_AVRO_BEHIND = 3156,     /* something follows the record */
    MR_E_AVRO_WIRE = 3157,       /* not in the registry's wire format: 0, four bytes of schema id */
    MR_E_AVRO_RESOLVE = 3158,    /* the writer's schema cannot be read as the table's columns */
    MR_E_AVRO_SCHEMA = 3159,     /* a schema that is none */
    MR_E_AVRO_UNKNOWN_ID = 3160, /* a schema id that the registry does not know */
    MR_E_AVRO_CONTAINER = 3161,  /* a damaged object container file, or block of one */

    /* avro, encoding */
    MR_E_AVRO_VALUE = 3165, /* a value the schema has no place for */
};

#endif
