/* Any bytes as a JSON record: no crash, no read outside of the record, and the verdict and the
 * values of an independent library. Built without libFuzzer it replays the files it is given. */
#include "tests/harness/json_oracle.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int narrow = 0; narrow < 2; narrow++) {
        mr_json_oracle oracle;
        mr_json_oracle_init(&oracle, narrow == 1);
        /* Twice: the second time member names stand where the decoder expects them. */
        for (int i = 0; i < 2; i++) {
            const char *wrong = mr_json_oracle_check(&oracle, (const char *)data, size);
            if (wrong != NULL) {
                fprintf(stderr, "%s\n", wrong);
                abort();
            }
        }
        mr_json_oracle_release(&oracle);
    }
    return 0;
}
