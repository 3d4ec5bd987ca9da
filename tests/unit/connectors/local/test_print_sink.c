/*
 * Goal: printed rows look as Flink's print connector writes them, and a file sink's lines are
 * whole. Method: one batch of every kind of column to a file in memory.
 */
#include "connectors/local/print_sink.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static char *print(const mr_print_sink_config *config, const mr_batch *batch, uint32_t *failed)
{
    char *text = NULL;
    size_t size = 0;
    mr_print_sink_config with_file = *config;
    with_file.to = open_memstream(&text, &size);
    mr_sink *sink;
    mr_error err = {0};
    mr_row_errors errors = {.arena = batch->arena};
    cr_assert_eq(mr_print_sink_open(&with_file, &sink, &err), MR_OK);
    cr_assert_not(sink->is_transactional);
    cr_assert_eq(sink->class->write(sink, &(mr_sink_write){0}, batch, &errors, &err), MR_OK);
    cr_assert_eq(sink->class->flush(sink, &err), MR_OK);
    sink->class->close(sink);
    fclose(with_file.to);
    *failed = errors.count;
    return text;
}

Test(print_sink, writes_rows_as_flink_does)
{
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(9, 1, &arena);
    batch.columns[0] = mr_vector_new(mr_type_string(), 1, &arena);
    batch.columns[1] = mr_vector_new(mr_type_of(MR_TYPE_INT), 1, &arena);
    batch.columns[2] = mr_vector_new(mr_type_time(MR_TYPE_TIMESTAMP, 3), 1, &arena);
    batch.columns[3] = mr_vector_new(mr_type_decimal(5, 2), 1, &arena);
    batch.columns[4] = mr_vector_new(mr_type_of(MR_TYPE_BOOLEAN), 1, &arena);
    batch.columns[5] = mr_vector_new(mr_type_of(MR_TYPE_DOUBLE), 1, &arena);
    batch.columns[6] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 1, &arena);
    batch.columns[7] = mr_vector_new(mr_type_of(MR_TYPE_INTERVAL_MONTH), 1, &arena);
    batch.columns[8] = mr_vector_new(mr_type_of(MR_TYPE_INTERVAL_SECOND), 1, &arena);
    batch.columns[7].i32[0] = -14;
    batch.columns[8].i64[0] = INT64_C(93784500000);
    batch.columns[0].strings[0] = mr_string_of("JFK", 3);
    batch.columns[1].i32[0] = -12;
    batch.columns[2].i64[0] = INT64_C(1700000000123000);
    batch.columns[3].i128[0] = 150;
    batch.columns[4].bools[0] = 1;
    batch.columns[5].f64[0] = 0.25;
    mr_vector_set_null(&batch.columns[6], 0, 1, &arena);
    uint32_t failed;
    char *text = print(&(mr_print_sink_config){0}, &batch, &failed);
    cr_assert_str_eq(text, "+I[JFK, -12, 2023-11-14T22:13:20.123, 1.50, true, 0.25, null, -1-02, "
                           "+1 02:03:04.500]\n");
    free(text);
    mr_arena_release(&arena);
}

Test(print_sink, names_the_kind_and_the_identifier_and_refuses_nulls)
{
    mr_arena arena = {0};
    mr_batch batch = mr_batch_new(1, 5, &arena);
    batch.columns[0] = mr_vector_new(mr_type_of(MR_TYPE_BIGINT), 5, &arena);
    batch.kind = mr_arena_alloc(&arena, 5);
    for (uint32_t r = 0; r < 5; r++) {
        batch.columns[0].i64[r] = r;
        batch.kind[r] = (uint8_t)(r % 4);
    }
    mr_vector_set_null(&batch.columns[0], 4, 5, &arena);
    mr_field field = {"n", mr_type_not_null(mr_type_of(MR_TYPE_BIGINT))};
    mr_print_sink_config config = {.identifier = "job", .schema = {1, &field}};
    uint32_t failed;
    char *text = print(&config, &batch, &failed);
    cr_assert_str_eq(text, "job> +I[0]\njob> -U[1]\njob> +U[2]\njob> -D[3]\n");
    cr_assert_eq(failed, 1);
    free(text);
    mr_arena_release(&arena);
}
