/*
 * A source of `time|amount` records for tests of the source stage and of dead letters, and a writer
 * that keeps what it is given. Amount 13 fails its computed column; constraints forbid 7 (DLQ), 8
 * (as the table says) and 9 (DROP).
 */
#ifndef MR_TESTS_UNIT_ENGINE_RUN_STAGE_FIXTURE_H
#define MR_TESTS_UNIT_ENGINE_RUN_STAGE_FIXTURE_H

#include "engine/run/source_stage.h"

#define LETTERS_MAX 16
#define RECORDS_MAX 16

typedef struct letter {
    char topic[32], key[64], value[256], headers[1024]; /* headers: name=value; */
    bool has_key, has_value;
    int32_t partition;
    int64_t timestamp_ms;
} letter;

typedef struct stage_fixture {
    mr_arena arena;
    mr_plan_source source;
    mr_source_column columns[3];
    mr_constraint constraints[3];
    mr_expr_context context;
    mr_log_writer writer;
    letter letters[LETTERS_MAX];
    uint32_t letters_count;
    char log[2048];
    mr_logger logger;
    mr_task_io io;
    mr_record record[RECORDS_MAX];
    mr_records records;
    mr_source_stage *stage;
    mr_watermark wm;
    mr_source_result result;
    mr_error err;
} stage_fixture;

/* Set `source` as needed, then `stage_open`. */
void stage_init(stage_fixture *f);
void stage_open(stage_fixture *f);
void stage_close(stage_fixture *f);

/* Runs one fetch of records separated by blanks; `@N` behind a record is its timestamp. */
mr_status stage_run(stage_fixture *f, const char *script);

#endif
