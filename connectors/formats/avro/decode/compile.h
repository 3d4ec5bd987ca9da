/*
 * Compiles what is wanted of a writer's schema into a program (program.h).
 * Thread: pure. Memory: the program's own arena; it needs neither schema afterwards.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_COMPILE_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_COMPILE_H

#include "connectors/formats/avro/decode/want.h"

/* MR_E_AVRO_RESOLVE: no record of this schema can be read as the columns wanted; the message names
 * the field and both types. The caller releases the program also after an error. */
mr_status mr_avro_compile(const mr_avro_schema *writer, const mr_avro_want *top,
                          mr_avro_program *program, mr_error *err) MR_MUST_USE;

/* An all-zero program may be released. */
void mr_avro_program_release(mr_avro_program *program);

#endif
