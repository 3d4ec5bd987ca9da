/*
 * Avro C as the oracle of our Avro decoder: random schemas, random values written by Avro C's
 * generic values, and the same bytes read by both.
 *
 * A document counts as agreed when ours reads it and every column holds what Avro C's value holds,
 * or when ours refuses it. What Avro C wrote itself must not be refused. Of mutated bytes that ours
 * takes, Avro C must give the same values and the same length; the reverse is not asked, since Avro
 * C lets much pass (booleans of 7, text that is no UTF-8, bytes behind the record). Thread: one at
 * a time.
 */
#ifndef MR_TESTS_HARNESS_AVRO_ORACLE_H
#define MR_TESTS_HARNESS_AVRO_ORACLE_H

#include "engine/base/buffer.h"

typedef struct mr_avro_oracle mr_avro_oracle;

/* A random schema of the seed's, with some of its fields as columns. */
mr_avro_oracle *mr_avro_oracle_new(uint64_t seed);
void mr_avro_oracle_free(mr_avro_oracle *oracle);

/* The schema's text. */
const char *mr_avro_oracle_schema(const mr_avro_oracle *oracle);

/* Writes the next random value to `bytes`, emptied first. */
void mr_avro_oracle_make(mr_avro_oracle *oracle, mr_buffer *bytes);

/* NULL: agreed; *is_taken: ours made a row of it. Else what differs. */
const char *mr_avro_oracle_check(mr_avro_oracle *oracle, const char *bytes, size_t length,
                                 bool *is_taken);

/* Changes, cuts or lengthens some bytes. */
void mr_avro_oracle_mutate(mr_avro_oracle *oracle, mr_buffer *bytes);

#endif
