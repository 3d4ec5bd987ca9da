/*
 * The JSON decoder against an independent library: same verdict on every document, same values.
 *
 * Three decoders see each document: one that reads columns of several types, one that fails on
 * bad fields, one without columns (all is skipped). Verdicts must agree with the library's
 * whatever is read. Thread: one at a time.
 */
#ifndef MR_TESTS_HARNESS_JSON_ORACLE_H
#define MR_TESTS_HARNESS_JSON_ORACLE_H

#include "engine/ports/codec.h"

typedef struct mr_json_oracle {
    mr_decoder *lenient; /* ignore-parse-errors: every document is read to its end */
    mr_decoder *strict;
    mr_decoder *blind; /* no columns */
    mr_arena arena;
    uint64_t accepted;
    uint64_t refused;
    uint64_t unknown; /* the library has a limit of its own there */
    uint64_t values;  /* compared */
    char message[512];
} mr_json_oracle;

/* `is_narrow`: the decoder as it runs on a machine without AVX2. */
void mr_json_oracle_init(mr_json_oracle *oracle, bool is_narrow);
void mr_json_oracle_release(mr_json_oracle *oracle);

/* NULL when all agree, else what does not (lives in the oracle). */
const char *mr_json_oracle_check(mr_json_oracle *oracle, const char *text, size_t length);

#endif
