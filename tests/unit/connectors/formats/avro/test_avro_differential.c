/* The decoder against Avro C: random schemas and values, and the same with bytes changed. */
#include "tests/harness/avro_oracle.h"

#include <criterion/criterion.h>

#define SCHEMAS 1000
#define DOCUMENTS 50
#define MUTANTS 2 /* of each document */

Test(avro_differential, reads_what_avro_c_writes_and_takes_nothing_it_does_not)
{
    uint32_t documents = 0, mutants_taken = 0, mutants = 0;
    mr_buffer bytes = {0};
    for (uint64_t seed = 1; seed <= SCHEMAS; seed++) {
        mr_avro_oracle *oracle = mr_avro_oracle_new(seed);
        for (int i = 0; i < DOCUMENTS; i++) {
            bool is_taken = false;
            mr_avro_oracle_make(oracle, &bytes);
            const char *wrong = mr_avro_oracle_check(oracle, bytes.data, bytes.length, &is_taken);
            cr_assert_null(wrong, "seed %d, document %d: %s", (int)seed, i, wrong);
            cr_assert(is_taken, "seed %d, document %d was refused: %s", (int)seed, i,
                      mr_avro_oracle_schema(oracle));
            documents++;
            for (int m = 0; m < MUTANTS; m++) {
                mr_avro_oracle_mutate(oracle, &bytes);
                wrong = mr_avro_oracle_check(oracle, bytes.data, bytes.length, &is_taken);
                cr_assert_null(wrong, "seed %d, document %d, mutant %d: %s", (int)seed, i, m,
                               wrong);
                mutants_taken += is_taken;
                mutants++;
            }
        }
        mr_avro_oracle_free(oracle);
    }
    mr_buffer_release(&bytes);
    cr_assert_eq(documents, 50000);
    /* Neither all nor none of them: the mutants do bite, and some stay readable. */
    cr_expect(mutants_taken > mutants / 20 && mutants_taken < mutants * 19 / 20, "%u of %u taken",
              mutants_taken, mutants);
}
