/*
 * Goal: a dead letter holds the original byte for byte and says what happened; policies and the
 * budget do what the table says. Method: records through a source stage, and rows that an operator
 * made, to a writer that keeps them.
 */
#include "engine/run/dead/errors_relation.h"
#include "tests/unit/engine/run/stage_fixture.h"

#include <criterion/criterion.h>

static bool has(const letter *l, const char *header)
{
    return strstr(l->headers, header) != NULL;
}

Test(dead_letter, holds_the_record_untouched_and_its_coordinates)
{
    stage_fixture f;
    stage_init(&f);
    f.source.errors.mode = MR_ERRORS_DLQ;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "1|1 bro\"ken@77 1|13"), MR_OK);
    cr_assert_eq(f.letters_count, 2);
    const letter *l = &f.letters[0];
    cr_assert_str_eq(l->topic, "dlq");
    cr_assert_str_eq(l->key, "the key");
    cr_assert_str_eq(l->value, "bro\"ken");
    cr_assert(l->partition == 2 && l->timestamp_ms == 77);
    cr_assert(has(l, "__streams.errors.exception=MR3999;"));
    cr_assert(has(l, "__streams.errors.message=not time|amount;"));
    cr_assert(has(l, "__streams.errors.topic=orders;"));
    cr_assert(has(l, "__streams.errors.partition=2;"));
    cr_assert(has(l, "__streams.errors.offset=101;"));
    cr_assert(has(l, "__millrace.errors.job=shop;"));
    cr_assert(has(l, "__millrace.errors.operator=orders;"));
    cr_assert(has(l, "__millrace.errors.stage=decode;"));
    cr_assert(has(l, "__millrace.errors.code=MR3999;"));
    cr_assert(has(l, "__millrace.errors.time=43200000;"));
    cr_assert_not(has(l, "__millrace.errors.expression"));
    l = &f.letters[1];
    cr_assert_str_eq(l->value, "1|13");
    cr_assert(has(l, "__millrace.errors.stage=process;"));
    cr_assert(has(l, "__millrace.errors.expression=CHECKED(amount);"));
    stage_close(&f);
}

static const mr_header *two_headers(const mr_records *records, uint32_t i, mr_arena *arena,
                                    uint32_t *count)
{
    static const mr_header headers[] = {{"trace", "abc", 3}, {"empty", "", 0}};
    (void)records;
    (void)i;
    (void)arena;
    *count = 2;
    return headers;
}

Test(dead_letter, keeps_the_headers_of_the_record_before_its_own)
{
    stage_fixture f;
    stage_init(&f);
    mr_record record = {.offset = 9, .timestamp_ms = MR_TIME_NONE, .value = NULL};
    mr_records records = {
        .topic = "orders", .partition = 9, .count = 1, .record = &record, .headers = two_headers};
    mr_errors_policy policy = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"};
    mr_log_site site = {0};
    mr_row_errors errors = {.arena = &f.arena};
    mr_row_errors_add(&errors, 0, 3001, "why");
    mr_dead_rows rows = {.policy = &policy,
                         .site = &site,
                         .stage = "decode",
                         .operator= "orders",
                         .records = &records,
                         .errors = &errors,
                         .arena = &f.arena};
    cr_assert_eq(mr_dead_letters_send(&f.io, &rows, &f.err), MR_OK);
    const letter *l = &f.letters[0];
    cr_assert_eq(strncmp(l->headers, "trace=abc;empty=;__streams.", 27), 0);
    cr_assert(!l->has_key && !l->has_value);
    cr_assert_eq(l->partition, MR_PARTITION_BY_KEY); /* the DLQ has but four partitions */
    stage_close(&f);
}

Test(dead_letter, of_a_made_row_is_the_row_as_text)
{
    stage_fixture f;
    stage_init(&f);
    mr_batch batch = mr_batch_new(1, 2, &f.arena);
    batch.columns[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 2, &f.arena);
    batch.columns[0].i64[1] = 42;
    mr_errors_policy policy = {.mode = MR_ERRORS_DLQ, .dlq_topic = "dlq"};
    mr_log_site site = {0};
    mr_row_errors errors = {.arena = &f.arena};
    mr_row_errors_add(&errors, 1, 3201, "SUM does not fit its type");
    mr_dead_rows rows = {.policy = &policy,
                         .site = &site,
                         .stage = "process",
                         .operator= "v/window",
                         .batch = &batch,
                         .errors = &errors,
                         .arena = &f.arena};
    cr_assert_eq(mr_dead_letters_send(&f.io, &rows, &f.err), MR_OK);
    cr_assert_str_eq(f.letters[0].value, "{\"c0\":42}");
    cr_assert_not(f.letters[0].has_key);
    cr_assert_not(has(&f.letters[0], "__streams.errors.topic"));
    mr_batch relation = mr_errors_rows(&rows);
    cr_assert_eq(relation.rows, 1);
    cr_assert(mr_string_equals(relation.columns[0].strings[0], mr_string_of("MR3201", 6)));
    cr_assert(mr_vector_is_null(&relation.columns[7], 0));
    stage_close(&f);
}

Test(dead_letter, policies_log_ignore_and_fail)
{
    stage_fixture f;
    stage_init(&f);
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "broken broken 1|7"), MR_OK);
    cr_assert_eq(f.letters_count, 1); /* the constraint says DLQ itself */
    cr_assert_not_null(strstr(f.log, "code=MR3999 at=orders[2]@100"));
    cr_assert_null(strstr(strchr(f.log, '\n') + 1, "row failed")); /* one line a second */
    stage_close(&f);
    stage_init(&f);
    f.source.errors.mode = MR_ERRORS_IGNORE;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "broken"), MR_OK);
    cr_assert(f.letters_count == 0 && f.log[0] == '\0');
    stage_close(&f);
    stage_init(&f);
    f.source.errors.mode = MR_ERRORS_FAIL;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "1|1 broken"), MR_E_ROWS_FAIL);
    cr_assert_not_null(strstr(f.err.message, "orders[2]@101"));
    cr_assert_not_null(strstr(f.err.message, "MR3999"));
    stage_close(&f);
}

Test(dead_letter, what_the_log_did_not_show_is_counted_once)
{
    stage_fixture f;
    stage_init(&f);
    f.source.constraints_count = 0;
    stage_open(&f);
    cr_assert_eq(stage_run(&f, "broken broken broken"), MR_OK);
    mr_source_stage_tell_rest(f.stage, &f.io);
    cr_assert_not_null(strstr(f.log, "rows failed operator=orders more=2:"), "%s", f.log);
    size_t length = strlen(f.log);
    mr_source_stage_tell_rest(f.stage, &f.io);
    cr_assert_eq(strlen(f.log), length);
    stage_close(&f);
}
