/*
 * raw: the bytes of a key or value as one column, without any structure.
 *
 *   CHAR, VARCHAR       UTF-8 text (checked)      BOOLEAN     one byte, 0 is false
 *   BINARY, VARBINARY   the bytes                 TINYINT..   1, 2, 4, 8 bytes, big-endian unless
 *                                                 FLOAT, DOUBLE   raw.endianness says otherwise
 * A NULL key or value is NULL, and NULL is written as a NULL key or value.
 * Errors of records: MR_E_RAW_LENGTH, MR_E_TEXT_UTF8, MR_E_FIELD_NULL.
 */
#ifndef MR_CONNECTORS_FORMATS_RAW_FORMAT_H
#define MR_CONNECTORS_FORMATS_RAW_FORMAT_H

#include "connectors/formats/format.h"

extern const mr_format mr_format_raw;

#endif
