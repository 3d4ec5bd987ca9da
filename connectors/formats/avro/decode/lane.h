/*
 * The fast lane: straight programs over many records at once.
 *
 * Most records are plain fields one behind the other, some of them unions with null. Such a program
 * (program.h) becomes a list of *steps*, one a field, and a list of steps is run over all records
 * of a batch in one loop: no operation is looked up that is not a value, and what a record costs
 * beside its fields is paid for the batch.
 *
 *   {"auction": long, "url": ["null", string], "tags": fixed(4)}
 *
 *   OPTION_STRING and the like: the branch and the value are one step
 *   LONG column 0 | OPTION_STRING column 1, branch 1 | SKIP_FIXED 4 | END
 *
 * The lane decides nothing but "this is a row". Whatever it is not sure of, it declines, and the
 * machine has the last word about that record: what is wrong with it, and where.
 * Nothing outside of a record is read. Thread and memory: the machine's.
 */
#ifndef MR_CONNECTORS_FORMATS_AVRO_DECODE_LANE_H
#define MR_CONNECTORS_FORMATS_AVRO_DECODE_LANE_H

#include "connectors/formats/avro/decode/machine.h"
#include "engine/batch/record.h"

/* What records of one writer's schema begin with: REGISTRY's magic byte and schema id. */
typedef struct mr_avro_prefix {
    uint64_t bytes; /* the first `length`, as read into an integer; the rest is 0 */
    uint32_t length;
} mr_avro_prefix;

/* Gives the program its steps, when it is straight. */
void mr_avro_lane_build(mr_avro_program *program);

/* Decodes the values of `records` from `from` on, as long as the lane takes them: row `*row`
 * onwards, whose record goes to `rows`. Returns the first record that it declines, or `count`; the
 * row of that one is clean. */
uint32_t mr_avro_lane_run(mr_avro_machine *machine, mr_avro_program *program,
                          const mr_avro_prefix *prefix, const mr_record *records, uint32_t from,
                          uint32_t count, uint32_t *rows, uint32_t *row);

#endif
